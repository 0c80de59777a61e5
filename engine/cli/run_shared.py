"""`tidegate run` on a ledger that several machines work together."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli import output

if TYPE_CHECKING:
    from engine.clock import Clock
    from engine.ledger import LedgerReader
    from engine.ledger.postgres_ledger import PostgresLedger
    from engine.runtime.connections import Connections
    from engine.runtime.machine import Machine
    from engine.runtime.retry import RetryPolicy
    from engine.runtime.runner import Runner
    from engine.runtime.shared_daemon import SharedDaemon
    from engine.runtime.triggers.trigger import Trigger
    from engine.session import Session


async def run_shared(
    folder: Path | None,
    environment: str,
    ledger_url: str,
    host: str,
    port: int,
    patience: float,
    still_days: int,
    simulated: dict[str, str],
) -> None:
    """Work together with whoever else runs on this ledger, until stopped."""
    from engine import session as sessions
    from engine.clock import SystemClock
    from engine.runtime.retry import RetryPolicy
    from engine.runtime.shared_daemon import SharedDaemon

    clock = SystemClock()
    session = sessions.load(folder)
    plan = session.ready.plan
    connections = sessions.open_connections(session, environment, clock, simulated)
    policy = RetryPolicy(patience_seconds=patience * 3600)
    machine = _machine(session, connections, ledger_url, clock, policy, still_days)
    hooks = sessions.hooks(session, environment, simulated)
    daemon = SharedDaemon(machine, plan, hooks, clock)
    try:
        address = await daemon.start(host, port)
        output.line(f"tidegate runs {len(plan.flows)} flows of release {plan.release[:12]} with others.")
        for name in hooks:
            output.line(f"  {address}/hooks/{name}")
        _stop_on_signals(daemon)
        await daemon.until_stopped()
    finally:
        await connections.aclose()
    output.line("stopped.")


def _machine(
    session: "Session",
    connections: "Connections",
    ledger_url: str,
    clock: "Clock",
    policy: "RetryPolicy",
    still_days: int,
) -> "Machine":
    """How one machine makes what it works with: at its start, and whenever the server went away."""
    from engine import session as sessions
    from engine.ledger.postgres_ledger import listening, open_shared
    from engine.runtime.guard import guarded
    from engine.runtime.hand_out import HandOut
    from engine.runtime.machine import Machine
    from engine.runtime.runner import Limits, Runner

    def opened() -> "PostgresLedger":
        ledger = open_shared(ledger_url, clock=clock, name=_new_name(), create=True)
        sessions.store_release(session, ledger, clock)
        return ledger

    def runner(ledger: "PostgresLedger") -> "Runner":
        return Runner(
            ledger=ledger,
            plan=session.ready.plan,
            plans=sessions.plans(session, ledger),
            connections=guarded(connections, machine.sure),
            clock=clock,
            policy=policy,
            limits=Limits(still_days=still_days),
        )

    def duties(machine: "Machine", reader: "LedgerReader") -> "Sequence[Trigger]":
        return sessions.triggers(session, connections, machine, reader, clock, output.line)

    machine = Machine(
        opened=opened,
        listener=lambda told: listening(ledger_url, told),
        runner=runner,
        hand_out=lambda ledger, machine: HandOut(ledger_url, ledger.partitions, machine.work),
        duties=duties,
        told=output.line,
    )
    return machine


def _stop_on_signals(daemon: "SharedDaemon") -> None:
    def stop() -> None:
        output.line("stopping: what is on its way comes back first, and others take up the rest")
        daemon.stop()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)


def _new_name() -> str:
    return f"{socket.gethostname()}/{os.getpid()}/{time.time_ns()}"
