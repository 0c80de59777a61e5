"""A daemon that goes on with its workspace as it is now: by SIGHUP, and by `tidegate reload`."""

import asyncio
import json
import os
import signal
import socket
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from engine.cli.service import Wish, serve
from engine.errors import LedgerError
from engine.runtime.control import Door
from tests.cli.test_running_commands import HOLD, post, until
from tests.workspaces.systems import approval, signed

pytestmark = pytest.mark.slow  # processes, as a person starts them

WORKER = {"id": "w-3", "name": "Ann"}
AMOUNT = "entry.hours * project.rate"


@pytest.fixture
def heard(tmp_path, monkeypatch):
    """What the service manager hears."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield lambda: listening.recv(4096).decode()


@pytest.fixture
def daemon(heard, start, folder, ledger, systems, tidegate):
    events = folder.parent / "hired.jsonl"
    events.write_text(json.dumps({"type": "worker.hired", "data": WORKER}) + "\n")
    here = ["-w", folder, "--ledger", ledger, *systems[2], "--simulator", "desk=http://127.0.0.1:1"]
    assert tidegate("process", "--events", events, *here).code == 0
    begun = start("run", *here, "--port", "0")
    told = [begun.stdout.readline() for _ in range(2)]
    assert "runs 3 flows" in told[0], begun.stderr.read()
    assert heard() == "READY=1"
    return begun, told[1].strip()


def approve(hook, number, **changes):
    body = json.dumps(approval(number, **changes)).encode()
    return post(hook, body, signed(body))[0]


def changed(folder, old, new):
    page = folder / "mappings/mappings.yaml"
    text = page.read_text()
    assert old in text
    page.write_text(text.replace(old, new))


def bills(systems):
    return {record["entry"]: record["amount"] for record in systems[0].records}


def test_new_events_go_by_the_new_release_and_runs_by_their_own(
    daemon, heard, folder, ledger, systems, tidegate
):
    begun, hook = daemon
    here = ["--ledger", ledger]
    assert approve(hook, 2, project="P-9") == 202
    until(lambda: "\nholds: 1 open\n" in tidegate("status", *here).out)
    changed(folder, AMOUNT, f"{AMOUNT} * 2")
    begun.send_signal(signal.SIGHUP)
    assert heard().startswith("RELOADING=1\nMONOTONIC_USEC=")
    told = [begun.stdout.readline() for _ in range(3)]
    assert "takes over" in told[0]
    assert told[2].strip() == hook, begun.stderr.read()
    assert heard() == "READY=1"
    assert approve(hook, 5) == 202
    until(lambda: "te-5" in bills(systems))
    people = ["--by", "ann", "--role", "controller", "--second", "bob", "--reason", "fine"]
    assert tidegate("holds", "release", HOLD, "-w", folder, *here, *people).code == 0
    until(lambda: "te-2" in bills(systems))
    assert {entry: float(amount) for entry, amount in bills(systems).items()} == {"te-5": 1500, "te-2": 750}
    begun.send_signal(signal.SIGTERM)
    assert heard() == "STOPPING=1"
    out, err = begun.communicate(timeout=30)
    assert (begun.returncode, out.splitlines()[-1], err) == (0, "stopped.", "")
    assert tidegate("ledger", "check", "-w", folder, *here).code == 0


def test_whoever_calls_meanwhile_waits_and_is_answered(daemon, folder, systems):
    begun, hook = daemon
    answers, enough = [], threading.Event()

    def call():
        number = 10
        while not enough.is_set() or number < 20:
            answers.append(approve(hook, number))
            number += 1

    calling = threading.Thread(target=call)
    calling.start()
    changed(folder, AMOUNT, f"{AMOUNT} * 2")
    begun.send_signal(signal.SIGHUP)
    assert "takes over" in begun.stdout.readline()
    assert "runs 3 flows" in begun.stdout.readline()
    enough.set()
    calling.join(30)
    assert set(answers) == {202}
    until(lambda: len(bills(systems)) == len(answers))


def on_its_way(begun, hook, systems, tidegate, ledger):
    """A hold that waits, and a write whose answer takes a while."""
    assert approve(hook, 2, project="P-9") == 202
    until(lambda: "\nholds: 1 open\n" in tidegate("status", "--ledger", ledger).out)
    systems[0].latency_seconds = 3
    assert approve(hook, 8) == 202
    until(lambda: tidegate("status", "--ledger", ledger, "--format", "json").json["daemon"]["on_their_way"])


def test_its_door_stays_open_while_it_changes_over(daemon, folder, ledger, systems, tidegate):
    begun, hook = daemon
    on_its_way(begun, hook, systems, tidegate, ledger)
    changed(folder, AMOUNT, f"{AMOUNT} * 2")
    assert tidegate("reload", "--ledger", ledger).code == 0
    release = begun.stdout.readline().split()[1]
    asked = time.monotonic()
    told = tidegate("status", "--ledger", ledger).out.splitlines()
    assert time.monotonic() - asked < 2
    assert told[0].startswith(f"A daemon (process {begun.pid}) changes over to release {release} in 'demo' ")
    assert told[1] == "  what is on its way comes back first: 1 write or read"
    people = ["--by", "ann", "--role", "controller", "--second", "bob", "--reason", "fine"]
    ended = tidegate("holds", "release", HOLD, "--ledger", ledger, *people)
    assert (ended.code, ended.out, ended.err) == (0, f"{HOLD} is released.\n", "")
    assert f"runs release {release} in" in tidegate("status", "--ledger", ledger).out
    systems[0].latency_seconds = 0
    until(lambda: {"te-2", "te-8"} <= set(bills(systems)))


def test_one_that_cannot_begin_says_so_to_those_who_wait(folder, ledger, systems, monkeypatch, tidegate):
    """The first daemon is a daemon that comes, and when it fails, none does."""
    begun, failing, came = asyncio.Event(), asyncio.Event(), asyncio.Event()
    next_desk = Door._next_desk

    async def waits(*given):
        came.set()
        return await next_desk(*given)

    async def start(*_):
        begun.set()
        await failing.wait()
        raise LedgerError("the disk failed")

    async def ask(*words):
        return await asyncio.to_thread(tidegate, *words, "--ledger", ledger)

    async def work():
        serving = asyncio.ensure_future(serve(wish))
        await begun.wait()
        told = await ask("status")
        waiting = asyncio.ensure_future(ask("reload"))
        await came.wait()
        assert not waiting.done()
        failing.set()
        with pytest.raises(LedgerError, match="the disk failed"):
            await serving
        return told.out, (await waiting).err

    monkeypatch.setattr("engine.runtime.daemon.Daemon.start", start)
    monkeypatch.setattr(Door, "_next_desk", waits)
    simulated = {"erp": systems[0].base_url, "rev": systems[1].base_url, "desk": "http://127.0.0.1:1"}
    wish = Wish(
        folder=folder,
        environment="demo",
        ledger_url=ledger,
        host="127.0.0.1",
        port=0,
        patience_hours=1,
        still_days=0,
        metrics=None,
        simulated=simulated,
    )
    told, refused = asyncio.run(work())
    assert told.startswith(f"A daemon (process {os.getpid()}) begins with release ")
    assert "is stopping, and nothing was done" in refused
    assert not Path(f"{ledger}.control").exists()


def test_while_it_stops_it_says_so(daemon, ledger, systems, tidegate):
    begun, hook = daemon
    on_its_way(begun, hook, systems, tidegate, ledger)
    begun.send_signal(signal.SIGTERM)
    assert "stopping" in begun.stdout.readline()
    assert (
        f"A daemon (process {begun.pid}) is stopping in 'demo' " in tidegate("status", "--ledger", ledger).out
    )
    people = ["--by", "ann", "--role", "controller", "--second", "bob", "--reason", "fine"]
    asked = time.monotonic()
    ended = tidegate("holds", "release", HOLD, "--ledger", ledger, *people)
    assert (ended.code, time.monotonic() - asked < 2) == (1, True)
    assert "is stopping, and nothing was done; give the command again when it has stopped" in ended.err
    _, err = begun.communicate(timeout=30)
    assert (begun.returncode, err) == (0, "")
    assert tidegate("status", "--ledger", ledger).out.startswith("No daemon runs on this ledger.\n")


def test_a_workspace_with_problems_leaves_the_release_before_at_work(
    daemon, heard, folder, ledger, systems, tidegate
):
    begun, hook = daemon
    changed(folder, AMOUNT, "entry.hous * project.rate")
    begun.send_signal(signal.SIGHUP)
    assert "the release before goes on: the workspace has problems" in begun.stdout.readline()
    assert heard().startswith("RELOADING=1")
    assert heard() == "READY=1"
    ended = tidegate("reload", "--ledger", ledger)
    assert (ended.code, "hous" in ended.err) == (1, True)
    assert approve(hook, 6) == 202
    until(lambda: "te-6" in bills(systems))
    changed(folder, "entry.hous * project.rate", f"{AMOUNT} * 3")
    ended = tidegate("reload", "--ledger", ledger)
    assert (ended.code, "takes over from" in ended.out) == (0, True)
    assert "as soon as what is on its way has come back" in ended.out
    assert heard() == "READY=1"
    assert approve(hook, 7) == 202
    until(lambda: "te-7" in bills(systems))
    assert float(bills(systems)["te-7"]) == 3 * float(bills(systems)["te-6"])


def test_a_workspace_without_what_open_runs_need_leaves_the_release_before_at_work(
    daemon, heard, folder, ledger, systems, tidegate
):
    begun, hook = daemon
    assert approve(hook, 2, project="P-9") == 202
    until(lambda: "\nholds: 1 open\n" in tidegate("status", "--ledger", ledger).out)
    flows = folder / "flows" / "billing.yaml"
    flows.write_text(flows.read_text().split("---\n")[1])  # what is billed is performed, and no more
    (folder / "flows" / "billing.test.yaml").unlink()
    mappings = folder / "mappings" / "mappings.yaml"
    mappings.write_text(mappings.read_text().split("---\n")[0])
    connections = folder / "connectors" / "connections.yaml"
    left = [one for one in connections.read_text().split("---\n") if "connection: erp" not in one]
    connections.write_text("---\n".join(left))
    assert tidegate("validate", "-w", folder).code == 0
    begun.send_signal(signal.SIGHUP)
    said = begun.stdout.readline()
    assert "the release before goes on: runs of flow approved-time-to-billing" in said
    assert "still need erp.project, which the workspace does not have any more" in said
    people = ["--by", "ann", "--role", "controller", "--second", "bob", "--reason", "fine"]
    assert tidegate("holds", "release", HOLD, "--ledger", ledger, *people).code == 0
    until(lambda: "te-2" in bills(systems))


def test_nobody_is_there_to_reload(tidegate, ledger):
    ended = tidegate("reload", "--ledger", ledger)
    assert (ended.code, "no daemon runs on this ledger" in ended.err) == (1, True)


@pytest.fixture
def machine(heard, start, folder, postgres_url, systems, tidegate):
    """One machine of a ledger on a server."""
    here = ["-w", folder, "--ledger", postgres_url, *systems[2], "--simulator", "desk=http://127.0.0.1:1"]
    events = folder.parent / "hired.jsonl"
    events.write_text(json.dumps({"type": "worker.hired", "data": WORKER}) + "\n")
    assert tidegate("process", "--events", events, *here).code == 0
    begun = start("run", *here, "--port", "0", "--metrics", "127.0.0.1:0")
    told = [begun.stdout.readline().strip() for _ in range(3)]
    assert "runs 3 flows" in told[0], begun.stderr.read()
    assert heard() == "READY=1"
    return begun, told[1], told[2]


def numbers(address):
    with urllib.request.urlopen(address, timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))


@pytest.mark.slow
def test_a_machine_of_several_goes_on_with_the_next_release_too(
    machine, heard, folder, postgres_url, systems, tidegate
):
    begun, hook, metrics = machine
    assert approve(hook, 4) == 202
    until(lambda: "te-4" in bills(systems))
    until(lambda: numbers(metrics).get("tidegate_partitions") == "64.0")
    found = numbers(metrics)
    assert (found["tidegate_ready"], found["tidegate_accepted_total"]) == ("1.0", "1.0")
    assert float(found['tidegate_ledger{status="completed",table="runs"}']) >= 1
    changed(folder, AMOUNT, "entry.hous * project.rate")
    begun.send_signal(signal.SIGHUP)
    assert "the release before goes on: the workspace has problems" in begun.stdout.readline()
    assert (heard().partition("\n")[0], heard()) == ("RELOADING=1", "READY=1")
    changed(folder, "entry.hous * project.rate", f"{AMOUNT} * 2")
    begun.send_signal(signal.SIGHUP)
    assert heard().startswith("RELOADING=1")
    assert any("takes over" in line for line in begun.stdout)
    assert heard() == "READY=1"
    until(lambda: approve(hook, 5) == 202)
    until(lambda: "te-5" in bills(systems))
    assert {entry: float(amount) for entry, amount in bills(systems).items()} == {"te-4": 750, "te-5": 1500}
    begun.send_signal(signal.SIGTERM)
    assert heard() == "STOPPING=1"
    _, err = begun.communicate(timeout=60)
    assert (begun.returncode, err) == (0, "")
    assert tidegate("ledger", "check", "-w", folder, "--ledger", postgres_url).code == 0


def test_a_machine_of_several_is_told_by_its_signal(tidegate):
    ended = tidegate("reload", "--ledger", "postgresql://127.0.0.1:1/none")
    assert (ended.code, "SIGHUP" in ended.err) == (1, True)
