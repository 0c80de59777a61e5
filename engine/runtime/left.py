"""The runs that a process before this one left open and whose turn it is, until they are taken up.

To find them takes a moment, and to decide them again takes long when there are many. So a process finds all
of them before anything else, as those who come later have to stand behind them, and takes them up in turns.
"""

from itertools import islice


class Left:
    """What is still to be taken up, by id, with the turn in which it was found."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.runs: dict[str, int] = {}

    def found(self, run_id: str, turn: int) -> None:
        """A run is open, and it is its turn."""
        self.runs[run_id] = turn

    def first(self, number: int) -> list[str]:
        """The first so many."""
        return [*islice(self.runs, max(0, number))]

    def taken(self, run_id: str) -> int | None:
        """The turn in which a run was found, which is taken up now; None when it is not left."""
        return self.runs.pop(run_id, None)

    @property
    def since(self) -> tuple[int, ...]:
        """The turn in which the first was found: what was told to runs since then concerns it."""
        return tuple(islice(self.runs.values(), 1))
