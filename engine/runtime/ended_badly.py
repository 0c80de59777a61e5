"""Who is told when something ends badly: whoever owns the flow, at once, and once while that alert is open.

A run that failed, a write of which nobody knows whether it happened, an event that does not fit: ten thousand
of them in one outage are one alert. So are the contradictions of one source. What is open is in the ledger
alone, so that a restart tells nobody again. An alert is closed when nothing of its flow needs work any more.

Several machines each tell of their own runs, and close only what they told: whoever closes an alert is also
the one who would have relied on its being open.
"""

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote

from engine.core import RunState, flow_of, reason
from engine.core.accept import Offer
from engine.core.state import FAILED, UNKNOWN
from engine.ledger import CommitResult
from engine.ledger.rows import AlertMoved, AlertRow, NewAlert, NewEvent, conflict_name
from engine.plan.plan import FlowPlan
from engine.runtime.alerting import SOURCE
from engine.runtime.parking import BADLY, RESTS
from engine.runtime.turn import Turn
from engine.runtime.unsettled import Unsettled
from engine.values.actors import OPERATIONS

if TYPE_CHECKING:
    from engine.runtime.execute import Executor

RUN = "dead/"
UNFIT_EVENT = "refused/"
CONTRADICTION = "contradiction/"
_OPEN = "open"


class _About(NamedTuple):
    """What one alert stands for: a flow, or a source."""

    kind: str
    name: str


class _End(NamedTuple):
    """Something that ended badly in this turn."""

    about: _About
    id: str
    run_id: str | None
    step: str | None
    to: str
    why: str | None
    said: str


