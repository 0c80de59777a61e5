"""Why a run is not complete, in one sentence for a person."""

from collections.abc import Iterable, Mapping
from typing import Any

from engine.core.compensate import TAKEN_BACK
from engine.core.state import RunState, RunStatus


def reason(state: RunState) -> str | None:
    """The first thing that a person should know of a run that is not complete; None when there is nothing."""
    wanted = _NOTED.get(state.status, ())
    notes = [note for facts in state.trace.values() for note in _notes(facts)] if wanted else ()
    found = (_said(note, word) for word in wanted for note in notes)
    first = next((sentence for sentence in found if sentence is not None), None)
    taken_back = state.trace.get(TAKEN_BACK)
    if taken_back is None or not wanted:
        return first
    told = "; ".join(f"{step} {what}" for step, what in taken_back["steps"].items())
    return told if first is None else f"{first} ({told})"


# What the notes of steps are called, by the status that they bring a run to.
_NOTED: Mapping[RunStatus, tuple[str, ...]] = {
    RunStatus.FAILED: ("failed",),
    RunStatus.UNKNOWN: ("unknown",),
    RunStatus.REJECTED: ("rejected",),
    RunStatus.HELD: ("held",),
    RunStatus.COMPENSATED: ("failed", "rejected"),
}


def _notes(facts: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """The notes of a step: one, or one for each item."""
    items = facts.get("items")
    return [facts] if items is None else items.values()


def _said(note: Mapping[str, Any], word: str) -> str | None:
    value = note.get(word)
    if not value:
        return None
    if isinstance(value, str):
        return value
    return str(note["reasons"].get(value[0]) or f"Policy {value[0]} applies.")
