"""What ended badly and needs work, as one list: each with its reason, its owner, its place and its age.

What lives here: the list and its filters, as values, from the ledger alone. What is known of one item in
full is in :mod:`engine.insight.dead_detail`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import TypeAlias, TypeVar, cast

from engine.ledger.reader import LAST, LedgerReader
from engine.ledger.rows import AlertRow, CompletedRun, ConflictRow, EffectRow, EventRow, RunRow
from engine.values.actors import OPERATIONS
from engine.values.json_text import JsonError, read_json
from engine.values.money import money_of
from engine.values.value import Value

KINDS = ("doubt", "effect", "run", "event", "record", "conflict")
"""An effect that may have been applied; one that was refused; a run that could not go on; an event or a
native record whose data does not fit; a delivery that contradicts an accepted event."""

FAULTS = ("transient", "permanent", "closed_period", "unknown", "rule", "data", "conflict")
"""The class of the fault; `rule` where a step could not be done, `data` where something does not fit."""

UNFIT = "unfit/"  # how the alerts of native records that cannot be used begin
DEPTH = 3  # how deep money is looked for in a record


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One thing that needs work."""

    id: str
    kind: str
    fault: str
    reason: str
    at: str  # since when
    owner: str | None = None
    flow: str | None = None
    run: str | None = None
    step: str | None = None
    connection: str | None = None
    operation: str | None = None
    event: str | None = None
    order_key: str | None = None
    run_seq: int = 0
    money: Mapping[str, Value] | None = None
    waiting_behind: int = 0  # runs that wait under its order key
    worked_behind: int = 0  # runs of later events under its order key that are complete


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which of them are asked for; what is not said is not asked about."""

    flow: str | None = None
    connection: str | None = None
    fault: str | None = None
    kind: str | None = None
    owner: str | None = None
    order_key: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    ids: Sequence[str] = field(default=())

    def has(self, one: DeadLetter) -> bool:
        """Whether one of them is meant."""
        at = datetime.fromisoformat(one.at)
        pairs = (
            (self.flow, one.flow),
            (self.connection, one.connection),
            (self.fault, one.fault),
            (self.kind, one.kind),
            (self.owner, one.owner),
            (self.order_key, one.order_key),
        )
        return (
            all(wanted is None or wanted == found for wanted, found in pairs)
            and (self.since is None or at >= self.since)
            and (self.until is None or at < self.until)
            and (not self.ids or bool({one.id, one.run, one.event} & {*self.ids}))
        )


def dead_letters(reader: LedgerReader, wanted: Wanted, limit: int) -> list[DeadLetter]:
    """So many of those that are asked for, of each kind the newest, in the order of `KINDS`."""
    found: list[DeadLetter] = []
    for kind in KINDS:
        if wanted.kind in {None, kind} and len(found) < limit:
            rows = filter(wanted.has, _SOURCES[kind](reader))
            fitting = (one for one in rows if not reader.is_dismissed(one.id, one.at))
            found += islice(fitting, limit - len(found))
    return placed(reader, found)


REPLAYABLE = ("effect", "run", "event")


def replayable(reader: LedgerReader, names: Sequence[str], wanted: Wanted, limit: int) -> list[str]:
    """The runs that are meant by names, or by what is asked for of what ended badly.

    Raises:
        KeyError: when a name is that of nothing that could be worked again.

    """
    if names:
        return list(dict.fromkeys(run for name in names for run in _runs_of(reader, name)))
    found: list[DeadLetter] = []
    for kind in REPLAYABLE:
        if wanted.kind in {None, kind}:
            found += dead_letters(reader, replace(wanted, kind=kind), limit)
    return list(dict.fromkeys(str(one.run) for one in found))


def _runs_of(reader: LedgerReader, name: str) -> list[str]:
    effect = reader.effect(name)
    if effect is not None:
        return [effect.run_id]
    if reader.run(name) is not None:
        return [name]
    rows = reader.runs_of_event(name)
    if not rows:
        raise KeyError(name)
    return [reader.attempts(flow, name)[-1].id for flow in dict.fromkeys(row.flow for row in rows)]


def placed(reader: LedgerReader, found: list[DeadLetter]) -> list[DeadLetter]:
    """They, with what waits behind each under its order key, and what was worked behind it."""
    keyed = [one for one in found if has_place(one)]
    if not keyed:
        return found
    waiting = reader.running_by_order_key()
    first = min(one.run_seq for one in keyed)
    behind = reader.completed_since(first, {str(one.order_key) for one in keyed})
    return [
        one
        if not has_place(one)
        else replace(
            one,
            waiting_behind=waiting.get(str(one.order_key), 0),
            worked_behind=sum(_is_behind(run, one) for run in behind),
        )
        for one in found
    ]


def has_place(one: DeadLetter) -> bool:
    """Whether it has a place under an order key; a contradiction was not taken, and has none."""
    return one.order_key is not None and one.kind != "conflict"


def _is_behind(run: CompletedRun, one: DeadLetter) -> bool:
    """Whether a run is of a later event under the same order key."""
    return run.order_key == one.order_key and run.seq > one.run_seq and run.event_id != one.event


Row = TypeVar("Row", EffectRow, RunRow, AlertRow, ConflictRow)
_Newest: TypeAlias = Callable[[int], list[Row]]


def _pages(newest: "_Newest[Row]") -> Iterator[Row]:
    """All rows, the newest first, a page at a time."""
    before = LAST
    while rows := newest(before):
        yield from rows
        before = rows[-1].seq


def _doubts(reader: LedgerReader) -> Iterator[DeadLetter]:
    for row in _pages(lambda before: reader.effects_in_doubt(before=before)):
        steps = [step.at for step in reader.transitions(row.key) if step.status == "unknown"]
        yield of_effect(reader, row, steps[-1] if steps else row.created_at)


def _effects(reader: LedgerReader) -> Iterator[DeadLetter]:
    for row in _pages(lambda before: reader.dead_effects(before=before)):
        if _is_latest(reader, row.run_id) and any(
            row.key == one.key for one in reader.dead_letters(row.run_id)
        ):
            yield of_effect(reader, row, str(row.settled_at))


def _runs(reader: LedgerReader) -> Iterator[DeadLetter]:
    for row in _pages(lambda before: reader.runs(status="failed", before=before)):
        if _is_latest(reader, row.id) and not reader.dead_letters(row.id):
            yield of_run(reader, row)


def _events(reader: LedgerReader) -> Iterator[DeadLetter]:
    for row in _pages(lambda before: reader.runs(status="rejected", before=before)):
        if was_refused(row) and _is_latest(reader, row.id):
            yield of_run(reader, row)


def _records(reader: LedgerReader) -> Iterator[DeadLetter]:
    yield from map(of_alert, reversed(reader.open_alerts(UNFIT)))


def _conflicts(reader: LedgerReader) -> Iterator[DeadLetter]:
    for row in _pages(lambda before: reader.latest_conflicts(before=before)):
        yield of_conflict(reader, row)


_SOURCES: Mapping[str, Callable[[LedgerReader], Iterator[DeadLetter]]] = {
    "doubt": _doubts,
    "effect": _effects,
    "run": _runs,
    "event": _events,
    "record": _records,
    "conflict": _conflicts,
}


def _is_latest(reader: LedgerReader, run_id: str) -> bool:
    """Whether no further attempt was made at the event of a run."""
    row = reader.run(run_id)
    return row is not None and reader.attempts(row.flow, row.event_id)[-1].id == run_id


def was_refused(row: RunRow) -> bool:
    """Whether a run did not begin, since the data of its event does not fit."""
    return "refused" in record(row.decisions)


def of_effect(reader: LedgerReader, row: EffectRow, at: str) -> DeadLetter:
    """An effect that was refused, or that nobody knows the fate of."""
    failure = record(row.failure)
    run = reader.run(row.run_id)
    assert run is not None, row.run_id
    event = reader.event(run.event_id)
    return DeadLetter(
        id=row.key,
        kind="doubt" if row.status == "unknown" else "effect",
        fault=str(failure.get("fault") or "unknown"),
        reason=str(failure.get("reason") or "nobody knows whether it was applied"),
        at=at,
        owner=_owner(reader, run),
        flow=run.flow,
        run=run.id,
        step=row.step if row.item is None else f"{row.step}[{row.item}]",
        connection=row.connection,
        operation=row.operation,
        event=run.event_id,
        order_key=run.order_key,
        run_seq=run.seq,
        money=_money(record(row.payload)) or (None if event is None else _money(body_of(event))),
    )


def of_run(reader: LedgerReader, row: RunRow) -> DeadLetter:
    """A run that failed by itself, or an event that does not fit."""
    refused = was_refused(row)
    event = reader.event(row.event_id)
    return DeadLetter(
        id=row.id,
        kind="event" if refused and row.status == "rejected" else "run",
        fault="data" if refused else "internal" if "broken" in record(row.decisions) else "rule",
        reason=row.reason or "no reason is recorded",
        at=str(row.finished_at),
        owner=_owner(reader, row),
        flow=row.flow,
        run=row.id,
        step=None if refused else _failed_step(row),
        event=row.event_id,
        order_key=row.order_key,
        run_seq=row.seq,
        money=None if event is None else _money(body_of(event)),
    )


def of_alert(row: AlertRow) -> DeadLetter:
    """A native record that no mapping can use."""
    source = row.id.removeprefix(UNFIT).rpartition("/")[0]
    return DeadLetter(
        id=row.id,
        kind="record",
        fault="data",
        reason=row.said,
        at=row.at,
        owner=row.to,
        connection=source.partition(".")[0] or None,
        operation=source.partition(".")[2] or None,
    )


def of_conflict(reader: LedgerReader, row: ConflictRow) -> DeadLetter:
    """A delivery with the identity of an accepted event and another content."""
    event = reader.event(row.event_id)
    return DeadLetter(
        id=row.name,
        kind="conflict",
        fault="conflict",
        reason=f"{row.event_id} came again with another content, which was not worked",
        at=row.at,
        owner=OPERATIONS,
        connection=(row.source or "").partition(".")[0] or None,
        event=row.event_id,
        order_key=None if event is None else event.order_key,
    )


def record(text: str | None) -> Mapping[str, Value]:
    """A record that the ledger keeps as JSON; an empty one when there is none."""
    value = None if text is None else read_json(text)
    return value if isinstance(value, Mapping) else {}


def body_of(row: EventRow | ConflictRow) -> Mapping[str, Value]:
    """The data of an event, or of one that contradicts it; an empty record when it is none."""
    try:
        value = read_json(row.body)
    except JsonError:
        return {}
    return value if isinstance(value, Mapping) else {}


def _owner(reader: LedgerReader, row: RunRow) -> str | None:
    """The owner of the flow of a run, as it was written down when the run came to rest."""
    said = [row.decisions] if row.decisions else [step.detail for step in reader.transitions(row.id)]
    for text in reversed(said):
        versions = record(text).get("$versions")
        if isinstance(versions, Mapping) and versions.get("owner"):
            return str(versions["owner"])
    return None


def _failed_step(row: RunRow) -> str | None:
    steps = cast("Mapping[str, Value]", record(row.decisions).get("steps") or {})
    return next((name for name, status in steps.items() if status == "failed"), None)


def _money(found: Mapping[str, Value]) -> Mapping[str, Value] | None:
    """The first money in a record, with where it stands; None when there is none."""
    return next(_moneys(found, "", DEPTH), None)


def _moneys(found: Mapping[str, Value], within: str, depth: int) -> Iterator[Mapping[str, Value]]:
    beside = {"amount": found.get("amount"), "currency": found.get("currency")}
    if all(beside.values()) and (money := money_of(cast("Value", beside))) is not None:
        yield {"field": within or "amount", **money}
    for name, value in found.items():
        if isinstance(value, Mapping) and depth:
            yield from _moneys(value, f"{within}.{name}" if within else name, depth - 1)


def summed(found: Iterable[DeadLetter]) -> dict[str, int]:
    """How many there are of each kind."""
    counts = dict.fromkeys(KINDS, 0)
    for one in found:
        counts[one.kind] += 1
    return {kind: count for kind, count in counts.items() if count}
