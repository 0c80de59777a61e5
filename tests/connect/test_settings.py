"""Settings of connections, and secrets that nothing shows."""

import pytest

from engine.connect.base_url import filled_base_url
from engine.connect.settings import Secret, Settings, resolve_settings, secret_resolver
from engine.errors import ConfigurationError
from tests.connect import toy


@pytest.fixture
def resolve(tmp_path):
    (tmp_path / "key.pem").write_text("a key\n", encoding="utf-8")
    (tmp_path.parent / "outside").write_text("x", encoding="utf-8")
    return secret_resolver({"NS_CLIENT": "client", "ACCOUNT": "42"}, tmp_path)


@pytest.mark.requirement("API-09")
def test_references_are_resolved(resolve):
    written = {
        "account": {"env": "ACCOUNT"},
        "auth": {"client_id": {"secret": "env/NS_CLIENT"}, "key": {"secret": "file/key.pem"}},
        "port": 8080,
    }
    found = resolve_settings("erp", "prod", written, resolve)
    assert (found.text("account"), found.text("auth.client_id"), found.text("auth.key")) == (
        "42",
        "client",
        "a key",
    )
    assert found.text("port") == "8080"
    assert set(found.hidden()) == {"client", "a key"}


@pytest.mark.requirement("API-09")
def test_two_secrets_hold_while_one_is_replaced(resolve):
    written = {"webhook_secret": [{"secret": "env/NS_CLIENT"}, {"secret": "file/key.pem"}]}
    found = resolve_settings("crm", "prod", written, resolve)
    assert [secret.reveal() for secret in found.secrets("webhook_secret")] == ["client", "a key"]


@pytest.mark.parametrize(
    "reference",
    ["env/NOBODY", "env/", "file/nothing", "file/../outside", "vault/x", "NS_CLIENT"],
)
def test_reference_that_leads_nowhere(resolve, reference):
    with pytest.raises(ConfigurationError):
        resolve_settings("erp", "prod", {"auth": {"key": {"secret": reference}}}, resolve)


@pytest.mark.parametrize("written", [None, "text", {"a": ["x"]}])
def test_what_is_no_setting(resolve, written):
    with pytest.raises(ConfigurationError):
        resolve_settings("erp", "prod", written, resolve)


def test_missing_setting_is_named():
    with pytest.raises(ConfigurationError, match="'erp' has no setting 'account' in environment 'prod'"):
        Settings(connection="erp", environment="prod").text("account")


def test_simulated_connection_needs_no_secret():
    def resolve(reference: str) -> str:
        raise AssertionError(reference)

    found = resolve_settings(
        "erp", "demo", {"simulated": True, "auth": {"key": {"secret": "env/X"}}}, resolve
    )
    assert found.simulated
    assert found.text("anything") == "simulated"


def test_secrets_are_not_shown():
    settings = Settings(connection="erp", environment="prod", values={"auth.key": Secret("hush-hush")})
    assert "hush" not in f"{settings} {settings!r} {Secret('hush-hush')!s} {[Secret('hush')]}"


@pytest.mark.parametrize(
    "host, fine", [("api.acme.com", True), ("acme.com/evil", False), ("a@b", False), ("A", False)]
)
def test_base_url_takes_what_its_pattern_allows(host, fine):
    spec = toy.plan().spec
    settings = Settings(connection="toy", environment="prod", values={"host": host})
    if fine:
        assert filled_base_url(spec, settings) == f"https://{host}/api"
    else:
        with pytest.raises(ConfigurationError, match="host"):
            filled_base_url(spec, settings)


def test_the_address_of_a_simulator_has_the_path_of_the_system():
    def filled(address):
        return filled_base_url(toy.plan().spec, toy.settings(address))

    with pytest.raises(ConfigurationError, match=r"its simulator listens on 'http://127\.0\.0\.1:8001/api'"):
        filled("http://127.0.0.1:8001")
    assert filled("http://127.0.0.1:8001/api") == "http://127.0.0.1:8001/api"
    assert filled("http://127.0.0.1:8001/") == "http://127.0.0.1:8001/"


def test_simulated_connection_needs_a_simulator():
    settings = Settings(connection="toy", environment="demo", simulated=True)
    with pytest.raises(ConfigurationError, match="no simulator runs"):
        filled_base_url(toy.plan().spec, settings)
