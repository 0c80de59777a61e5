"""Which settings a connector knows, by its manifest."""

import pytest

from engine.connect import broker
from engine.connect.known_settings import BROKERS, known_settings
from tests.connect.opening import read_spec

SPEC = """
connector: toy
version: 1
owner: us
api: {{name: Toy, version: "1"}}
base_url: {base_url}
settings: {{region: Where it is., path: {{about: Below., default: api}}}}
{more}
operations: {{}}
"""


def known(base_url="https://{region}.example/{path}", more=""):
    return known_settings(read_spec("toy", SPEC.format(base_url=f'"{base_url}"', more=more)))


OWN = {"simulated", "region", "path"}


def test_every_kind_of_broker_is_known():
    assert set(BROKERS) == set(broker.BROKERS)


def test_those_of_the_manifest():
    assert known() == OWN


@pytest.mark.parametrize(
    "auth, names",
    [
        ("{bearer: true}", {"bearer", "token"}),
        ("{basic: true}", {"basic", "username", "password"}),
        ("{api_key: X-Key}", {"api_key", "key"}),
        ("{oauth2: jwt_bearer, token: /t}", {"oauth2", "client_id", "subject", "key", "key_id"}),
        ("{oauth2: client_assertion, token: /t}", {"oauth2", "client_id", "key", "key_id"}),
        ("{oauth2: refresh_token, token: /t}", {"oauth2", "client_id", "client_secret", "refresh_token"}),
        ("{python: of its own}", {"*"}),
        (
            "[{bearer: true}, {oauth2: client_credentials, token: /t}]",
            {"bearer", "token", "client_id", "client_secret", "oauth2"},
        ),
    ],
)
def test_those_of_its_ways_to_sign_in(auth, names):
    assert known(more=f"auth: {auth}") == OWN | {f"auth.{name}" for name in names}


@pytest.mark.parametrize(
    "base_url, some",
    [("file:", "folder"), ("sftp:", "host_key"), ("nats:", "server"), ("kafka:", "auth.mechanism")],
)
def test_those_of_what_is_no_http(base_url, some):
    assert some in known(base_url)
