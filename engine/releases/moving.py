"""Work under way that a new release is to do: its runs end as moved, and further attempts work their events.

A run never changes its release. What is moved is decided from the beginning by the new one; what was applied
before is known to the further attempt, and not done again (:mod:`engine.runtime.attempts`).
"""

from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from engine.core import attempt_of, run_name
from engine.errors import InputError
from engine.ledger import Commit, LedgerReader
from engine.ledger.rows import (
    OPEN_EFFECTS,
    AlertMoved,
    AuditEntry,
    HoldReleased,
    NewAnswer,
    NewRun,
    ParkingFreed,
    RunFinished,
    RunRow,
    WaitEnded,
)
from engine.plan.plan import Plan
from engine.preview.meaning import SAFE
from engine.releases.items import Item, items
from engine.releases.plan import FINISH, ReleasePlan
from engine.runtime.recover import ORDERED
from engine.runtime.resolve import Person, unfit_by
from engine.values.json_text import write_json

IN_LINE = "in line"  # the key of the answer that says that a further attempt stands where the first one stood


class Moving(NamedTuple):
    """What is to be moved: by which plan, to which release, found by whom; `busy` runs are on their way."""

    plan: ReleasePlan
    new: Plan
    reader: LedgerReader
    at: str
    person: Person
    busy: Container[str]
    most: int | None = None  # so many at most


@dataclass(slots=True)
class Moved:
    """What was moved, and what was not."""

    ended: list[str] = field(default_factory=list)  # runs whose events others work
    counts: Counter[str] = field(default_factory=Counter)  # by class
    stayed: Counter[str] = field(default_factory=Counter)  # by the reason


def move(commit: Commit, moving: Moving) -> Moved:
    """Write what becomes of what is touched and does not end by the release that it began with.

    Raises:
        InputError: when that is more than may be moved here.

    """
    moved = Moved()
    if not moving.plan.moves:
        return moved
    found = [*items(moving.reader)]
    meant = sum(_is_meant(moving.plan, item) for item in found)
    if moving.most is not None and meant > moving.most:
        raise InputError(
            f"{meant:,} items are to be worked by the new release, and a daemon would stand still too long "
            f"with more than {moving.most:,}: stop it, deploy, and start it again"
        )
    for item in found:
        if item.kind != "queued" and _is_meant(moving.plan, item):
            _move_one(commit, moving, item, moved)
    queued = sorted((item for item in found if item.kind == "queued"), key=lambda item: item.order_key or "")
    for key, line in groupby(queued, key=lambda item: item.order_key):
        for item in _tail(moving, key, list(line), moved):
            _again(commit, moving, item, moved)
    return moved


def _is_meant(plan: ReleasePlan, item: Item) -> bool:
    """Whether an item is touched and is to be worked by the new release."""
    touched = item.flow in plan.touched.get(item.release, {})
    return touched and plan.fate(item.kind, item.flow) != FINISH


def _tail(moving: Moving, key: str | None, line: list[Item], moved: Moved) -> Iterable[Item]:
    """What of a line is moved: from its end, up to the first that cannot be.

    Who is moved stands at the end of the line afterwards, so nobody who stays may have stood behind. What the
    change does not touch is moved with the rest, as the new release decides the same of it.
    """
    if key is None:
        return [one for one in line if _is_meant(moving.plan, one) and not _stays(moving, one, moved)]
    tail: list[Item] = []
    for item in reversed(line):
        if moving.plan.fate("queued", item.flow) == FINISH and item.flow in moving.plan.touched.get(
            item.release, {}
        ):
            break
        if _stays(moving, item, moved):
            break
        tail.insert(0, item)
    behind = len(line) - len(tail)
    while tail and not _is_meant(moving.plan, tail[0]):
        del tail[0]
    lost = sum(_is_meant(moving.plan, one) for one in line[: max(0, behind - 1)])
    if lost:
        moved.stayed["somebody behind them in their line stays"] += lost
    return tail


def _stays(moving: Moving, item: Item, moved: Moved) -> bool:
    """Whether an item cannot be worked by the new release, which is told with the reason."""
    why = _why_not(moving, item)
    if why:
        moved.stayed[why] += 1
    return bool(why)


def _why_not(moving: Moving, item: Item) -> str:
    if item.run_id in moving.busy:
        return "they are on their way"
    row = item.row
    if item.kind != "queued" and (why := _begun(moving, row)):
        return why
    # It may have come to rest since the plan was made, which then could not refuse this.
    if item.kind in ("waiting", "held") and moving.plan.touched[item.release].get(item.flow, SAFE) != SAFE:
        return "what changes is right only for what begins after it, and they have begun"
    if item.kind == "dead" and moving.reader.later_completed(row):
        return "later ones of their order key are worked; a person replays them (`tidegate replay`)"
    event = moving.reader.event(row.event_id)
    assert event is not None, row.event_id
    return unfit_by(moving.new, row.flow, event)


def _begun(moving: Moving, row: RunRow) -> str:
    """Why an item that has begun cannot be moved, by what it has come to."""
    if moving.reader.attempts(row.flow, row.event_id)[-1].id != row.id:
        return "a later attempt works their event"
    if any(effect.status in OPEN_EFFECTS for effect in moving.reader.effects(row.id)):
        return "something that they write is on its way, or in doubt"
    return ""


def _move_one(commit: Commit, moving: Moving, item: Item, moved: Moved) -> None:
    if not _stays(moving, item, moved):
        _again(commit, moving, item, moved)


def _again(commit: Commit, moving: Moving, item: Item, moved: Moved) -> None:
    """End a run that is open, and have its event worked by a further attempt."""
    at, person, release, row = moving.at, moving.person, moving.plan.release, item.row
    name = run_name(row.flow, row.event_id, attempt_of(row.id) + 1)  # it is the last one so far
    why = f"{name} works its event by release {release[:12]}: {person.reason}"
    if row.finish_commit is None:
        if item.kind != "queued":
            _let_go(commit, moving, row, why)
        commit.runs_finished.append(RunFinished("moved", at, row.decisions or "{}", why, row.id))
    moved.ended.append(row.id)
    moved.counts[item.kind] += 1
    commit.runs.append(NewRun(name, row.event_id, row.flow, release, row.order_key, row.now))
    said = {"by": person.by, "reason": person.reason, "release": release, "keep": False, "after": row.id}
    text = write_json({**said, "plan": moving.plan.hash}).decode()
    commit.answers.append(NewAnswer(name, ORDERED, ORDERED, at, text))
    if item.kind == "queued":
        commit.answers.append(NewAnswer(name, IN_LINE, ORDERED, at, "{}"))
    else:
        commit.entries.append(AuditEntry(at, person.by, "run.replay", name, text))


def _let_go(commit: Commit, moving: Moving, row: RunRow, why: str) -> None:
    """End what a run waits for, and what stops its order key."""
    reader, at, by = moving.reader, moving.at, moving.person.by
    for hold in reader.holds_of_run(row.id):
        if hold.release_commit is None:
            commit.holds_released.append(HoldReleased(at, by, why, None, hold.id))
    for wait in reader.waits_of_run(row.id):
        if wait.end_commit is None:
            commit.waits_ended.append(WaitEnded("moved", at, None, wait.id))
    for parking in reader.parkings_of_run(row.id):
        if parking.free_commit is None:
            commit.parkings_freed.append(ParkingFreed(at, by, why, parking.id))
            commit.alerts_moved.append(AlertMoved("closed", at, f"parked/{parking.id}"))
