"""The same events through two releases, and in what they differ."""

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from engine.plan.meaning import Meaning
from engine.preview.behaviour.mask import Mask
from engine.preview.behaviour.play import Side
from engine.preview.behaviour.sample import Sample
from engine.preview.behaviour.shared import Shared
from engine.preview.behaviour.tally import SORTED_BY, Behaviour, tally
from engine.preview.behaviour.twin import twins
from engine.preview.meaning import Change, unchanged


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A release to be compared: what it says, and what decides by it."""

    side: Side
    meaning: Meaning


COLLECTED = 20_000  # events between two searches for garbage


@contextmanager
def _seldom_collected(samples: Iterable[Sample]) -> Iterator[Iterator[Sample]]:
    """The events, with garbage looked for now and then: looking all the time would cost a fifth."""
    was_enabled = gc.isenabled()
    gc.freeze()  # what is there stays there as long: the plans and what they were made of
    gc.disable()
    try:
        yield _collecting(samples)
    finally:
        gc.unfreeze()
        if was_enabled:
            gc.enable()


def _collecting(samples: Iterable[Sample]) -> Iterator[Sample]:
    for number, sample in enumerate(samples, 1):
        yield sample
        if not number % COLLECTED:
            gc.collect()


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
        twins=twins((old.side.plan, new.side.plan), (old.meaning, new.meaning), changes),
    )
    mask = Mask.of((old.side.plan, old.meaning), (new.side.plan, new.meaning))
    with _seldom_collected(samples) as counted:
        found = tally(shared.play(counted), (old.side.plan, new.side.plan), mask, by)
    found.events, found.refused = shared.events, shared.refused
    return found
