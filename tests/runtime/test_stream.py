"""Messages of real brokers: acknowledged after the commit, in order, each worked once."""

import asyncio
import base64
import json
from itertools import count

import pytest
from aiokafka.errors import GroupAuthorizationFailedError, RebalanceInProgressError

from engine import session as sessions
from engine.connect.catalog import Catalog
from engine.errors import LedgerError
from engine.runtime.triggers import stream as streams
from engine.runtime.triggers.brokers import line as lines
from engine.runtime.triggers.brokers.kafka import KafkaLine
from engine.runtime.triggers.brokers.line import Message
from engine.runtime.triggers.triggers import Triggers
from tests.brokers import Kafka, Nats, Rabbit
from tests.connect.certificate import self_signed
from tests.runtime.desk import Desk
from tests.workspaces import tiny

BROKERS = {"nats": Nats, "rabbitmq": Rabbit, "kafka": Kafka}
NAMES = count(1)  # each test has a stream of its own on a server that tests share

DOCUMENTS = """
connector: bus
owner: finance
version: 1
api: {name: Messages of the shop, version: "1"}
base_url: "BASE_URL"
sources:
  orders:
    stream: {STREAM, position: place, patience: 15m}
    output: schemas/row.json
---
connection: bus
connector: bus
owner: finance
environments: {demo: {server: "SERVER"AUTH}}
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


AUTH = ", auth: {username: tide, password: {secret: env/BUS}}"


class Shop:
    """A workspace that listens, and somebody who sends."""

    def __init__(self, folder, server, more="", about=""):
        self.server, self.desk, self.name = server, Desk(), f"ORDERS{next(NAMES)}"
        auth = "" if server.base_url == "kafka:" else AUTH
        text = DOCUMENTS.replace("SERVER", server.url).replace("AUTH", auth + more)
        text = text.replace("BASE_URL", server.base_url).replace("STREAM", server.stream + about)
        where = tiny.workspace(folder / "w", text.replace("NAME", self.name))
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

    async def send(self, *bodies, **how):
        await self.server.send(*bodies, name=self.name, **how)

    async def listen(self, until, seconds=30.0):
        """One process that listens until something holds."""
        stopping, listener = asyncio.Event(), self.listener()
        self.seen = listener
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

    def places(self, *numbers):
        """Where messages are that were sent as the first, the second and so on."""
        place = self.server.place.replace("NAME", self.name)
        return [f"{place.format(number + self.first)}" for number in numbers]

    @property
    def first(self):
        return self.server.first


@pytest.fixture(scope="module", params=["nats", pytest.param("rabbitmq", marks=pytest.mark.slow), "kafka"])
def running(request, tmp_path_factory):
    found = BROKERS[request.param](tmp_path_factory.mktemp(request.param))
    found.start()
    yield found
    found.kill()


@pytest.fixture
def shop(tmp_path, running):
    if isinstance(running, Rabbit):
        running.first = running.sent
    return Shop(tmp_path, running)


@pytest.fixture
def own(tmp_path):
    """A server that a test may kill."""
    found = Nats(tmp_path / "streams")
    found.start()
    yield found
    found.kill()


def order(number):
    return json.dumps({"amount": number, "group": f"g{number % 3}"}).encode()


@pytest.fixture(autouse=True)
def _hurry(monkeypatch):
    monkeypatch.setattr(lines, "ACK_SECONDS", 1.0)
    monkeypatch.setattr(lines, "SESSION_SECONDS", 1.0)
    monkeypatch.setattr(lines, "JOIN_SECONDS", 5.0)
    monkeypatch.setattr(streams, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(streams, "FIRST_WAIT", 0.1)
    monkeypatch.setattr(streams, "LONGEST_WAIT", 0.1)


@pytest.mark.requirement("PAT-13")
@pytest.mark.slow
def test_messages_become_events_in_order_and_what_is_none_is_kept_and_holds_nothing_back(shop):
    async def scene():
        await shop.send(order(1), b"{no json", b'{"amount": "x"}', b"\xff\x00", order(4))
        return await shop.listen(lambda: len(shop.ids) == 2)

    listener = asyncio.run(scene())
    assert shop.ids == shop.places(0, 4)
    assert [what.get("text", what.get("amount")) for what, _ in shop.desk.apart if "base64" not in what] == [
        "{no json",
        "x",
    ]
    (odd,) = [base64.b64decode(what["base64"]) for what, _ in shop.desk.apart if "base64" in what]
    assert odd == b"\xff\x00"
    assert [listener.state().position] == shop.places(4)


@pytest.mark.slow
@pytest.mark.requirement("REL-01")
@pytest.mark.parametrize("commits", [1, 3])
def test_the_power_is_cut_and_what_was_not_acknowledged_comes_again_in_order(tmp_path, shop, commits):
    """Before a commit; the messages behind the one that was lost are not acknowledged either."""

    async def scene():
        await shop.send(*(order(number) for number in range(8)))
        shop.desk.broken = commits
        await shop.listen(lambda: False, 30)  # it ends by itself
        assert shop.ids == shop.places(*range(len(shop.ids)))
        assert commits <= len(shop.ids) < 8
        shop.desk.broken = None
        await shop.listen(lambda: len(shop.ids) == 8)

    shop = again(shop, tmp_path, ", prefetch: 2")
    asyncio.run(scene())
    assert shop.ids == shop.places(*range(8))


def again(shop, folder, about):
    """The same with something more said of the stream; NATS takes one message at a time anyway."""
    return Shop(folder / "again", shop.server, about="" if isinstance(shop.server, Nats) else about)


@pytest.mark.slow
@pytest.mark.requirement("REL-01")
def test_who_is_killed_between_commit_and_acknowledgement_works_nothing_twice(shop, monkeypatch):
    take = streams.Listener.take

    async def killed(self, messages):
        await take(self, messages)
        raise LedgerError("the power was cut, and the commit is there")

    async def scene():
        await shop.send(*(order(number) for number in range(6)))
        with monkeypatch.context() as patch:
            patch.setattr(streams.Listener, "take", killed)
            await shop.listen(lambda: False, 30)
        assert shop.ids
        before, commits = list(shop.ids), len(shop.desk.commits)
        listener = await shop.listen(lambda: len(shop.ids) == 6 and len(shop.desk.commits) > commits)
        offered = [offer.event.data["id"] for offers, _ in shop.desk.commits[commits:] for offer in offers]
        assert offered[: len(before)] == before  # it came again, and was known
        return listener

    asyncio.run(scene())
    assert shop.ids == shop.places(*range(6))


@pytest.mark.slow
def test_what_was_acknowledged_does_not_come_again_and_how_many_wait_is_told(shop):
    async def scene():
        await shop.send(order(0), order(1))
        waiting = shop.listener()
        shop.desk.room = 0
        stopping = asyncio.Event()
        task = asyncio.create_task(waiting.run(stopping))
        async with asyncio.timeout(30):
            while waiting.state().behind is None:  # noqa: ASYNC110 - the broker is waited for
                await asyncio.sleep(0.02)
        told = waiting.state().behind
        assert shop.ids == []  # there is no room: it waits in the broker
        shop.desk.room = 100
        async with asyncio.timeout(30):
            while waiting.state().behind or len(shop.ids) < 2:  # noqa: ASYNC110 - the broker is waited for
                await asyncio.sleep(0.02)
        stopping.set()
        await task
        await shop.send(order(2))
        await shop.listen(lambda: len(shop.ids) == 3)
        return told

    told = asyncio.run(scene())
    offered = [offer.event.data["id"] for offers, _ in shop.desk.commits for offer in offers]
    assert offered == shop.ids == shop.places(0, 1, 2)
    assert told <= 2


@pytest.mark.slow
@pytest.mark.requirement("REL-35")
def test_a_broker_that_is_away_is_told_and_called_again(tmp_path, own, monkeypatch):
    shop = Shop(tmp_path, own)
    monkeypatch.setattr(lines, "ANSWER_SECONDS", 3.0)

    async def scene():
        await shop.send(order(1))
        shop.server.kill()
        await shop.listen(lambda: bool(shop.desk.told))
        shop.desk.later(minutes=16)
        await shop.listen(lambda: bool(shop.desk.alerts))
        await asyncio.to_thread(shop.server.start)
        await shop.listen(lambda: bool(shop.ids))

    asyncio.run(scene())
    (alert,) = shop.desk.alerts.values()
    assert "bus.orders has brought nothing since 2026-06-01T00:00:00" in alert.message
    assert shop.ids == shop.places(0)


@pytest.mark.requirement("REL-35")
@pytest.mark.parametrize("kind", [Nats, pytest.param(Rabbit, marks=pytest.mark.slow), Kafka])
@pytest.mark.slow
def test_a_broker_that_goes_while_it_is_listened_to_is_called_again(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(lines, "ANSWER_SECONDS", 3.0)
    server = kind(tmp_path / "streams")
    server.start()
    shop = Shop(tmp_path, server)

    async def cut():
        while not shop.ids:  # noqa: ASYNC110 - what is waited for is in the desk
            await asyncio.sleep(0.01)
        server.kill()
        while not shop.desk.told:  # noqa: ASYNC110 - what is waited for is in the desk
            await asyncio.sleep(0.01)
        await asyncio.to_thread(server.start)
        # A broker without a memory begins to count anew, and what it counts the same is known.
        await shop.send(*([] if server.lasting else [order(1)]), order(2))

    async def scene():
        await shop.send(order(1))
        cutting = asyncio.create_task(cut())
        await shop.listen(lambda: len(shop.ids) == 2, 60)
        await cutting

    try:
        asyncio.run(scene())
    finally:
        server.kill()
    assert shop.ids == shop.places(0, 1)


def test_a_stream_that_is_not_there_is_told_in_a_sentence(shop):
    if isinstance(shop.server, Kafka):
        return  # it makes a topic when it is first looked at
    asyncio.run(shop.listen(lambda: bool(shop.desk.told)))
    assert shop.desk.told[0].startswith("bus.orders: the broker cannot be listened to:")


def test_no_connection_is_left_to_a_broker_that_does_not_answer(tmp_path, monkeypatch):
    """A client that was given up would go on to call, and its sockets pile up while the broker hangs."""
    monkeypatch.setattr(lines, "ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(streams, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(streams, "LONGEST_WAIT", 0.01)
    server, ended = Nats(tmp_path), []

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


@pytest.mark.parametrize("kind", [Nats, Rabbit, Kafka])
@pytest.mark.slow
def test_a_broker_that_says_nothing_does_not_hold_up_the_end(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(lines, "ANSWER_SECONDS", 1.0)
    server = kind(tmp_path / "streams")
    server.start()
    shop, took = Shop(tmp_path / "w", server), []

    async def scene():
        await shop.send(order(0))
        stopping, listener = asyncio.Event(), shop.listener()
        async with asyncio.timeout(60):
            task = asyncio.create_task(listener.run(stopping))
            while not shop.ids:  # noqa: ASYNC110 - what is waited for is in the desk
                await asyncio.sleep(0.01)
            server.pause()
            stopping.set()
            began = asyncio.get_running_loop().time()
            await task
            took.append(asyncio.get_running_loop().time() - began)
            server.kill()  # so that what was left to itself comes to its end before the loop is gone
            if left := asyncio.all_tasks() - {asyncio.current_task()}:
                await asyncio.wait(left, timeout=5)

    try:
        asyncio.run(scene())
    finally:
        server.kill()
    assert took[0] < 10


def test_a_client_that_will_not_be_hurried_is_left_to_itself(monkeypatch):
    monkeypatch.setattr(lines, "ANSWER_SECONDS", 0.01)
    monkeypatch.setattr(lines, "LEAVE_SECONDS", 0.01)
    heard = []

    async def stubborn():
        while len(heard) < 3:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                heard.append("give up")

    async def scene():
        async with asyncio.timeout(5):
            await lines.closed(stubborn())
        assert len(heard) >= 2

    asyncio.run(scene())


def test_a_source_has_a_name_of_its_own_at_its_broker(tmp_path):
    """Two sources under one name would take each other's messages, or hold each other up."""
    server = Kafka(tmp_path)
    server.stream = "topic: NAME"
    assert Shop(tmp_path, server).listener().listened.stream.consumer == "tidegate-bus-orders"


