"""What is held, told to a person."""

from collections.abc import Mapping
from typing import cast

from engine.ledger.reader import LAST, LedgerReader
from engine.ledger.rows import HoldRow
from engine.values.json_text import read_json
from engine.values.value import Value


def described_holds(reader: LedgerReader, *, all_: bool) -> list[dict[str, Value]]:
    """The open holds, oldest first, or all of them, with who or what releases each."""
    status = None if all_ else "open"
    found: list[HoldRow] = []
    while rows := reader.holds(status=status, before=found[-1].seq if found else LAST):
        found.extend(rows)
    return [_described(row) for row in reversed(found)]


def _described(row: HoldRow) -> dict[str, Value]:
    detail = cast("Mapping[str, Value]", read_json(row.detail))
    ways = [f"event {row.until_event}"] if row.until_event else []
    if detail.get("role"):
        ways.append(f"role {detail['role']}" + (" with a reason" if detail.get("reason_required") else ""))
    return {
        "id": row.id,
        "run": row.run_id,
        "step": row.step,
        "policy": row.policy,
        "owner": row.owner,
        "reason": row.reason,
        "status": row.status,
        "opened_at": row.opened_at,
        "release": " or ".join(ways),
        "approval": bool(detail.get("approval")),
        "amount": detail.get("amount"),
        "four_eyes_over": detail.get("four_eyes_over"),
        "released_at": row.released_at,
        "released_by": row.released_by,
        "release_reason": row.release_reason,
        "release_event": row.release_event,
    }
