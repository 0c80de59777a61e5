"""A daemon that listens to a broker and is killed: every message is worked once, in the order of its key."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.brokers import Kafka, Nats, Rabbit
from tests.crash.belt import TOKEN, Belt

HERE = Path(__file__).parent
MESSAGES, KEYS = 300, 7
KILLED_AT = (110,)  # when so many things were put down
BUS = """
connector: bus
owner: engineering
version: 1
api: {name: Things on a bus, version: "1"}
base_url: "BASE_URL"
sources:
  things:
    stream: {STREAM}
    output: schemas/thing.json
---
connection: bus
connector: bus
owner: engineering
environments: {crash: {server: "SERVER"AUTH}}
---
mapping: from-bus
owner: engineering
inputs: {record: bus/thing@1}
output: canonical/thing@1
fields: {id: record.id, key: record.key, number: record.number}
"""
AUTH = ", auth: {username: tide, password: {secret: env/BUS}}"


def workspace(folder, server):
    """The belt, with a bus that brings things beside."""
    shutil.copytree(HERE / "belt", folder)
    (folder / "connectors" / "bus").mkdir()
    (folder / "connectors" / "bus" / "schemas").mkdir()
    shutil.copy(
        folder / "connectors" / "belt" / "schemas" / "thing.json", folder / "connectors" / "bus" / "schemas"
    )
    text = BUS.replace("SERVER", server.url).replace("BASE_URL", server.base_url)
    text = text.replace("STREAM", server.stream).replace("NAME", "THINGS")
    text = text.replace("AUTH", "" if isinstance(server, Kafka) else AUTH)
    connector, *others = text.split("---\n")
    (folder / "connectors" / "bus" / "connector.yaml").write_text(connector)
    (folder / "flows" / "bus.yaml").write_text("---\n".join(others))
    for file in folder.rglob("*.yaml"):
        text = file.read_text()
        file.write_text(text.replace("map: taken-up}]", "map: taken-up}, {from: bus.things, map: from-bus}]"))
    return folder


async def published(server):
    things = [
        {"id": f"t{number:05}", "key": f"k{number % KEYS}", "number": number} for number in range(MESSAGES)
    ]
    await server.send(*(json.dumps(thing).encode() for thing in things), name="THINGS")


class Daemon:
    """`tidegate run`, as a person starts it."""

    def __init__(self, folder, ledger, belt):
        command = [sys.executable, "-m", "engine", "run", "--workspace", str(folder), "--env", "crash"]
        given = os.environ | {
            "BELT_URL": belt.url,
            "BELT_TOKEN": TOKEN,
            "BUS": "gate",
            "PYTHONPATH": str(HERE.parent.parent),
        }
        self.process = subprocess.Popen(
            [*command, "--ledger", f"sqlite:///{ledger}", "--port", "0"],
            env=given,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def kill(self):
        self.process.kill()
        return self.process.communicate()[0]


def until(belt, count, daemon, seconds=120):
    deadline = time.monotonic() + seconds
    while len(belt.put) < count:
        assert daemon.process.poll() is None, daemon.process.communicate()[0]
        assert time.monotonic() < deadline, f"{len(belt.put)} of {count} were put down"
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.requirement("REL-01")
@pytest.mark.parametrize("kind", [Nats, Rabbit, Kafka])
def test_a_daemon_that_is_killed_works_every_message_of_a_stream_once(tmp_path, kind):
    server = kind(tmp_path / "broker")
    server.start()
    try:
        asyncio.run(published(server))
        folder, ledger = workspace(tmp_path / "w", server), tmp_path / "ledger.db"
        with Belt(1) as belt:
            for count in KILLED_AT:
                daemon = Daemon(folder, ledger, belt)
                until(belt, count, daemon)
                assert re.search("listens to bus.things", daemon.kill())
            daemon = Daemon(folder, ledger, belt)
            until(belt, MESSAGES, daemon)
            time.sleep(0.5)  # should anything come twice, it comes now
            daemon.process.terminate()
            said = daemon.process.communicate(timeout=30)[0]
            assert daemon.process.returncode == 0, said
    finally:
        server.kill()
    assert sorted(name for _, name, _ in belt.put) == [f"t{number:05}" for number in range(MESSAGES)]
    for key in range(KEYS):
        numbers = [number for name, _, number in belt.put if name == f"k{key}"]
        assert numbers == sorted(numbers)
