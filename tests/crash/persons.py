"""What persons do, killed at every line of the engine that it makes run, and done again until it is told.

Run it: ``python -m tests.crash.persons [--points 20000]``. Work of every kind waits for somebody: holds to be
released, refused, or proposed by one and agreed by another; writes in doubt, one of which the system has; a run
to be taken back; an order key that stands; a dead letter to be sent again and one to be dismissed. The persons
do all of it, one after the other. Each content of the disk on the way is taken up by a second process as in
:mod:`tests.crash.points`: whoever was not told gives the command again, or is told that it came too late. At the
end all is as it is without a kill: each act stands in the audit once, but for what may be said again
(`REPEATED`), and each write was made once.
"""

import argparse
import asyncio
import dataclasses
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from engine import session as sessions
from engine.clock import FixedClock
from engine.connect import Failure, FaultClass
from engine.connect.connector import Outcome
from engine.effect import Effect
from engine.errors import InputError
from engine.ledger import LedgerReader, open_ledger, verify_chain
from engine.runtime.accept import read_line
from engine.runtime.acts import ACTS
from engine.runtime.control import Desk, perform
from engine.runtime.retry import RetryPolicy
from engine.runtime.runner import Runner
from engine.values.json_text import write_json
from engine.values.value import Value
from tests.crash.points import BEGAN, FILES, Journal, Line, Lines, Swept, taken_up_all, watched
from tests.disk import in_memory
from tests.ledger.sharing import share_sql
from tests.simulation.clock import SimClock
from tests.simulation.loop import SimLoop
from tests.workspaces import tiny

FLOWS = """
policy: below
owner: finance
inputs: {item: canonical/item@1}
when: item.amount < 0
then:
  hold:
    amount: {expr: "money(0 - item.amount, 'EUR')"}
    release: {role: boss, reason: required, four_eyes_over: 100 EUR}
reason: "It is {{ item.amount }}."
---
flow: charge
owner: finance
trigger: {event: item.made, as: item}
compensate: by_hand
steps:
  ok: {check: [below]}
  put: {needs: ok, write: erp.line, with: {key: item.id}, undo: {call: erp.forget}}
  booked: {write: erp.journal, with: {key: put.id}, undo: {call: erp.forget}}
---
flow: send
owner: finance
trigger: {event: item.changed, as: item}
steps:
  sent: {write: erp.blind, with: {key: item.id}, faults: {unknown: person}}
---
flow: book
owner: finance
trigger: {event: item.ordered, as: item}
steps:
  booked: {write: erp.journal, with: {key: item.id}}
"""
ITEMS = (
    ("item.made", "proposed", -500),
    ("item.made", "released", -50),
    ("item.made", "refused", -60),
    ("item.made", "taken-back", 1),
    ("item.changed", "arrived", 1),
    ("item.changed", "lost", 1),
    ("item.ordered", "again", 1),
    ("item.ordered", "behind", 1),
    ("item.ordered", "dismissed", 1),
)
ARRIVED = ("arrived",)  # these are in doubt, and the system has them
LOST = ("lost",)  # these are in doubt, and it has not
REFUSED = ("again", "dismissed")  # these it did not want at first


class Act(NamedTuple):
    """One command of a person."""

    name: str
    request: Mapping[str, Value]


def _hold(item: str) -> str:
    return f"charge/item.made:{item}/ok/below"


WHY = {"reason": "I looked"}
BOSS = {**WHY, "role": "boss"}
ACTS_OF_PERSONS = (
    Act("propose", {"hold": _hold("proposed"), "by": "ann", **BOSS}),
    Act("agree", {"hold": _hold("proposed"), "by": "bob", **BOSS}),
    Act("release", {"hold": _hold("released"), "by": "ann", **BOSS}),
    Act("refuse", {"hold": _hold("refused"), "by": "ann", **BOSS}),
    Act("compensate", {"run": "charge/item.made:taken-back", "by": "otto", **WHY}),
    Act("free_key", {"key": "again", "by": "otto", **WHY}),
    Act("replay", {"run": "book/item.ordered:again", "by": "otto", **WHY}),
    Act("dismiss", {"id": "book/item.ordered:dismissed/booked", "by": "otto", **WHY}),
)
# What may be there again: said twice, it changes nothing; or what was sent again was in doubt once more.
REPEATED = ("dead.dismiss", "hold release proposed", "effect.resolve")


