"""What a run asks of the world: one named tuple a command.

``key`` names the answer within the run: the runtime brings it back under that key, and the ledger
records it under that key, so that the same run decided again asks and is answered alike.
"""

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from engine.plan.delay import Delay
from engine.plan.policy import Hold
from engine.values.value import Value


class ReadCommand(NamedTuple):
    """Ask a system for a record."""

    key: str
    step: str
    connection: str
    operation: str
    parameters: Mapping[str, Value]
    missing_is_null: bool
    cache_seconds: int


class LookUpCommand(NamedTuple):
    """Ask the ledger which id an entity has in another system."""

    key: str
    entity: str
    canonical_id: str
    system: str


class WriteCommand(NamedTuple):
    """Write a record to a system, once. The effect's key is unique in the ledger."""

    key: str
    effect_key: str
    step: str
    item: str | None
    connection: str
    operation: str
    payload: Mapping[str, Value]
    links: tuple[tuple[str, str], ...]  # entity and canonical id that the receipt's id belongs to


class EmitCommand(NamedTuple):
    """Accept an event that a flow says has happened."""

    key: str
    effect_key: str
    step: str
    event: str
    data: Mapping[str, Value]


class HoldCommand(NamedTuple):
    """Open a hold."""

    key: str
    hold_id: str
    step: str
    item: str | None
    policy: str
    owner: str | None
    reason: str
    hold: Hold
    amount: Value = None  # the money at stake, where the policy says it
    match: str | None = None  # what an event that ends it says, where an index can find that
    calendar_keys: tuple[str | None, ...] = ()  # of its escalations in their order, then of its expiry


class CloseHoldCommand(NamedTuple):
    """Close a hold: its policy was checked again and no longer holds."""

    hold_id: str
    event_id: str  # after which it was checked; "" where no event brought that about
    why: str = "checked again"


class WaitCommand(NamedTuple):
    """Tell the run when an event arrives."""

    key: str
    wait_id: str
    step: str
    item: str | None
    event: str
    match: str | None  # what the event says, where an index can find that
    timeout: Delay | None
    calendar_key: str | None
    look_back_seconds: int | None


class AlertCommand(NamedTuple):
    """Tell somebody."""

    alert_id: str
    step: str
    policy: str
    to: str
    severity: str
    message: str


Command: TypeAlias = (
    ReadCommand
    | LookUpCommand
    | WriteCommand
    | EmitCommand
    | HoldCommand
    | CloseHoldCommand
    | WaitCommand
    | AlertCommand
)
