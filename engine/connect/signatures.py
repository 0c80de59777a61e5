"""How the sender of a delivery is known: signatures over the body, shared tokens, passwords, signed tokens.

Pure. Every secret that holds at present is tried, and compared in constant time, so that nothing is learnt
from how long it takes. What a delivery says when it was sent is believed only after its signature held.
"""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from engine.connect.connector_plan import WebhookPlan
from engine.connect.settings import Secret

LONGEST_STAMP = 32  # characters


class DeliveryRefused(Exception):
    """A delivery that is not taken: ``status`` is for the sender, the message for the log."""

    def __init__(self, status: int, message: str) -> None:
        """Say how to answer, and why."""
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A delivery as it came in. Names of headers are in lower case."""

    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"
    url: str = ""  # to which the sender believes to have sent it


def prove(plan: WebhookPlan, secrets: Sequence[Secret], sent: Sent, now: datetime) -> None:
    """Make sure of who sent a delivery, and that it was sent just now.

    Raises:
        DeliveryRefused: 401 when nothing proves the sender, 403 when the proof is of another time.

    """
    said = _said(plan, sent.headers)
    matches = [_PROOFS[plan.signature](plan, secret, sent, said) for secret in secrets]
    if not any(matches):
        raise DeliveryRefused(401, "the signature does not hold")
    if plan.signature == "jwt_hs256":
        _require_valid(secrets, sent, now)
    elif said.stamp is not None:
        _require_fresh(plan, said.stamp, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What the headers of a delivery say of its signature: several while a secret is being replaced."""

    signatures: tuple[str, ...]
    stamp: str | None


def _said(plan: WebhookPlan, headers: Mapping[str, str]) -> _Said:
    given = headers.get(plan.header or "", "")
    stamp = None if plan.timestamp is None else headers.get(plan.timestamp, "")
    if plan.pairs is None:
        return _Said(signatures=(given,), stamp=stamp)
    pairs = [part.strip().partition("=")[::2] for part in given.split(",")[:16]]
    stamps = [value for name, value in pairs if name == plan.pairs.timestamp]
    found = tuple(value for name, value in pairs if name == plan.pairs.signature)
    return _Said(signatures=found, stamp=stamps[0] if len(stamps) == 1 else "")


def _by_hmac(plan: WebhookPlan, secret: Secret, sent: Sent, said: _Said) -> bool:
    digest = hmac.digest(secret.reveal().encode(), _signed(plan, sent, said), _HASHES[plan.signature])
    text = digest.hex() if plan.encoding == "hex" else b64encode(digest).decode()
    wanted = f"{plan.prefix}{text}".encode()
    return _any_is(wanted, said.signatures)


def _any_is(wanted: bytes, given: Sequence[str]) -> bool:
    """Whether one is what is wanted; all are compared, whichever it is."""
    matches = [hmac.compare_digest(wanted, one.encode()) for one in given]
    return any(matches)


def _signed(plan: WebhookPlan, sent: Sent, said: _Said) -> bytes:
    """The text that was signed; what is put in is never looked at again."""
    values = {
        b"{id}": sent.headers.get(plan.id or "", "").encode(),
        b"{timestamp}": (said.stamp or "").encode(),
        b"{body}": sent.body,
        b"{method}": sent.method.encode(),
        b"{url}": sent.url.encode(),
    }
    signed, rest = b"", plan.signed.encode()
    while rest:
        name = next((name for name in values if rest.startswith(name)), None)
        signed += rest[:1] if name is None else values[name]
        rest = rest[1:] if name is None else rest[len(name) :]
    return signed


def _by_token(plan: WebhookPlan, secret: Secret, sent: Sent, said: _Said) -> bool:
    del sent
    wanted = f"{plan.prefix}{secret.reveal()}".encode()
    return _any_is(wanted, said.signatures)


def _by_bearer(plan: WebhookPlan, secret: Secret, sent: Sent, said: _Said) -> bool:
    del plan, said
    return hmac.compare_digest(secret.reveal().encode(), _authorization(sent, "bearer").encode())


def _by_password(plan: WebhookPlan, secret: Secret, sent: Sent, said: _Said) -> bool:
    """The secret is `name:password`."""
    del plan, said
    try:
        given = b64decode(_authorization(sent, "basic"), validate=True)
    except ValueError:
        given = b""
    return hmac.compare_digest(secret.reveal().encode(), given)


def _by_jwt(plan: WebhookPlan, secret: Secret, sent: Sent, said: _Said) -> bool:
    del plan, said
    return _claims(secret, sent) is not None


def _claims(secret: Secret, sent: Sent) -> Mapping[str, object] | None:
    """What a signed token says; None when it was not signed with this secret."""
    # Late: few sources sign like this, and every command that knows connectors would wait for it.
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import OctKey

    try:
        key = OctKey.import_key(secret.reveal())
        return jwt.decode(_authorization(sent, "bearer"), key, algorithms=["HS256"]).claims
    except (JoseError, ValueError):
        return None


def _require_valid(secrets: Sequence[Secret], sent: Sent, now: datetime) -> None:
    """A signed token is good from its `nbf` to its `exp`, which it has to have."""
    claims = next(found for secret in secrets if (found := _claims(secret, sent)) is not None)
    ends, begins = claims.get("exp"), claims.get("nbf", 0)
    at = now.timestamp()
    if not isinstance(ends, int) or not isinstance(begins, int) or not begins <= at <= ends:
        raise DeliveryRefused(403, "the token of this delivery is not valid at this time")


def _authorization(sent: Sent, scheme: str) -> str:
    said, _, value = sent.headers.get("authorization", "").partition(" ")
    return value.strip() if said.lower() == scheme else ""


def _require_fresh(plan: WebhookPlan, stamp: str, now: datetime) -> None:
    at = _instant(plan, stamp)
    if at is None or abs(now - at) > plan.tolerance:
        raise DeliveryRefused(403, "the delivery is too old, or its time is none")


def _instant(plan: WebhookPlan, stamp: str) -> datetime | None:
    if not (stamp.isascii() and len(stamp) <= LONGEST_STAMP):
        return None
    try:
        if plan.time_unit == "iso":
            found = datetime.fromisoformat(stamp)
            return None if found.tzinfo is None else found
        if not stamp.isdigit():
            return None
        seconds = int(stamp) // (1000 if plan.time_unit == "milliseconds" else 1)
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


_HASHES = MappingProxyType({"hmac_sha256": "sha256", "hmac_sha1": "sha1"})
_PROOFS: Mapping[str, Callable[[WebhookPlan, Secret, Sent, _Said], bool]] = MappingProxyType(
    {
        "hmac_sha256": _by_hmac,
        "hmac_sha1": _by_hmac,
        "token": _by_token,
        "bearer": _by_bearer,
        "basic": _by_password,
        "jwt_hs256": _by_jwt,
    }
)
