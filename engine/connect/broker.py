"""A connection to a message broker: where it is and how one signs in. Who listens to it is not known here.

Settings: `server` (such as nats://host:4222, amqps://host/vhost, or kafka://one:9092,two:9092);
`auth.username` with `auth.password`, or `auth.token`, and `auth.mechanism` for Kafka; the files
`tls.ca_file`, where the broker is known by an authority of your own, and `tls.certificate_file` with
`tls.key_file`, where it wants a certificate of ours.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass

from engine.connect.settings import SIMULATED, Secret, Settings
from engine.connect.source_only import SourceOnly
from engine.errors import ConfigurationError

# The beginnings of the base URLs of connectors that are brokers, and of their servers: plain, encrypted.
SCHEMES: Mapping[str, tuple[str, str]] = {
    "nats:": ("nats://", "tls://"),
    "amqp:": ("amqp://", "amqps://"),
    "kafka:": ("kafka://", "kafkas://"),
}
BROKERS = tuple(SCHEMES)
MECHANISMS = ("plain", "scram-sha-256", "scram-sha-512")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a broker is, and how one signs in."""

    server: str
    username: str | None
    password: Secret | None
    token: Secret | None
    mechanism: str = MECHANISMS[0]
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None

    @property
    def encrypted(self) -> bool:
        """Whether the line is encrypted."""
        return any(self.server.startswith(encrypted) for _, encrypted in SCHEMES.values())

    @property
    def hosts(self) -> list[str]:
        """The servers without their scheme, each host:port."""
        return [one.rpartition("//")[2].rstrip("/") for one in self.server.split(",")]

    def trust(self) -> ssl.SSLContext | None:
        """By whom the broker must be known, and our own certificate; nothing for a plain line.

        Raises:
            OSError: when a file cannot be read, or is no certificate.

        """
        if not self.encrypted:
            return None
        found = ssl.create_default_context(cafile=self.ca_file)
        if self.certificate_file is not None:
            found.load_cert_chain(self.certificate_file, self.key_file)
        return found


class BrokerConnector(SourceOnly):
    """A connection to a broker: its streams are listened to, and no records written or read."""

    def __init__(self, base_url: str, settings: Settings) -> None:
        """Nothing is opened here.

        Raises:
            ConfigurationError: when the server is not set or none of this kind, a mechanism is not known, or
                a certificate cannot be read.

        """
        super().__init__(settings.connection, "a broker")
        self.address = _address(settings)
        _check(settings.connection, base_url, self.address)

    async def aclose(self) -> None:
        """Nothing is held."""


def _address(settings: Settings) -> Address:
    def given(name: str) -> str | None:
        return settings.text(name) if name in settings.values else None

    def hidden(name: str) -> Secret | None:
        return settings.secrets(name)[0] if name in settings.values else None

    return Address(
        server=settings.text("server"),
        username=given("auth.username"),
        password=hidden("auth.password"),
        token=hidden("auth.token"),
        mechanism=(given("auth.mechanism") or MECHANISMS[0]).lower(),
        ca_file=given("tls.ca_file"),
        certificate_file=given("tls.certificate_file"),
        key_file=given("tls.key_file"),
    )


def _check(name: str, base_url: str, address: Address) -> None:
    """Refuse what would only be found out when the broker is called, and be told as its failure."""
    known = next((pair for scheme, pair in SCHEMES.items() if base_url.startswith(scheme)), ())
    if address.server != SIMULATED and known and not address.server.startswith(known):
        raise ConfigurationError(
            f"connection {name!r}: `server` is {address.server!r}, and begins with {' or '.join(known)}"
        )
    if address.mechanism not in MECHANISMS:
        raise ConfigurationError(
            f"connection {name!r}: `auth.mechanism` is {address.mechanism!r}; write one of "
            f"{', '.join(MECHANISMS)}"
        )
    if not address.encrypted and (address.ca_file or address.certificate_file):
        raise ConfigurationError(
            f"connection {name!r} has certificates, and its server is called without encryption: write "
            f"{known[1] if known else 'an encrypted address'}"
        )
    try:
        address.trust()
    except OSError as error:
        raise ConfigurationError(
            f"connection {name!r}: a certificate of `tls` cannot be read: {error}"
        ) from error
