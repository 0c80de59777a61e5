"""The fixed workload as a workflow of DBOS, hand-written; run by a Python that has it, see `dbos.py`.

What a careful developer would write: the event is the input of a workflow, whose id is that of the event, so that
a repeat is folded; deciding is plain code, with no step of its own, as it can be done again; the post is a step,
so that it is recorded once it is done; what is decided is the workflow's result. The database is SQLite with a
write-ahead log and synchronous=FULL, as the ledger has it. Nothing is logged. The best of three ways to call it counts:
one after the other, on threads, and as coroutines.
"""

import asyncio
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from dbos import DBOS, SetWorkflowID

from tests.bench.workload import reference

AT_ONCE = 16


class Sink:
    """Counts what it is given."""

    count = 0


def post(payload: dict[str, Any]) -> str:
    """The one thing that is done outside."""
    Sink.count += 1
    return str(payload["externalId"])


def body(event: dict[str, Any], data: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """What is decided, and what is to be posted."""
    outcome = reference.process(event, data)
    if outcome["disposition"] not in ("post", "next_cycle"):
        return outcome, None
    line = outcome["mapped"]
    return outcome, {"externalId": line["external_id"], "line": line, "route": outcome["route"]}


def workflows(data: dict[str, Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The workflow, and the same as a coroutine."""
    send = DBOS.step()(post)

    @DBOS.step()
    async def send_async(payload: dict[str, Any]) -> str:
        return post(payload)

    @DBOS.workflow()
    def billing(event: dict[str, Any]) -> dict[str, Any]:
        outcome, payload = body(event, data)
        return {**outcome, "receipt": None if payload is None else send(payload)}

    @DBOS.workflow()
    async def billing_async(event: dict[str, Any]) -> dict[str, Any]:
        outcome, payload = body(event, data)
        return {**outcome, "receipt": None if payload is None else await send_async(payload)}

    return billing, billing_async


def one_by_one(billing: Callable[..., Any], events: Sequence[dict[str, Any]]) -> None:
    """One after the other."""
    for event in events:
        with SetWorkflowID(event["id"]):
            billing(event)


def on_threads(billing: Callable[..., Any], events: Sequence[dict[str, Any]]) -> None:
    """Some at once, each on a thread."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(lambda event: one_by_one(billing, [event]), events):
            pass


def as_coroutines(billing: Callable[..., Any], events: Sequence[dict[str, Any]]) -> None:
    """Some at once, each a coroutine."""

    async def each(waiting: list[dict[str, Any]]) -> None:
        while waiting:
            event = waiting.pop()
            with SetWorkflowID(event["id"]):
                await billing(event)

    async def work() -> None:
        waiting = [*reversed(events)]
        await asyncio.gather(*(each(waiting) for _ in range(AT_ONCE)))

    asyncio.run(work())


def main() -> None:
    """Read events and data, and print how many a second each way gives."""
    lines = Path(sys.argv[1]).read_text().splitlines()
    data = json.loads(Path(sys.argv[2]).read_text())
    events = [json.loads(line) for line in lines]
    with tempfile.TemporaryDirectory(dir=sys.argv[3]) as folder:
        file = Path(folder) / "dbos.sqlite"
        connection = sqlite3.connect(file)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.close()
        DBOS(
            config={
                "name": "bench",
                "system_database_url": f"sqlite:///{file}",
                "enable_otlp": False,
                "log_level": "ERROR",
            }
        )
        billing, billing_async = workflows(data)
        DBOS.launch()
        found = {}
        ways = {"one_by_one": billing, "on_threads": billing, "as_coroutines": billing_async}
        size = len(events) // len(ways)
        for number, (way, called) in enumerate(ways.items()):
            part = events[number * size : (number + 1) * size]
            began = time.perf_counter()
            globals()[way](called, part)
            found[way] = size / (time.perf_counter() - began)
        connection = sqlite3.connect(file)
        rows = connection.execute("SELECT count(*) FROM workflow_status WHERE status = 'SUCCESS'").fetchone()[
            0
        ]
        synced = connection.execute("PRAGMA synchronous").fetchone()[0]
        mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
        assert (rows, synced, mode) == (size * len(ways), 2, "wal"), (rows, synced, mode)
        DBOS.destroy()
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
