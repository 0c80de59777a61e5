"""What was worked out at an earlier look at a workspace, for things that are the same objects still.

Only what follows from the thing alone belongs here: the tree of a text, not whether its names are known.
"""

from collections.abc import Callable
from typing import TypeVar, cast

T = TypeVar("T")


class Memo:
    """Remembers results by the identity of what they were made of; a look at a time."""

    def __init__(self) -> None:
        """Remember nothing."""
        self._before: dict[tuple[str, int], tuple[object, object]] = {}
        self._now: dict[tuple[str, int], tuple[object, object]] = {}

    def next_look(self) -> None:
        """Begin another look: what it does not ask for is forgotten at the one after it."""
        self._before, self._now = self._now, {}

    def of(self, thing: object, purpose: str, make: Callable[[], T]) -> T:
        """What `make` gives for a thing that never changes; made once for each purpose."""
        key = (purpose, id(thing))
        # The thing is kept with its result: as long as that is so, nothing else has its id.
        known = self._now.get(key)
        if known is None:
            known = self._before.get(key) or (thing, make())
            self._now[key] = known
        return cast("T", known[1])
