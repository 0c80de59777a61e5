"""Files that somebody puts into a folder: each row a native record, each event known by what is in it.

How far a file has been read stands in the ledger, under the hash of its content and in the same commit as the
events of its rows, so a restart goes on in the middle. A file is moved only after the commit of its last row.
Rows that cannot be used keep no other row back: they are kept with line and reason, and reported beside the
file.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase
from hashlib import sha256
from itertools import islice
from typing import BinaryIO

from engine.connect import Fault
from engine.connect.connector_plan import FilePlan
from engine.connect.file_lines import FileUnusable, Spot
from engine.connect.file_rows import Row, rows
from engine.connect.places import Entry, FolderConnector, Place
from engine.connect.sorting import sort_out
from engine.core.accept import Offer
from engine.errors import LedgerError
from engine.ledger import LedgerReader
from engine.plan.plan import Plan
from engine.runtime.intake import Alert, Beside
from engine.runtime.triggers.failing import Failing
from engine.runtime.triggers.file_report import Bad, read_bad, report
from engine.runtime.triggers.native import Feed, usable
from engine.runtime.triggers.trigger import Gate, TriggerState, pause, room_behind
from engine.values.json_text import read_json
from engine.values.value import Value

CHUNK = 200  # rows in one commit
PIECE = 1024 * 1024  # bytes that are hashed at a time
START = Spot()
FINAL = ("done", "bad", "stopped", "unusable")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the content of a file has been read."""

    hash: str  # SHA-256 of the whole content, in hexadecimal
    name: str  # of the file when it was first read
    state: str = "reading"  # then one of FINAL
    spot: Spot = START
    good: int = 0
    bad: int = 0
    why: str | None = None  # of a file that could not be read on

    @classmethod
    def read(cls, content: str, text: str) -> "Progress":
        """A progress as the ledger keeps it."""
        said = read_json(text)
        assert isinstance(said, Mapping)
        numbers = {key: int(str(said[key])) for key in ("offset", "line", "rows", "good", "bad")}
        spot = Spot(offset=numbers["offset"], line=numbers["line"], rows=numbers["rows"])
        why = said.get("why")
        return cls(
            content,
            str(said["name"]),
            str(said["state"]),
            spot,
            numbers["good"],
            numbers["bad"],
            None if why is None else str(why),
        )

    def marks(self) -> list[tuple[str, Value]]:
        """The progress as the ledger keeps it; what begins or ends is also the state of the source."""
        said: dict[str, Value] = {
            "name": self.name,
            "state": self.state,
            "offset": self.spot.offset,
            "line": self.spot.line,
            "rows": self.spot.rows,
            "good": self.good,
            "bad": self.bad,
            "why": self.why,
        }
        found: list[tuple[str, Value]] = [(f"content {self.hash}", said)]
        if self.spot == START or self.state in FINAL:
            found += [(f"name {self.name}", self.hash), ("file", {"name": self.name, "state": self.state})]
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped(Feed):
    """A source of files, and the events that its rows become."""

    @property
    def plan(self) -> FilePlan:
        """How its files are read."""
        assert self.native.file is not None
        return self.native.file

    @property
    def place(self) -> Place:
        """Where its files are put."""
        connector = self.connection.connector
        assert isinstance(connector, FolderConnector)
        return connector.place


