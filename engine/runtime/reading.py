"""Reads: asked once for all runs that want the same at one time, and remembered as long as flows allow.

What is remembered is forgotten when something is written to the same connection, and a read that was on its
way meanwhile is not remembered: whoever reads after a write sees it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from engine.connect import Fault
from engine.core import ReadCommand
from engine.effect import Failure
from engine.runtime.connections import Connection
from engine.values.canonical import fingerprint
from engine.values.value import Value

REMEMBERED = 10_000  # answers that are kept at one time


@dataclass(slots=True)
class Asked:
    """A question to a system, and the runs that wait for its answer."""

    name: str  # the same for the same question
    command: ReadCommand
    rank: float
    runs: list[tuple[str, str]]  # run, and the key under which it asked
    attempts: int = 0
    spared: int = 0  # attempts that count against nobody's patience
    failing_since: datetime | None = None
    answers: int | None = None  # how often its system had answered when it last failed
    shut_before: float = 0.0  # seconds for which nothing could go before it first failed
    placed: bool = False
    probe: bool = False
    writes: int = 0  # how often its connection had been written to when it was asked
    keeps: int = 0  # for how many seconds somebody may use the answer

    @property
    def connection(self) -> str:
        """Where it is asked."""
        return self.command.connection


@dataclass(slots=True)
class ReadCame:
    """What came of one attempt to read."""

    asked: Asked
    value: Value = None
    failure: Failure | None = None


@dataclass(slots=True)
class _Remembered:
    at: float
    writes: int
    value: Value


@dataclass(slots=True)
class Reads:
    """Which questions are open, and which answers are known. Time is handed in, as seconds that only grow."""

    elapsed: Callable[[], float]
    _open: dict[str, Asked] = field(default_factory=dict)  # in line or on their way
    _known: dict[str, _Remembered] = field(default_factory=dict)
    _writes: dict[str, int] = field(default_factory=dict)

    def ask(self, run_id: str, command: ReadCommand, rank: float) -> Asked | ReadCame | None:
        """A question to be asked; an answer that is known; None when it is asked already."""
        name = f"{command.connection}.{command.operation} {fingerprint(command.parameters)}"
        writes = self._writes.get(command.connection, 0)
        known = self._known.get(name) if command.cache_seconds else None
        asked = Asked(name, command, rank, [(run_id, command.key)], keeps=command.cache_seconds)
        if (
            known is not None
            and known.writes == writes
            and self.elapsed() - known.at <= command.cache_seconds
        ):
            return ReadCame(asked, known.value)
        other = self._open.get(name)
        if other is not None and self._serves(other, command, writes):
            other.runs.append((run_id, command.key))
            other.keeps = max(other.keeps, command.cache_seconds)
            return None
        if other is None:
            self._open[name] = asked
        return asked

    @staticmethod
    def _serves(other: Asked, command: ReadCommand, writes: int) -> bool:
        """Whether the answer to an open question will do: it is yet to be asked, or may be a little old."""
        return not other.placed or (command.cache_seconds > 0 and other.writes == writes)

    def goes(self, asked: Asked) -> None:
        """A question is asked now."""
        asked.attempts += 1
        asked.writes = self._writes.get(asked.connection, 0)

    def came(self, asked: Asked, value: Value) -> None:
        """An answer came: remembered, unless its connection was written to since it was asked for."""
        self.forget(asked)
        if asked.keeps:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[asked.name] = _Remembered(self.elapsed(), asked.writes, value)

    def forget(self, asked: Asked) -> None:
        """A question is not open any more."""
        if self._open.get(asked.name) is asked:
            del self._open[asked.name]

    def written(self, connection: str) -> None:
        """Something is written to a connection, or may have been: what was read before may be old."""
        self._writes[connection] = self._writes.get(connection, 0) + 1


async def read(connection: Connection, asked: Asked) -> ReadCame:
    """One attempt to read. Never raises for an error from outside."""
    command = asked.command
    try:
        return ReadCame(asked, await connection.connector.read(command.operation, command.parameters))
    except Fault as fault:
        return ReadCame(asked, failure=fault.failure)
