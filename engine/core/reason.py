"""Why a run is not complete, in one sentence for a person."""

from collections.abc import Iterable, Mapping
from typing import Any

from engine.core.state import RunState, RunStatus


def reason(state: RunState) -> str | None:
    """The first thing that a person should know of a run that is not complete; None when there is nothing."""
    wanted = _NOTED.get(state.status)
    if wanted is None:
        return None
    found = (_said(note, wanted) for facts in state.trace.values() for note in _notes(facts))
    return next((sentence for sentence in found if sentence is not None), None)


# What a note of a step is called, by the status that it brings a run to.
_NOTED: Mapping[RunStatus, str] = {
    RunStatus.FAILED: "failed",
    RunStatus.UNKNOWN: "unknown",
    RunStatus.REJECTED: "rejected",
    RunStatus.HELD: "held",
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
