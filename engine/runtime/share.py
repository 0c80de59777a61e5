"""The part of one machine in work that is divided: what it takes from others, and what it leaves to them.

Every event is handed to the owner of its partition, also by the owner itself, who begins its runs in a turn
after the one that accepted it. What may wake runs is read from the chain, in the order in which it became
visible to everybody. So no run misses what came after it began, whoever accepted it.
"""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Protocol, cast

from engine.core.accept import Offer
from engine.event import Event
from engine.ledger import Commit, Ledger
from engine.ledger.owned import Handed, OwnedReader
from engine.ledger.partitions import partition_of
from engine.ledger.rows import EventHanded, EventRow
from engine.plan.plan import Plan
from engine.runtime.accept import offered_again

if TYPE_CHECKING:  # its driver is only there where it is wanted
    from engine.ledger.postgres_ledger import PostgresLedger

KEPT = 10_000  # events of ours that were accepted here and need not be read again


class Worker(Protocol):
    """Who begins runs, and wakes them."""

    @property
    def wakes(self) -> Collection[str]:
        """The types of events that may wake any."""
        ...

    def begin_handed(self, found: Offer, seq: int) -> None:
        """Begin the runs of an event that was handed over."""
        ...

    def leave_strange(self, event: str, seq: int) -> None:
        """Tell somebody that events of this name and version wait for a machine that knows them."""
        ...

    def wake(self, event: Event) -> None:
        """Tell runs of an event that may end their holds or waits."""
        ...


class Share:
    """What this machine owns of a ledger, and how far it has read what the others do."""

    def __init__(self, ledger: "PostgresLedger", plan: Plan) -> None:
        """Begin with nothing; partitions come by :meth:`take_over`."""
        self.news = False  # whether something may have been handed over since we looked
        self.closed = False  # whether nothing more of it is to be begun
        self._ledger = ledger
        self._reader: OwnedReader = ledger.own_reader()
        self._plan = plan
        self._offers: dict[str, Offer] = {}
        self._strange: set[int] = set()  # events that this release does not know

    @property
    def machine(self) -> str:
        """The name of this machine, which no other has; none where it works alone."""
        return self._ledger.name

    @property
    def reader(self) -> OwnedReader:
        """What this machine reads of the ledger."""
        return self._reader

    def hand_over(self, commit: Commit, found: Offer) -> None:
        """Leave the runs of an event to the owner of its partition."""
        event = found.event
        partition = partition_of(event.order_key, event.id, self._ledger.partitions)
        commit.handed.append(EventHanded(event.id, partition))
        if partition in self._ledger.epochs and len(self._offers) < KEPT:
            self._offers[event.id] = found

    def committed(self, commit: Commit) -> None:
        """A turn was written: what it handed over is there to be taken."""
        if commit.handed:
            self.news = True

    def gain(self, partitions: Collection[int], worker: Worker, take_up: Callable[[], None]) -> None:
        """Take over partitions: `take_up` is called while only their open work is found.

        Events that a former owner had not come to wake its runs afterwards.
        """
        before = [*self._ledger.epochs]
        by_seen: dict[int | None, list[int]] = {}
        for partition in partitions:
            by_seen.setdefault(self._ledger.claim(partition), []).append(partition)
        upto = self._reader.end()
        if before:
            with self._reader.only(before):
                self._wake(worker, self._ledger.seen, upto)
        self._ledger.seen = upto
        with self._reader.only(partitions):
            take_up()
        for seen, some in by_seen.items():
            if seen is not None:
                with self._reader.only(some):
                    self._wake(worker, seen, upto)
        self.news = True

    def gain_all(self, worker: Worker, take_up: Callable[[], None]) -> None:
        """Take over everything, as nobody else is there."""
        self.gain(range(self._ledger.partitions), worker, take_up)

    def gather(self, worker: Worker, limit: int) -> None:
        """Begin what was handed to us, and wake what others accepted, in the order of the chain.

        Who has no partition yet has no run to wake, and would read the chain from its first row for nothing:
        where we are in it is found when we gain one.
        """
        if not self._ledger.epochs:
            self.news = False
            return
        upto = self._reader.end()
        asked = limit + len(self._strange)
        found = self._reader.inbox(upto, asked)
        self.news = len(found) >= asked
        if self.news:
            # What stands behind the last of these wakes their runs, which have to be begun before.
            upto = max(self._ledger.seen, found[-1].position - 1)
        handed = [one for one in found if self._is_known(one, worker)]
        offers = self._offered(handed)
        waking = self._reader.behind(self._ledger.seen, upto, worker.wakes)
        merged = sorted(
            [(one.position, one.seq, 0, one) for one in handed]
            + [(position, row.seq, 1, row) for position, row in waking],
            key=lambda item: item[:3],
        )
        for _, seq, _, one in merged:
            if isinstance(one, Handed):
                worker.begin_handed(offers[seq], seq)
            else:
                worker.wake(self._restored(one))
        self._ledger.seen = upto

    def _is_known(self, one: Handed, worker: Worker) -> bool:
        """Whether this release knows such events; what it does not know waits for a machine that does.

        So does what came as a newer version than it speaks.
        """
        known = self._plan.events.get(one.type)
        if known is not None and one.version <= known.version:
            return True
        if one.seq not in self._strange:
            self._strange.add(one.seq)
            worker.leave_strange(f"{one.type}@{one.version}", one.seq)
        return False

    def _offered(self, handed: Collection[Handed]) -> dict[int, Offer]:
        """The events, as they were accepted here, or read again."""
        found: dict[int, Offer] = {}
        for one in handed:
            kept = self._offers.pop(one.id, None)
            if kept is not None:
                found[one.seq] = kept
        missing = [one.seq for one in handed if one.seq not in found]
        rows = self._reader.several(missing) if missing else {}
        found.update((seq, offered_again(self._plan, row)) for seq, row in rows.items())
        return found

    def _wake(self, worker: Worker, after: int, upto: int) -> None:
        for _, row in self._reader.behind(after, upto, worker.wakes):
            worker.wake(self._restored(row))

    def _restored(self, row: EventRow) -> Event:
        return offered_again(self._plan, row).event


def share_of(ledger: Ledger, plan: Plan) -> Share | None:
    """The part of a machine in a ledger whose work is divided; none where one process does everything."""
    return Share(cast("PostgresLedger", ledger), plan) if ledger.divided else None
