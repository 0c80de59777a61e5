"""What the world did, raised: the four classes of fault, each carrying a :class:`Failure`.

::

    Fault            one attempt that brought no answer we can build on
    ├── Transient    nothing happened; try again later
    ├── Permanent    refused; the same again is refused again
    ├── Unknown      it may have happened
    └── ClosedPeriod refused because the accounting period is closed

A read raises them; a write returns the failure inside, one for each effect of a batch. An error is
classed once, at this door, by whoever talks to the system; everything above sees these classes only.
"""

from collections.abc import Mapping

from engine.effect import Failure, FaultClass
from engine.values.value import Value


class Fault(Exception):
    """One attempt that brought no answer we can build on; ``failure`` says which class, and why."""

    def __init__(self, failure: Failure) -> None:
        """Carry the failure; its reason is the message."""
        super().__init__(failure.reason)
        self.failure = failure


class Transient(Fault):
    """Nothing happened; try again later."""


class Permanent(Fault):
    """Refused; the same again is refused again."""


class Unknown(Fault):
    """It may have happened."""


class ClosedPeriod(Fault):
    """Refused because the accounting period is closed."""


_CLASSES = {
    FaultClass.TRANSIENT: Transient,
    FaultClass.PERMANENT: Permanent,
    FaultClass.UNKNOWN: Unknown,
    FaultClass.CLOSED_PERIOD: ClosedPeriod,
}


def fault_of(failure: Failure) -> Fault:
    """The exception for a failure, of its class."""
    return _CLASSES[failure.fault](failure)


def permanent(reason: str, evidence: Mapping[str, Value] | None = None) -> Permanent:
    """A refusal in one sentence, for the many places that find one."""
    return Permanent(Failure(fault=FaultClass.PERMANENT, reason=reason, evidence=evidence or {}))
