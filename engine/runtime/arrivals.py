"""What arrives in a turn: events, once each, with the runs that they begin; and records that are none.

What these runs do is in `commands.py`; what else an event wakes is in `waking.py`.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from engine.core import RunStatus, starts
from engine.core.accept import Offer
from engine.event import Event
from engine.language.compiled import EvaluationError
from engine.ledger.instants import instant
from engine.ledger.rows import AuditEntry, EventTaken, NewAlert, NewEntity, NewRun, RunFinished
from engine.plan.plan import FlowPlan, Plan
from engine.runtime.accept import event_row, is_same_event
from engine.runtime.record import refused
from engine.runtime.share import Share
from engine.runtime.trial import Trial
from engine.runtime.turn import EPOCH, Turn, Waiting
from engine.values.actors import ENGINE, OPERATIONS
from engine.values.canonical import text_hash
from engine.values.json_text import write_json
from engine.values.keys import as_key
from engine.values.value import Value

if TYPE_CHECKING:
    from engine.runtime.execute import Executor


class Arrivals:
    """Takes events into the turns of an executor."""

    def __init__(self, executor: "Executor", plan: Plan, share: Share | None) -> None:
        """Begin runs by this plan; with `share`, events are handed to the owners of their partitions."""
        self._executor = executor
        self._plan = plan
        self._share = share
        self._written = (EPOCH, instant(EPOCH))
        self._strange: dict[str, str] = {}  # the last alert of those that wait, by event and version

    def begin_turn(self, turn: Turn) -> None:
        """Collect in this turn from now on."""
        self._turn = turn
        self._new: dict[str, str] = {}  # hash of each event of this turn, by id

    def accept(self, offers: Iterable[Offer]) -> list[str]:
        """Take events; the answer to each: `accepted`, `duplicate` or `conflict` (same id, other body)."""
        executor = self._executor
        waiting = deque(offers)
        executor.tally.events += len(waiting)
        known = executor.reader.known_events(found.event.id for found in waiting)
        answers = [self.accept_one(found, known) for found in waiting]
        executor.tally.accepted += answers.count("accepted")
        executor.tally.duplicates += answers.count("duplicate")
        executor.tally.conflicts += answers.count("conflict")
        return answers

    def accept_one(self, found: Offer, known: Mapping[str, str]) -> str:
        """Take one event; `known` has the hashes of those that the ledger has, by id."""
        event = found.event
        seen = self._new.get(event.id) or known.get(event.id)
        if seen is not None:
            if seen == found.body_hash or is_same_event(found, self._executor.reader.event(event.id)):
                return "duplicate"
            row = event_row(found, self._text_of(event.accepted_at))
            self._turn.rows.conflicts.append(row)
            self._executor.ended_badly.contradicted(row)
            return "conflict"
        row = event_row(found, self._text_of(event.accepted_at))
        if not found.complaints and found.plan.keep != "none" and found.plan.entity is not None:
            self._keep(found)
        self._new[event.id] = found.body_hash
        self._turn.rows.events.append(row)
        if self._share is not None:
            self._share.hand_over(self._turn.rows, found)
            return "accepted"
        self._work_on(found)
        if not found.complaints and self._executor.waking.concerns(event.type):
            self._executor.wake(event)
        return "accepted"

    def begin_handed(self, found: Offer, seq: int) -> None:
        """Begin the runs of an event that was accepted before, here or on another machine."""
        self._turn.rows.taken.append(EventTaken(seq))
        self._work_on(found)

    def _work_on(self, found: Offer) -> None:
        """Begin the runs of an event that is accepted in this turn, or was before."""
        if found.complaints:
            self._refuse(found)
            return
        event, trial = found.event, self._executor.trial
        for flow in self._plan.starts.get(event.type, ()):
            if trial is None or not trial.takes(flow.name, event):
                self._start(flow, event)
        if trial is not None:
            self._try(trial, found)

    def _try(self, trial: Trial, found: Offer) -> None:
        """Begin those runs of an event that are on trial, by the release on trial."""
        mine, flows = trial.begun(found)
        for flow in flows:
            if mine.complaints:
                self._refuse_by(flow, mine, trial)
            else:
                self._start(flow, mine.event, trial)

    def keep_unfit(self, source: str, records: Iterable[tuple[Value, str]]) -> None:
        """Keep native records that no mapping can use, and tell somebody; the same record is told once."""
        for record, why in records:
            body = write_json(record)
            name = f"unfit/{source}/{text_hash(body)}"
            if self._is_news(name):
                detail = write_json({"why": why, "record": record}).decode()
                self._turn.rows.entries.append(
                    AuditEntry(self._turn.at, ENGINE, "record refused", name, detail)
                )
                self._tell(name, "error", f"A record of {source} cannot be used: {why}")

    def leave_strange(self, event: str, seq: int) -> None:
        """Tell somebody of events that wait for a machine whose release knows them, unless they still know.

        Whoever has closed the alert thinks that it is over: what waits after that is told again.
        """
        name = self._strange.get(event, f"strange/{event}")
        known = self._executor.reader.alert(name)
        if known is not None and known.status != "open":
            name = self._strange[event] = f"strange/{event}/{seq}"
        if self._is_news(name):
            message = (
                f"Events that came as {event} wait for a machine whose release knows them: "
                "this one does not; start one that does, or deploy it here"
            )
            self._tell(name, "warning", message)

    def _is_news(self, name: str) -> bool:
        raised = self._turn.rows.alerts
        return self._executor.reader.alert(name) is None and all(alert.id != name for alert in raised)

    def _tell(self, name: str, severity: str, message: str) -> None:
        raised = NewAlert(name, None, None, None, severity, OPERATIONS, message, self._turn.at)
        self._turn.rows.alerts.append(raised)
        self._executor.tally.alerts += 1

    def _refuse(self, found: Offer) -> None:
        """An event that does not fit its entity: kept, and rejected by every flow that it would start."""
        event = found.event
        flows = self._plan.starts.get(event.type, ())
        if not flows:
            decisions = write_json({"refused": found.complaints}).decode()
            self._turn.rows.entries.append(
                AuditEntry(self._turn.at, ENGINE, "event refused", event.id, decisions)
            )
            self._executor.ended_badly.unfit(found)
        for flow in flows:
            self._refuse_by(flow, found)

    def _refuse_by(self, flow: FlowPlan, found: Offer, trial: Trial | None = None) -> None:
        """The run of a flow for an event that does not fit: it is rejected at once."""
        event, reason = found.event, "; ".join(found.complaints)
        run_id = f"{flow.name}/{event.id}"
        self._new_run(run_id, flow, event, trial)
        decisions = refused(flow, found.complaints)
        self._turn.rows.runs_finished.append(
            RunFinished("rejected", self._turn.at, decisions, reason, run_id)
        )
        self._executor.ended_badly.refused(run_id, flow, reason)
        self._executor.tally.count(RunStatus.REJECTED, 1)
        self._executor.note_trial(run_id, "rejected")

    def _keep(self, found: Offer) -> None:
        event, plan = found.event, found.plan
        assert plan.entity is not None
        entity_id = as_key(str(event.data.get(plan.entity_key)))
        self._executor.look_ups.keep_entity(plan.entity, entity_id, event.data)
        self._turn.rows.entities.append(
            NewEntity(plan.entity, entity_id, event.id, instant(event.at), event.text.decode())
        )

    def _new_run(self, run_id: str, flow: FlowPlan, event: Event, trial: Trial | None = None) -> None:
        if trial is not None:
            trial.note(run_id, "running")
        self._turn.rows.runs.append(
            NewRun(
                run_id,
                event.id,
                flow.name,
                self._plan.release if trial is None else trial.plan.release,
                event.order_key,
                self._text_of(event.accepted_at),
            )
        )
        self._executor.tally.runs += 1

    def _text_of(self, at: datetime) -> str:
        """An instant as text; the events of a turn share one, which is written out once."""
        if at is not self._written[0]:
            self._written = (at, instant(at))
        return self._written[1]

    def _start(self, flow: FlowPlan, event: Event, trial: Trial | None = None) -> None:
        executor = self._executor
        run_id = f"{flow.name}/{event.id}"
        try:
            if not starts(flow, event):
                return
        except EvaluationError as error:
            self._new_run(run_id, flow, event, trial)
            decisions = refused(flow, [str(error)])
            self._turn.rows.runs_finished.append(
                RunFinished("failed", self._turn.at, decisions, str(error), run_id)
            )
            executor.ended_badly.failed(run_id, flow, str(error))
            executor.tally.count(RunStatus.FAILED, 1)
            executor.note_trial(run_id, "failed")
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this event alone
            self._new_run(run_id, flow, event, trial)
            executor.break_run(run_id, error, flow, event.order_key)
            return
        self._new_run(run_id, flow, event, trial)
        if executor.parking.keys.enter(event.order_key, event.id, run_id):
            executor.begin_run(run_id, flow, event)
        else:
            executor.in_line[run_id] = Waiting(flow, event)

    def tell_of_alerts(self, now: datetime) -> None:
        """Accept an event for each alert that was raised, where a flow wants to hear of them."""
        executor = self._executor
        if not executor.alerting.waits:
            return
        offers = executor.alerting.offers(now)
        known = executor.reader.known_events(found.event.id for found in offers)
        for found in offers:
            self.accept_one(found, known)
