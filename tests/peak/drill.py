"""Month end in virtual time: ten times the normal rate, and the ERP away for the first third of it.

The real runner and a real ledger work on a virtual clock; systems take their time on it. Four spells are
played, each on a ledger of its own: calm, at the normal rate; the peak; half of it; and poison, where one in ten is
refused by the ERP, or fails each time it is tried. What takes time of the processor takes none of the clock: what is
measured is who waits for whom, and not how fast the machine is.
"""

import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine import session as sessions
from engine.connect import Effect, Outcome, Receipt
from engine.connect.catalog import Catalog
from engine.effect import Failure, FaultClass
from engine.ledger import open_ledger, verify_chain
from engine.runtime.accept import read_line
from engine.runtime.retry import RetryPolicy
from engine.runtime.runner import Limits, Runner
from engine.values.json_text import write_json
from tests.disk import in_memory
from tests.simulation.clock import SimClock
from tests.simulation.loop import SimLoop
from tests.workspaces import tiny

BEGAN = datetime(2026, 6, 30, 9, tzinfo=UTC)
KEYS = 200
PLACES = 40  # four batches of ten on their way
LONGEST = 3_600  # seconds in which all has to be drained
LINES = """
flow: to-erp
trigger: {event: item.ordered, as: item}
steps:
  post: {write: erp.line, with: {key: item.id}}
---
flow: to-revenue
trigger: {event: item.made, as: item}
steps:
  tell: {write: rev.performance, with: {key: item.id}}
"""
SIMULATED = dict.fromkeys(("erp", "rev", "desk"), "http://127.0.0.1:1")
LIMITS = Limits(turn=100, live=500)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """What is played."""

    rate: int  # events a second, of each of the two flows
    seconds: int
    call_seconds: float  # how long a call to a system takes
    away_until: float = 0.0
    poison: bool = False


@dataclass(slots=True)
class Seen:
    """What was seen of one spell."""

    waited: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))  # by flow, of good keys
    order: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))  # by key, as it came
    posted: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    live: int = 0  # most runs in memory at one time
    pending: int = 0  # most that were said to wait for the ERP
    told: int = 0  # alerts that said that it is away
    turned_away: int = 0  # senders that had to come again
    drained_after: float = 0.0  # seconds after the last event
    statuses: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def p99(self, flow: str) -> float:
        """Of a hundred, how long the slowest but one waited."""
        found = sorted(self.waited[flow])
        return found[int(len(found) * 0.99)]

    def mean(self, flow: str) -> float:
        """How long they waited on average."""
        return sum(self.waited[flow]) / len(self.waited[flow])


