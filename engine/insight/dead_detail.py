"""One thing that needs work, in full: what was tried, what was sent, what waits for it, what can be done."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import cast

from engine.insight.dead import (
    UNFIT,
    DeadLetter,
    body_of,
    of_alert,
    of_conflict,
    of_effect,
    of_run,
    record,
)
from engine.ledger.reader import LedgerReader
from engine.ledger.rows import ConflictRow, EffectRow, RunRow
from engine.values.value import Value

WAITS = ("pending", "skipped")  # how steps stand that did not come to their turn


def dead_letter(reader: LedgerReader, name: str) -> DeadLetter | None:
    """What bears a name: an effect, a run, a native record or a conflict; None when there is nothing."""
    effect = reader.effect(name)
    if effect is not None:
        return of_effect(reader, effect, effect.settled_at or effect.created_at)
    run = reader.run(name)
    if run is not None:
        return of_run(reader, run)
    if name.startswith(UNFIT):
        alert = reader.alert(name)
        return None if alert is None else of_alert(alert)
    conflict = _conflict(reader, name)
    return None if conflict is None else of_conflict(reader, conflict)


def detail(reader: LedgerReader, one: DeadLetter) -> dict[str, Value]:
    """Everything that is known of it."""
    effect = reader.effect(one.id)
    run = None if one.run is None else reader.run(one.run)
    event = None if one.event is None else reader.event(one.event)
    return {
        **cast("dict[str, Value]", asdict(one)),
        "status": effect.status if effect is not None else None if run is None else run.status,
        "history": [*_history(reader, one, effect, run)],
        "sent": None if effect is None else dict(record(effect.payload)),
        "evidence": {} if effect is None else dict(record(effect.failure)),
        "data": None if event is None else dict(body_of(event)),
        "came": _came(reader, one),
        "waits": _waits(run),
        "attempts": [row.id for row in reader.attempts(run.flow, run.event_id)] if run is not None else [],
        "ways": list(ways(one, effect, run)),
    }


def _history(
    reader: LedgerReader, one: DeadLetter, effect: EffectRow | None, run: RunRow | None
) -> Iterator[Value]:
    """What happened to it, in order: attempts with what came of them, and what people did."""
    lines: list[tuple[str, int, Value]] = []
    if effect is not None:
        lines.append((effect.created_at, effect.commit, _line(effect.created_at, "decided", None, None)))
    for subject in dict.fromkeys([one.id, *([] if run is None else [run.id])]):
        for step in reader.transitions(subject):
            failure = record(step.detail) if step.kind == "effect" else {}
            said = failure.get("reason") or step.reason
            about = f"{step.kind} {step.status}"
            lines.append((step.at, step.commit, _line(step.at, about, said, failure.get("evidence"))))
        for entry in reader.audit_of(subject):
            why = record(entry.detail).get("reason")
            about = f"{entry.action} by {entry.actor}"
            lines.append((entry.at, entry.commit, _line(entry.at, about, why, None)))
    if effect is not None and effect.settled_at is not None:
        failure = record(effect.failure)
        ended = _line(effect.settled_at, effect.status, failure.get("reason"), failure.get("evidence"))
        lines.append((effect.settled_at, effect.settle_commit or 0, ended))
    elif run is not None and run.finished_at is not None:
        lines.append(
            (run.finished_at, run.finish_commit or 0, _line(run.finished_at, run.status, run.reason, None))
        )
    yield from (line for _, _, line in sorted(lines, key=lambda item: item[:2]))


def _line(at: str, what: str, why: Value, evidence: Value) -> Value:
    told: dict[str, Value] = {"at": at, "what": what, "why": why, "evidence": evidence or None}
    return {name: value for name, value in told.items() if value is not None}


def _came(reader: LedgerReader, one: DeadLetter) -> Value:
    """What a source sent that could not be used."""
    if one.kind == "record":
        entries = [entry for entry in reader.audit_of(one.id) if entry.action == "record refused"]
        return record(entries[-1].detail).get("record") if entries else None
    if one.kind == "conflict":
        conflict = _conflict(reader, one.id)
        return None if conflict is None else dict(body_of(conflict))
    return None


def _conflict(reader: LedgerReader, name: str) -> ConflictRow | None:
    """The contradiction of a name."""
    found = reader.conflicts(name.rpartition("#")[0])
    return next((row for row in found if row.name == name), None)


def _waits(run: RunRow | None) -> list[Value]:
    """The steps that could not be done because of it."""
    if run is None:
        return []
    steps = record(run.decisions).get("steps")
    return [name for name, status in steps.items() if status in WAITS] if isinstance(steps, Mapping) else []


def ways(one: DeadLetter, effect: EffectRow | None, run: RunRow | None) -> Iterator[str]:
    """The commands by which a person can deal with it."""
    name = quoted(one.id)
    why = "--reason WHY"
    if effect is not None and effect.status == "unknown":
        yield f"tidegate look-up {name}"
        yield f"tidegate resolve {name} --applied --id ID {why}"
        yield f"tidegate resolve {name} --not-applied --again {why}"
        yield f"tidegate resolve {name} --not-applied --give-up {why}"
        return
    if effect is not None and effect.status != "dead":
        return
    if run is not None and (effect is not None or run.finished_at is not None):
        yield f"tidegate replay {name}"
        yield f"tidegate replay {name} --go {why}"
    if one.kind == "event":
        yield f"tidegate replay {name} --release current    (when the documents were changed)"
    if one.kind == "record":
        source = f"{one.connection}.{one.operation}"
        yield f"tidegate backfill {source} --from DAY --to DAY    (once it is mended; or have it sent again)"
    yield f"tidegate dead dismiss {name} {why}"


_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./~-")


def quoted(name: str) -> str:
    """A name as a shell takes it for one word."""
    if name and set(name) <= _PLAIN and not name.startswith("~"):
        return name
    return "'" + name.replace("'", "'\"'\"'") + "'"


def sentences(told: Sequence[Value]) -> Iterator[str]:
    """The lines of a history, for a person."""
    for line in told:
        assert isinstance(line, Mapping)
        why = "" if line.get("why") is None else f": {line['why']}"
        yield f"{line['at']}  {line['what']}{why}"
