"""Signing in."""

import asyncio
import json
from base64 import b64decode, urlsafe_b64decode
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from engine.connect.faults import Transient
from engine.connect.http_connector import HttpConnector
from engine.connect.settings import Secret, Settings
from engine.connect.simulator import Response
from engine.effect import FaultClass, Receipt
from engine.errors import ConfigurationError
from tests.connect.toy import MANIFEST, Toy, connector, effect, plan

AUTH = "auth: {oauth2: client_credentials, token: /token}"
PUT = effect("put", key="k")


def pem(key) -> Secret:
    return Secret(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def manifest_with(auth: str) -> str:
    """The toy's manifest with another way to sign in, for a connection that says where the toy is."""
    anywhere = MANIFEST.replace("https://{host}/api", "'{host}'").replace(
        'pattern: "[a-z.]+"', 'pattern: ".+"'
    )
    return anywhere.replace(AUTH, auth)


def written(toy: Toy, auth: str, values: dict, *, now=None, times: int = 1):
    """Writes with another way to sign in, through a connection that is no simulated one; the last outcome."""

    async def all_of_them():
        settings = Settings(connection="toy", environment="prod", values={"host": toy.base_url, **values})
        opened = HttpConnector(plan(manifest_with(auth)), settings, now=now or toy.now)
        try:
            return [(await opened.write([PUT]))[0] for _ in range(times)][-1]
        finally:
            await opened.aclose()

    return asyncio.run(all_of_them())


def decoded(part: str):
    return json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_client_credentials(toy):
    values = {"auth.client_id": Secret("me"), "auth.client_secret": Secret("p:w d")}
    assert isinstance(written(toy, AUTH, values), Receipt)
    asked = toy.seen[0]
    assert asked.form() == {"grant_type": "client_credentials"}
    assert b64decode(asked.headers["authorization"].removeprefix("Basic ")) == b"me:p%3Aw+d"
    assert toy.seen[1].bearer == "toy-token-1"


@pytest.mark.parametrize(
    "algorithm, key, imported",
    [
        ("ES256", ec.generate_private_key(ec.SECP256R1()), ECKey),
        ("RS256", rsa.generate_private_key(65537, 2048), RSAKey),
    ],
    ids=["ES256", "RS256"],
)
def test_jwt_bearer(toy, algorithm, key, imported):
    auth = f"auth: {{oauth2: jwt_bearer, token: /token, audience: 'https://login', algorithm: {algorithm}}}"
    values = {"auth.client_id": "me", "auth.subject": "robot", "auth.key_id": "7", "auth.key": pem(key)}
    noon = datetime.now(UTC)
    written(toy, auth, values, now=lambda: noon)
    form = toy.seen[0].form()
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    public = imported.import_key(values["auth.key"].reveal())
    token = jwt.decode(form["assertion"], public, algorithms=[algorithm])
    assert token.header == {"alg": algorithm, "typ": "JWT", "kid": "7"}
    assert {name: token.claims[name] for name in ("iss", "sub", "aud")} == {
        "iss": "me",
        "sub": "robot",
        "aud": "https://login",
    }
    assert token.claims["exp"] - token.claims["iat"] == 300


def test_client_assertion(toy):
    way = "oauth2: client_assertion, token: /token, algorithm: ES256"
    auth = f"auth: {{{way}, scopes: [a, b], scope_separator: ','}}"
    key = pem(ec.generate_private_key(ec.SECP256R1()))
    written(toy, auth, {"auth.client_id": "me", "auth.key": key})
    form = toy.seen[0].form()
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    claims = decoded(form["client_assertion"].split(".")[1])
    assert (claims["aud"], claims["scope"]) == (f"{toy.base_url}/token", "a,b")


def test_refresh_token_that_is_replaced(toy):
    answers = [
        {"access_token": toy.issue_token(), "refresh_token": "second", "expires_in": 10},
        {"access_token": toy.issue_token(), "expires_in": 10},
    ]
    toy._token = lambda call: (toy.seen.append(call), Response(body=answers.pop(0)))[1]
    toy._routes[0] = (*toy._routes[0][:3], toy._token)
    values = {
        "auth.client_id": "me",
        "auth.client_secret": Secret("s"),
        "auth.refresh_token": Secret("first"),
    }
    moments = iter(datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=20 * step) for step in range(50))
    way = "auth: {oauth2: refresh_token, token: /token}"
    written(toy, way, values, now=lambda: next(moments), times=2)
    forms = [call.form() for call in toy.seen if call.path.endswith("/token")]
    assert [form["refresh_token"] for form in forms] == ["first", "second"]


