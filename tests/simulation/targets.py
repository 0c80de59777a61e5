"""The systems at the other end: what each of them really has, and how it folds a write that comes again.

They outlive every process, and record every post. What goes wrong on the way is in :mod:`network`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from engine.effect import Effect, Failure, FaultClass, Receipt

LIFE = timedelta(minutes=30)
SETTLES = timedelta(minutes=3)  # as the manifest says
SHOWN_AFTER = 60.0  # seconds until a look-up at the bank finds what was booked


class Posted(NamedTuple):
    """One request that reached a system."""

    at: float
    key: str
    operation: str
    payload: str
    applied: bool  # whether it made a record


@dataclass(slots=True)
class Target:
    """One system."""

    name: str
    journal: list[Posted] = field(default_factory=list)
    records: dict[str, list[tuple[float, Effect]]] = field(default_factory=dict)  # by effect key, as applied
    order: list[str] = field(default_factory=list)  # effect keys in the order in which they were applied
    closed: bool = False  # the accounting period
    away: bool = False  # for maintenance

    def refusal(self, effect: Effect) -> Failure | None:
        """Why a write is refused as it stands."""
        if self.away:
            return failed(FaultClass.TRANSIENT, "down for maintenance", 30)
        if self.closed:
            return failed(FaultClass.CLOSED_PERIOD, "the period is closed")
        if amount_of(effect) < 0:
            return failed(FaultClass.PERMANENT, "the amount is negative")
        return None

    def post(self, effect: Effect, now: float) -> Receipt | Failure:
        """One request, in full."""
        refused = self.refusal(effect)
        folded = refused is None and self.folds(effect, now)
        applies = refused is None and not folded
        self.journal.append(Posted(now, effect.key, effect.operation, text_of(effect), applies))
        if refused is not None:
            return refused
        if applies:
            self.records.setdefault(effect.key, []).append((now, effect))
            self.order.append(effect.key)
        return Receipt(self.id_of(effect.key), {"id": self.id_of(effect.key)}, found=folded)

    def folds(self, effect: Effect, now: float) -> bool:
        """Whether a write that comes again is the one that was there."""
        del effect, now
        return False

    def find(self, effect: Effect, now: float) -> Receipt | None:
        """What a look-up finds."""
        del effect, now
        return None

    def id_of(self, key: str) -> str:
        """The id that the system gives a record."""
        return f"{self.name}-{key}"


class Erp(Target):
    """Folds a repeated key for half an hour."""

    def folds(self, effect: Effect, now: float) -> bool:
        """Whether the key is still known."""
        known = self.records.get(effect.key)
        return known is not None and now - known[-1][0] < LIFE.total_seconds()


class Rev(Target):
    """The same key is the same record, for ever."""

    def folds(self, effect: Effect, now: float) -> bool:
        """Whether there is one."""
        del now
        return effect.key in self.records


class Bank(Target):
    """Books whatever comes, and shows it after a while."""

    def find(self, effect: Effect, now: float) -> Receipt | None:
        """What was booked some time ago."""
        known = self.records.get(effect.key)
        if known is None or now - known[0][0] < SHOWN_AFTER:
            return None
        return Receipt(self.id_of(effect.key), {"id": self.id_of(effect.key)}, found=True)


class Fax(Target):
    """Sends whatever comes, and knows of nothing."""


def failed(fault: FaultClass, reason: str, after: int | None = None) -> Failure:
    """A failure as the door for HTTP would class it."""
    return Failure(fault=fault, reason=reason, retry_after_seconds=after)


def amount_of(effect: Effect) -> Decimal:
    """The money in a write; nought where there is none."""
    found = effect.payload.get("amount", 0)
    return Decimal(str(found))


def text_of(effect: Effect) -> str:
    """The body, to the byte."""
    from engine.values.json_text import write_json

    return write_json(effect.payload).decode()


@dataclass(slots=True)
class Projects:
    """What the ERP knows of projects; somebody edits it under us."""

    status: dict[str, str] = field(default_factory=dict)
    rate: int = 100

    def read(self, parameters: Mapping[str, object]) -> dict[str, object] | None:
        """One project."""
        name = str(parameters["id"])
        found = self.status.get(name)
        return None if found is None else {"id": name, "status": found, "rate": self.rate}


@dataclass(slots=True)
class Approvals:
    """The feed of the desk: in no order, with repeats, late and early."""

    items: list[tuple[float, datetime, dict[str, object]]] = field(default_factory=list)

    def since(self, since: datetime, now: float) -> list[dict[str, object]]:
        """What changed since, as far as the feed shows it by now."""
        return [dict(item) for shown, changed, item in self.items if shown <= now and changed >= since]
