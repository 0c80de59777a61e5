"""Signing in: the headers that prove who we are, and getting them anew when they no longer do.

Tokens are got once for all requests that wait for one, kept until shortly before they end, and never
written anywhere. A refusal of our credentials is `Transient`: nothing happened, and work waits until a
person has put them right.
"""

import asyncio
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from urllib.parse import quote_plus

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from engine.connect.connector_spec import AuthSpec
from engine.connect.faults import fault_of
from engine.connect.http import Http, Reply, Request
from engine.connect.settings import Settings
from engine.effect import Failure, FaultClass
from engine.errors import ConfigurationError
from engine.values.json_text import JsonError

ASSERTION_LIFE = timedelta(minutes=5)
ASSUMED_LIFE = timedelta(minutes=30)  # of a token whose answer does not say
MARGIN = timedelta(seconds=60)
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"  # RFC 7523 section 2.1
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"  # section 2.2


class SignIn(Protocol):
    """What proves who we are."""

    async def headers(self) -> Mapping[str, str]:
        """The headers to send with a request."""
        ...

    def forget(self, headers: Mapping[str, str]) -> bool:
        """Take note that these were refused; whether asking again can bring others."""
        ...

    def hidden(self) -> tuple[str, ...]:
        """Texts that must not be seen."""
        ...


def sign_in(
    ways: tuple[AuthSpec, ...], settings: Settings, http: Http, now: Callable[[], datetime]
) -> SignIn:
    """The way to sign in that the connection chose, or the only one there is.

    A system that asks for none, or that only calls us, is sent no credentials.

    Raises:
        ConfigurationError: when the connection names a way that the connector has not, or lacks a setting.

    """
    way = _chosen(ways, settings)
    if way is None:
        return FixedSignIn({})
    if way.oauth2 is not None:
        return TokenSignIn(way, settings, http, now)
    if way.bearer:
        return FixedSignIn({"authorization": f"Bearer {settings.text('auth.token')}"})
    if way.basic:
        pair = f"{settings.text('auth.username')}:{settings.text('auth.password')}".encode()
        return FixedSignIn({"authorization": f"Basic {b64encode(pair).decode()}"})
    if way.api_key is not None:
        return FixedSignIn({str(way.api_key).lower(): settings.text("auth.key")})
    raise ConfigurationError(f"signing in by {way.python!r} needs the connector's own Python")


def _chosen(ways: tuple[AuthSpec, ...], settings: Settings) -> AuthSpec | None:
    asked = settings.values.get("auth.oauth2")
    if asked is None:
        return ways[0] if ways else None
    for way in ways:
        if way.oauth2 == asked:
            return way
    raise ConfigurationError(f"connection {settings.connection!r}: the connector has no sign-in {asked!r}")


@dataclass(frozen=True, slots=True)
class FixedSignIn:
    """Headers that stay the same."""

    fixed: Mapping[str, str]

    async def headers(self) -> Mapping[str, str]:
        """Always the same."""
        return self.fixed

    def forget(self, headers: Mapping[str, str]) -> bool:
        """Asking again cannot bring others."""
        return headers is not self.fixed

    def hidden(self) -> tuple[str, ...]:
        """The values, each whole and without the name of its scheme."""
        return tuple(part for value in self.fixed.values() for part in (value, value.split(" ")[-1]))


