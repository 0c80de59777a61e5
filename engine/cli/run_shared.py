"""`tidegate run` on a ledger that several machines work together."""

import asyncio
import os
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from engine.cli import notify, output
from engine.cli.service import Ready, Service, Wish, listen, loaded, opened, say_what_runs
from engine.errors import LedgerError
from engine.ledger import LedgerReader, open_reader
from engine.runtime.deployed import deployed_in

if TYPE_CHECKING:
    from engine.clock import Clock
    from engine.ledger.postgres_ledger import PostgresLedger
    from engine.runtime.attending import Attendant
    from engine.runtime.machine import Machine
    from engine.runtime.shared_daemon import SharedDaemon
    from engine.runtime.triggers.webhook import Server


FOLLOW_SECONDS = 2.0


async def run_shared(wish: Wish) -> None:
    """Work together with whoever else runs on this ledger, until stopped.

    Raises:
        InputError: when the workspace has problems, or the address cannot be had.

    """
    from engine.clock import SystemClock

    clock = SystemClock()
    session = loaded(wish)
    with listen(wish) as listening:
        await _SharedService(wish, clock, listening).serve(opened(wish, session, clock))
    output.line("stopped.")


class _SharedService(Service):
    """One machine of several: a reload gives its partitions back, and takes part anew by the next release."""

    def __init__(self, wish: Wish, clock: "Clock", listening: socket.socket) -> None:
        super().__init__(wish, clock, listening)
        self._daemon: SharedDaemon | None = None

    def _end(self) -> None:
        if self._daemon is not None:
            self._daemon.stop()

    async def _work(self, ready: Ready) -> None:
        from engine.runtime.shared_daemon import SharedDaemon

        plan = ready.session.ready.plan
        with suppress(LedgerError):  # there is none yet, or its server is away: the machine waits for it
            self._require_what_open_runs_need(ready.session, ready.connections.by_name)
        self._daemon = daemon = SharedDaemon(self._machine(ready), plan, ready.hooks, self._clock)
        address = await daemon.start(self._wish.host, self._wish.port, self._listening)
        say_what_runs(len(plan.flows), plan.release, self._wish.environment, "beside other machines")
        for name in ready.hooks:
            output.line(f"  {address}/hooks/{name}")
        watched = self._metrics(daemon.machine)
        if watched is not None:
            output.line(f"  {await watched.start()}/metrics")
        self._hear_signals()
        beside = [asyncio.ensure_future(_say_when_ready(daemon))]
        if self._wish.released:
            beside.append(asyncio.ensure_future(self._follow(plan.release)))
        try:
            await daemon.until_stopped()
        finally:
            for task in beside:
                task.cancel()
            if watched is not None:
                await watched.stop()

    def _metrics(self, machine: "Machine") -> "Server | None":
        """What serves the numbers of this machine, where anybody wants them."""
        if self._wish.metrics is None:
            return None
        from engine.runtime.metrics import Watched, application
        from engine.runtime.triggers.webhook import Server

        known: list[LedgerReader] = []

        def reader() -> LedgerReader:
            """Opened when it is first asked, as the server may be away at the start."""
            if not known:
                known.append(open_reader(self._wish.ledger_url))
            return known[0]

        watched = Watched(
            runner=lambda: machine.runner,
            reader=reader,
            now=self._clock.now,
            partitions=lambda: len(machine.held),
            triggers=lambda: machine.brings,
        )
        return Server(application(watched), *self._wish.metrics)

    async def _follow(self, present: str) -> None:
        """Go on with what is deployed to the ledger or tried on it, as soon as that is another release."""
        seen: str | None = None
        while True:
            active = await asyncio.to_thread(self._active)
            if active is not None and (active != seen if seen else not active.startswith(present)):
                self._told_to_reload()
            seen = active or seen
            await asyncio.sleep(FOLLOW_SECONDS)

    def _active(self) -> str | None:
        """The release that the ledger points at, and what is on trial; None while nobody can be asked."""
        try:
            reader = open_reader(self._wish.ledger_url)
        except LedgerError:
            return None
        try:
            found, canary = reader.active_release(), deployed_in(reader).canary
        except LedgerError:
            return None
        finally:
            reader.close()
        return None if found is None else f"{found.fingerprint} {'' if canary is None else canary['plan']}"

    def _machine(self, ready: Ready) -> "Machine":
        """How one machine makes what it works with: at its start, and whenever the server went away."""
        from engine import session as sessions
        from engine.ledger.postgres_ledger import listening, open_shared
        from engine.runtime.hand_out import HandOut
        from engine.runtime.machine import Machine

        ledger_url = self._wish.ledger_url

        def joined() -> "PostgresLedger":
            ledger = open_shared(ledger_url, clock=self._clock, name=_new_name(), create=True)
            if not self._wish.released:
                sessions.store_release(ready.session, ledger, self._clock)
            return ledger

        machine = Machine(
            opened=joined,
            listener=lambda handed, asked: listening(ledger_url, handed, asked),
            runner=lambda ledger: self._runner(ready, ledger, machine.sure),
            hand_out=lambda ledger, machine: HandOut(ledger_url, ledger.partitions, machine.work),
            duties=lambda machine, reader: self._triggers(ready, machine, reader),
            attendant=lambda ledger, machine: self._attendant(ready, ledger, machine),
            told=output.line,
        )
        return machine

    def _attendant(self, ready: Ready, ledger: "PostgresLedger", machine: "Machine") -> "Attendant":
        """Who does what persons ask of this machine, for as long as it has this ledger open."""
        from engine.ledger.requests import Requests
        from engine.runtime.acts import ACTS
        from engine.runtime.attending import Attendant
        from engine.runtime.control import Desk

        reader, about = ledger.reader(), self._about(ready)

        def desk() -> Desk | None:
            runner = machine.runner
            if runner is None:
                return None
            return Desk(runner=runner, reader=reader, clock=self._clock, about=about)

        return Attendant(
            requests=Requests(self._wish.ledger_url),
            worker=ledger.name,
            acts=ACTS,
            desk=desk,
            owned=lambda: ledger.epochs,
        )


async def _say_when_ready(daemon: "SharedDaemon") -> None:
    await daemon.until_ready()
    notify.tell("READY=1")


def _new_name() -> str:
    return f"{socket.gethostname()}/{os.getpid()}/{time.time_ns()}"
