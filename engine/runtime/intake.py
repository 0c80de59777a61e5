"""What is committed together with the events that a source brought: how far it was read, and who is told.

Events and the mark behind them stand in one commit, so that a source goes on exactly where its last commit
ended, whenever the process ends. What events are is not known here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.ledger import Commit, LedgerReader
from engine.ledger.rows import AlertMoved, AuditEntry, NewAlert, NewMark
from engine.values.actors import ENGINE, OPERATIONS
from engine.values.json_text import read_json, write_json
from engine.values.value import Value

CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Somebody is to be told of a source; the same id is told once."""

    id: str
    message: str
    severity: str = "error"
    to: str = OPERATIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a sender calls its message, and what was in it: the same name has to mean the same content."""

    id: str
    body_hash: str  # SHA-256, in hexadecimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What stands in one commit with the events of a source."""

    marks: Sequence[tuple[str, Value]] = ()  # key and value of each
    message: Message | None = None
    raised: Sequence[Alert] = ()
    closed: Sequence[str] = ()  # ids of alerts that are over


def contradicts(reader: LedgerReader, commit: Commit, source: str, message: Message) -> bool:
    """Whether a message of this name came before with another content."""
    key = f"message {message.id}"
    taken = next((row.value for row in commit.marks if (row.source, row.key) == (source, key)), None)
    if taken is None:
        known = reader.mark(source, key)
        taken = None if known is None else known.value
    return taken is not None and read_json(taken) != message.body_hash


def keep_contradiction(commit: Commit, source: str, message: Message, at: str) -> None:
    """Leave evidence of a message that came again with another content; nothing of it is worked."""
    detail = write_json({"message": message.id, "body_hash": message.body_hash}).decode()
    commit.entries.append(AuditEntry(at, ENGINE, "message contradicted", source, detail))


def write(reader: LedgerReader, commit: Commit, source: str, beside: Beside, at: str) -> None:
    """Put what stands beside the events of a source into the commit of a turn."""
    for key, value in beside.marks:
        commit.marks.append(NewMark(source, key, write_json(value).decode(), at))
    if beside.message is not None:
        _keep_message(reader, commit, source, beside.message, at)
    for alert in beside.raised:
        if reader.alert(alert.id) is None and all(row.id != alert.id for row in commit.alerts):
            commit.alerts.append(
                NewAlert(alert.id, None, None, None, alert.severity, alert.to, alert.message, at)
            )
    for name in beside.closed:
        known = reader.alert(name)
        if known is not None and known.status != CLOSED:
            commit.alerts_moved.append(AlertMoved(CLOSED, at, name))


def _keep_message(reader: LedgerReader, commit: Commit, source: str, message: Message, at: str) -> None:
    key = f"message {message.id}"
    known = any((row.source, row.key) == (source, key) for row in commit.marks)
    if not known and reader.mark(source, key) is None:
        commit.marks.append(NewMark(source, key, write_json(message.body_hash).decode(), at))
