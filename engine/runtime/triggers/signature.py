"""Whether a delivery was signed by the system that it says it is from. Pure; compared in constant time."""

import base64
import hmac
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

from engine.connect import Secret
from engine.connect.connector_plan import WebhookPlan


def refusal(
    plan: WebhookPlan, secrets: tuple[Secret, ...], headers: Mapping[str, str], body: bytes, now: datetime
) -> str | None:
    """Why a delivery is not believed, in words that tell a stranger nothing; None when it is.

    `headers` are by name in lower case. Every secret that holds at present is tried, so that one can be
    replaced without losing a delivery.
    """
    if plan.signature == "none":
        return None
    given = headers.get(plan.header or "")
    if not given:
        return "the signature is missing"
    sent = headers.get(plan.timestamp) if plan.timestamp else None
    if plan.timestamp and not _fresh(sent, plan, now):
        return "the delivery is too old, or does not say when it was sent"
    signed = _signed(plan, headers, body)
    # All of them are compared, so that the time taken does not tell which one fits.
    fits = [hmac.compare_digest(_signature(plan, secret, signed), given.encode()) for secret in secrets]
    return None if any(fits) else "the signature does not fit"


def _fresh(sent: str | None, plan: WebhookPlan, now: datetime) -> bool:
    if sent is None or not sent.isascii() or not sent.isdigit() or len(sent) > 12:
        return False
    return abs(now.timestamp() - int(sent)) <= plan.tolerance.total_seconds()


def _signed(plan: WebhookPlan, headers: Mapping[str, str], body: bytes) -> bytes:
    """What the sender has signed: the pattern of the manifest, filled in."""
    parts = {"{id}": headers.get(plan.id or "", ""), "{timestamp}": headers.get(plan.timestamp or "", "")}
    text = plan.signed
    for name, value in parts.items():
        text = text.replace(name, value)
    before, _, after = text.partition("{body}")
    return before.encode() + body + after.encode()


def _signature(plan: WebhookPlan, secret: Secret, signed: bytes) -> bytes:
    digest = hmac.new(secret.reveal().encode(), signed, sha256).digest()
    text = digest.hex() if plan.encoding == "hex" else base64.b64encode(digest).decode()
    return (plan.prefix + text).encode()
