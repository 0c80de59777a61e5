"""Proof that a redacted corpus decides as what was recorded: both are played, and compared as far as may be.

Whatever is written differs by design. How runs end, what they hold, and what they lack must not.
"""

from collections.abc import Iterator
from typing import NamedTuple

from engine.preview.behaviour import Sample, Shared, Side
from engine.preview.behaviour.play import Run

MOST = 20  # events that are named


class _Ended(NamedTuple):
    """What a run has in common with itself redacted."""

    flow: str
    status: str
    holds: int
    writes: int
    emits: int
    lacks: int


class Proof:
    """Plays events as they were and as they are redacted, by one release."""

    def __init__(self, side: Side) -> None:
        """By this release."""
        self._both = tuple(Shared.of_one(side) for _ in range(2))
        self.events = 0
        self.runs = 0
        self.differing: list[str] = []  # the events after which a run ended otherwise, some of them
        self.otherwise = 0

    def take(self, raw: Sample, redacted: Sample) -> None:
        """Play one event."""
        self.events += 1
        pairs = zip(self._both, (raw, redacted), strict=True)
        self._compare([shared.take(sample) for shared, sample in pairs], f" ({raw.type})")

    def rest(self) -> None:
        """What persons and time did behind the last event."""
        self._compare([shared.rest() for shared in self._both], " and what came behind it")

    def _compare(self, pairs: list[Iterator[tuple[Run | None, Run | None]]], what: str) -> None:
        ended = [[_ended(old or new) for old, new in side] for side in pairs]
        self.runs += len(ended[0])
        if ended[0] != ended[1]:
            self.otherwise += 1
            if len(self.differing) < MOST:
                self.differing.append(f"event {self.events}{what}")


def _ended(run: Run | None) -> _Ended:
    assert run is not None
    return _Ended(
        run.flow.name, run.status, len(run.holds), len(run.writes), len(run.emits), len(run.missing)
    )
