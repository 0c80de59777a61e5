"""What `tidegate run` does on a ledger in a file: one daemon after the other, each with its release.

A reload makes everything of the next release ready while the daemon works; only then does the daemon stop, as
it does at the end, and the next one takes up what is open. The socket is listened at all the time, and the
control door stands open, so that whoever calls meanwhile waits for an answer, and is not refused.
"""

import os
import signal
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli import notify, output
from engine.cli.status import STATES
from engine.errors import InputError, TidegateError
from engine.values.value import Value

if TYPE_CHECKING:
    from engine.clock import Clock
    from engine.ledger import Ledger, LedgerReader
    from engine.runtime.connections import Connections
    from engine.runtime.control import Absent, Desk, Door
    from engine.runtime.daemon import Daemon
    from engine.runtime.runner import Runner
    from engine.runtime.triggers.trigger import Gate, Trigger
    from engine.runtime.triggers.webhook import Hook, Server
    from engine.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What `tidegate run` was asked for."""

    folder: Path | None
    environment: str
    ledger_url: str
    host: str
    port: int
    patience_hours: float
    still_days: int
    metrics: tuple[str, int] | None
    simulated: dict[str, str]
    released: bool = False  # by what the ledger points at, and by no folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A workspace that can be worked by: without problems, and with all its settings."""

    session: "Session"
    connections: "Connections"
    hooks: "dict[str, Hook]"


async def serve(wish: Wish) -> None:
    """Work until stopped.

    Raises:
        InputError: when the workspace has problems, or the address cannot be had.
        LedgerError: when the ledger cannot be opened, or failed.

    """
    from engine.clock import SystemClock
    from engine.ledger import open_ledger

    clock = SystemClock()
    # Loaded before the ledger is made, which nobody wants of a workspace with problems.
    session = loaded(wish)
    with open_ledger(wish.ledger_url, clock=clock, create=True) as ledger, listen(wish) as listening:
        await _FileService(wish, clock, ledger, listening).serve(opened(wish, session, clock))
    output.line("stopped.")


def loaded(wish: Wish) -> "Session":
    """The workspace as it is now, or the release that the ledger points at now.

    Raises:
        InputError: when it has problems, or there is none.

    """
    from engine import session as sessions

    if wish.released:
        return _released(wish)
    session = sessions.load(wish.folder)
    _ = session.ready
    return session


def _released(wish: Wish) -> "Session":
    from engine import session as sessions
    from engine.ledger import open_reader
    from engine.runtime.deployed import deployed_in

    reader = open_reader(wish.ledger_url)
    try:
        environment = deployed_in(reader).environment
        if environment not in {None, wish.environment}:
            raise InputError(
                f"the ledger is that of the environment {environment!r}, and not of {wish.environment!r}"
            )
        return sessions.released(reader)
    finally:
        reader.close()


def opened(wish: Wish, session: "Session", clock: "Clock") -> Ready:
    """A workspace with its connections; nothing is asked of any system yet.

    Raises:
        TidegateError: when a setting is missing.

    """
    from engine import session as sessions

    hooks = sessions.hooks(session, wish.environment, wish.simulated)
    connections = sessions.open_connections(session, wish.environment, clock, wish.simulated)
    return Ready(session=session, connections=connections, hooks=hooks)


def listen(wish: Wish) -> socket.socket:
    """The socket at which one daemon after the other takes webhooks.

    Raises:
        InputError: when the address cannot be had.

    """
    from engine.runtime.triggers.webhook import listen

    return listen(wish.host, wish.port)


