"""Which flows and sources have something that ended badly and that nobody has dealt with.

It is what `tidegate dead` lists, asked so that the answer costs little: it begins where it found the last,
so that whoever deals with thousands, one after the other, does not have each look begin at the first.
"""

from collections.abc import Iterator

from engine.ledger import LedgerReader
from engine.ledger.reader import LAST
from engine.ledger.rows import ConflictRow, RunRow

_ENDED = ("failed", "rejected")


class Unsettled:
    """Asks the ledger what still needs work, whoever works it."""

    def __init__(self, reader: LedgerReader) -> None:
        """Begin with nothing found."""
        self._reader = reader
        self._found: dict[tuple[str, str], int] = {}  # the number of the run found last, by status and flow
        self._contradiction: dict[str, int] = {}  # before which number the last one was found, by source

    def has_run(self, flow: str) -> bool:
        """Whether a run of a flow needs work: it is in doubt, has failed, or its event did not fit."""
        if self._reader.is_in_doubt(flow):
            return True
        return any(self._finds(status, flow) for status in _ENDED)

    def has_contradiction(self, source: str) -> bool:
        """Whether a source has contradicted itself and nobody has said that nothing is to be done."""
        last = self._contradiction.pop(source, LAST)
        for before in dict.fromkeys((last, LAST)):  # others may have come since
            row = next(self._contradictions(source, before), None)
            if row is not None:
                self._contradiction[source] = row.seq + 1
                return True
        return False

    def _finds(self, status: str, flow: str) -> bool:
        last = self._found.pop((status, flow), 0)
        for after in (last - 1, 0) if last else (0,):  # a run that began earlier may have ended since
            row = next(self._needing_work(status, flow, after), None)
            if row is not None:
                self._found[status, flow] = row.seq
                return True
        return False

    def _contradictions(self, source: str, before: int) -> Iterator[ConflictRow]:
        while rows := self._reader.latest_conflicts(before=before):
            mine = (row for row in rows if (row.source or "") == source)
            yield from (row for row in mine if not self._reader.is_dismissed(row.name, row.at))
            before = rows[-1].seq

    def _needing_work(self, status: str, flow: str, after: int) -> Iterator[RunRow]:
        while rows := self._reader.runs_needing_work(status, flow, after=after):
            yield from (row for row in rows if self._needs_work(row))
            after = rows[-1].seq

    def _needs_work(self, row: RunRow) -> bool:
        """Whether anything of a run is left that nobody is done with; the ledger was asked for less."""
        letters = self._reader.dead_letters(row.id)
        if not letters:
            return not self._reader.is_dismissed(row.id, str(row.finished_at))
        return not all(self._reader.is_dismissed(one.key, str(one.settled_at)) for one in letters)
