"""`tidegate process` killed with SIGKILL at random moments, and started again until it ends by itself.

Run it: ``python -m tests.crash.sweep [--kills 200] [--n 3000] [--seed 1] [--warm]``. The simulators of the ERP and of
the revenue engine live in this process and count what really was posted; they also fail now and then. At the
end every event has its fate, every time bill and every performance event is there exactly once, and the
audit chain is whole.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from connectors.netsuite.simulator import NetSuiteSimulator
from connectors.revenue.simulator import RevenueSimulator
from engine.connect.simulator import Trouble
from engine.ledger import open_reader, verify_chain
from tests.bench.workload import reference
from tests.bench.workload.make import make
from tests.crash.compiled import environment
from tests.crash.warm import Child, Warm

HERE = Path(__file__).parent
CONNECTORS = HERE.parent.parent / "connectors"
EVENT = "time_entry.approved"


@dataclass(slots=True)
class Found:
    """What a sweep has seen."""

    kills: int = 0
    starts: int = 0
    rounds: int = 0
    wrong: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def workspace(folder: Path, seed: int, number: int) -> tuple[Path, dict[str, Any]]:
    """The workload's workspace with the crash flow in place of its own."""
    events, data = make(folder, seed, number)
    (folder / "flows" / "billing.yaml").unlink()
    shutil.rmtree(folder / "connectors")
    for name in ("netsuite", "revenue"):
        shutil.copytree(CONNECTORS / name, folder / "connectors" / name)
    shutil.copy(HERE / "workspace" / "crash.yaml", folder / "flows" / "crash.yaml")
    return events, data


@contextmanager
def systems(data: dict[str, Any]) -> Iterator[tuple[NetSuiteSimulator, RevenueSimulator]]:
    """Both simulators, with the master data that the workload refers to."""
    with NetSuiteSimulator() as erp, RevenueSimulator() as revenue:
        for worker in data["workers"].values():
            if erp.tables["employee"].find("externalId", f"W-{worker['employee_no']}") is None:
                erp.add_employee(f"W-{worker['employee_no']}", worker["id"])
        erp.tables["customer"].create({"externalId": "C", "companyName": "C", "subsidiary": {"id": "1"}})
        for project in data["projects"]:
            erp.tables["job"].create({"externalId": project, "companyName": project})
        for currency in ("EUR", "USD", "GBP", "PLN"):
            obligation = {
                "obligationId": "time",
                "method": "time_and_materials",
                "standAloneSellingPrice": 0,
                "allocated": 0,
            }
            revenue.contracts.create(
                {
                    "contractNumber": f"TM-{currency}",
                    "currency": currency,
                    "customer": "C",
                    "transactionPrice": 0,
                    "obligations": [obligation],
                    "version": 1,
                }
            )
        yield erp, revenue


Process: TypeAlias = "subprocess.Popen[bytes] | Child"


def start(
    folder: Path, events: Path, ledger: Path, erp: str, revenue: str, warm: Warm | None = None
) -> Process:
    """The command as a person gives it; or, much sooner there, forked from a process that has loaded the code."""
    command = ["process", "--events", str(events), "--as", EVENT]
    command += ["--workspace", str(folder), "--env", "crash", "--ledger", str(ledger), "--format", "json"]
    command += ["--simulator", f"erp={erp}", "--simulator", f"revrec={revenue}"]
    if warm is not None:
        return warm.start(command, str(ledger.with_name("said")))
    return subprocess.Popen(
        [sys.executable, "-m", "engine", *command],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=HERE.parent.parent,
    )


def sweep(
    kills: int,
    number: int,
    seed: int,
    say: Callable[[str], object] = lambda _: None,
    warm: Warm | None = None,
) -> Found:
    """Kill so many times, in rounds of `number` events each; every round ends by itself and is looked at."""
    dice = random.Random(seed)
    found = Found()
    while True:
        with tempfile.TemporaryDirectory(prefix="tidegate-crash-") as name:
            _round(found, Path(name), kills, number, dice, say, warm)
        found.rounds += 1
        say(f"{found.kills} kills in {found.rounds} rounds; {len(found.wrong)} wrong")
        if found.kills >= kills or found.wrong:
            return found


