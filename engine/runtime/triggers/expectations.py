"""Expectations: what has not happened in time is told, and told to be over when it happens after all.

Events are gone through in the order of their acceptance, up to those whose time is not over yet. How far is a
mark in the ledger, so that a restart neither forgets one nor tells of it twice. Nothing is done when an event
comes: what is expected of it is looked at when its time is over.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from engine.core import expected
from engine.core.accept import kept_data
from engine.errors import LedgerError
from engine.ledger import LedgerReader, instant, is_pruned, read_instant
from engine.ledger.rows import EventRow
from engine.plan.expectation import ExpectationPlan
from engine.plan.plan import Plan
from engine.runtime.intake import Alert, Beside
from engine.runtime.triggers.trigger import Gate, TriggerState, pause
from engine.values.json_text import read_json
from engine.values.value import Value

EVERY_SECONDS = 10.0
AT_ONCE = 500  # events that are looked at before what was found is committed
CURSOR = "looked up to"
SEEN = "last seen"
COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class Late:
    """An event of which something was expected that did not come in time."""

    event: EventRow
    due: datetime
    why: str  # what is known of it, as the end of a sentence


class Watch:
    """Looks after one expectation."""

    def __init__(
        self,
        *,
        expectation: ExpectationPlan,
        plan: Plan,
        reader: LedgerReader,
        door: Gate,
        now: Callable[[], datetime],
    ) -> None:
        """Begin where the ledger says; one that is new begins now."""
        self.expectation = expectation
        self.name = f"expectation/{expectation.name}"
        self._plan = plan
        self._reader = reader
        self._door = door
        self._now = now
        self._cursor = _number(reader.mark(self.name, CURSOR))
        self._late = {alert.id for alert in reader.open_alerts(f"{self.name}/")}
        self._looked_at: datetime | None = None
        self._seen: datetime | None = None

    def state(self) -> TriggerState:
        """How it stands now."""
        late = f"{len(self._late)} late" if self._late else "nothing late"
        return TriggerState(name=self.name, kind="expectation", position=late, asked_at=self._looked_at)

    async def run(self, stopping: asyncio.Event) -> None:
        """Look again and again until it is time to stop."""
        while not stopping.is_set():
            try:
                while await self.look() and not stopping.is_set():
                    pass
            except LedgerError:
                return  # the worker has the failure, and the process ends with it
            await pause(EVERY_SECONDS, stopping)

    async def look(self) -> bool:
        """Look once; whether there is more to look at."""
        now = self._now()
        self._looked_at = now
        if self._cursor is None:
            await self._begin(now)
            return False
        return await (self._look_for_silence(now) if self.expectation.is_quiet else self._look_back(now))

    async def _begin(self, now: datetime) -> None:
        """Nothing is expected of what was accepted before the expectation was there."""
        self._cursor = self._reader.last_event()
        self._seen = now
        await self._commit(marks=[(CURSOR, self._cursor), (SEEN, instant(now))])

    # --- what follows an event ----------------------------------------------------------------------

    async def _look_back(self, now: datetime) -> bool:
        assert self._cursor is not None
        rows: list[EventRow] = []
        dues: dict[str, datetime] = {}
        for row in islice(self._events(self.expectation.event, self._cursor), AT_ONCE):
            due = self._due(row)
            if due > now:
                break
            rows.append(row)
            dues[row.id] = due
        late = [] if not rows else list(self._late_of(rows, dues))
        closed = [] if rows else self._over()
        if rows:
            self._cursor = rows[-1].seq
        raised = [self._alert(one) for one in late]
        self._late.update(alert.id for alert in raised)
        self._late.difference_update(closed)
        if rows or closed:
            await self._commit(marks=[(CURSOR, self._cursor)] if rows else [], raised=raised, closed=closed)
        return len(rows) == AT_ONCE

    def _events(self, event_type: str, after: int) -> Iterator[EventRow]:
        events = self._reader.events(after=after, event_type=event_type)
        return (row for row in events if not is_pruned(row.body))

    def _due(self, row: EventRow) -> datetime:
        return expected.due(self.expectation, read_instant(row.accepted_at), self._scope(row))

    def _scope(self, row: EventRow) -> dict[str, Value]:
        return {self.expectation.input_name: self._data(row)}

    def _data(self, row: EventRow) -> Value:
        return kept_data(self._plan.events[row.type], read_json(row.body), row.version)[0]

    def _late_of(self, rows: list[EventRow], dues: Mapping[str, datetime]) -> Iterator[Late]:
        """Of events whose time is over, those after which nothing came in time."""
        wanted = [row for row in rows if self._concerns(row)]
        came = self._came(wanted, dues) if self.expectation.flow is None else {}
        for row in wanted:
            due = dues[row.id]
            why = (
                self._run_is_late(row, due)
                if self.expectation.flow is not None
                else came.get(row.id, expected.NO_EVENT)
            )
            if why:
                yield Late(row, due, why)

    def _concerns(self, row: EventRow) -> bool:
        return expected.concerns(self.expectation, self._scope(row))

    def _run_is_late(self, row: EventRow, due: datetime) -> str:
        """Why the run of an event is not complete in time; "" when it is."""
        flow = self.expectation.flow
        runs = [run for run in self._reader.runs_of_event(row.id) if run.flow == flow]
        if not runs:
            return expected.of_no_run(self.expectation)
        done = next((run for run in runs if run.status == COMPLETED), None)
        if done is None:
            last = runs[-1]
            return expected.of_run(last.status, last.reason)
        assert done.finished_at is not None
        return (
            ""
            if read_instant(done.finished_at) <= due
            else f"its run was complete at {done.finished_at} only"
        )

    def _came(self, rows: list[EventRow], dues: Mapping[str, datetime]) -> dict[str, str]:
        """Of events, why the one that was expected is late; "" for those after which it came in time."""
        if not rows:
            return {}
        asked = {row.id: self._wanted(row) for row in rows}
        first: dict[tuple[str, ...], EventRow] = {}
        for came in self._expected_events(rows[0].seq):
            first.setdefault(self._found(came), came)
        return {row.id: _when(first[asked[row.id]], dues[row.id]) for row in rows if asked[row.id] in first}

    def _expected_events(self, after: int) -> Iterator[EventRow]:
        assert self.expectation.comes is not None
        return self._events(self.expectation.comes, after)

    def _wanted(self, row: EventRow) -> tuple[str, ...]:
        """What the fields of the expected event have to be."""
        return expected.wanted(self.expectation, self._scope(row))

    def _found(self, row: EventRow) -> tuple[str, ...]:
        return expected.found(self.expectation, self._data(row))

    def _over(self) -> list[str]:
        """Of what was told to be late, what has come since."""
        over: list[str] = []
        for alert_id in sorted(self._late):
            row = self._reader.event(alert_id.removeprefix(f"{self.name}/"))
            if row is not None and self._has_come(row):
                over.append(alert_id)
        return over

    def _has_come(self, row: EventRow) -> bool:
        if self.expectation.flow is not None:
            runs = self._reader.runs_of_event(row.id)
            return any(run.flow == self.expectation.flow and run.status == COMPLETED for run in runs)
        if is_pruned(row.body):
            return False  # by what it would be known is gone, so a person ends the alert
        wanted = self._wanted(row)
        return any(self._found(came) == wanted for came in self._expected_events(row.seq))

    def _alert(self, late: Late) -> Alert:
        row = late.event
        told = expected.late(self.expectation, row.id, instant(late.due), late.why)
        return self._told(row.id, told, self._scope(row))

    def _told(self, about: str, why: str, scope: Mapping[str, Value]) -> Alert:
        expectation = self.expectation
        said = expected.message(expectation, why, scope)
        return Alert(
            id=f"{self.name}/{about}", message=said, severity=expectation.severity, to=expectation.to
        )

    # --- what stays away -----------------------------------------------------------------------------

    async def _look_for_silence(self, now: datetime) -> bool:
        assert self._cursor is not None
        last = self._last(self._events(self.expectation.event, self._cursor))
        if last is not None:
            self._cursor, self._seen = last.seq, read_instant(last.accepted_at)
            closed, self._late = sorted(self._late), set()
            marks: list[tuple[str, Value]] = [(CURSOR, self._cursor), (SEEN, last.accepted_at)]
            await self._commit(marks=marks, closed=closed)
            return True
        since = self._since()
        alert_id = f"{self.name}/{instant(since)}"
        if alert_id not in self._late and self.expectation.within.due(since, None) <= now:
            self._late.add(alert_id)
            why = expected.silent(self.expectation, instant(since))
            await self._commit(raised=[self._told(instant(since), why, {})])
        return False

    def _last(self, rows: Iterable[EventRow]) -> EventRow | None:
        found = None
        for row in islice(rows, AT_ONCE * 20):
            found = row if self._concerns(row) else found
        return found

    def _since(self) -> datetime:
        if self._seen is None:
            mark = self._reader.mark(self.name, SEEN)
            assert mark is not None
            self._seen = read_instant(str(read_json(mark.value)))
        return self._seen

    async def _commit(
        self,
        *,
        marks: list[tuple[str, Value]] | None = None,
        raised: list[Alert] | None = None,
        closed: list[str] | None = None,
    ) -> None:
        beside = Beside(marks=marks or [], raised=raised or [], closed=closed or [])
        await self._door.accept([], self.name, (), beside)


def _when(came: EventRow, due: datetime) -> str:
    return "" if read_instant(came.accepted_at) <= due else f"it came at {came.accepted_at} only"


def _number(mark: object) -> int | None:
    value = getattr(mark, "value", None)
    return None if value is None else int(str(read_json(value)))
