"""Systems that are away: told to somebody when it begins and when it is over, and kept in the audit."""

from collections.abc import Mapping
from datetime import datetime

from engine.ledger import Commit, LedgerReader, instant
from engine.ledger.rows import AlertMoved, AuditEntry, NewAlert
from engine.runtime.connections import Connections
from engine.runtime.gate.gate import Gate, Turned
from engine.values.actors import ENGINE, OPERATIONS
from engine.values.json_text import write_json
from engine.values.value import Value

PREFIX = "away/"  # of the ids of these alerts


class Outages:
    """Which systems are away, as far as anybody was told."""

    def __init__(self, reader: LedgerReader, connections: Connections) -> None:
        """Begin with none; :meth:`recover` ends those that a process before this one told of."""
        self._reader = reader
        self._connections = connections
        self._told: dict[str, str] = {}  # id of the open alert, by connection

    def recover(self, commit: Commit, now: datetime) -> None:
        """A new process finds out afresh: what is still away is told again."""
        for alert in self._reader.open_alerts(PREFIX):
            commit.alerts_moved.append(AlertMoved("closed", instant(now), alert.id))

    def turned(self, commit: Commit, gate: Gate, turned: Turned, now: datetime) -> None:
        """A system went away, or came back."""
        at, name = instant(now), gate.name
        detail = write_json({"why": gate.why}).decode() if gate.why else None
        commit.entries.append(AuditEntry(at, ENGINE, f"connection {turned.value}", name, detail))
        if turned is Turned.AWAY:
            alert = f"{PREFIX}{name}/{at}"
            said = f"{name} does not answer, so what is for it waits: {gate.why}"
            to = gate.use.owner or OPERATIONS
            commit.alerts.append(NewAlert(alert, None, None, None, "error", to, said, at))
            self._told[name] = alert
        elif (known := self._told.pop(name, None)) is not None:
            commit.alerts_moved.append(AlertMoved("closed", at, known))

    def said(self, waiting: Mapping[str, int], now: datetime) -> dict[str, Value]:
        """Of each connection that something waits for or that is not calm: how it stands, for a person."""
        found: dict[str, Value] = {}
        for name, connection in self._connections.by_name.items():
            how = connection.gate.said(now)
            if how or name in waiting:
                found[name] = {"waiting": waiting.get(name, 0), **how}
        return found