def _round(  # noqa: PLR0917 - a round is all of it
    found: Found,
    folder: Path,
    kills: int,
    number: int,
    dice: random.Random,
    say: Callable[[str], object],
    warm: Warm | None,
) -> None:
    events, data = workspace(folder / "workspace", dice.randrange(10**9), number)
    ledger = folder / "ledger.sqlite"
    with systems(data) as (erp, revenue):

        def seen() -> int:
            return len(erp.journal.requests) + len(revenue.journal.requests)

        while True:
            trouble(dice, erp, revenue)
            process = start(folder / "workspace", events, ledger, erp.base_url, revenue.base_url, warm)
            found.starts += 1
            if found.kills < kills and killed(process, dice, seen):
                found.kills += 1
                if found.kills % 20 == 0:
                    say(f"  {found.kills} kills, {len(erp.tables['timeBill'])} bills in this round")
                continue
            _, err = process.communicate(timeout=550)
            if process.returncode:
                found.wrong.append(f"ended with {process.returncode}: {err.decode()[-800:]}")
            break
        look(found, events, data, ledger, erp, revenue)


def trouble(dice: random.Random, erp: NetSuiteSimulator, revenue: RevenueSimulator) -> None:
    """The systems fail as well, in ways that leave a doubt."""
    kinds = (
        Trouble.RESET_AFTER,
        Trouble.ERROR_AFTER,
        Trouble.RESET_BEFORE,
        Trouble.TRUNCATE,
        Trouble.UNAVAILABLE,
    )
    for system in (erp, revenue):
        if dice.random() < 0.5:
            system.fail_next(dice.choice(kinds), times=dice.randint(1, 3))


def killed(process: Process, dice: random.Random, requests: Callable[[], int]) -> bool:
    """Kill it at a random moment; False when it ended before.

    Three of four kills fall while it posts, after so many requests; the others anywhere in its life, while it
    loads, recovers or accepts.
    """
    deadline = time.monotonic() + (60 if dice.random() < 0.75 else dice.random() * 2.5)
    enough = requests() + dice.randint(1, 120)
    while process.poll() is None and time.monotonic() < deadline and requests() < enough:
        time.sleep(0.001)
    time.sleep(dice.random() * 0.02)
    if process.poll() is not None:
        return False
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    return True


def look(
    found: Found,
    events: Path,
    data: dict[str, Any],
    ledger: Path,
    erp: NetSuiteSimulator,
    revenue: RevenueSimulator,
) -> None:
    """Compare what was posted with what should have been, record by record."""
    expected = {}
    with events.open() as file:
        for line in file:
            outcome = reference.process(json.loads(line), data)
            if outcome["disposition"] in ("post", "next_cycle"):
                expected[outcome["mapped"]["external_id"]] = outcome["mapped"]
    bills = Counter(str(row["externalId"]) for row in erp.tables["timeBill"])
    told = Counter(str(row["source"]["id"]) for row in revenue.events)  # type: ignore[index,call-overload]
    for name, counted in (("time bill", bills), ("performance event", told)):
        found.counts[name] = found.counts.get(name, 0) + sum(counted.values())
        found.wrong += [f"{name} {key} is missing" for key in expected.keys() - counted.keys()]
        found.wrong += [f"{name} {key} should not be there" for key in counted.keys() - expected.keys()]
        found.wrong += [f"{name} {key} is there {times} times" for key, times in counted.items() if times > 1]
    reader = open_reader(str(ledger))
    try:
        counts = reader.counts()
        for table in ("runs", "effects"):
            for status, number in counts[table].items():
                found.counts[f"{table} {status}"] = found.counts.get(f"{table} {status}", 0) + number
        found.wrong += [f"the chain: {broken}" for broken in verify_chain(reader)]
    finally:
        reader.close()
    with events.open() as file:
        lines = sum(1 for _ in file)
    if sum(counts["runs"].values()) != lines:
        found.wrong.append(f"{lines} events and {sum(counts['runs'].values())} runs")
    for status in ("pending", "sending", "unknown", "dead"):
        if counts["effects"].get(status):
            found.wrong.append(f"{counts['effects'][status]} effects are {status}")


def main() -> int:
    """Sweep and say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--n", type=int, default=3_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--warm", action="store_true", help="fork from a process that has loaded the code")
    given = parser.parse_args()
    with Warm() if given.warm else nullcontext() as warm:
        found = sweep(given.kills, given.n, given.seed, lambda text: print(text, flush=True), warm)  # noqa: T201
    sys.stdout.write(
        f"{found.kills} kills in {found.starts} starts and {found.rounds} rounds; {found.counts}\n"
    )
    for wrong in found.wrong[:20]:
        sys.stdout.write(f"WRONG: {wrong}\n")
    sys.stdout.write(f"{len(found.wrong)} wrong\n")
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
