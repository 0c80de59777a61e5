"""What is to be done outside, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from engine.values.value import Value


class Effect(NamedTuple):
    """One write to one system, decided and not yet done.

    The key is computed from flow, event, step and item, so that deciding again gives the same one.
    """

    key: str
    connection: str
    operation: str
    payload: Mapping[str, Value]  # the record to write, as the operation's input schema says
    attempt: int = 1


class Receipt(NamedTuple):
    """Proof that an effect was applied."""

    external_id: str | None  # the id that the target gave the record
    body: Mapping[str, Value] = MappingProxyType({})  # what the operation returns
    found: bool = False  # it had been applied before: a look-up or an upsert told so


class FaultClass(StrEnum):
    """How an error from outside is classed, at the door and nowhere else."""

    TRANSIENT = "transient"  # nothing happened; try again later
    PERMANENT = "permanent"  # refused; the same again is refused again
    UNKNOWN = "unknown"  # it may have happened
    CLOSED_PERIOD = "closed_period"  # refused because the accounting period is closed


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One attempt that brought no receipt, as data."""

    fault: FaultClass
    reason: str  # one sentence for a person in the business
    evidence: Mapping[str, Value] = field(default_factory=dict)  # status, code, excerpt; secrets masked
    retry_after_seconds: int | None = None
