"""Which settings a connector knows: those that its manifest names, and those of its way to sign in.

Their values are checked when a connection is opened. A name that nobody knows would pass unseen until then,
and what it was meant for would be missing in production.
"""

from engine.connect.connector_spec import AuthSpec, ConnectorSpec

_SIMULATED = "simulated"
_OAUTH2 = {
    "client_credentials": ("client_id", "client_secret"),
    "client_assertion": ("client_id", "key", "key_id"),
    "jwt_bearer": ("client_id", "subject", "key", "key_id"),
    "refresh_token": ("client_id", "client_secret", "refresh_token"),
}
# Of those that are no HTTP, by the scheme of the base URL.
_FOLDER = ("folder",)
_SFTP = ("server", "folder", "host_key", "auth.username", "auth.password", "auth.key")
# Those of `engine.connect.broker`, which takes long to import for who only checks a workspace.
BROKERS = ("nats:", "amqp:", "kafka:")
_BROKER = (
    "server",
    "auth.username",
    "auth.password",
    "auth.token",
    "auth.mechanism",
    "tls.ca_file",
    "tls.certificate_file",
    "tls.key_file",
)


def known_settings(spec: ConnectorSpec) -> frozenset[str]:
    """The names of all settings, inner ones joined by dots; `auth.*` where the connector itself signs in."""
    found = {_SIMULATED, *map(str, spec.settings), *_by_scheme(str(spec.base_url))}
    for way in spec.auth:
        found.update(f"auth.{name}" for name in _of_way(way))
    for source in spec.sources.values():
        if source.webhook is not None:
            hook = source.webhook
            found.update(str(name) for name in (hook.secret, hook.url, hook.url_key) if name)
    return frozenset(found)


def _by_scheme(base_url: str) -> tuple[str, ...]:
    if base_url.startswith("file:"):
        return _FOLDER
    if base_url.startswith("sftp:"):
        return _SFTP
    return _BROKER if base_url.startswith(BROKERS) else ()


def _of_way(way: AuthSpec) -> tuple[str, ...]:
    """The settings of a way to sign in, with the word by which a connection may name it."""
    if way.oauth2 is not None:
        return ("oauth2", *_OAUTH2[str(way.oauth2)])
    if way.bearer:
        return ("bearer", "token")
    if way.basic:
        return ("basic", "username", "password")
    return ("api_key", "key") if way.api_key is not None else ("*",)
