"""Deliveries of webhooks: proving the sender, and taking the records out of the body.

Pure: whoever listens gives headers, body and the time, and answers the sender with what comes back. Nothing
of a delivery is looked at before its signature held.
"""

import hmac
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from engine.connect.connector_plan import SourcePlan, WebhookPlan
from engine.connect.settings import Secret
from engine.connect.sorting import sort_out
from engine.language.compiled import Compiled, EvaluationError
from engine.values.json_text import JsonError, read_json
from engine.values.value import Value


class DeliveryRefused(Exception):
    """A delivery that is not taken: ``status`` is for the sender, the message for the log."""

    def __init__(self, status: int, message: str) -> None:
        """Say how to answer, and why."""
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What a delivery brought."""

    id: str | None  # the sender's name for it; the same again is the same delivery
    items: Sequence[Value]  # native records, decoded as the source's output schema says
    unfit: Sequence[tuple[Value, str]]  # records that cannot be used, each with the reason


def receive(
    source: SourcePlan, secrets: Sequence[Secret], headers: Mapping[str, str], body: bytes, now: datetime
) -> Delivery:
    """The records of a delivery whose sender is proved. Header names are in lower case.

    Raises:
        DeliveryRefused: when its signature does not hold, it is too old, or it cannot be read.

    """
    plan = source.webhook
    if plan is None:
        raise DeliveryRefused(404, f"{source.name} takes no deliveries")
    if plan.signature != "none":
        _prove(plan, secrets, headers, body, now)
    try:
        said = read_json(body)
    except JsonError as error:
        raise DeliveryRefused(400, f"the body is no JSON: {error}") from error
    items, unfit = sort_out(source, _items(source.items, headers, said))
    return Delivery(id=headers.get(plan.id) if plan.id else None, items=items, unfit=unfit)


def _prove(
    plan: WebhookPlan, secrets: Sequence[Secret], headers: Mapping[str, str], body: bytes, now: datetime
) -> None:
    given = headers.get(plan.header or "", "")
    signed = _signed(plan, headers, body)
    # Every secret is tried, and in constant time, so that nothing is learnt from how long it takes.
    matches = [hmac.compare_digest(_signature(plan, secret, signed), given.encode()) for secret in secrets]
    if not any(matches):
        raise DeliveryRefused(401, "the signature does not hold")
    if plan.timestamp is not None and not _is_fresh(plan, headers.get(plan.timestamp, ""), now):
        raise DeliveryRefused(401, "the delivery is too old, or its time is none")


def _signed(plan: WebhookPlan, headers: Mapping[str, str], body: bytes) -> bytes:
    values = {
        b"{id}": headers.get(plan.id or "", "").encode(),
        b"{timestamp}": headers.get(plan.timestamp or "", "").encode(),
        b"{body}": body,
    }
    signed, rest = b"", plan.signed.encode()
    while rest:
        name = next((name for name in values if rest.startswith(name)), None)
        signed += rest[:1] if name is None else values[name]
        rest = rest[1:] if name is None else rest[len(name) :]
    return signed


def _signature(plan: WebhookPlan, secret: Secret, signed: bytes) -> bytes:
    digest = hmac.digest(secret.reveal().encode(), signed, sha256)
    text = digest.hex() if plan.encoding == "hex" else b64encode(digest).decode()
    return f"{plan.prefix}{text}".encode()


def _is_fresh(plan: WebhookPlan, stamp: str, now: datetime) -> bool:
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 11):
        return False
    return abs(now - datetime.fromtimestamp(int(stamp), UTC)) <= plan.tolerance


def _items(path: Compiled | None, headers: Mapping[str, str], body: Value) -> Sequence[Value]:
    if path is None:
        return body if isinstance(body, list) else [body]
    header: dict[str, Value] = {name.replace("-", "_"): value for name, value in headers.items()}
    try:
        found = path.call({"status": 200, "header": header, "body": body, "payload": None})
    except EvaluationError as error:
        raise DeliveryRefused(422, f"the body has no records where they should be: {error}") from error
    if not isinstance(found, list):
        raise DeliveryRefused(422, "the body has no list of records where it should be")
    return found
