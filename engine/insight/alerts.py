"""Who is told what, told to a person."""

from collections.abc import Iterator
from datetime import datetime

from engine.insight.keys import age
from engine.ledger.reader import LAST, LedgerReader
from engine.ledger.rows import AlertRow
from engine.values.value import Value


def described_alerts(
    reader: LedgerReader,
    now: datetime,
    *,
    to: str | None = None,
    severity: str | None = None,
    all_: bool = False,
) -> list[dict[str, Value]]:
    """The alerts that nobody has taken care of, or all of them, oldest first."""
    rows = _alerts(reader, None if all_ else "open")
    found = [row for row in rows if to in (None, row.to) and severity in (None, row.severity)]
    return [_described(reader, row, now) for row in reversed(found)]


def _alerts(reader: LedgerReader, status: str | None) -> Iterator[AlertRow]:
    before = LAST
    while rows := reader.alerts(status=status, before=before):
        yield from rows
        before = rows[-1].seq


def _described(reader: LedgerReader, row: AlertRow, now: datetime) -> dict[str, Value]:
    by = [one.actor for one in reader.audit_of(row.id) if one.action == "alert acknowledged"]
    return {
        "id": row.id,
        "to": row.to,
        "severity": row.severity,
        "message": row.said,
        "status": row.status,
        "at": row.at,
        "age": age(now - datetime.fromisoformat(row.at)),
        "run": row.run_id,
        "step": row.step,
        "policy": row.policy,
        "acknowledged_by": by[-1] if by else None,
    }
