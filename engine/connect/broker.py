"""A connection to a message broker: where it is and how one signs in. Who listens to it is not known here.

Settings: `server` (such as nats://host:4222, or tls://host:4222), and `auth.username` with `auth.password`,
or `auth.token`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.connect.connector import Outcome
from engine.connect.faults import permanent
from engine.connect.settings import Secret, Settings
from engine.effect import Effect, Failure, FaultClass, Receipt
from engine.values.value import Value

BROKERS = ("nats:",)  # the beginnings of the base URLs of connectors that are brokers


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a broker is, and how one signs in."""

    server: str
    username: str | None
    password: Secret | None
    token: Secret | None


class BrokerConnector:
    """A connection to a broker: its streams are listened to, and no records written or read."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is opened here.

        Raises:
            ConfigurationError: when the server is not set.

        """
        known = settings.values
        self._name = settings.connection
        self.address = Address(
            server=settings.text("server"),
            username=settings.text("auth.username") if "auth.username" in known else None,
            password=settings.secrets("auth.password")[0] if "auth.password" in known else None,
            token=settings.secrets("auth.token")[0] if "auth.token" in known else None,
        )

    async def write(self, effects: Sequence[Effect]) -> Sequence[Outcome]:
        """Refuse: a broker is only listened to."""
        reason = f"{self._name} is a broker that is listened to, and takes no records"
        return [Failure(fault=FaultClass.PERMANENT, reason=reason) for _ in effects]

    async def read(self, operation: str, parameters: object) -> Value:
        """Refuse: a broker answers no questions."""
        del operation, parameters
        raise permanent(f"{self._name} is a broker, and answers no questions")

    async def look_up(self, effect: Effect) -> Receipt | None:
        """Refuse: nothing is written to a broker."""
        del effect
        raise permanent(f"{self._name} is a broker that is listened to, and takes no records")

    async def aclose(self) -> None:
        """Nothing is held."""
