"""What arrived and is in no turn yet, and who waits for the commit of what is."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, TypeVar

from engine.core.accept import Offer
from engine.errors import LedgerError
from engine.runtime.deliver import Attempt
from engine.runtime.intake import Beside
from engine.runtime.reading import ReadCame
from engine.runtime.resolve import Order
from engine.values.value import Value

T = TypeVar("T")

NOTHING = Beside()


@dataclass(slots=True)
class Offered:
    """Events, and who wants to know that they are safe."""

    offers: Sequence[Offer]
    done: "asyncio.Future[list[str]] | None"
    source: str = ""
    unfit: Sequence[tuple[Value, str]] = ()  # records of the source that cannot be used
    beside: Beside = NOTHING


@dataclass(slots=True)
class Ordered:
    """Something that a person does, as part of a turn."""

    do: Order
    done: "asyncio.Future[None]"


class Trouble(NamedTuple):
    """An error of ours at what a turn wants done outside for a run."""

    run_id: str
    error: Exception


Item: TypeAlias = Offered | ReadCame | Ordered | Attempt | Trouble


class Inbox:
    """What waits for the next turn."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.items: deque[Item] = deque()
        self.arrived = asyncio.Event()  # something is there, or may be
        self.failed: BaseException | None = None  # what ended the turns: nothing more is taken
        self._promises: set[asyncio.Future[Any]] = set()  # of those who wait for a commit

    def put(self, item: Item) -> None:
        """Have something taken in the next turn.

        Raises:
            LedgerError: when the turns have ended.

        """
        if self.failed is not None:
            raise LedgerError(f"the ledger failed before: {self.failed}") from self.failed
        self.items.append(item)
        self.arrived.set()

    async def promised(self, done: "asyncio.Future[T]") -> T:
        """Wait for a commit; one that fails is an answer as well, so that nobody waits for ever."""
        self._promises.add(done)
        try:
            return await done
        finally:
            self._promises.discard(done)

    def fail(self, error: BaseException) -> None:
        """Nothing more is committed: tell those who wait for it."""
        self.failed = error
        for done in self._promises:
            if not done.done():
                done.set_exception(LedgerError(f"the ledger failed: {error}"))

    def raise_failure(self) -> None:
        """Raise what ended the runner: an error of the ledger, or one that is not of a single run."""
        if self.failed is not None:
            raise self.failed
