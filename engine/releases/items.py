"""The work under way on a ledger, item by item, by the class that decides what may become of it.

An item is a run that is not over, or one that ended badly and may be worked again. Whether a change touches
it is handed in: by the release that it began on, and its flow.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from engine.insight.dead import Wanted, replayable
from engine.ledger import LedgerReader
from engine.ledger.rows import RunRow

EXAMPLES = 3
MOST = 100_000  # dead letters that are looked at
CHUNK = 5_000

_BY_STATUS = {"running": "running", "unknown": "doubt", "waiting": "waiting", "held": "held"}


class Item(NamedTuple):
    """One piece of work under way."""

    kind: str  # running, doubt, queued, waiting, held, dead
    row: RunRow

    @property
    def run_id(self) -> str:
        """The run."""
        return self.row.id

    @property
    def flow(self) -> str:
        """Its flow."""
        return self.row.flow

    @property
    def release(self) -> str:
        """The release that it began on."""
        return self.row.release

    @property
    def order_key(self) -> str | None:
        """The key in whose line it stands."""
        return self.row.order_key


def items(reader: LedgerReader) -> Iterator[Item]:
    """What is not over in the order in which it began, then what ended badly."""
    undecided = frozenset(reader.undecided_runs())
    open_runs: set[str] = set()
    after = 0
    while rows := reader.open_runs(after=after, limit=CHUNK):
        after = rows[-1].seq
        for row in rows:
            open_runs.add(row.id)
            kind = "queued" if row.id in undecided else _BY_STATUS[row.status]
            yield Item(kind, row)
    for run_id in replayable(reader, (), Wanted(), MOST):
        found = None if run_id in open_runs else reader.run(run_id)
        if found is not None:
            yield Item("dead", found)


@dataclass(slots=True)
class Count:
    """Items of one class, flow and release."""

    number: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, run_id: str) -> None:
        """One more."""
        self.number += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(run_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The items that a change touches, by class, flow and release; and how many it does not touch."""

    touched: Mapping[tuple[str, str, str], Count]
    untouched: Mapping[str, int]
    strange: frozenset[str]  # releases of items of which it is not known what the change touches


def counted(found: Iterable[Item], touched: Mapping[str, Mapping[str, str]]) -> Counted:
    """Items by class, flow and release; `touched` has the flows that change, by release."""
    groups: dict[tuple[str, str, str], Count] = {}
    untouched: Counter[str] = Counter()
    strange: set[str] = set()
    for item in found:
        if item.release not in touched:
            strange.add(item.release)
        elif item.flow in touched[item.release]:
            groups.setdefault((item.kind, item.flow, item.release), Count()).add(item.run_id)
        else:
            untouched[item.kind] += 1
    return Counted(touched=groups, untouched=dict(untouched), strange=frozenset(strange))