class Service(ABC):
    """One daemon after the other, at one socket; what a daemon is, is said by those who inherit."""

    def __init__(self, wish: Wish, clock: "Clock", listening: socket.socket) -> None:
        """Listen at a socket that is open already."""
        self._wish = wish
        self._clock = clock
        self._listening = listening
        self._present: Ready | None = None
        self._next: Ready | None = None
        self._ended = False
        self._deploying = False

    async def serve(self, first: Ready) -> None:
        """Work by this release, and by those that take over, until stopped."""
        self._next = first
        while self._next is not None and not self._ended:
            self._present, self._next = self._next, None
            try:
                await self._work(self._present)
            finally:
                await self._present.connections.aclose()
        if self._next is not None:
            await self._next.connections.aclose()

    @abstractmethod
    async def _work(self, ready: Ready) -> None:
        """Work by one release until told to end."""

    @abstractmethod
    def _end(self) -> None:
        """Have the present daemon end."""

    def _runner(self, ready: Ready, ledger: "Ledger", sure: "Callable[[], bool] | None" = None) -> "Runner":
        """Who works on a ledger by a release; while it is `sure`, where another may take its place."""
        from engine import session as sessions
        from engine.runtime.guard import guarded
        from engine.runtime.retry import RetryPolicy
        from engine.runtime.runner import Limits, Runner

        runner = Runner(
            ledger=ledger,
            plan=ready.session.ready.plan,
            plans=sessions.plans(ready.session, ledger),
            connections=ready.connections if sure is None else guarded(ready.connections, sure),
            clock=self._clock,
            policy=RetryPolicy(patience_seconds=self._wish.patience_hours * 3600, outage_seconds=None),
            limits=Limits(still_days=self._wish.still_days),
        )
        if self._wish.released:
            self._try(runner, ledger)
        return runner

    @staticmethod
    def _try(runner: "Runner", ledger: "Ledger") -> None:
        """Go on with the release on trial, where there is one."""
        from engine.releases.canary import going_on

        trial = going_on(ledger.reader(), runner.executor.recovery.plan)
        if trial is not None:
            runner.executor.begin_trial(trial)

    def _about(self, ready: Ready) -> "dict[str, Value]":
        """What is said of this process to persons."""
        return {
            "process": os.getpid(),
            "started_at": self._clock.now(),
            "release": ready.session.ready.plan.release,
            "environment": self._wish.environment,
        }

    def _triggers(self, ready: Ready, gate: "Gate", reader: "LedgerReader") -> "list[Trigger]":
        from engine.runtime.triggers.triggers import Triggers

        return Triggers(
            plan=ready.session.ready.plan,
            connections=ready.connections,
            gate=gate,
            reader=reader,
            now=self._clock.now,
            told=output.line,
        ).all()

    def _require_what_open_runs_need(self, session: "Session", opened: Collection[str] | None = None) -> None:
        """Refuse a workspace by which what is open could not go on.

        Raises:
            TidegateError: when it could not.

        """
        from engine import session as sessions
        from engine.ledger import open_reader

        reader = open_reader(self._wish.ledger_url)
        try:
            sessions.require_what_open_runs_need(session, reader, opened)
        finally:
            reader.close()

    def _hear_signals(self) -> None:
        """End on SIGTERM and SIGINT, and load the workspace again on SIGHUP."""
        import asyncio

        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._told_to_end)
        loop.add_signal_handler(signal.SIGHUP, self._told_to_reload)
        if self._ended or self._next is not None:
            self._end()  # told so while it began

    def _told_to_end(self) -> None:
        notify.tell("STOPPING=1")
        self._ended = True
        output.line("stopping: what is on its way comes back first")
        self._end()

    def _told_to_reload(self) -> None:
        notify.tell_of_reload()
        try:
            self.reload()
        except TidegateError as error:
            output.line(f"the workspace is not loaded again, and the release before goes on: {error}")
            notify.tell("READY=1")

    def reload(self) -> Mapping[str, Value]:
        """Load the workspace again, and have the daemon make way for the next one.

        Raises:
            TidegateError: when it cannot be worked by; the daemon goes on as before.

        """
        self._require_free()
        return self._make_way(self._next_of(loaded(self._wish)))

    def _require_free(self) -> None:
        if self._next is not None or self._ended or self._deploying or self._present is None:
            raise InputError("the daemon stops, or loads its workspace already; ask again in a moment")

    def _next_of(self, session: "Session") -> Ready:
        """Another release, with its connections; what is open is sure to go on beside it."""
        self._require_what_open_runs_need(session)
        return opened(self._wish, session, self._clock)

    def _make_way(self, found: Ready) -> Mapping[str, Value]:
        assert self._present is not None
        before, release = (one.session.ready.plan.release for one in (self._present, found))
        self._next = found
        output.line(f"release {release[:12]} takes over: what is on its way comes back first")
        self._end()
        return {"release": release, "before": before}


