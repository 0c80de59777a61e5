"""Every scheme by which a sender is known, each against what a vendor's own code would send."""

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha1, sha256

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from engine.connect.settings import Secret
from engine.connect.signatures import DeliveryRefused, Sent, prove
from tests.connect import toy

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
STAMP = str(int(NOON.timestamp()))
BODY = json.dumps({"things": [{"id": "1"}]}).encode()
SECRETS = (Secret("n" * 32), Secret("o" * 32))
URL = "https://tide.example/hooks/crm/won"


def plan(webhook):
    told = toy.MANIFEST.partition("  told:\n")
    text = f"{told[0]}  told:\n    webhook: {webhook}\n    output: thing.json\n"
    return toy.plan(text).sources["told"].webhook


def mac(secret, text, digest=sha256):
    return hmac.new(secret.encode(), text, digest)


def github(secret):
    return {"x-hub-signature-256": f"sha256={mac(secret, BODY).hexdigest()}"}


def old_github(secret):
    return {"x-hub-signature": f"sha1={mac(secret, BODY, sha1).hexdigest()}"}


def stripe(secret, at=STAMP):
    signature = mac(secret, f"{at}.".encode() + BODY).hexdigest()
    return {"stripe-signature": f"t={at},v1={'0' * 64},v1={signature},v0=6ffbb59b"}


def hubspot(secret):
    stamp = f"{STAMP}000"
    text = b"POST" + URL.encode() + BODY + stamp.encode()
    return {
        "x-hubspot-signature-v3": base64.b64encode(mac(secret, text).digest()).decode(),
        "x-hubspot-request-timestamp": stamp,
    }


def standard(secret):
    text = f"msg_1.{STAMP}.".encode() + BODY
    signature = base64.b64encode(mac(secret, text).digest()).decode()
    return {"webhook-id": "msg_1", "webhook-timestamp": STAMP, "webhook-signature": f"v1,{signature}"}


def jira(secret):
    claims = {"iss": "jira", "exp": int(NOON.timestamp()) + 60}
    return {"authorization": "Bearer " + jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(secret))}


def basic(secret):
    return {"authorization": "Basic " + base64.b64encode(secret.encode()).decode()}


HUBSPOT = (
    "{signature: hmac_sha256, header: X-HubSpot-Signature-v3, encoding: base64, time_unit: milliseconds,"
    ' signed: "{method}{url}{body}{timestamp}", timestamp: X-HubSpot-Request-Timestamp}'
)
STANDARD = (
    '{signature: hmac_sha256, header: webhook-signature, encoding: base64, prefix: "v1,", id: webhook-id,'
    ' timestamp: webhook-timestamp, signed: "{id}.{timestamp}.{body}"}'
)
SCHEMES = {
    "GitHub": ("{signature: hmac_sha256, header: X-Hub-Signature-256, prefix: sha256=}", github),
    "GitHub of old": ("{signature: hmac_sha1, header: X-Hub-Signature, prefix: sha1=}", old_github),
    "Stripe": (
        '{signature: hmac_sha256, header: Stripe-Signature, pairs: {}, signed: "{timestamp}.{body}"}',
        stripe,
    ),
    "HubSpot v3": (
        HUBSPOT,
        hubspot,
    ),
    "Standard Webhooks": (
        STANDARD,
        standard,
    ),
    "Jira, of an app": ("{signature: jwt_hs256}", jira),
    "GitLab": ("{signature: token, header: X-Gitlab-Token}", lambda secret: {"x-gitlab-token": secret}),
    "a bearer token": ("{signature: bearer}", lambda secret: {"authorization": f"Bearer {secret}"}),
    "a password": ("{signature: basic}", basic),
}


def proved(scheme, headers, body=BODY, at=NOON, **more):
    found = plan(SCHEMES[scheme][0])
    try:
        prove(found, SECRETS, Sent(headers=headers, body=body, **{"url": URL, **more}), at)
    except DeliveryRefused as refused:
        return refused.status
    return "proved"


@pytest.mark.requirement("API-09")
@pytest.mark.parametrize("scheme", SCHEMES)
def test_who_has_one_of_the_secrets_is_believed_and_nobody_else(scheme):
    sign = SCHEMES[scheme][1]
    assert [proved(scheme, sign(secret.reveal())) for secret in SECRETS] == ["proved"] * 2
    assert proved(scheme, sign("x" * 32)) == 401
    assert proved(scheme, {}) == 401
    assert proved(scheme, dict.fromkeys(sign("n" * 32), "")) == 401


@pytest.mark.parametrize("scheme", ["GitHub", "GitHub of old", "Stripe", "HubSpot v3", "Standard Webhooks"])
def test_what_is_signed_is_the_body_to_the_byte(scheme):
    assert proved(scheme, SCHEMES[scheme][1]("n" * 32), BODY + b" ") == 401


@pytest.mark.parametrize(
    "scheme, minutes",
    [
        *(
            (scheme, minutes)
            for scheme in ("Stripe", "HubSpot v3", "Standard Webhooks")
            for minutes in (-6, 6)
        ),
        ("Jira, of an app", 6),
    ],
)
def test_a_proof_of_another_time_is_forbidden(scheme, minutes):
    assert proved(scheme, SCHEMES[scheme][1]("n" * 32), at=NOON + timedelta(minutes=minutes)) == 403


def test_where_it_was_sent_is_a_part_of_what_was_signed():
    assert proved("HubSpot v3", hubspot("n" * 32), url="https://elsewhere.example/hooks/crm/won") == 401
    assert proved("HubSpot v3", hubspot("n" * 32), method="PUT") == 401


@pytest.mark.parametrize("stamp", ["", "-1", "9" * 40, "1e9", "\u0663", f"{STAMP},t=1", "nan"])
def test_a_time_that_is_none(stamp):
    assert proved("Stripe", stripe("n" * 32, stamp)) in {401, 403}


@pytest.mark.parametrize("claims", [{}, {"exp": "soon"}, {"exp": 9**12, "nbf": 9**11}])
def test_a_token_says_until_when_it_is_good(claims):
    token = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key("n" * 32))
    assert proved("Jira, of an app", {"authorization": f"Bearer {token}"}) == 403


def test_a_token_that_is_signed_by_nothing_is_refused():
    head, body = (
        base64.urlsafe_b64encode(part).rstrip(b"=").decode()
        for part in (b'{"alg":"none"}', b'{"exp":9999999999}')
    )
    assert proved("Jira, of an app", {"authorization": f"Bearer {head}.{body}."}) == 401
