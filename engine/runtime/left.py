"""The runs that a process before this one left open and whose turn it is, until they are taken up.

To find them takes a moment, and to decide them again takes long when there are many. So a process finds all
of them before anything else, as those who come later have to stand behind them, and takes them up in turns:
those of flows that go before others first, as it is then, and of these in the order in which they began.
Nobody waits for ever, since no more of them come.
"""

from collections.abc import Callable, Iterator
from heapq import merge
from itertools import chain, count, islice


class Left:
    """What is still to be taken up, by id, with the turn in which it was found."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.runs: dict[str, int] = {}
        self._numbers = count()
        self._flows: dict[str, dict[str, int]] = {}  # the runs of each flow, with the order of all of them

    def found(self, run_id: str, turn: int) -> None:
        """A run is open, and it is its turn."""
        self.runs[run_id] = turn
        self._flows.setdefault(_flow(run_id), {})[run_id] = next(self._numbers)

    def first(self, number: int, weigh: Callable[[str], int] = lambda _: 0) -> list[str]:
        """The first so many, by what the flows weigh now."""
        by_weight: dict[int, list[str]] = {}
        for flow in self._flows:
            by_weight.setdefault(weigh(flow), []).append(flow)
        found = (self._in_order(by_weight[weight]) for weight in sorted(by_weight, reverse=True))
        return [*islice(chain.from_iterable(found), max(0, number))]

    def _in_order(self, flows: list[str]) -> Iterator[str]:
        """The runs of some flows in the order in which they were found."""
        return (run_id for _, run_id in merge(*(_numbered(self._flows[flow]) for flow in flows)))

    def taken(self, run_id: str) -> int | None:
        """The turn in which a run was found, which is taken up now; None when it is not left."""
        found = self.runs.pop(run_id, None)
        if found is not None:
            flow = _flow(run_id)
            del self._flows[flow][run_id]
            if not self._flows[flow]:
                del self._flows[flow]
        return found

    @property
    def since(self) -> tuple[int, ...]:
        """The turn in which the first was found: what was told to runs since then concerns it."""
        return tuple(islice(self.runs.values(), 1))


def _numbered(runs: dict[str, int]) -> Iterator[tuple[int, str]]:
    return ((number, run_id) for run_id, number in runs.items())


def _flow(run_id: str) -> str:
    """The flow of a run, as it is named."""
    return run_id.partition("/")[0].partition("~")[0]