class _FileService(Service):
    """The daemon of a ledger in a file."""

    def __init__(self, wish: Wish, clock: "Clock", ledger: "Ledger", listening: socket.socket) -> None:
        super().__init__(wish, clock, listening)
        self._ledger = ledger
        self._daemon: Daemon | None = None
        self._door = self._made_door()
        self._first: Ready | None = None
        self._since = clock.now()  # it begins, changes over or stops

    async def serve(self, first: Ready) -> None:
        """Work by this release, and by those that take over, until stopped; persons come to one door."""
        self._first = first
        if self._door is None:
            await super().serve(first)
            return
        try:
            await self._door.open()
        except BaseException:
            await first.connections.aclose()
            raise
        try:
            await super().serve(first)
        finally:
            self._ended = True
            await self._door.close()

    def _end(self) -> None:
        self._since = self._clock.now()
        if self._daemon is not None:
            self._daemon.end()
        if self._ended and self._door is not None:
            self._door.end()

    async def _work(self, ready: Ready) -> None:
        from engine import session as sessions
        from engine.runtime.control import Reception
        from engine.runtime.daemon import Daemon

        if not self._wish.released:
            sessions.store_release(ready.session, self._ledger, self._clock)
        self._require_what_open_runs_need(ready.session, ready.connections.by_name)
        runner = self._runner(ready, self._ledger)
        triggers = self._triggers(ready, runner, self._ledger.reader())
        desk = self._desk(ready, runner, [*(hook.heard for hook in ready.hooks.values()), *triggers])
        plan = ready.session.ready.plan
        reception = None if self._door is None else Reception(door=self._door, desk=desk)
        self._daemon = Daemon(runner, plan, ready.hooks, self._clock, triggers, reception)
        try:
            address = await self._daemon.start(self._wish.host, self._wish.port, self._listening)
            say_what_runs(len(plan.flows), plan.release, self._wish.environment)
            _say_what_comes_in([f"{address}/hooks/{name}" for name in ready.hooks], triggers)
            await self._until_told(self._daemon, self._metrics(runner, triggers))
        finally:
            if self._next is None:  # also when it failed: nobody comes after it
                self._ended = True
                self._end()
            await self._daemon.stop()

    def _metrics(self, runner: "Runner", triggers: "list[Trigger]") -> "Server | None":
        """What serves the numbers, where anybody wants them."""
        if self._wish.metrics is None:
            return None
        from engine.runtime.metrics import Watched, application
        from engine.runtime.triggers.webhook import Server

        reader = self._ledger.reader()
        watched = Watched(
            runner=lambda: runner,
            reader=lambda: reader,
            now=self._clock.now,
            triggers=lambda: triggers,
        )
        return Server(application(watched), *self._wish.metrics)

    def _desk(self, ready: Ready, runner: "Runner", triggers: "list[Trigger]") -> "Desk":
        from engine.runtime.control import Desk

        return Desk(
            runner=runner,
            reader=self._ledger.reader(),
            clock=self._clock,
            triggers=triggers,
            about={**self._about(ready), "state": "running"},
            reload=self.reload,
            deploy=partial(self._deploy, runner),
            canary=partial(self._canary, runner),
        )

    async def _canary(
        self, runner: "Runner", text: str, said: Mapping[str, Value], by: str, reason: str
    ) -> Mapping[str, Value]:
        """Have a release tried by this daemon."""
        from engine.releases import read_plan, ready
        from engine.releases.canary import Tried, order, part_of
        from engine.runtime.resolve import Person

        self._require_released()
        self._require_free()
        assert self._present is not None
        plan = read_plan(text.encode())
        part, rule = part_of(said)
        tried = Tried(plan, part, rule, Person(by=by, reason=reason))
        await runner.act(order(tried, ready(plan), self._present.session))
        return {"release": plan.release}

    def _require_released(self) -> None:
        if not self._wish.released:
            raise InputError(
                "the daemon works by a folder; start it with `--released` to have it work by what is deployed"
            )

    async def _deploy(self, runner: "Runner", text: str, by: str, reason: str) -> Mapping[str, Value]:
        """Carry a plan out in a turn of this daemon, and make way for the next one, which works by it.

        Everything of the next release is ready before, so that what cannot be worked by is never pointed at.
        """
        from engine.releases import order, read_plan, ready
        from engine.runtime.resolve import Person

        self._require_released()
        self._require_free()
        plan = read_plan(text.encode())
        session = ready(plan)
        found = self._next_of(session)
        self._deploying = True
        try:
            await runner.act(order(plan, session, Person(by=by, reason=reason)))
        except BaseException:
            await found.connections.aclose()
            raise
        finally:
            self._deploying = False
        return self._make_way(found)

    def _absent(self) -> "Absent":
        """What is true between two daemons, before the first and after the last."""
        from engine.runtime.control import Absent

        coming = self._next or self._present or self._first
        assert coming is not None
        if self._ended:
            state, when = "stopping", "when it has stopped"
        else:
            state = "beginning" if coming is self._first else "changing over"
            when = "in a moment; `tidegate status` tells how it stands"
        does = STATES[state].format(release=coming.session.ready.plan.release[:12])
        on_their_way = 0 if self._daemon is None else self._daemon.runner.backlog()["on_their_way"]
        return Absent(
            about={
                **self._about(coming),
                "state": state,
                "started_at": self._since,
                "on_their_way": on_their_way,
            },
            why=f"the daemon (process {os.getpid()}) {does}, and nothing was done; "
            f"give the command again {when}",
        )

    def _made_door(self) -> "Door | None":
        """The control door beside the ledger; none where the ledger is no file."""
        from engine.ledger import control_path
        from engine.runtime.acts import ACTS
        from engine.runtime.control import Door

        path = control_path(self._wish.ledger_url)
        return None if path is None else Door(ACTS, path, self._absent)

    async def _until_told(self, daemon: "Daemon", watched: "Server | None") -> None:
        if watched is not None:
            output.line(f"  {await watched.start()}/metrics")
        self._hear_signals()
        notify.tell("READY=1")
        try:
            await daemon.until_stopped()
        finally:
            if watched is not None:
                await watched.stop()


def say_what_runs(flows: int, release: str, environment: str, beside: str = "") -> None:
    """Say by what a daemon works, and beside whom."""
    noun = "flow" if flows == 1 else "flows"
    told = f"tidegate runs {flows} {noun} of release {release[:12]} in {environment!r}"
    output.line(f"{told} {beside}".rstrip() + ".")


def _say_what_comes_in(addresses: Iterable[str], triggers: Iterable["Trigger"]) -> None:
    for address in addresses:
        output.line(f"  {address}")
    for trigger in triggers:
        output.line(f"  {_WORDS[trigger.state().kind]} {trigger.name}")


_WORDS = {
    "poll": "asks",
    "schedule": "keeps",
    "file": "looks for files of",
    "stream": "listens to",
    "expectation": "sees to",
}
