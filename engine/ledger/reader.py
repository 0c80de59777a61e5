"""LedgerReader: everything that only reads.

Reports, the console and the commands are given this, never the writer. Each method is one statement and sees
a consistent ledger. Those that may give many rows take a bound, or read in chunks so that memory does not
grow with the ledger.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import ColumnElement, Select, Table, func, literal_column, select

from engine.ledger import questions, rows, tables
from engine.ledger.audit import EMPTY, LAST_LINK, Head
from engine.ledger.database import Database
from engine.ledger.events import KNOWN_EVENTS
from engine.ledger.instants import instant
from engine.ledger.pruned import is_pruned
from engine.ledger.statements import Statement, key_list

Row = TypeVar("Row")
Tests: TypeAlias = list[ColumnElement[bool]]

CHUNK = 500
LISTED = 100  # rows of a list that a person looks at
FOUND = 50  # of each kind of thing that a search finds
LAST = 2**62  # beyond every seq
EVER = "9999-12-31T23:59:59.999999Z"


class LedgerReader:
    """Questions to a ledger; may be used from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def close(self) -> None:
        """Close what `open_reader` opened."""
        self._database.close()

    # Events

    def known_events(self, ids: Iterable[str]) -> dict[str, str]:
        """The hashes of the bodies of those events that are known, by id."""
        wanted = [*ids]
        return dict(self._all(tuple, KNOWN_EVENTS, key_list(wanted))) if wanted else {}

    def event(self, event_id: str) -> rows.EventRow | None:
        """One accepted event."""
        return self._one(rows.EventRow._make, questions.EVENT, event_id)

    def events(
        self,
        *,
        after: int = 0,
        event_type: str | None = None,
        order_key: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[rows.EventRow]:
        """Events in the order of acceptance, those accepted in `since <= t < until`, in chunks."""
        table = tables.events
        tests = _equal(table, type=event_type, order_key=order_key)
        tests += _between(table.c.accepted_at, since, until)
        return self._walk(rows.EventRow._make, table, tests, after)

    def events_back(self, event_type: str, since: datetime) -> Iterator[rows.EventRow]:
        """The events of a type that were accepted since then and not pruned, the last first."""
        before = LAST
        while chunk := self._all(
            rows.EventRow._make, questions.EVENTS_BACK, event_type, before, instant(since), CHUNK
        ):
            yield from (row for row in chunk if not is_pruned(row.body))
            before = chunk[-1].seq

    def last_event(self) -> int:
        """The seq of the event that was accepted last; 0 when there is none."""
        return int(self._ask(select(func.coalesce(func.max(tables.events.c.seq), 0)))[0][0])

    def events_caused(self, effect_key: str) -> list[rows.EventRow]:
        """The events that an effect emitted."""
        return self._all(rows.EventRow._make, questions.EVENTS_CAUSED, effect_key)

    def events_caused_by_run(self, run_id: str) -> list[rows.EventRow]:
        """The events that the steps of a run emitted: their causes begin with its id and a slash."""
        bounds = (f"{run_id}/", f"{run_id}0")  # a slash is the character before 0
        return self._all(rows.EventRow._make, questions.EVENTS_CAUSED_WITHIN, *bounds)

    def conflicts(self, event_id: str) -> list[rows.ConflictRow]:
        """The deliveries that contradict an accepted event."""
        return self._all(rows.ConflictRow._make, questions.CONFLICTS, event_id)

    def latest_conflicts(self, *, before: int = LAST, limit: int = LISTED) -> list[rows.ConflictRow]:
        """The newest deliveries that contradict an accepted event, newest first."""
        return self._newest(rows.ConflictRow._make, tables.conflicts, before, limit)

    # Runs

    def run(self, run_id: str) -> rows.RunRow | None:
        """One run as it stands."""
        return self._one(rows.RunRow._make, questions.RUN, run_id)

    def attempts(self, flow: str, event_id: str) -> list[rows.RunRow]:
        """The runs by which a flow worked an event: one, and one for each time that a person had it again."""
        return [row for row in self.runs_of_event(event_id) if row.flow == flow]

    def completed_since(self, seq: int, order_keys: Collection[str]) -> list[rows.CompletedRun]:
        """The runs of any of these keys that began behind a run and are complete, oldest first.

        Those that other flows have of the same event are among them: they are not later in the order.
        """
        runs, events = tables.runs, tables.events
        core = (
            select(runs.c.order_key, runs.c.seq, events.c.id)
            .join(events, runs.c.event_seq == events.c.seq)
            .where(runs.c.seq > seq, runs.c.order_key.in_(list(order_keys)), runs.c.status == "completed")
        )
        return [rows.CompletedRun._make(found) for found in self._ask(core.order_by(runs.c.seq))]

    def later_completed(self, run: rows.RunRow) -> set[str]:
        """The events behind a run's own under its order key that are worked already."""
        if run.order_key is None:
            return set()
        found = self.completed_since(run.seq, [run.order_key])
        return {one.event_id for one in found} - {run.event_id}

    def runs_of_event(self, event_id: str) -> list[rows.RunRow]:
        """The runs that an event started."""
        return self._all(rows.RunRow._make, questions.RUNS_OF_EVENT, event_id)

    def open_runs(self, *, after: int = 0, limit: int = CHUNK) -> list[rows.RunRow]:
        """Runs that are not finished, in the order in which they were begun, from behind the seq `after`."""
        return self._all(rows.RunRow._make, questions.OPEN_RUNS, after, limit)

    def left_runs(self, *, after: int = 0, limit: int = CHUNK) -> list[rows.LeftRun]:
        """Runs that are on their way, in the order in which they were begun, from behind the seq `after`."""
        return self._all(rows.LeftRun._make, questions.LEFT_RUNS, after, limit)

    def runs(
        self,
        *,
        status: str | None = None,
        flow: str | None = None,
        before: int = LAST,
        limit: int = LISTED,
    ) -> list[rows.RunRow]:
        """The newest runs, newest first, from before the seq `before`."""
        return self._newest(rows.RunRow._make, tables.runs, before, limit, status=status, flow=flow)

    def finished_runs(
        self,
        *,
        after: int = 0,
        status: str | None = None,
        flow: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[rows.RunRow]:
        """Finished runs in the order of their beginning, those whose `now` is in `since <= t < until`."""
        table = tables.runs
        tests: Tests = [table.c.finish_commit.is_not(None), *_equal(table, status=status, flow=flow)]
        tests += _between(table.c.now, since, until)
        return self._walk(rows.RunRow._make, table, tests, after)

    def open_releases(self) -> list[str]:
        """The releases that runs which are not finished began on."""
        return [release for (release,) in self._all(tuple, questions.OPEN_RELEASES)]

    def undecided_runs(self) -> list[str]:
        """The runs on their way that have neither written nor been told anything, in their order."""
        return [run_id for (run_id,) in self._all(tuple, questions.UNDECIDED)]

    def runs_in_line(self) -> list[str]:
        """The further attempts that stand in line as if they were the first."""
        return [run_id for (run_id,) in self._all(tuple, questions.IN_LINE)]

    def runs_on(self, release: str, after: int) -> dict[str, str]:
        """The runs that began on a release from behind the seq `after`, with their statuses."""
        return dict(self._all(tuple, questions.RUNS_ON, after, release))

    def last_run(self) -> int:
        """The seq of the run that began last; 0 when there is none."""
        return int(self._all(tuple, questions.LAST_RUN)[0][0])

    def open_flows(self) -> list[tuple[str, str]]:
        """The releases and flows of runs which are not finished."""
        return [(release, flow) for release, flow in self._all(tuple, questions.OPEN_FLOWS)]

    def answers(self, run_id: str) -> list[rows.AnswerRow]:
        """What a run was told, in order."""
        return self._all(rows.AnswerRow._make, questions.ANSWERS, run_id)

    def answers_of(self, run_ids: Collection[str]) -> list[rows.AnswerRow]:
        """What several runs were told, in order."""
        return self._all(rows.AnswerRow._make, questions.ANSWERS_OF, key_list(run_ids))

    def transitions(self, subject: str) -> list[rows.TransitionRow]:
        """What a run, effect or alert went through between its beginning and its end."""
        return self._all(rows.TransitionRow._make, questions.TRANSITIONS, subject)

    # Effects

    def effect(self, key: str) -> rows.EffectRow | None:
        """One effect as it stands."""
        return self._one(rows.EffectRow._make, questions.EFFECT, key)

    def effects(self, run_id: str) -> list[rows.EffectRow]:
        """The effects of a run, in order."""
        return self._all(rows.EffectRow._make, questions.EFFECTS, run_id)

    def effects_of(self, run_ids: Collection[str]) -> list[rows.EffectRow]:
        """The effects of several runs, in order."""
        return self._all(rows.EffectRow._make, questions.EFFECTS_OF, key_list(run_ids))

    def open_effects(self, *, due_by: datetime | None = None, limit: int = CHUNK) -> list[rows.EffectRow]:
        """Effects that are not settled and due by then; what has no due time comes first."""
        due = EVER if due_by is None else instant(due_by)
        return self._all(rows.EffectRow._make, questions.OPEN_EFFECTS, due, limit)

    def settled_effects(
        self,
        *,
        after: int = 0,
        status: str | None = None,
        connection: str | None = None,
        operation: str | None = None,
    ) -> Iterator[rows.EffectRow]:
        """Effects that are done, dead or cancelled, in order, in chunks."""
        table = tables.effects
        tests: Tests = [table.c.settle_commit.is_not(None)]
        tests += _equal(table, status=status, connection=connection, operation=operation)
        return self._walk(rows.EffectRow._make, table, tests, after)

    def dead_letters(self, run_id: str) -> list[rows.EffectRow]:
        """The dead effects of a run that nothing has come after.

        A refused write that was held, or moved to another cycle, is asked for again as another one; and of a
        run that was taken back, only what could not be taken back is left.
        """
        last = {(row.step, row.item, rows.is_undo(row)): row for row in self.effects(run_id)}
        taken_back = any(undo for _, _, undo in last)
        held = {(row.step, row.item) for row in self.holds_of_run(run_id) if row.status == "open"}
        return [
            row
            for (step, item, undo), row in last.items()
            if row.status == "dead" and undo is taken_back and (step, item) not in held
        ]

    def effects_in_doubt(self, *, before: int = LAST, limit: int = LISTED) -> list[rows.EffectRow]:
        """The newest effects of which nobody knows whether they were applied, newest first."""
        table = tables.effects
        tests: Tests = [table.c.settle_commit.is_(None)]
        return self._newest(rows.EffectRow._make, table, before, limit, *tests, status="unknown")

    def dead_effects(self, *, before: int = LAST, limit: int = LISTED) -> list[rows.EffectRow]:
        """The newest dead letters, newest first."""
        return self._newest(rows.EffectRow._make, tables.effects, before, limit, status="dead")

    # Holds and alerts

    def hold(self, hold_id: str) -> rows.HoldRow | None:
        """One hold as it stands."""
        return self._one(rows.HoldRow._make, questions.HOLD, hold_id)

    def holds(
        self, *, status: str | None = None, before: int = LAST, limit: int = LISTED
    ) -> list[rows.HoldRow]:
        """The newest holds, newest first."""
        return self._newest(rows.HoldRow._make, tables.holds, before, limit, status=status)

    def holds_of_run(self, run_id: str) -> list[rows.HoldRow]:
        """The holds of a run, in order."""
        return self._all(rows.HoldRow._make, questions.HOLDS_OF_RUN, run_id)

    def open_holds(self, *, timed: bool | None = None, before: str | None = None) -> Iterator[rows.HoldRow]:
        """Holds that have not ended, in the order in which they opened, in chunks.

        Only those to which time does something, or does nothing; only those that opened before an instant.
        """
        table = tables.holds
        tests: Tests = [table.c.release_commit.is_(None), *_timed(table.c.timers, timed)]
        tests += [] if before is None else [table.c.opened_at < before]
        return self._walk(rows.HoldRow._make, table, tests, 0)

    def runs_held_for(self, event: str, matches: Collection[str]) -> list[str]:
        """The runs with an open hold that an event may end: of this type, and one of `matches` or any."""
        return self._runs_for(questions.HELD_IN_FULL, questions.HELD_FOR, event, matches)

    def runs_waiting_for(self, event: str, matches: Collection[str]) -> list[str]:
        """The runs of which a step waits for an event of this type, and one of `matches` or any."""
        return self._runs_for(questions.WAITING_IN_FULL, questions.WAITING_FOR, event, matches)

    def _runs_for(
        self, in_full: Statement, matching: Statement, event: str, matches: Collection[str]
    ) -> list[str]:
        found = self._all(tuple, in_full, event)
        if matches:
            found += self._all(tuple, matching, event, key_list(matches))
        return [*dict.fromkeys(run_id for (run_id,) in found)]

    def wait(self, wait_id: str) -> rows.WaitRow | None:
        """One wait as it stands."""
        return self._one(rows.WaitRow._make, questions.WAIT, wait_id)

    def waits_of_run(self, run_id: str) -> list[rows.WaitRow]:
        """The waits of a run, in order."""
        return self._all(rows.WaitRow._make, questions.WAITS_OF_RUN, run_id)

    def open_waits(self, *, timed: bool | None = None, before: str | None = None) -> Iterator[rows.WaitRow]:
        """Waits that are not over, in the order in which they began, in chunks.

        Only those that end at a time, or do not; only those that began before an instant.
        """
        table = tables.waits
        tests: Tests = [table.c.end_commit.is_(None), *_timed(table.c.due_at, timed)]
        tests += [] if before is None else [table.c.began_at < before]
        return self._walk(rows.WaitRow._make, table, tests, 0)

    def broken_runs(self) -> list[str]:
        """Runs that an error ended."""
        return [str(name) for (name,) in self._all(tuple, questions.BROKEN_RUNS)]

    def runs_needing_work(
        self, status: str, flow: str, *, after: int = 0, limit: int = CHUNK
    ) -> list[rows.RunRow]:
        """The runs of a flow that may need work, in order, from behind the seq `after`, of every machine.

        That is `failed`, or `rejected` since the event did not fit; nobody worked it again, or has
        dismissed it. Of a run with dead letters the caller looks at each: some may be of no interest.
        """
        asked = questions.FAILED_RUNS if status == "failed" else questions.REFUSED_RUNS
        return self._all(rows.RunRow._make, asked, flow, after, limit)

    def is_in_doubt(self, flow: str) -> bool:
        """Whether nobody knows of a run of a flow whether a write of it happened, on any machine."""
        return self._one(tuple, questions.UNKNOWN_RUNS, flow) is not None

    def is_my_run(self, run_id: str) -> bool:
        """Whether a run is worked by whoever reads: always, where one process does everything."""
        del run_id
        return True

    def unknown_runs(self) -> Iterator[rows.RunRow]:
        """Runs with a write of which nobody knows whether it happened, in chunks."""
        tests: Tests = [tables.runs.c.finish_commit.is_(None), tables.runs.c.status == "unknown"]
        return self._walk(rows.RunRow._make, tables.runs, tests, 0)

    def parked(self) -> list[rows.ParkingRow]:
        """What stops order keys, in the order in which it did."""
        return self._all(rows.ParkingRow._make, questions.PARKED)

    def parked_runs(self) -> list[rows.ParkedRun]:
        """The same, with the number of each run."""
        return self._all(rows.ParkedRun._make, questions.PARKED_RUNS)

    def parkings_of_run(self, run_id: str) -> list[rows.ParkingRow]:
        """When a run stopped its order key, in order."""
        return self._all(rows.ParkingRow._make, questions.PARKINGS_OF_RUN, run_id)

    def running_by_order_key(self) -> dict[str, int]:
        """How many runs are on their way or stand in line, by order key."""
        return dict(self._all(tuple, questions.BEHIND))

    def alert(self, alert_id: str) -> rows.AlertRow | None:
        """One alert as it stands."""
        return self._one(rows.AlertRow._make, questions.ALERT, alert_id)

    def alerts(
        self, *, status: str | None = None, before: int = LAST, limit: int = LISTED
    ) -> list[rows.AlertRow]:
        """The newest alerts, newest first."""
        return self._newest(rows.AlertRow._make, tables.alerts, before, limit, status=status)

    def open_alerts(self, prefix: str) -> list[rows.AlertRow]:
        """The open alerts whose ids begin so, in order."""
        return self._all(rows.AlertRow._make, questions.OPEN_ALERTS, prefix, f"{prefix}\U0010ffff")

    def alerts_of_run(self, run_id: str) -> list[rows.AlertRow]:
        """The alerts of a run, in order."""
        return self._all(rows.AlertRow._make, questions.ALERTS_OF_RUN, run_id)

    # Business objects

    def xref(self, entity: str, canonical_id: str, system: str) -> rows.XrefRow | None:
        """The id by which a system knows one of our records."""
        return self._one(rows.XrefRow._make, questions.XREF, canonical_id, entity, system)

    def xrefs(self, entity: str, canonical_id: str) -> list[rows.XrefRow]:
        """The ids by which all systems know one of our records."""
        return self._all(rows.XrefRow._make, questions.XREFS_OF, canonical_id, entity)

    def xrefs_back(self, entity: str, system: str, external_id: str) -> list[rows.XrefRow]:
        """The records that a system knows by this id."""
        return self._all(rows.XrefRow._make, questions.XREFS_BACK, external_id, system, entity)

    def latest(self, entity: str, entity_id: str) -> rows.EntityRow | None:
        """The snapshot of an object that was recorded last."""
        return self._one(rows.EntityRow._make, questions.LATEST, entity_id, entity)

    def as_of(self, entity: str, entity_id: str, at: datetime) -> rows.EntityRow | None:
        """The snapshot that was true at an instant."""
        return self._one(rows.EntityRow._make, questions.AS_OF, entity_id, entity, instant(at))

    def snapshots(self, entity: str, entity_id: str) -> list[rows.EntityRow]:
        """Every snapshot of an object, in the order in which they were recorded."""
        return self._all(rows.EntityRow._make, questions.SNAPSHOTS, entity_id, entity)

    # Sources

    def mark(self, source: str, key: str = "") -> rows.MarkRow | None:
        """How far a source has been read, or what it has said, under a key: the last mark."""
        return self._one(rows.MarkRow._make, questions.MARK, source, key)

    def marks(self, source: str, prefix: str) -> list[rows.MarkRow]:
        """Every mark of a source whose key begins so, by key and then in the order of their commits."""
        beyond = f"{prefix}\U0010ffff"
        return self._all(rows.MarkRow._make, questions.MARKS_FROM, source, prefix, beyond)

    # Releases

    def release(self, fingerprint: str) -> rows.ReleaseRow | None:
        """A stored snapshot of a workspace."""
        return self._one(rows.ReleaseRow._make, questions.RELEASE, fingerprint)

    def releases(self, *, before: int = LAST, limit: int = LISTED) -> list[rows.ReleaseRow]:
        """The newest releases, newest first."""
        return self._newest(rows.ReleaseRow._make, tables.releases, before, limit)

    def active_release(self) -> rows.ReleaseRow | None:
        """The release that new events run on."""
        return self._one(rows.ReleaseRow._make, questions.ACTIVE)

    def activations(self) -> list[rows.ActivationRow]:
        """Which release became active when, in order."""
        return self._all(rows.ActivationRow._make, questions.ACTIVATIONS)

    # The whole

    def counts(self) -> dict[str, dict[str, int]]:
        """How many of each status, by table, and how many events; cheap however large the ledger is."""
        found: dict[str, dict[str, int]] = {
            name: {} for name in ("runs", "effects", "holds", "waits", "alerts", "events")
        }
        for name, value in self._ask(select(tables.counters)):
            table, _, status = name.partition(".")
            found[table][status] = value
        for table, test in _OPEN.items():
            core = select(table.c.status, func.count()).where(test).group_by(table.c.status)
            found[table.name].update(dict(self._ask(core)))
        return found

    def find(self, text: str) -> list[rows.Found]:
        """What bears an id, in our words or in those of another system."""
        found = []
        for place in questions.PLACES:
            core = place.core.where(place.column == text).distinct().limit(FOUND)
            found += [rows.Found(place.kind, " ".join(parts), place.matched) for parts in self._ask(core)]
        return found

    def audit(self, *, after: int = 0) -> Iterator[rows.AuditRow]:
        """The rows of the chain, in order, in chunks."""
        return self._walk(rows.AuditRow._make, tables.audit, [], after)

    def audit_of(self, subject: str) -> list[rows.AuditRow]:
        """What was done to one thing, by whom and why."""
        return self._all(rows.AuditRow._make, questions.AUDIT_OF, subject)

    def is_dismissed(self, subject: str, since: str) -> bool:
        """Whether a person has said, since then, that nothing is to be done about a thing."""
        return any(row.action == rows.DISMISSED and row.at >= since for row in self.audit_of(subject))

    def head(self) -> Head:
        """The end of the chain, to be published elsewhere."""
        return self._one(Head._make, LAST_LINK) or EMPTY

    def snapshot(self) -> AbstractContextManager[Callable[[Select[Any]], Iterator[tuple[Any, ...]]]]:
        """Questions that all see the ledger at one moment, and whose rows come as they are asked for."""
        return self._database.snapshot()

    def _all(self, make: Callable[[Iterable[Any]], Row], statement: Statement, *values: object) -> list[Row]:
        return self._database.rows(make, statement, values)

    def _one(self, make: Callable[[Iterable[Any]], Row], statement: Statement, *values: object) -> Row | None:
        found = self._database.rows(make, statement, values)
        return found[0] if found else None

    def _ask(self, core: Select[Any]) -> list[tuple[Any, ...]]:
        sql, values = self._database.compiled(core)
        with self._database.reading() as connection:
            return [*connection.execute(sql, values)]

    def _newest(
        self,
        make: Callable[[Iterable[Any]], Row],
        table: Table,
        before: int,
        limit: int,
        *more: ColumnElement[bool],
        **equal: str | None,
    ) -> list[Row]:
        tests: Tests = [table.c.seq < before, *more, *_equal(table, **equal)]
        return [
            *map(
                make,
                self._ask(questions.selected(table).where(*tests).order_by(table.c.seq.desc()).limit(limit)),
            )
        ]

    def _walk(
        self, make: Callable[[Iterable[Any]], Row], table: Table, tests: Tests, after: int
    ) -> Iterator[Row]:
        core = questions.selected(table).where(*tests).order_by(table.c.seq).limit(CHUNK)
        while chunk := self._ask(core.where(table.c.seq > after)):
            yield from map(make, chunk)
            after = chunk[-1][-1]


_OPEN: dict[Table, ColumnElement[bool]] = {
    tables.runs: tables.runs.c.finish_commit.is_(None),
    tables.effects: tables.effects.c.settle_commit.is_(None),
    tables.holds: tables.holds.c.release_commit.is_(None),
    tables.waits: tables.waits.c.end_commit.is_(None),
    tables.alerts: tables.alerts.c.status == literal_column("'open'"),
}


def _equal(table: Table, **values: str | None) -> Tests:
    return [table.c[name] == value for name, value in values.items() if value is not None]


def _timed(column: ColumnElement[str], timed: bool | None) -> Tests:  # noqa: FBT001 - as it was asked
    return [] if timed is None else [column.is_not(None) if timed else column.is_(None)]


def _between(column: ColumnElement[str], since: datetime | None, until: datetime | None) -> Tests:
    tests: Tests = []
    if since is not None:
        tests.append(column >= instant(since))
    if until is not None:
        tests.append(column < instant(until))
    return tests
