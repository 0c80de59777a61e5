"""What one transaction writes: a plain collector of rows, filled by the caller, and what came of it.

The lists are written in the order of the fields, so that within one commit an
effect may be created and settled, and a run begun and finished.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any, Self

from engine.ledger import rows
from engine.values.actors import ENGINE


@dataclass(slots=True, kw_only=True)
class Commit:
    """The rows of one transaction; a row in a list is written, or none of any list is."""

    actor: str = ENGINE  # who is behind this commit in the audit
    action: str = "turn"  # what it is: turn, deliver, release, ...
    subject: str | None = None
    detail: str | None = None  # JSON

    events: list[rows.NewEvent] = field(default_factory=list)
    conflicts: list[rows.NewEvent] = field(
        default_factory=list
    )  # found by the caller: known id, another body
    handed: list[rows.EventHanded] = field(default_factory=list)  # events of this commit that others begin
    runs: list[rows.NewRun] = field(default_factory=list)
    answers: list[rows.NewAnswer] = field(default_factory=list)
    effects: list[rows.NewEffect] = field(default_factory=list)  # begin as pending, no attempt yet
    sends: list[rows.NewEffect] = field(
        default_factory=list
    )  # begin as sending: the first attempt follows at once
    holds: list[rows.NewHold] = field(default_factory=list)
    parkings: list[rows.NewParking] = field(default_factory=list)
    waits: list[rows.NewWait] = field(default_factory=list)
    xrefs: list[rows.NewXref] = field(default_factory=list)
    entities: list[rows.NewEntity] = field(default_factory=list)
    alerts: list[rows.NewAlert] = field(default_factory=list)
    marks: list[rows.NewMark] = field(default_factory=list)
    releases: list[rows.NewRelease] = field(default_factory=list)
    still_active: list[rows.StillActive] = field(default_factory=list)  # or nothing of the commit is written
    activations: list[rows.NewActivation] = field(default_factory=list)

    taken: list[rows.EventTaken] = field(
        default_factory=list
    )  # events that others accepted: their runs begin
    effects_reopened: list[rows.EffectReopened] = field(default_factory=list)
    effects_sent: list[rows.EffectSent] = field(default_factory=list)
    effects_retried: list[rows.EffectRetried] = field(default_factory=list)
    effects_unknown: list[rows.EffectUnknown] = field(default_factory=list)
    effects_done: list[rows.EffectDone] = field(default_factory=list)
    effects_dead: list[rows.EffectDead] = field(default_factory=list)
    effects_cancelled: list[rows.EffectCancelled] = field(default_factory=list)
    effects_resolved: list[rows.EffectResolved] = field(default_factory=list)

    holds_moved: list[rows.HoldMoved] = field(default_factory=list)
    holds_released: list[rows.HoldReleased] = field(default_factory=list)
    holds_expired: list[rows.HoldExpired] = field(default_factory=list)
    holds_refused: list[rows.HoldRefused] = field(default_factory=list)
    waits_ended: list[rows.WaitEnded] = field(default_factory=list)

    parkings_freed: list[rows.ParkingFreed] = field(default_factory=list)

    runs_reopened: list[rows.RunReopened] = field(default_factory=list)
    runs_resumed: list[rows.RunResumed] = field(default_factory=list)
    runs_paused: list[rows.RunPaused] = field(default_factory=list)
    runs_finished: list[rows.RunFinished] = field(default_factory=list)

    blanks: list[rows.Blank] = field(default_factory=list)
    prunings: list[rows.NewPruning] = field(default_factory=list)

    alerts_moved: list[rows.AlertMoved] = field(default_factory=list)
    entries: list[rows.AuditEntry] = field(default_factory=list)  # further audit rows: who did what, and why

    def mark(self) -> tuple[int, ...]:
        """How many rows of each kind there are now."""
        return tuple(len(found) for found in self._lists())

    def back_to(self, mark: tuple[int, ...]) -> None:
        """Drop the rows that came since a mark."""
        for found, length in zip(self._lists(), mark, strict=True):
            del found[length:]

    def _lists(self) -> Iterator[list[Any]]:
        found = (getattr(self, one.name) for one in fields(self))
        return (value for value in found if isinstance(value, list))

    def with_texts(self, change: Callable[[str], str]) -> Self:
        """The same rows with every text changed."""
        return type(self)(**{one.name: _changed(getattr(self, one.name), change) for one in fields(self)})


def _changed(value: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 - a text, a row, a list of rows
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [type(row)(*(_changed(part, change) for part in row)) for row in value]
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitResult:
    """What the ledger did with a commit.

    An event that was known already is not written again, and nor is anything that hangs on it in the same
    commit: its new runs, and their answers, effects, holds and alerts. None of those effects may be sent.
    """

    number: int | None  # of the commit; None when there was nothing left to write
    duplicates: tuple[str, ...] = ()  # ids of events that were known with the same body
    conflicts: tuple[str, ...] = ()  # ids of events that were known with another body; kept as evidence