class System:
    """A system that takes its time, is away for a while, and refuses poison."""

    batch_size = 10

    def __init__(self, name: str, stage: "Stage") -> None:
        self._name, self._stage = name, stage

    async def write(self, effects: Sequence[Effect]) -> Sequence[Outcome]:
        """Each in its turn."""
        stage = self._stage
        await asyncio.sleep(stage.spell.call_seconds)
        if self._name == "erp" and stage.loop.time() < stage.spell.away_until:
            return [Failure(fault=FaultClass.TRANSIENT, reason="nobody answers") for _ in effects]
        return [self._one(effect) for effect in effects]

    def _one(self, effect: Effect) -> Outcome:
        name = str(effect.payload["key"])
        if "refused" in name:
            return Failure(fault=FaultClass.PERMANENT, reason="it is poison")
        if "failing" in name:
            return Failure(fault=FaultClass.TRANSIENT, reason="it is poison of the other kind")
        self._stage.came(self._name, name)
        return Receipt(name, {"id": name, "entry": name})

    async def read(self, operation: str, parameters: Mapping[str, Any]) -> Any:
        """Nothing is read."""
        raise NotImplementedError

    async def look_up(self, effect: Effect) -> Receipt | None:
        """Nothing is looked up."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Systems(Catalog):
    """A catalog of these systems."""

    stage: "Stage"

    def open(self, plan: Any, settings: Any, *, now: Any) -> Any:
        """One of them."""
        return System(plan.name, self.stage)


@dataclass(slots=True)
class Stage:
    """One spell on one ledger."""

    spell: Spell
    folder: Path
    loop: SimLoop = field(default_factory=SimLoop)
    seen: Seen = field(default_factory=Seen)
    began: dict[str, float] = field(default_factory=dict)  # when each was accepted

    def came(self, system: str, name: str) -> None:
        """Something was posted."""
        self.seen.posted[f"{system}/{name}"] += 1
        if not name.startswith("z"):
            self.seen.waited[system].append(self.loop.time() - self.began[name])
        key, number = name.rsplit("-", 1)
        self.seen.order[f"{system}/{key}"].append(int(number))

    def play(self) -> Seen:
        """Play it to its end."""
        tiny.workspace(self.folder / "workspace", LINES)
        clock = SimClock(self.loop, BEGAN)
        session = sessions.load(self.folder / "workspace", Systems(installed={}, stage=self))
        with open_ledger(str(self.folder / "ledger.sqlite"), clock=clock, create=True) as ledger:
            sessions.store_release(session, ledger, clock)
            plan = session.ready.plan
            runner = Runner(
                ledger=ledger,
                plan=plan,
                plans={plan.release: plan}.__getitem__,
                connections=sessions.open_connections(session, "demo", clock, SIMULATED),
                clock=clock,
                policy=RetryPolicy(patience_seconds=0 if self.spell.poison else 86_400, outage_seconds=None),
                limits=LIMITS,
            )
            try:
                self.loop.run_until_complete(self._live(runner, clock))
            finally:
                self.loop.close()
            reader = ledger.reader()
            self.seen.statuses = {name: count for name, count in reader.counts()["runs"].items() if count}
            told = reader.alerts(limit=10_000)
            self.seen.told = sum("does not answer" in alert.message for alert in told)
            self.seen.wrong += [f"the chain: {broken}" for broken in verify_chain(reader)]
        return self.seen

    async def _live(self, runner: Runner, clock: SimClock) -> None:
        runner.recover()
        worker = asyncio.ensure_future(self._work(runner))
        senders = [
            asyncio.ensure_future(self._send(runner, clock, second)) for second in range(self.spell.seconds)
        ]
        await asyncio.gather(*senders)
        ended = self.loop.time()
        while _busy(runner):
            if self.loop.time() - ended > LONGEST:
                self.seen.wrong.append(f"after {LONGEST} s it has not drained: {runner.backlog()}")
                break
            if self.spell.poison:  # what fails while nothing else is asked could as well be an outage
                number = int(self.loop.time() * 10)
                await self._hand_in(runner, clock, "item.ordered", f"z{number}-{number}")
            await asyncio.sleep(0.5 + self.spell.call_seconds)
        self.seen.drained_after = self.loop.time() - ended
        worker.cancel()

    async def _work(self, runner: Runner) -> None:
        while True:
            await runner.turn(wait_seconds=0.5)
            runner.raise_failure()
            self.seen.live = max(self.seen.live, len(runner.executor.live))

    async def _send(self, runner: Runner, clock: SimClock, second: int) -> None:
        """The events of one second, in four parts."""
        await asyncio.sleep(second)
        for part in range(4):
            numbers = range(second * self.spell.rate + part, (second + 1) * self.spell.rate, 4)
            for number in numbers:
                await self._hand_in(runner, clock, "item.made", f"r{number % KEYS:02}-{number}")
                await self._hand_in(runner, clock, "item.ordered", self._name(number))
            await asyncio.sleep(0.25)
        waiting = runner.backlog()["connections"]
        if isinstance(waiting, dict) and "erp" in waiting:
            said = waiting["erp"]
            assert isinstance(said, dict)
            self.seen.pending = max(self.seen.pending, int(str(said.get("waiting", 0))))

    def _name(self, number: int) -> str:
        """One in ten is poison, of keys of its own, when there is any."""
        if self.spell.poison and number % 10 == 9:
            return f"{'refused' if number % 20 == 9 else 'failing'}{number}-{number}"
        return f"k{number % KEYS:02}-{number}"

    async def _hand_in(self, runner: Runner, clock: SimClock, event: str, name: str) -> None:
        data = {**tiny.GIVEN, "id": name, "group": name.rsplit("-", 1)[0]}
        offer = read_line(runner.plan, write_json({"type": event, "data": data}), None, clock.now())
        while runner.room <= 0:
            self.seen.turned_away += 1
            await asyncio.sleep(runner.come_again_seconds)
        runner.offer([offer])
        self.began[name] = self.loop.time()


def _busy(runner: Runner) -> bool:
    """Whether anything is on its way; what stands behind poison is not."""
    backlog = runner.backlog()
    parts = ("live", "set_aside", "to_take_up", "arrived", "on_their_way", "to_send", "due_again")
    return any(backlog[part] for part in parts)


def played(spell: Spell) -> Seen:
    """Play a spell on a ledger of its own, where syncs cost nothing."""
    with tempfile.TemporaryDirectory(prefix="tidegate-peak-", dir=in_memory.folder()) as name:
        return Stage(spell, Path(name)).play()


def wrong(seen: Seen, events: int, *, poison: bool = False) -> list[str]:
    """What must not be of any spell."""
    found = [*seen.wrong]
    found += [f"{name} was posted {times} times" for name, times in seen.posted.items() if times > 1]
    found += [
        f"{key} came in another order"
        for key, numbers in seen.order.items()
        if numbers != sorted(numbers) and key.startswith("erp/")
    ]
    if not poison and seen.statuses != {"completed": 2 * events}:
        found.append(f"of {2 * events} runs: {seen.statuses}")
    if not poison and len(seen.posted) != 2 * events:
        found.append(f"{len(seen.posted)} things were posted, of {2 * events}")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """All three spells, and what speaks against them."""

    calm: Seen
    peak: Seen
    poison: Seen
    figures: dict[str, float]
    wrong: list[str]


def drill(rate: int, seconds: int, say: Callable[[str], object] = lambda _: None) -> Drill:
    """Calm at this rate, ten times as much with the ERP away for a third; five times, without poison and with it.

    Systems bear half as much again as the peak.
    """
    call = PLACES / (15 * rate)
    calm = played(Spell(rate=rate, seconds=seconds, call_seconds=call))
    say(f"calm: {calm.statuses}")
    peak = played(Spell(rate=10 * rate, seconds=seconds, call_seconds=call, away_until=seconds / 3))
    say(f"peak: {peak.statuses}, {peak.turned_away} times a sender had to come again")
    busy = played(Spell(rate=5 * rate, seconds=seconds, call_seconds=call))
    poison = played(Spell(rate=5 * rate, seconds=seconds, call_seconds=call, poison=True))
    say(f"poison: {poison.statuses}")
    figures = {
        "unaffected p99 calm s": calm.p99("rev"),
        "unaffected p99 peak s": peak.p99("rev"),
        "unaffected p99 peak / calm": peak.p99("rev") / calm.p99("rev"),
        "erp mean calm s": calm.mean("erp"),
        "erp mean peak s": peak.mean("erp"),
        "erp mean without poison s": busy.mean("erp"),
        "erp mean with poison s": poison.mean("erp"),
        "poison costs other keys": poison.mean("erp") / busy.mean("erp") - 1,
        "runs in memory calm": calm.live,
        "runs in memory peak": peak.live,
        "most pending for the erp": peak.pending,
        "drained after s": peak.drained_after,
    }
    found = wrong(calm, rate * seconds) + wrong(peak, 10 * rate * seconds)
    found += wrong(busy, 5 * rate * seconds) + wrong(poison, 5 * rate * seconds, poison=True)
    for bad, why in (
        (figures["unaffected p99 peak / calm"] > 2, "unaffected flows wait more than twice as long"),
        (figures["poison costs other keys"] > 0.05, "poison costs other keys more than 5%"),
        (peak.live > LIMITS.live + LIMITS.turn, "memory is not bounded"),
        (not peak.pending, "nobody is told what waits for the ERP"),
        (not peak.told, "nobody is told that the ERP is away"),
        (sum(len(found) for found in poison.order.values()) < 9.5 * rate * seconds, "poison kept others"),
    ):
        if bad:
            found.append(why)
    return Drill(calm=calm, peak=peak, poison=poison, figures=figures, wrong=found)
