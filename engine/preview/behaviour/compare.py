"""The same events through two releases, and in what they differ."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.plan.meaning import Meaning
from engine.preview.behaviour.mask import Mask
from engine.preview.behaviour.play import Side
from engine.preview.behaviour.sample import Sample
from engine.preview.behaviour.shared import Shared
from engine.preview.behaviour.tally import SORTED_BY, Behaviour, tally
from engine.preview.meaning import Change, unchanged


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A release to be compared: what it says, and what decides by it."""

    side: Side
    meaning: Meaning


def play_both(
    old: Release,
    new: Release,
    changes: Sequence[Change],
    samples: Iterable[Sample],
    by: tuple[str, ...] = SORTED_BY,
) -> Behaviour:
    """Play events through both, what is the same in both once, and count in what they differ."""
    shared = Shared(
        old.side,
        new.side,
        flows=unchanged("flow", old.meaning, new.meaning, changes),
        events=unchanged("event", old.meaning, new.meaning, changes),
    )
    mask = Mask.of((old.side.plan, old.meaning), (new.side.plan, new.meaning))
    found = tally(shared.play(samples), (old.side.plan, new.side.plan), mask, by)
    found.events, found.refused = shared.events, shared.refused
    return found