@dataclass(slots=True)
class Erp(Line):
    """The system, which at first does not do as it should."""

    strange: bool = False

    async def write(self, effects: Sequence[Effect]) -> Sequence[Outcome]:
        """Each is taken, but for those that something is to become of."""
        return [await self._one(effect) for effect in effects]

    async def _one(self, effect: Effect) -> Outcome:
        item = str(effect.payload.get("key"))
        if self.strange and item in REFUSED:
            return Failure(fault=FaultClass.PERMANENT, reason="no such account")
        if self.strange and item in LOST:
            return Failure(fault=FaultClass.UNKNOWN, reason="no answer came")
        (found,) = await Line.write(self, [effect])
        if self.strange and item in ARRIVED:
            return Failure(fault=FaultClass.UNKNOWN, reason="no answer came")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Erps(Lines):
    """A catalog of that system."""

    strange: list[bool] = dataclasses.field(default_factory=lambda: [True])

    def open(self, plan: Any, settings: Any, *, now: Any) -> Any:
        """The line to one system."""
        del settings, now
        return Erp(plan.name, self.journals[-1], self.strange[-1])


class Seen(NamedTuple):
    """How a ledger and the systems stand."""

    runs: Mapping[str, str]
    effects: Mapping[str, str]
    holds: Mapping[str, str]
    said: Mapping[tuple[str, str | None], int]
    """Every entry of a person in the audit, and how often it is there."""


@dataclass(slots=True)
class Office:
    """Work that waits for persons, and the persons."""

    session: sessions.Session
    erps: Erps
    began: Mapping[str, bytes]  # the files in which all of it waits
    expected: Seen | None = None  # at the end, without a kill

    @classmethod
    def build(cls, folder: Path) -> "Office":
        """Compile, and have all come to where it waits."""
        share_sql()
        erps = Erps()
        session = sessions.load(tiny.workspace(folder / "workspace", FLOWS), erps)
        assert session.report().ok, session.report()
        made = cls(session, erps, {})
        path = folder / "began"
        path.mkdir()
        with open_ledger(str(path / "ledger.sqlite"), clock=FixedClock(BEGAN), create=True) as ledger:
            sessions.store_release(session, ledger, FixedClock(BEGAN))
        assert made.process(path, acts=(), later=0.0, items=ITEMS) == []
        made.began = {file.name: file.read_bytes() for file in path.iterdir() if file.name in FILES}
        erps.strange[:] = [False]
        return made

    def work(self, folder: Path, *, later: float = 0.0) -> list[str]:
        """One process, with persons who do what was not told to be done yet; what is wrong at its end."""
        return self.process(folder, acts=ACTS_OF_PERSONS, later=later)

    def process(
        self, folder: Path, *, acts: Sequence[Act], later: float, items: Sequence[tuple[str, str, int]] = ()
    ) -> list[str]:
        """One process: takes items, does acts, works to rest."""
        loop = SimLoop()
        clock = SimClock(loop, BEGAN)
        loop._now = later
        self.erps.journals[:] = [Journal(folder / "posts")]
        with open_ledger(str(folder / "ledger.sqlite"), clock=clock) as ledger:
            simulated = dict.fromkeys(("erp", "rev", "desk"), "http://127.0.0.1:1")
            plan = self.session.ready.plan
            runner = Runner(
                ledger=ledger,
                plan=plan,
                plans={plan.release: plan}.__getitem__,
                connections=sessions.open_connections(self.session, "demo", clock, simulated),
                clock=clock,
                policy=RetryPolicy(attempts=2, patience_seconds=60),
            )
            desk = Desk(runner=runner, reader=ledger.reader(), clock=clock)
            day = _Day(desk, Journal(folder / "told"), self.erps.journals[-1], may_be_late=later > 0)
            try:
                loop.run_until_complete(day.spent(items, acts))
            finally:
                loop.close()
            return [*day.wrong, *(self._wrong(ledger.reader()) if acts else ())]

    def _wrong(self, reader: LedgerReader) -> Iterator[str]:
        """What is not as it must be at the end."""
        found, expected = seen(reader), self.expected
        if expected is None:
            self.expected = expected = found
        for name in ("runs", "effects", "holds"):
            if getattr(found, name) != getattr(expected, name):
                yield f"{name} are {getattr(found, name)}"
        for (action, subject), count in expected.said.items():
            said = found.said.get((action, subject), 0)
            if said != count and not (action in REPEATED and said > count):
                yield f"{action} of {subject} is in the audit {said} times"
        yield from (f"{one} is in the audit" for one in found.said.keys() - expected.said.keys())
        posts = Counter(key for _, key, _ in self.erps.journals[-1].read())
        for key, status in found.effects.items():
            count = posts.pop(key, 0)
            if (count > 0) != (status == "done"):
                yield f"{key} is {status} and was posted {count} times"
            if count > 1 and not key.endswith(("/put", "/undo")):
                yield f"{key} was posted {count} times, and nothing folds it"
        yield from (f"{key} was posted and is not known" for key in posts)
        yield from (f"the chain: {broken}" for broken in verify_chain(reader))