class FileWatcher:
    """Looks for the files of one source."""

    def __init__(
        self,
        dropped: Dropped,
        plan: Plan,
        gate: Gate,
        reader: LedgerReader,
        now: Callable[[], datetime],
        told: Callable[[str], None],
    ) -> None:
        """`told` hears of files that were read, and of what is wrong with them."""
        self.dropped = dropped
        self._plan = plan
        self._gate = gate
        self._reader = reader
        self._now = now
        self._told = told
        self._failing = Failing(reader, dropped.name, dropped.plan.patience)
        self._seen: dict[str, tuple[Entry, float]] = {}  # since when each file is as it is
        self._asked_at: datetime | None = None
        self._due_at: datetime | None = None

    @property
    def name(self) -> str:
        """The name by which documents know the source."""
        return self.dropped.name

    def state(self) -> TriggerState:
        """How it stands now."""
        mark = self._reader.mark(self.name, "file")
        said = None if mark is None else read_json(mark.value)
        return TriggerState(
            name=self.name,
            kind="file",
            position=f"{said['name']}: {said['state']}" if isinstance(said, Mapping) else None,
            asked_at=self._asked_at,
            due_at=self._due_at,
            error=self._failing.why,
        )

    async def run(self, stopping: asyncio.Event) -> None:
        """Look into the folder again and again until it is time to stop."""
        every = self.dropped.plan.every
        try:
            while not stopping.is_set():
                try:
                    await self.look(stopping)
                except Fault as fault:
                    await self._failed(fault.failure.reason)
                self._due_at = self._now() + every
                await pause(every.total_seconds(), stopping)
        except LedgerError:
            return  # the worker has the failure, and the process ends with it

    async def look(self, stopping: asyncio.Event | None = None) -> int:
        """Look once, and take every file that is complete, in the order of their names; how many there were.

        Raises:
            Fault: when the folder is out of reach.

        """
        stopping = stopping or asyncio.Event()
        self._asked_at = self._now()
        entries = await self.dropped.place.files(self._folder)
        over = self._failing.recovered()
        if over is not None:
            await self._gate.accept((), self.name, (), over)
        taken = 0
        for entry in self._complete(entries):
            if stopping.is_set():
                break
            await self._take(entry, stopping)
            taken += 1
        return taken

    @property
    def _folder(self) -> str:
        return str(self.dropped.plan.spec.folder)

    async def _failed(self, why: str) -> None:
        self._told(f"{self.name}: {why}")
        beside = self._failing.failed(why, self._now())
        if beside is not None:
            await self._gate.accept((), self.name, (), beside)

    # Which files

    def _complete(self, entries: Sequence[Entry]) -> list[Entry]:
        """The files that are meant, and surely complete."""
        pattern = str(self.dropped.plan.spec.names)
        names = {one.name for one in entries}
        markers = {self._marker(name) for name in names}
        meant = [one for one in entries if fnmatchcase(one.name, pattern) and one.name not in markers]
        known, at = self._seen, asyncio.get_running_loop().time()
        self._seen = {
            one.name: known[one.name] if one.name in known and known[one.name][0] == one else (one, at)
            for one in meant
        }
        return [one for one in meant if self._is_complete(one, names, at)]

    def _is_complete(self, entry: Entry, names: set[str], at: float) -> bool:
        marker = self._marker(entry.name)
        if marker is not None:
            return marker in names
        stable = self.dropped.plan.stable
        return stable is None or at - self._seen[entry.name][1] >= stable.total_seconds()

    def _marker(self, name: str) -> str | None:
        complete = self.dropped.plan.spec.complete
        if complete is None or complete.marker is None:
            return None
        return str(complete.marker).replace("{name}", name)

    # One file

    async def _take(self, entry: Entry, stopping: asyncio.Event) -> None:
        """Read a file from where it was read to, and move it when all of it is safe."""
        async with self.dropped.place.opened(self._folder, entry.name) as stream:
            content = await _hash(stream)
            known = self._known(content)
            again = known is not None and known.state in FINAL
            progress = known or Progress(content, entry.name)
            if not again:
                if known is None:
                    await self._begin(progress)
                progress = await self._read(stream, progress, stopping)
        if progress.state in FINAL:
            await self._put_away(entry, progress, again=again)

    def _known(self, content: str) -> Progress | None:
        mark = self._reader.mark(self.name, f"content {content}")
        return None if mark is None else Progress.read(content, mark.value)

    async def _begin(self, progress: Progress) -> None:
        """Note that a file was found; a name that stood for another content is told to somebody."""
        before = self._reader.mark(self.name, f"name {progress.name}")
        raised = []
        if before is not None and read_json(before.value) != progress.hash:
            message = (
                f"{self.name}: {progress.name} came before with another content; it is read, and rows that "
                "contradict what is known are reported"
            )
            raised = [Alert(id=f"file/{self.name}/{progress.hash}/name", message=message, severity="warning")]
        await self._gate.accept((), self.name, (), Beside(marks=progress.marks(), raised=raised))

    async def _read(self, stream: BinaryIO, progress: Progress, stopping: asyncio.Event) -> Progress:
        """Read rows and commit them, until the end or until it is time to stop."""
        try:
            found = rows(self.dropped.plan, stream, progress.spot, progress.name)
            while await room_behind(self._gate, stopping):
                chunk = list(islice(found, CHUNK))
                if not chunk:
                    return await self._finish(progress, "bad" if progress.bad else "done")
                progress = await self._commit(progress, chunk)
                if progress.bad > self.dropped.plan.spec.most_bad:
                    why = f"it has more than {self.dropped.plan.spec.most_bad} rows that cannot be used"
                    return await self._finish(replace(progress, why=why), "stopped")
        except FileUnusable as unusable:
            return await self._finish(replace(progress, why=str(unusable)), "unusable")
        return progress

    async def _commit(self, progress: Progress, chunk: Sequence[Row]) -> Progress:
        """Commit the events of some rows, and the place behind them."""
        offers: list[Offer] = []
        lines: list[int] = []  # of each offer
        bad: list[Bad] = []
        for row in chunk:
            made, why = self._events(row)
            if why is not None:
                bad.append(Bad(line=row.line, why=why, text=row.text))
            offers += made
            lines += [row.line] * len(made)
        good = progress.good + len(chunk) - len(bad)
        moved = replace(progress, spot=chunk[-1].behind, good=good, bad=progress.bad + len(bad))
        marks = [*moved.marks(), *(one.mark(progress.hash) for one in bad)]
        became = await self._gate.accept(offers, self.name, (), Beside(marks=marks))
        return await self._contradictions(moved, lines, became)

    def _events(self, row: Row) -> tuple[list[Offer], str | None]:
        """The events of a row, or why it has none."""
        if row.why is not None:
            return [], row.why
        good, unfit = sort_out(self.dropped.native, [row.record])
        offers, useless = usable(self._plan, self.dropped.events, good, self._now())
        why = next((reason for _, reason in (*unfit, *useless)), None)
        return ([], why) if why is not None else (offers, None)

    async def _contradictions(
        self, progress: Progress, lines: Sequence[int], became: Sequence[str]
    ) -> Progress:
        """Rows whose event is known with another content: the ledger has kept them, and a person is told."""
        found = [line for line, what in zip(lines, became, strict=True) if what == "conflict"]
        if not found:
            return progress
        why = "an event with this identity is known with another content"
        bad = [Bad(line=line, why=why, text="") for line in found]
        told = replace(progress, good=progress.good - len(bad), bad=progress.bad + len(bad))
        marks = [*told.marks(), *(one.mark(progress.hash) for one in bad)]
        await self._gate.accept((), self.name, (), Beside(marks=marks))
        return told

    async def _finish(self, progress: Progress, state: str) -> Progress:
        """Note the end of a file; one that is not good to its end is told."""
        ended = replace(progress, state=state)
        raised = [] if state == "done" else [self._alert(ended)]
        await self._gate.accept((), self.name, (), Beside(marks=ended.marks(), raised=raised))
        return ended

    def _alert(self, progress: Progress) -> Alert:
        said = f"{progress.bad:,} rows of {progress.name} cannot be used, {progress.good:,} can"
        if progress.why is not None:
            said = (
                f"{progress.name} was not read to its end: {progress.why}; {progress.good:,} rows were taken"
            )
        where = f"{self.dropped.plan.spec.bad}/ has the file and a report"
        return Alert(id=f"file/{self.name}/{progress.hash}", message=f"{self.name}: {said}; {where}")

    # What becomes of the file

    async def _put_away(self, entry: Entry, progress: Progress, *, again: bool) -> None:
        """Move a file to where it belongs, with a report if there is something to say."""
        place, spec = self.dropped.place, self.dropped.plan.spec
        into = str(spec.done if progress.state == "done" else spec.bad)
        there = {one.name for one in await self._files(into)}
        name = _free_name(entry.name, progress.hash) if entry.name in there else entry.name
        if progress.state != "done":
            text = report(progress.why, read_bad(self._reader, self.name, progress.hash))
            await place.write(f"{self._folder}/{into}", f"{name}.report.csv", text)
        await place.move(self._folder, entry.name, into, name)
        marker = self._marker(entry.name)
        if marker is not None:
            await place.remove(self._folder, marker)
        self._seen.pop(entry.name, None)
        known = " it was read before," if again else ""
        self._told(f"{self.name}: {entry.name}:{known} {progress.good:,} rows good, {progress.bad:,} bad")

    async def _files(self, into: str) -> Sequence[Entry]:
        """The files that were put away before; none when the folder is not there yet."""
        try:
            return await self.dropped.place.files(f"{self._folder}/{into}")
        except Fault:
            return ()


def _free_name(name: str, content: str) -> str:
    """A name for a file whose own is taken: the same content has always the same."""
    stem, dot, ending = name.partition(".")
    return f"{stem}-{content[:12]}{dot}{ending}"


async def _hash(stream: BinaryIO) -> str:
    """The hash of a file, piece by piece, letting others go on in between."""
    digest = sha256()
    for piece in _pieces(stream):
        digest.update(piece)
        await asyncio.sleep(0)
    stream.seek(0)
    return digest.hexdigest()


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    while piece := stream.read(PIECE):
        yield piece