@pytest.mark.parametrize("kind", [Nats, pytest.param(Rabbit, marks=pytest.mark.slow), Kafka])
@pytest.mark.slow
def test_a_line_is_encrypted_and_the_broker_known_by_an_authority_of_ones_own(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(lines, "ANSWER_SECONDS", 3.0)
    server = kind(tmp_path / "streams", self_signed(tmp_path))
    server.start()

    async def told_by(number, more):
        shop = Shop(tmp_path / f"w{number}", server, more)
        if kind is Kafka:  # it makes a topic when it is first looked at
            await shop.listen(lambda: bool(shop.desk.told or shop.seen.state().behind is not None))
        else:
            await shop.listen(lambda: bool(shop.desk.told))
        return shop.desk.told

    async def scene():
        front = await server.encrypting() if kind is Kafka else None
        # The stream is not there, which only who has come in can be told.
        found = await told_by(1, ""), await told_by(2, f", tls: {{ca_file: {server.certificate[0]}}}")
        if front is not None:
            front.close()
        return found

    try:
        stranger, known = asyncio.run(scene())
    finally:
        server.kill()
    assert stranger
    assert stranger != known
    assert "certificate" not in str(known)


def test_a_message_without_a_name_has_no_place_to_be_known_by(tmp_path):
    """RabbitMQ asks nobody for a `message_id`, and without one two equal messages are not told apart."""
    shop = Shop(tmp_path, Nats(tmp_path))

    async def scene():
        unnamed = Message(body=order(0), place="ORDERS:?", named=False)
        await shop.listener().take([unnamed, Message(body=order(1), place="ORDERS:m1")])

    asyncio.run(scene())
    assert shop.ids == ["ORDERS:m1"]
    ((kept, why),) = shop.desk.apart
    assert kept["amount"] == 0
    assert "has no name of its own" in why


@pytest.mark.parametrize(
    "error, told", [(RebalanceInProgressError, False), (GroupAuthorizationFailedError, True)]
)
def test_a_group_dealt_out_anew_is_not_left_and_a_forbidden_one_is_told(shop, monkeypatch, error, told):
    if not isinstance(shop.server, Kafka):
        return
    counted = []

    async def refused(_):
        counted.append(error)
        raise error

    monkeypatch.setattr(KafkaLine, "_counted", refused)
    asyncio.run(shop.listen(lambda: bool(counted) and (shop.desk.told or not told)))
    assert bool(shop.desk.told) is told


@pytest.mark.slow
def test_members_of_a_group_share_the_partitions_and_take_over_those_of_one_that_goes(shop):
    if not isinstance(shop.server, Kafka):
        return

    async def scene():
        await shop.send(*(order(number) for number in range(30)), partitions=(0, 1, 2))
        stopping, staying = asyncio.Event(), asyncio.Event()
        first = asyncio.create_task(shop.listener().run(stopping))
        second = asyncio.create_task(shop.listener().run(staying))
        async with asyncio.timeout(120):
            while len(shop.ids) < 30:  # noqa: ASYNC110 - what is waited for is in the desk
                await asyncio.sleep(0.05)
            stopping.set()
            await first
            await shop.send(*(order(number) for number in range(6)), partitions=(0, 1, 2))
            while len(shop.ids) < 36:  # noqa: ASYNC110 - what is waited for is in the desk
                await asyncio.sleep(0.05)
        staying.set()
        await second

    asyncio.run(scene())
    assert len(set(shop.ids)) == 36
    for partition in range(3):
        offsets = [int(one.split(":")[2]) for one in shop.ids if one.split(":")[1] == str(partition)]
        assert offsets == list(range(12))