@dataclass(slots=True)
class _Day:
    """What the persons do while one process lives."""

    desk: Desk
    told: Journal
    posts: Journal
    may_be_late: bool  # whether a process before this one may have done some of it
    wrong: list[str] = dataclasses.field(default_factory=list)

    async def spent(self, items: Sequence[tuple[str, str, int]], acts: Sequence[Act]) -> None:
        """Items are taken, the acts are done, and what is in doubt is looked into."""
        runner = self.desk.runner
        runner.recover()
        for event, name, amount in items:
            data = {"id": name, "amount": amount, "group": "again" if name == "behind" else name}
            text = write_json({"type": event, "data": data})
            await self._until(runner.accept([read_line(runner.plan, text, None, self.desk.clock.now())]))
        await runner.until_rest()
        done = {name for name, _ in self.told.read()}
        for act in acts:
            if act.name not in done:
                await self._given(act)
                self.told.add(act.name, "done")
        while acts and (doubts := [*self._doubts()]):
            for key in doubts:
                await self._looked_into(key)
        await runner.until_rest()

    async def _until(self, work: Any) -> Any:
        doing = asyncio.ensure_future(work)
        while not doing.done():
            await self.desk.runner.turn(wait_seconds=1)
        return doing.result()

    async def _given(self, act: Act) -> None:
        try:
            await self._until(perform(ACTS, self.desk, act.name, act.request))
        except InputError as error:
            if not self.may_be_late:
                self.wrong.append(f"{act.name}: {error}")

    def _doubts(self) -> Iterator[str]:
        reader = self.desk.reader
        for run in reader.runs(status="unknown", limit=100):
            yield from (one.key for one in reader.effects(run.id) if one.status == "unknown")

    async def _looked_into(self, key: str) -> None:
        """A person asks the system, and says what it has."""
        has = any(key == posted for _, posted, _ in self.posts.read())
        found: dict[str, Value] = {"applied": True, "id": f"id-{key}"} if has else {"applied": False}
        if not has:
            found["again"] = True
        await self._given(Act("resolve", {"effect": key, "by": "otto", **WHY, **found}))
        await self.desk.runner.until_rest()


def seen(reader: LedgerReader) -> Seen:
    """How a ledger stands."""
    runs = list(reader.runs(limit=100))
    said = Counter((row.action, row.subject) for row in reader.audit() if row.actor in {"ann", "bob", "otto"})
    return Seen(
        runs={row.id: row.status for row in runs},
        effects={one.key: one.status for row in runs for one in reader.effects(row.id)},
        holds={row.id: row.status for row in reader.holds(limit=100)},
        said=said,
    )


def sweep(points: int) -> tuple[Swept, Seen]:
    """Kill until there are so many points: a kill follows a kill while there are fewer."""
    found = Swept()
    with tempfile.TemporaryDirectory(prefix="tidegate-persons-", dir=in_memory.folder()) as name:
        office = Office.build(Path(name))
        folder = Path(name) / "run"
        found.wrong += watched(office, folder, office.began, found, later=0.0)
        found.wrong += taken_up_all(office, folder, found, points)
        assert office.expected is not None
        return found, office.expected


def main() -> int:
    """Sweep and say what was seen."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.persons", description=__doc__)
    parser.add_argument("--points", type=int, default=20_000, help="lines with what the disk had there")
    given = parser.parse_args()
    began = time.monotonic()
    found, _ = sweep(given.points)
    sys.stdout.write(f"{found.text}, {time.monotonic() - began:.0f} s\n")
    sys.stdout.write("".join(f"WRONG {one}\n" for one in found.wrong[:20]))
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
