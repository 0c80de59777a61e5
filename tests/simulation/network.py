"""The way to the systems and back: every exchange may go wrong in one of the ways in which exchanges do.

What the door for HTTP would make of it is what the engine is given; that the real door does is shown by
`python -m tests.unknown`.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from engine.connect import Receipt
from engine.connect.catalog import Catalog
from engine.connect.connector import Outcome, Poll
from engine.connect.faults import fault_of
from engine.effect import Effect, Failure, FaultClass
from engine.values.value import Value
from tests.simulation.loop import MEMBER, SimLoop
from tests.simulation.targets import Approvals, Projects, Target, failed

PATIENCE = 30.0  # seconds that an answer is waited for
LATEST = 100.0  # seconds after which nothing that was broken off arrives any more

# How an exchange goes wrong, and how often beside the others.
WAYS: Mapping[str, int] = {
    "refuse": 3,
    "time out": 3,
    "reset before": 2,
    "reset during": 2,
    "reset after": 3,
    "delay": 3,
    "duplicate": 2,
    "half-open": 2,
    "DNS failure": 1,
    "TLS failure": 1,
    "502 after commit": 2,
    "504 after commit": 2,
    "502 before": 1,
    "slow reply": 2,
    "truncated reply": 1,
    "wrong reply": 1,
    "foreign reply": 1,
    "rate limit": 3,
    "token expiry": 2,
    "secret rotation": 1,
}
_NAMES, _WEIGHTS = list(WAYS), list(WAYS.values())

# Nothing was sent, or nothing was taken: it did not happen.
HARMLESS: Mapping[str, tuple[str, int | None]] = {
    "refuse": ("cannot be reached", None),
    "DNS failure": ("its name cannot be resolved", None),
    "TLS failure": ("its certificate is not trusted", None),
    "rate limit": ("too many requests", 5),
    "token expiry": ("the token has expired", None),
    "secret rotation": ("the secret was changed", 20),
}
# It never arrived, and nobody knows.
LOST = frozenset({"time out", "reset before", "reset during", "half-open", "502 before"})
# It was done, and the answer says nothing or something else.
DONE = frozenset(
    {
        "reset after",
        "502 after commit",
        "504 after commit",
        "slow reply",
        "truncated reply",
        "wrong reply",
        "foreign reply",
    }
)
QUICK = frozenset({"reset before", "reset during", "502 before", *DONE} - {"slow reply"})


@dataclass(slots=True)
class Network:
    """All ways to all systems."""

    loop: SimLoop
    dice: Random
    targets: Mapping[str, Target]
    projects: Projects
    approvals: Approvals
    seen: Counter[str]
    share: float = 0.05  # of exchanges that go wrong
    apart: set[str] = field(default_factory=set)  # systems that cannot be reached at all
    log: Callable[[str], None] = lambda _: None
    _arrived: dict[str, int] = field(default_factory=dict)
    _sent: int = 0

    def way(self, target: str, *, writes: bool) -> str | None:
        """How the next exchange goes wrong; None when it does not."""
        if target in self.apart:
            self.seen["partition"] += 1
            return "time out" if self.dice.random() < 0.5 else "refuse"
        if self.dice.random() >= self.share:
            return None
        way = self.dice.choices(_NAMES, _WEIGHTS)[0]
        if way == "duplicate" and (not writes or target not in {"erp", "rev"}):
            way = "delay"  # nobody can defend a system that folds nothing against a proxy that repeats
        self.seen[way] += 1
        return way

    def latency(self) -> float:
        """How long a message is on its way."""
        return 0.02 + self.dice.random() ** 3 * 0.8

    def send(self, target: Target, effect: Effect) -> "asyncio.Future[Outcome]":
        """One request and its answer."""
        reply: asyncio.Future[Outcome] = self.loop.create_future()
        way = self.way(target.name, writes=True)
        self.log(
            f"{target.name} <- {effect.operation} {effect.key} attempt {effect.attempt}: {way or 'well'}"
        )
        if way in HARMLESS:
            reason, after = HARMLESS[way]
            self._answer(reply, failed(FaultClass.TRANSIENT, f"{target.name}: {reason}", after), 0.05)
        elif way in LOST:
            late = way in {"time out", "half-open"} and self.dice.random() < 0.4
            if late:  # it was on its way all the time
                self.loop.outside(
                    PATIENCE + self.dice.random() * (LATEST - PATIENCE), self._post, target, effect
                )
                self.seen["late request"] += 1
            self._answer(reply, self._doubt(target, way), 0.3 if way in QUICK else PATIENCE)
        else:
            self._arrive(target, effect, way, reply)
        return reply

    def _arrive(
        self, target: Target, effect: Effect, way: str | None, reply: "asyncio.Future[Outcome]"
    ) -> None:
        there = self.latency() * (20 if way == "delay" else 1)
        self._sent += 1
        number = self._sent
        self.loop.outside(there, self._taken, target, effect, way, reply, number)
        if way == "duplicate":
            self.loop.outside(there + self.latency() * 30, self._post, target, effect)

    def _taken(
        self, target: Target, effect: Effect, way: str | None, reply: "asyncio.Future[Outcome]", number: int
    ) -> None:
        if self._arrived.get(target.name, 0) > number:
            self.seen["reorder"] += 1
        self._arrived[target.name] = max(number, self._arrived.get(target.name, 0))
        outcome = self._post(target, effect)
        if way in DONE and isinstance(outcome, Receipt):
            self._answer(reply, self._doubt(target, way), 0.3 if way in QUICK else PATIENCE)
        else:
            self._answer(reply, outcome, self.latency())

    def _post(self, target: Target, effect: Effect) -> Outcome:
        outcome = target.post(effect, self.loop.time())
        self.log(f"{target.name} -- {effect.key}: {outcome if isinstance(outcome, Failure) else 'taken'}")
        return outcome

    def _doubt(self, target: Target, way: str) -> Failure:
        return failed(FaultClass.UNKNOWN, f"{target.name}: {way}, so it may have been done")

    def _answer(self, reply: "asyncio.Future[Any]", outcome: object, after: float) -> None:
        self.loop.outside(after, lambda: None if reply.done() else reply.set_result(outcome))

    def ask(self, target: str, answer: Callable[[], object]) -> "asyncio.Future[Any]":
        """One question and its answer, or a failure that says nothing of what was asked."""
        reply: asyncio.Future[Any] = self.loop.create_future()
        way = self.way(target, writes=False)
        if way is None or way in {"delay", "duplicate"}:
            self.loop.outside(self.latency(), lambda: self._answer(reply, answer(), 0.02))
        else:
            slow = way in {"time out", "half-open", "slow reply"}
            self._answer(reply, failed(FaultClass.TRANSIENT, f"{target}: {way}"), PATIENCE if slow else 0.1)
        return reply


@dataclass(slots=True)
class Line:
    """The connector of one connection: what the engine is given in the place of HTTP."""

    network: Network
    target: Target | None
    name: str

    async def write(self, effects: Sequence[Effect]) -> Sequence[Outcome]:
        """One attempt at each. A process that is dead sends nothing."""
        member = MEMBER.get()
        assert self.target is not None
        assert member is None or not member.dead
        replies = [self.network.send(self.target, effect) for effect in effects]
        outcomes = [await reply for reply in replies]
        if len(outcomes) > 1 and len({type(outcome) for outcome in outcomes}) > 1:
            self.network.seen["partial batch"] += 1
        return outcomes

    async def read(self, operation: str, parameters: Mapping[str, Value]) -> Value:
        """A project."""
        del operation
        return await self._asked(lambda: self.network.projects.read(parameters))

    async def look_up(self, effect: Effect) -> Receipt | None:
        """What the system finds."""
        target, loop = self.target, self.network.loop
        assert target is not None
        found = await self._asked(lambda: target.find(effect, loop.time()))
        self.network.log(f"{self.name} ?? {effect.key}: {'found' if found else 'nothing'}")
        return found

    async def poll(self, source: str, since: datetime, after: Value = None) -> Poll:
        """What the desk has to tell."""
        del source, after
        network = self.network
        since -= timedelta(minutes=2)
        items = await self._asked(lambda: network.approvals.since(since, network.loop.time()))
        changed = [datetime.fromisoformat(str(item["changed"])) for item in items]
        return Poll(items=items, upto=max([since, *changed]))

    async def _asked(self, answer: Callable[[], object]) -> Any:
        found = await self.network.ask(self.name, answer)
        if isinstance(found, Failure):
            raise fault_of(found)
        return found

    async def aclose(self) -> None:
        """Nothing is held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines(Catalog):
    """A catalog whose connectors lead into the network of the present history."""

    networks: list[Network] = field(default_factory=list)

    def open(self, plan: Any, settings: Any, *, now: Any) -> Any:
        """The line to one system."""
        del settings, now
        network = self.networks[-1]
        return Line(network, network.targets.get(plan.name), plan.name)
