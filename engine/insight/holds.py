"""What is held, told to a person: lists, one hold with all that is known of it, and what is at stake."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import cast

from engine.insight.keys import age, described_keys
from engine.ledger.reader import LAST, LedgerReader
from engine.ledger.rows import HoldRow, TransitionRow
from engine.values.actors import ENGINE
from engine.values.json_text import read_json
from engine.values.value import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which holds are asked for; all that are open when nothing is said."""

    all: bool = False  # those that have ended as well
    kind: str | None = None  # hold or approval
    owner: str | None = None
    policy: str | None = None
    key: str | None = None  # the order key of the run
    older: timedelta | None = None
    over: tuple[Decimal, str] | None = None  # an amount and its currency


def described_holds(reader: LedgerReader, wanted: Wanted, now: datetime) -> list[dict[str, Value]]:
    """The holds that are asked for, oldest first, each with who or what ends it."""
    rows = _all(reader) if wanted.all else reader.open_holds()
    found = (
        _described(row, now)
        for row in rows
        if wanted.owner in (None, row.owner) and wanted.policy in (None, row.policy)
    )
    return [hold for hold in found if _is_wanted(reader, hold, wanted, now)]


def _is_wanted(reader: LedgerReader, hold: Mapping[str, Value], wanted: Wanted, now: datetime) -> bool:
    if wanted.kind is not None and hold["kind"] != wanted.kind:
        return False
    if wanted.older is not None and now - datetime.fromisoformat(str(hold["opened_at"])) < wanted.older:
        return False
    if wanted.over is not None and not _is_over(hold["amount"], *wanted.over):
        return False
    if wanted.key is None:
        return True
    run = reader.run(str(hold["run"]))
    return run is not None and run.order_key == wanted.key


def _is_over(amount: Value, limit: Decimal, currency: str) -> bool:
    if not isinstance(amount, Mapping) or amount["currency"] != currency:
        return False
    return abs(Decimal(cast("int | Decimal", amount["amount"]))) > limit


def _all(reader: LedgerReader) -> Iterable[HoldRow]:
    found: list[HoldRow] = []
    while rows := reader.holds(before=found[-1].seq if found else LAST):
        found.extend(rows)
    return reversed(found)


def totals(holds: Iterable[Mapping[str, Value]]) -> list[dict[str, Value]]:
    """What is at stake by owner and currency: how many, how much, and since when the oldest is."""
    found: dict[tuple[str, str], dict[str, Value]] = {}
    for hold in holds:
        amount = hold["amount"]
        currency = str(amount["currency"]) if isinstance(amount, Mapping) else ""
        key = (str(hold["owner"]), currency)
        one = found.setdefault(
            key,
            {
                "owner": key[0],
                "currency": currency or None,
                "holds": 0,
                "amount": Decimal(0) if currency else None,
                "oldest": hold["opened_at"],
            },
        )
        one["holds"] = cast("int", one["holds"]) + 1
        if isinstance(amount, Mapping):
            at_stake = Decimal(cast("int | Decimal", amount["amount"]))
            one["amount"] = cast("Decimal", one["amount"]) + at_stake
    return [found[key] for key in sorted(found)]


def described_hold(reader: LedgerReader, hold_id: str, now: datetime) -> dict[str, Value] | None:
    """One hold with the facts behind it, its history, what time does to it, and what waits behind it."""
    row = reader.hold(hold_id)
    if row is None:
        return None
    run = reader.run(row.run_id)
    decisions = cast("Mapping[str, Value]", read_json((run and run.decisions) or "{}"))
    behind = [one for one in described_keys(reader, now) if one["run"] == row.run_id]
    return {
        **_described(row, now),
        "order_key": None if run is None else run.order_key,
        "event": None if run is None else run.event_id,
        "facts": _facts(decisions, row),
        "timers": read_json(row.timers or "[]"),
        "history": [*_history(reader, row)],
        "waiting_behind": behind[0]["waiting"] if behind else 0,
    }


def _facts(decisions: Mapping[str, Value], row: HoldRow) -> Value:
    """What its policy had looked at when it was decided."""
    check = decisions.get(row.step)
    if isinstance(check, Mapping) and row.item is not None:
        check = cast("Mapping[str, Value]", check.get("items") or {}).get(row.item)
    facts = check.get("facts") if isinstance(check, Mapping) else None
    return facts.get(row.policy) if isinstance(facts, Mapping) else None


def _history(reader: LedgerReader, row: HoldRow) -> Iterator[dict[str, Value]]:
    """What happened to it, in order."""
    steps: list[tuple[str, str, str, Value]] = [(row.opened_at, ENGINE, "held", row.reason)]
    steps += [_step(one) for one in reader.transitions(row.id) if one.status == "open"]
    steps += [
        (
            one.at,
            one.actor,
            one.action,
            cast("Mapping[str, Value]", read_json(one.detail or "{}")).get("reason"),
        )
        for one in reader.audit_of(row.id)
    ]
    told = (one for one in reader.alerts_of_run(row.run_id) if one.id.startswith(f"{row.id}/"))
    steps += [(one.at, ENGINE, f"told {one.to}", one.said) for one in told]
    by_person = any(did.startswith("hold released") or did == "hold refused" for _, _, did, _ in steps)
    if row.released_at is not None and not by_person:
        why = (
            row.release_reason if row.release_event is None else f"{row.release_reason} ({row.release_event})"
        )
        steps.append((row.released_at, row.released_by or ENGINE, f"hold {row.status}", why))
    for step in sorted(steps, key=lambda step: step[0]):
        yield dict(zip(("at", "who", "did", "why"), step, strict=True))


def _step(row: TransitionRow) -> tuple[str, str, str, Value]:
    return row.at, ENGINE, "proposal lapsed", row.reason


def _described(row: HoldRow, now: datetime) -> dict[str, Value]:
    detail = cast("Mapping[str, Value]", read_json(row.detail))
    ends = now if row.released_at is None else datetime.fromisoformat(row.released_at)
    return {
        "id": row.id,
        "kind": "approval" if detail.get("approval") else "hold",
        "run": row.run_id,
        "step": row.step,
        "policy": row.policy,
        "owner": row.owner,
        "reason": row.reason,
        "status": row.status,
        "opened_at": row.opened_at,
        "age": age(ends - datetime.fromisoformat(row.opened_at)),
        "release": " or ".join(_ways(row, detail)),
        "approval": bool(detail.get("approval")),
        "amount": detail.get("amount"),
        "four_eyes_over": detail.get("four_eyes_over"),
        "released_at": row.released_at,
        "released_by": row.released_by,
        "release_reason": row.release_reason,
        "release_event": row.release_event,
        "refusal_code": row.refusal_code,
    }


def _ways(row: HoldRow, detail: Mapping[str, Value]) -> Iterator[str]:
    """What ends a hold, in words."""
    if row.until_event:
        yield f"event {row.until_event}" + (f" with {row.match}" if row.match else "")
    if detail.get("role"):
        yield f"role {detail['role']}" + (" with a reason" if detail.get("reason_required") else "")
    elif not row.until_event:
        yield "a person"