class EndedBadly:
    """Collects what ends badly in a turn, and tells of it in the commit of that turn."""

    def __init__(self, executor: "Executor", machine: str) -> None:
        """`machine` is the name of this one where there may be several: no two raise an alert of one id."""
        self._executor = executor
        self._machine = machine
        self._unsettled = Unsettled(executor.reader)
        self._known: dict[_About, str] = {}  # the alert that was open when it was looked at last
        self._ends: list[_End] = []
        self._looks = False

    def begin_turn(self, turn: Turn) -> None:
        """Collect in this turn from now on."""
        self._turn = turn

    @property
    def waits(self) -> bool:
        """Whether something is to be told that a turn before this one found only when it was committed."""
        return bool(self._ends)

    # --- what ends badly --------------------------------------------------------------------------

    def rested(self, state: RunState) -> None:
        """A run has come to rest, failed or in doubt."""
        failed = state.status.value == "failed"
        blamed = FAILED if failed else UNKNOWN
        step = next((step.name for step in state.flow.steps if state.steps[step.index] is blamed), None)
        what = RESTS[state.status.value]
        self._run(state.run_id, state.flow, step, f"{state.run_id} {what}", reason(state))

    def failed(self, run_id: str, flow: FlowPlan | None, why: str) -> None:
        """A run has failed before any of its steps, or by an error of which its owner was told before."""
        self._run(run_id, flow, None, f"{run_id} {RESTS['failed']}", why)

    def refused(self, run_id: str, flow: FlowPlan, why: str) -> None:
        """A run did not begin, since its event does not fit."""
        self._run(run_id, flow, None, f"{run_id} did not begin, as its event does not fit", why)

    def _run(self, run_id: str, flow: FlowPlan | None, step: str | None, what: str, why: str | None) -> None:
        name = flow_of(run_id)
        more = (
            f"While this alert is open, nobody is told one by one of further runs of {name} that end badly: "
            f"`tidegate dead --flow {name}` lists them."
        )
        to = OPERATIONS if flow is None else flow.owner or OPERATIONS
        said = f"{_sentence(what, why)} {more}"
        self._ends.append(_End(_About(RUN, name), run_id, run_id, step, to, why, said))

    def unfit(self, found: Offer) -> None:
        """An event that no flow waits for does not fit its entity."""
        what = f"{found.event.id} does not fit, and no flow waits for it"
        more = f"While this alert is open, nobody is told of further such events{_from(found.source)}."
        said = f"{_sentence(what, '; '.join(found.complaints))} {more}"
        self._of_source(UNFIT_EVENT, found.source, found.event.id, said)

    def contradicted(self, event: NewEvent) -> None:
        """A known event came again with another content, unless it came so before."""
        known = self._executor.reader.conflicts(event.id)
        if all(row.body_hash != event.body_hash for row in known):
            self._contradicted(event)

    def committed(self, events: list[NewEvent], result: CommitResult) -> None:
        """Another machine had accepted some of the events of a turn, with another content."""
        for event in events if result.conflicts else ():
            if event.id in result.conflicts:
                self._contradicted(event)

    def _contradicted(self, event: NewEvent) -> None:
        said = (
            f"{event.id} came again with another content, which was not worked{_from(event.source)}. "
            f"While this alert is open, nobody is told one by one of further contradictions"
            f"{_from(event.source)}: `tidegate dead --kind conflict` lists them."
        )
        self._of_source(CONTRADICTION, event.source, conflict_name(event.id, event.body_hash), said)

    def _of_source(self, kind: str, source: str | None, name: str, said: str) -> None:
        if source == SOURCE:  # an event of an alert; whoever is told of that would be told for ever
            return
        by = f"@{self._machine}" if self._machine else ""
        about = _About(kind, source or "")
        self._ends.append(_End(about, f"{name}{by}", None, None, OPERATIONS, said, said))

    # --- telling ----------------------------------------------------------------------------------

    def tell(self) -> None:
        """Close the alerts of what is settled, if it is time to look, and raise those of this turn."""
        if self._looks:
            self._looks = False
            self._close({end.about for end in self._ends})
        if not self._ends:
            return
        told, sure = self._told(), set[_About]()
        for end in self._ends:
            if end.about in sure or end.run_id in told or self._executor.parking.tells_of(end.run_id):
                continue
            if not self._is_open(end.about):
                self._raise(end)
            sure.add(end.about)
        self._ends = []

    def _told(self) -> set[str]:
        """The runs of which somebody was told in this turn in another way: by what they stop, or say."""
        rows = self._turn.rows
        said = {(row.run_id, row.message) for row in rows.alerts}
        told = {end.run_id for end in self._ends if end.run_id and (end.run_id, end.why) in said}
        return told | {row.run_id for row in rows.parkings if row.why in BADLY}

    def _is_open(self, about: _About) -> bool:
        """Whether somebody was told, and has not yet taken care of it."""
        known = self._known.get(about)
        row = None if known is None else self._executor.reader.alert(known)
        if row is not None and self._stands(row):
            return True
        self._known.pop(about, None)
        found = self._told_of(about.kind)
        self._known.update((_about(row), row.id) for row in found if self._stands(row))
        return about in self._known

    def _told_of(self, kind: str) -> list[AlertRow]:
        """The open alerts of a kind; those of a flow that is called like the kind are others."""
        found = self._executor.reader.open_alerts(kind)
        return [row for row in found if row.run_id is None or row.id.startswith(f"{RUN}{row.run_id}#")]

    def _stands(self, row: AlertRow) -> bool:
        """Whether an alert is open, and of what is ours."""
        moved = any(one.id == row.id for one in self._turn.rows.alerts_moved)
        mine = row.run_id is None or self._executor.reader.is_my_run(row.run_id)
        return row.status == _OPEN and not moved and mine

    def _raise(self, end: _End) -> None:
        if end.run_id is None:
            name = f"{end.about.kind}{quote(end.about.name, safe='')}/{end.id}"
        else:  # the same run may fail again, after it was worked again
            before = self._executor.reader.alerts_of_run(end.run_id)
            name = f"{RUN}{end.id}#{1 + sum(row.id.startswith(RUN) for row in before)}"
        self._known[end.about] = name
        self._executor.alert(
            NewAlert(name, end.run_id, end.step, None, "error", end.to, end.said, self._turn.at)
        )

    # --- closing ----------------------------------------------------------------------------------

    def look_again(self) -> None:
        """A person has done something, or it is time: look at the end of this turn what is settled."""
        self._looks = True

    def _close(self, but: set[_About]) -> None:
        """Close the alerts of what needs no work any more, except of what ended badly in this turn."""
        found = [row for kind in self._closable() for row in self._told_of(kind)]
        settled: dict[_About, bool] = {}
        for row in found:
            about = _about(row)
            if about in but or not self._stands(row):
                continue
            if about not in settled:
                settled[about] = not self._needs_work(about)
            if settled[about]:
                self._turn.rows.alerts_moved.append(AlertMoved("closed", self._turn.at, row.id))

    def _closable(self) -> tuple[str, ...]:
        """Nothing tells whose a contradiction is, so of several machines none closes what others rely on."""
        return (RUN,) if self._machine else (RUN, CONTRADICTION)

    def _needs_work(self, about: _About) -> bool:
        if about.kind == RUN:
            return self._unsettled.has_run(about.name)
        return self._unsettled.has_contradiction(about.name)


def _about(row: AlertRow) -> _About:
    """What an alert of ours stands for."""
    if row.run_id is not None:
        return _About(RUN, flow_of(row.run_id))
    kind, source, _ = row.id.split("/", 2)
    return _About(f"{kind}/", unquote(source))


def _sentence(what: str, why: str | None) -> str:
    """A sentence with its reason, if there is one, and one full stop."""
    return f"{what}: {why.rstrip('.')}." if why else f"{what}."


def _from(source: str | None) -> str:
    return f" (from {source})" if source else ""