class TokenSignIn:
    """OAuth 2.0 (RFC 6749, RFC 7523): a bearer token that is got when needed."""

    def __init__(self, way: AuthSpec, settings: Settings, http: Http, now: Callable[[], datetime]) -> None:
        """Hold what a token is got with; nothing is sent yet."""
        self._way = way
        self._settings = settings
        self._http = http
        self._now = now
        self._alone = asyncio.Lock()
        self._held: Mapping[str, str] | None = None
        self._until = datetime.min.replace(tzinfo=UTC)
        self._refresh: str | None = None  # a refresh token that replaced the one of the settings
        self._key: RSAKey | ECKey | OKPKey | None = None
        if way.token is None:
            raise ConfigurationError("the connector does not say where a token is got")

    async def headers(self) -> Mapping[str, str]:
        """The header with the token; the first of those who wait gets it for all."""
        held = self._held
        if held is not None and self._now() < self._until:
            return held
        async with self._alone:
            if self._held is None or self._now() >= self._until:
                self._held = await self._get()
            return self._held

    def forget(self, headers: Mapping[str, str]) -> bool:
        """Drop the token, unless another took its place meanwhile."""
        if self._held is headers:
            self._held = None
        return True

    def hidden(self) -> tuple[str, ...]:
        """The token, and a refresh token that came with it."""
        held = tuple(value.removeprefix("Bearer ") for value in (self._held or {}).values())
        return (*held, self._refresh) if self._refresh else held

    async def _get(self) -> Mapping[str, str]:
        asked_at = self._now()
        form, headers = self._form(asked_at)
        body = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in form.items()).encode()
        reply = await self._http.send(
            Request(
                method="POST",
                target=str(self._way.token),
                headers={"content-type": "application/x-www-form-urlencoded", **headers},
                body=body,
            ),
            writes=False,
        )
        token, life = self._read(reply)
        self._until = asked_at + max(life - MARGIN, life / 2)
        return {"authorization": f"Bearer {token}"}

    def _read(self, reply: Reply) -> tuple[str, timedelta]:
        try:
            said = reply.json()
        except JsonError:
            said = None
        token = said.get("access_token") if isinstance(said, Mapping) else None
        if reply.status != 200 or not isinstance(said, Mapping) or not isinstance(token, str):
            raise fault_of(
                Failure(
                    fault=FaultClass.TRANSIENT,
                    reason=f"{self._http.name} gave no token for the credentials of this connection",
                    evidence={"status": reply.status, "path": str(self._way.token)},
                )
            )
        if isinstance(refreshed := said.get("refresh_token"), str):
            self._refresh = refreshed
        seconds = said.get("expires_in")
        if isinstance(seconds, int) and seconds > 0:
            return token, timedelta(seconds=seconds)
        written = self._way.expires_in
        return token, timedelta(seconds=written.seconds) if written else ASSUMED_LIFE

    def _form(self, now: datetime) -> tuple[dict[str, str], dict[str, str]]:
        way, settings = self._way, self._settings
        form: dict[str, str] = {}
        if way.scopes:
            form["scope"] = str(way.scope_separator).join(way.scopes)
        match str(way.oauth2):
            case "client_credentials":
                return {"grant_type": "client_credentials", **form}, self._client()
            case "refresh_token":
                token = self._refresh or settings.text("auth.refresh_token")
                return {"grant_type": "refresh_token", "refresh_token": token, **form}, self._client()
            case "jwt_bearer":
                assertion = self._assertion(now, settings.text("auth.subject"))
                return {"grant_type": JWT_BEARER, "assertion": assertion, **form}, {}
            case _:
                form |= {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE}
                return {**form, "client_assertion": self._assertion(now, settings.text("auth.client_id"))}, {}

    def _client(self) -> dict[str, str]:
        pair = ":".join(
            quote_plus(self._settings.text(f"auth.{name}")) for name in ("client_id", "client_secret")
        )
        return {"authorization": f"Basic {b64encode(pair.encode()).decode()}"}

    def _assertion(self, now: datetime, subject: str) -> str:
        """A signed statement of who we are, for the token endpoint and for a few minutes."""
        algorithm = str(self._way.algorithm)
        header = {"alg": algorithm, "typ": "JWT"}
        if "auth.key_id" in self._settings.values:
            header["kid"] = self._settings.text("auth.key_id")
        claims = {
            "iss": self._settings.text("auth.client_id"),
            "sub": subject,
            "aud": str(self._way.audience or f"{self._http.base}".rstrip("/") + str(self._way.token)),
            "iat": int(now.timestamp()),
            "exp": int((now + ASSERTION_LIFE).timestamp()),
        }
        if self._way.scopes and self._way.oauth2 == "client_assertion":
            claims["scope"] = str(self._way.scope_separator).join(self._way.scopes)
        if self._key is None:
            self._key = _signing_key(algorithm, self._settings)
        return jwt.encode(header, claims, self._key, algorithms=[algorithm])


def _signing_key(algorithm: str, settings: Settings) -> RSAKey | ECKey | OKPKey:
    """The key of the settings; a simulated system is content with one made on the spot."""
    made = "auth.key" not in settings.values or settings.simulated
    try:
        match algorithm:
            case "ES256":
                return ECKey.generate_key("P-256") if made else ECKey.import_key(settings.text("auth.key"))
            case "EdDSA":
                return (
                    OKPKey.generate_key("Ed25519") if made else OKPKey.import_key(settings.text("auth.key"))
                )
            case _:
                return RSAKey.generate_key(2048) if made else RSAKey.import_key(settings.text("auth.key"))
    except (JoseError, ValueError) as error:
        raise ConfigurationError(
            f"connection {settings.connection!r}: `auth.key` is no private key for {algorithm}"
        ) from error
