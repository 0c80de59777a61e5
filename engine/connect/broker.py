"""A connection to a message broker: where it is and how one signs in. Who listens to it is not known here.

Settings: `server` (such as nats://host:4222, or tls://host:4222), and `auth.username` with `auth.password`,
or `auth.token`.
"""

from dataclasses import dataclass

from engine.connect.settings import Secret, Settings
from engine.connect.source_only import SourceOnly

BROKERS = ("nats:",)  # the beginnings of the base URLs of connectors that are brokers


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a broker is, and how one signs in."""

    server: str
    username: str | None
    password: Secret | None
    token: Secret | None


class BrokerConnector(SourceOnly):
    """A connection to a broker: its streams are listened to, and no records written or read."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is opened here.

        Raises:
            ConfigurationError: when the server is not set.

        """
        known = settings.values
        super().__init__(settings.connection, "a broker")
        self.address = Address(
            server=settings.text("server"),
            username=settings.text("auth.username") if "auth.username" in known else None,
            password=settings.secrets("auth.password")[0] if "auth.password" in known else None,
            token=settings.secrets("auth.token")[0] if "auth.token" in known else None,
        )

    async def aclose(self) -> None:
        """Nothing is held."""
