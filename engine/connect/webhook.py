"""Deliveries of webhooks: proving the sender, and taking the records out of the body.

Pure: whoever listens gives headers, body and the time, and answers the sender with what comes back. Nothing
of a delivery is looked at before its signature held.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.connect.connector_plan import SourcePlan
from engine.connect.settings import Secret
from engine.connect.signatures import DeliveryRefused, Sent, prove
from engine.connect.sorting import sort_out
from engine.language.compiled import Compiled, EvaluationError
from engine.values.json_text import JsonError, read_json
from engine.values.value import Value

LONGEST_ID = 200  # characters of the name of a delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What a delivery brought."""

    id: str | None  # the sender's name for it; the same again is the same delivery
    items: Sequence[Value]  # native records, decoded as the source's output schema says
    unfit: Sequence[tuple[Value, str]]  # records that cannot be used, each with the reason


def receive(source: SourcePlan, secrets: Sequence[Secret], sent: Sent, now: datetime) -> Delivery:
    """The records of a delivery whose sender is proved.

    Raises:
        DeliveryRefused: when its signature does not hold, it is too old, or it cannot be read.

    """
    plan = source.webhook
    if plan is None:
        raise DeliveryRefused(404, f"{source.name} takes no deliveries")
    if plan.signature != "none":
        prove(plan, secrets, sent, now)
    try:
        said = read_json(sent.body)
    except JsonError as error:
        raise DeliveryRefused(400, f"the body is no JSON: {error}") from error
    name = sent.headers.get(plan.id) if plan.id else _found(plan.message, sent.headers, said)
    if name is not None and (not isinstance(name, str | int) or len(str(name)) > LONGEST_ID):
        raise DeliveryRefused(400, f"the name of a delivery is a text of at most {LONGEST_ID} characters")
    items, unfit = sort_out(source, _items(source.items, sent.headers, said))
    return Delivery(id=None if name is None else str(name), items=items, unfit=unfit)


def _items(path: Compiled | None, headers: Mapping[str, str], body: Value) -> Sequence[Value]:
    if path is None:
        return body if isinstance(body, list) else [body]
    found = _found(path, headers, body)
    if not isinstance(found, list):
        raise DeliveryRefused(422, "the body has no list of records where it should be")
    return found


def _found(path: Compiled | None, headers: Mapping[str, str], body: Value) -> Value:
    """What a path of the manifest finds in a delivery."""
    if path is None:
        return None
    header: dict[str, Value] = {name.replace("-", "_"): value for name, value in headers.items()}
    try:
        return path.call({"status": 200, "header": header, "body": body, "payload": None})
    except EvaluationError as error:
        raise DeliveryRefused(422, f"the body has not what it should have: {error}") from error