@pytest.mark.parametrize(
    "auth, values, header, sent",
    [
        ("{bearer: true}", {"auth.token": Secret("t0ken")}, "authorization", "Bearer t0ken"),
        (
            "{basic: true}",
            {"auth.username": "u", "auth.password": Secret("p")},
            "authorization",
            "Basic dTpw",
        ),
        ("{api_key: X-Api-Key}", {"auth.key": Secret("k3y")}, "x-api-key", "k3y"),
    ],
)
def test_fixed_proofs(toy, auth, values, header, sent):
    toy.is_public = lambda call: (toy.seen.append(call), True)[1]
    assert isinstance(written(toy, f"auth: {auth}", values), Receipt)
    assert toy.seen[0].headers[header] == sent


def test_a_system_that_asks_for_no_proof_is_sent_none(toy):
    toy.is_public = lambda call: (toy.seen.append(call), True)[1]
    assert isinstance(written(toy, "", {}), Receipt)
    assert "authorization" not in {name.lower() for name in toy.seen[0].headers}


def test_fixed_proof_that_is_refused_waits_for_a_person(toy):
    failure = written(toy, "auth: {bearer: true}", {"auth.token": Secret("wrong")})
    assert failure.fault is FaultClass.TRANSIENT
    assert len(toy.journal.requests) == 1


def test_connection_chooses_among_several_ways(toy):
    auth = "auth: [{bearer: true}, {oauth2: client_credentials, token: /token}]"
    values = {"auth.oauth2": "client_credentials", "auth.client_id": "me", "auth.client_secret": "s"}
    assert isinstance(written(toy, auth, values), Receipt)


@pytest.mark.parametrize(
    "auth, values",
    [
        ("{oauth2: client_credentials}", {}),
        ("{bearer: true}", {}),
        ("{python: a dance}", {}),
        ("{bearer: true}", {"auth.oauth2": "jwt_bearer"}),
    ],
)
def test_ways_that_cannot_work(toy, auth, values):
    with pytest.raises(ConfigurationError):
        written(toy, f"auth: {auth}", values)


def test_key_that_is_none(toy):
    auth = "auth: {oauth2: jwt_bearer, token: /token}"
    with pytest.raises(ConfigurationError, match="no private key for RS256"):
        written(toy, auth, {"auth.client_id": "me", "auth.subject": "robot", "auth.key": Secret("-----")})


@pytest.mark.parametrize(
    "answer",
    [
        Response(status=400, body={"error": "invalid_client"}),
        Response(status=200, body={"token": "x"}),
        Response(status=200, body=b"<html>"),
        Response(status=200, body=[1]),
    ],
)
def test_no_token_for_our_credentials(toy, write, answer):
    toy._routes[0] = (*toy._routes[0][:3], lambda _: answer)
    failure = write(PUT)
    assert failure.fault is FaultClass.TRANSIENT
    assert "credentials" in failure.reason


@pytest.mark.requirement("API-07")
def test_many_who_wait_get_one_token(toy):
    async def crowd():
        opened = connector(toy)
        first = await opened.write([effect("put", key=f"k{n}") for n in range(10)])
        toy.expire_tokens()
        second = await opened.write([effect("put", key=f"k{n}") for n in range(10)])
        await opened.aclose()
        return [*first, *second]

    assert all(isinstance(outcome, Receipt) for outcome in asyncio.run(crowd()))
    assert len([call for call in toy.seen if call.path.endswith("/token")]) == 2


def test_new_token_that_is_refused_too_ends_there(toy, write):
    toy.answer = Response(status=401, body={"error": "no"})
    failure = write(PUT)
    assert failure.fault is FaultClass.TRANSIENT
    assert len([call for call in toy.seen if call.method == "PUT"]) == 2


def test_token_is_renewed_before_it_ends(toy):
    moment = [datetime.now(UTC)]

    async def two():
        opened = connector(toy)
        opened._sign_in._now = lambda: moment[0]
        await opened.write([PUT])
        moment[0] += timedelta(seconds=3600 - 61)
        await opened.write([PUT])
        before = toy._issued
        moment[0] += timedelta(seconds=2)
        await opened.write([PUT])
        await opened.aclose()
        return before, toy._issued

    assert asyncio.run(two()) == (1, 2)


def test_reading_without_a_token_is_a_fault(toy, ask):
    toy._routes[0] = (*toy._routes[0][:3], lambda _: Response(status=500))
    with pytest.raises(Transient, match="no token"):
        ask(lambda opened: opened.read("thing", {"key": "k"}))
