"""What a run asks of the world: one frozen dataclass a command.

``key`` names the answer within the run: the runtime brings it back under that key, and the ledger
records it under that key, so that the same run decided again asks and is answered alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from engine.plan.policy import Hold
from engine.values.value import Value


@dataclass(frozen=True, slots=True)
class ReadCommand:
    """Ask a system for a record."""

    key: str
    step: str
    connection: str
    operation: str
    parameters: Mapping[str, Value]
    missing_is_null: bool
    cache_seconds: int


@dataclass(frozen=True, slots=True)
class LookUpCommand:
    """Ask the ledger which id an entity has in another system."""

    key: str
    entity: str
    canonical_id: str
    system: str


@dataclass(frozen=True, slots=True)
class WriteCommand:
    """Write a record to a system, once. The effect's key is unique in the ledger."""

    key: str
    effect_key: str
    step: str
    item: str | None
    connection: str
    operation: str
    payload: Mapping[str, Value]
    links: tuple[tuple[str, str], ...]  # entity and canonical id that the receipt's id belongs to


@dataclass(frozen=True, slots=True)
class EmitCommand:
    """Accept an event that a flow says has happened."""

    key: str
    effect_key: str
    step: str
    event: str
    data: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class HoldCommand:
    """Open a hold."""

    key: str
    hold_id: str
    step: str
    item: str | None
    policy: str
    owner: str | None
    reason: str
    hold: Hold


@dataclass(frozen=True, slots=True)
class CloseHoldCommand:
    """Close a hold: its policy was checked again and no longer holds."""

    hold_id: str
    event_id: str  # after which it was checked


@dataclass(frozen=True, slots=True)
class WaitCommand:
    """Tell the run when an event arrives."""

    key: str
    step: str
    event: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class AlertCommand:
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
