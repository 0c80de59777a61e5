"""How far the sources of a plan have been read, as the ledger has it: for a person, where nothing runs."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from engine.ledger.reader import LedgerReader
from engine.plan.plan import Plan
from engine.values.json_text import instant_text, read_json
from engine.values.value import Value

# The names of marks that triggers leave, and the part of each that says how far the source has come.
_POSITIONS = {"watermark": "upto", "due": "brought", "file": "name", "stream": "position"}


def standing(plan: Plan, reader: LedgerReader, now: datetime) -> list[dict[str, Value]]:
    """Each source by name: how far it has come, since when, what is wrong, and when a schedule is due."""
    names = dict.fromkeys(f"{source.connection}.{source.source}" for source in plan.sources)
    found = [_source(reader, name) for name in names]
    for schedule in plan.schedules:
        one = _source(reader, f"schedule.{schedule.name}")
        due = schedule.due(now)
        found.append({**one, "kind": "schedule", "due_at": None if due is None else instant_text(due)})
    return found


def _source(reader: LedgerReader, name: str) -> dict[str, Value]:
    marks = dict(_marks(reader, name))
    kind = next((key for key in _POSITIONS if key in marks), None)
    said = None if kind is None else marks[kind][0]
    failing = marks.get("failing", (None, ""))[0]
    return {
        "name": name,
        "position": said.get(_POSITIONS[kind]) if kind is not None and isinstance(said, Mapping) else None,
        "moved_at": None if kind is None else marks[kind][1],
        "error": failing.get("why") if isinstance(failing, Mapping) else None,
    }


def _marks(reader: LedgerReader, name: str) -> Iterator[tuple[str, tuple[Value, str]]]:
    for key in (*_POSITIONS, "failing"):
        mark = reader.mark(name, key)
        if mark is not None:
            yield key, (read_json(mark.value), mark.at)
