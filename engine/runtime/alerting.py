"""Telling people: each alert is an event, so that flows carry it to wherever people look.

A workspace that has an event `alert.raised`, and a flow that it starts, is told of every alert in that way:
by whatever system the flow writes to, with its retries, keys and dead letters. What such a flow itself
complains of is in the ledger, and told to nobody else: it would go on for ever.

The event of an alert is accepted in the turn after the one that raised it. A process that ends between the
two leaves it to the next, which looks for alerts of which there is no event.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING

from engine.core import flow_of
from engine.core.accept import Offer
from engine.errors import InputError
from engine.ledger import LedgerReader, instant
from engine.ledger.rows import AlertMoved, AlertRow, AuditEntry, NewAlert
from engine.plan.plan import Plan
from engine.runtime.accept import offer
from engine.values.json_text import write_json

if TYPE_CHECKING:
    from engine.runtime.execute import Executor

RAISED = "alert.raised"
SOURCE = "tidegate.alerts"
FORGOTTEN = timedelta(
    days=3
)  # an alert that was raised longer ago than this before a start is told to nobody
ACKNOWLEDGED = "acknowledged"


class Alerting:
    """The alerts that were raised and are not events yet."""

    def __init__(self, plan: Plan) -> None:
        """Tell of alerts if a flow of this plan wants to hear of them."""
        self._plan = plan
        self._wanted = RAISED in plan.starts
        self._raised: list[NewAlert | AlertRow] = []

    @property
    def waits(self) -> bool:
        """Whether anything is to be told."""
        return bool(self._raised)

    def raised(self, alerts: Iterable[NewAlert | AlertRow]) -> None:
        """These alerts are in the ledger."""
        if self._wanted:
            self._raised += [alert for alert in alerts if not self._is_ours(alert)]

    def load(self, reader: LedgerReader, now: datetime) -> None:
        """Find what a process before this one raised and may not have told."""
        if self._wanted:
            early = instant(now - FORGOTTEN)
            recent = [*takewhile(lambda alert: alert.at >= early, reader.alerts(status="open", limit=1_000))]
            self.raised(reversed(recent))

    def _is_ours(self, alert: NewAlert | AlertRow) -> bool:
        """Whether it is of a run that only tells of alerts."""
        flow = None if alert.run_id is None else self._plan.flows.get(flow_of(alert.run_id))
        return flow is not None and flow.event == RAISED

    def offers(self, now: datetime) -> list[Offer]:
        """The events of what is to be told; the alerts are forgotten."""
        taken, self._raised = self._raised, []
        return [self._offer(alert, now) for alert in taken]

    def _offer(self, alert: NewAlert | AlertRow, now: datetime) -> Offer:
        said = {
            "id": alert.id,
            "to": alert.to,
            "severity": alert.severity,
            "message": alert.message,
            "at": alert.at,
            "run": alert.run_id,
            "step": alert.step,
            "policy": alert.policy,
        }
        text = write_json({name: value for name, value in said.items() if value is not None})
        data = {name: value for name, value in said.items() if value is not None}
        return offer(self._plan, RAISED, data, text, now, SOURCE)


def acknowledge(executor: "Executor", alert_id: str, by: str, reason: str | None) -> None:
    """A person has seen an alert and takes care of it.

    Raises:
        InputError: when there is no such alert, or somebody was quicker.

    """
    row = executor.reader.alert(alert_id)
    why = "there is no such alert" if row is None else f"it is {row.status}" if row.status != "open" else ""
    if why:
        raise InputError(f"the alert {alert_id!r} cannot be acknowledged: {why}")
    if not by.strip():
        raise InputError("a person has to be named who does it")
    rows = executor.commit_rows
    rows.alerts_moved.append(AlertMoved(ACKNOWLEDGED, executor.at, alert_id))
    detail = write_json({"reason": reason}).decode()
    rows.entries.append(AuditEntry(executor.at, by, "alert acknowledged", alert_id, detail))
