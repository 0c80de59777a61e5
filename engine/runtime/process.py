"""`process`: the events of a file, to rest."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from engine.clock import Clock
from engine.core.accept import Offer
from engine.errors import InputError
from engine.plan.plan import Plan
from engine.runtime import memory
from engine.runtime.accept import read_line
from engine.runtime.runner import Runner
from engine.values.json_text import MAX_BYTES

BLOCK = 64 * 1024  # bytes that are read at one time
MAX_REFUSED = 1_000  # lines of which the reason is kept; of more, only the number


@dataclass(slots=True, kw_only=True)
class Processed:
    """What became of the events of a file."""

    events: int = 0
    accepted: int = 0
    duplicates: int = 0
    conflicts: int = 0
    refused: int = 0  # lines that are no events
    runs: int = 0
    completed: int = 0
    held: int = 0
    waiting: int = 0
    rejected: int = 0
    failed: int = 0
    compensated: int = 0
    unknown: int = 0
    effects: int = 0
    alerts: int = 0
    unsent: int = 0  # writes and reads that wait for systems that are away; the next process sends them
    behind: int = 0  # runs with an order key that are not over: in line, or with a write still to be sent
    seconds: float = 0.0
    refusals: list[str] = field(default_factory=list)  # "events.jsonl:17: not JSON: ..."

    @property
    def ok(self) -> bool:
        """Whether every line was an event, no run failed or is in doubt, and nothing is left to send."""
        return not (self.refused or self.conflicts or self.failed or self.unknown or self.unsent)


async def process(
    runner: Runner,
    plan: Plan,
    file: Path,
    as_event: str | None,
    clock: Clock,
    progress: Callable[[int], None],
) -> Processed:
    """Accept the events of a file and run all flows to rest, those that an earlier process left open first.

    Lines that are no events are reported and left out; nothing is lost, since they stay in the file.

    Raises:
        InputError: when the file cannot be read.
        LedgerError: when the ledger cannot be written; the same command may be given again.

    """
    found = Processed()
    start = clock.elapsed_seconds()
    memory.settle()
    runner.recover()
    ahead = _Ahead(_chunks(plan, file, as_event, clock, found, runner.limits.turn))
    while ahead.more:
        while runner.room <= 0:
            await runner.turn(wait_seconds=1.0, meanwhile=ahead.read)
            runner.raise_failure()
        runner.offer(ahead.take())
        await runner.turn(meanwhile=ahead.read)
        runner.raise_failure()
        progress(runner.executor.tally.events + found.refused)
    await runner.until_rest()
    _sum_up(found, runner)
    found.seconds = clock.elapsed_seconds() - start
    return found


def _sum_up(found: Processed, runner: Runner) -> None:
    tally = runner.executor.tally
    found.events = tally.events + found.refused
    found.accepted, found.duplicates, found.conflicts = tally.accepted, tally.duplicates, tally.conflicts
    found.runs, found.effects, found.alerts = tally.runs, tally.effects, tally.alerts
    found.unsent = runner.unsent
    for status, number in tally.ended.items():
        setattr(found, status, max(0, number))


class _Ahead:
    """The events of a file; the next are read and checked while the disk takes up the commit before."""

    def __init__(self, chunks: Iterator[list[Offer]]) -> None:
        self._chunks = chunks
        self._next: list[Offer] | None = None
        self._error: InputError | None = None

    def read(self) -> None:
        """Read what comes next, unless that was done. Never raises: whoever takes it is told."""
        if self._next is None and self._error is None:
            try:
                self._next = next(self._chunks, [])
            except InputError as error:
                self._error = error

    @property
    def more(self) -> bool:
        """Whether anything is left.

        Raises:
            InputError: when the file could not be read on.

        """
        self.read()
        if self._error is not None:
            raise self._error
        return bool(self._next)

    def take(self) -> list[Offer]:
        """What comes next; it is kept by the caller alone."""
        self.read()
        taken, self._next = self._next or [], None
        return taken


def _chunks(
    plan: Plan, file: Path, as_event: str | None, clock: Clock, found: Processed, size: int
) -> Iterator[list[Offer]]:
    """The events of a file, so many at a time."""
    chunk: list[Offer] = []
    now = clock.now()
    for number, line in _lines(file):
        try:
            chunk.append(read_line(plan, line, as_event, now))
        except InputError as error:
            found.refused += 1
            if len(found.refusals) < MAX_REFUSED:
                found.refusals.append(f"{file}:{number}: {error}")
        if len(chunk) >= size:
            yield chunk
            chunk, now = [], clock.now()
    if chunk:
        yield chunk


def _lines(file: Path) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of each line that is not blank; of one that is too long, as much as shows that."""
    try:
        # Unbuffered, in blocks: each read lets a commit that is under way go on.
        with file.open("rb", buffering=0) as stream:
            for number, line in enumerate(_split(iter(lambda: stream.read(BLOCK), b"")), 1):
                if bare := line.strip():
                    yield number, bare
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror or error}") from error


def _split(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The lines of blocks; what comes behind the bound of a document is left out of its line."""
    parts: list[bytes] = []
    size = 0
    for block in blocks:
        first, *others = block.split(b"\n")
        if size <= MAX_BYTES:
            parts.append(first)
            size += len(first)
        if others:
            yield b"".join(parts)
            *whole, rest = others
            yield from whole
            parts, size = [rest], len(rest)
    yield b"".join(parts)
