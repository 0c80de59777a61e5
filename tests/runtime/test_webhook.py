"""Deliveries over real HTTP: what is answered, what is kept, and clients that do not play fair."""

import asyncio
import hmac
import json
from contextlib import asynccontextmanager
from hashlib import sha256

import httpx
import pytest

from engine.connect.settings import Secret
from engine.errors import LedgerError
from engine.runtime.triggers import impatient, webhook
from engine.runtime.triggers.webhook import Hook, Inlet, Server
from tests.connect import toy
from tests.runtime.desk import NOW, Desk

SECRET = "s3cret-s3cret"
GOOD = {"things": [{"id": "1", "color": "red"}, {"id": "2", "color": "red"}]}


@pytest.fixture
def desk(monkeypatch):
    monkeypatch.setattr(
        webhook, "usable", lambda _plan, _sources, records, _now: ([one["id"] for one in records], [])
    )
    return Desk()


def hook(**more):
    return Hook(
        name="toy.told", native=toy.plan().sources["told"], events=(), secrets=(Secret(SECRET),), **more
    )


def signed(body, number="d-1"):
    stamp = str(int(NOW.timestamp()))
    digest = hmac.new(SECRET.encode(), f"{number}.{stamp}.".encode() + body, sha256).hexdigest()
    return {
        "x-signature": f"v1={digest}",
        "x-id": number,
        "x-time": stamp,
        "content-type": "application/json",
    }


@asynccontextmanager
async def listening(desk, **hooks):
    inlet = Inlet(None, hooks or {"toy/told": hook()}, desk.accept, lambda: desk.room, desk.clock.now)
    server = Server(inlet.application(lambda: True), "127.0.0.1", 0)
    address = await server.start()
    try:
        async with httpx.AsyncClient(base_url=address) as client:
            yield client
    finally:
        await server.stop()


def posted(desk, body, headers=None, path="/hooks/toy/told", **hooks):
    async def post():
        async with listening(desk, **hooks) as client:
            return await client.post(path, content=body, headers=signed(body) if headers is None else headers)

    return asyncio.run(post())


def written(value):
    return json.dumps(value).encode()


@pytest.mark.requirement("PAT-18")
def test_a_delivery_is_acknowledged_when_it_is_safe(desk):
    answer = posted(desk, written(GOOD))
    assert (answer.status_code, answer.json()) == (202, {"accepted": 2, "known": 0, "unfit": 0})
    again = posted(desk, written(GOOD))
    assert (again.status_code, again.json()) == (202, {"accepted": 0, "known": 2, "unfit": 0})


def test_nothing_is_acknowledged_that_is_not_safe(desk):
    desk.broken = 0
    answer = posted(desk, written(GOOD))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


@pytest.mark.requirement("REL-24")
def test_one_bad_record_does_not_lose_the_others(desk):
    answer = posted(desk, written({"things": [{"id": 7}, {"id": "2", "color": "red"}]}))
    assert (answer.status_code, answer.json()["unfit"]) == (202, 1)
    assert (desk.accepted, desk.apart[0][0]) == (["2"], {"id": 7})


@pytest.mark.slow
def test_the_same_message_with_another_content_is_a_conflict_also_for_the_next_process(desk):
    assert posted(desk, written(GOOD)).status_code == 202
    other = written({"things": [{"id": "3", "color": "red"}]})
    assert posted(desk, other).status_code == 409
    assert posted(desk, other, signed(other, "d-2")).status_code == 202
    assert desk.accepted == ["1", "2", "3"]


@pytest.mark.parametrize(
    "change, status",
    [
        ({"x-signature": "v1=0"}, 401),
        ({"content-type": "text/xml"}, 415),
        ({"content-encoding": "gzip"}, 415),
        ({"content-type": "application/vnd.toy+json; charset=utf-8"}, 202),
    ],
)
def test_what_is_not_taken_is_answered_with_its_own_status(desk, change, status):
    body = written(GOOD)
    answer = posted(desk, body, {**signed(body), **change})
    assert answer.status_code == status
    assert ("www-authenticate" in answer.headers) == (status == 401)
    assert bool(desk.accepted) == (status == 202)


def test_who_looks_at_the_sources_reads_what_the_last_caller_was_told(desk):
    one = hook()
    posted(desk, written(GOOD), {**signed(written(GOOD)), "x-signature": "v1=0"}, **{"toy/told": one})
    assert one.heard.state().error == "the last call was answered by 401: the signature does not hold"
    posted(desk, written(GOOD), **{"toy/told": one})
    assert one.heard.state().error is None


def test_a_delivery_of_another_time_is_forbidden(desk):
    desk.later(minutes=6)
    assert posted(desk, written(GOOD)).status_code == 403


@pytest.mark.parametrize(
    "body",
    [b"{", b'{"things":[{"id":"1","id":"2"}]}', b'{"things":NaN}', b"[" * 65 + b"]" * 65, b'{"a":"\xff"}'],
)
def test_only_strict_json_is_read(desk, body):
    assert posted(desk, body).status_code == 400


@pytest.mark.slow
def test_too_much_is_refused_before_it_is_read(desk, monkeypatch):
    monkeypatch.setattr(webhook, "MAX_BODY", 100)
    assert posted(desk, b"x" * 101, {}).status_code == 413

    async def endless():
        async def parts():
            for _ in range(1_000):
                yield b"x" * 50

        async with listening(desk) as client:
            return (await client.post("/hooks/toy/told", content=parts())).status_code

    assert asyncio.run(endless()) == 413
    monkeypatch.setattr(webhook, "MAX_ITEMS", 1)
    monkeypatch.setattr(webhook, "MAX_BODY", 10_000)
    assert posted(desk, written(GOOD)).status_code == 413


def test_without_room_the_sender_is_asked_to_come_again(desk):
    desk.room = 0
    answer = posted(desk, written(GOOD))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")


@pytest.mark.parametrize(
    "path, status",
    [
        ("/hooks/toy/told", 404),
        ("/hooks/toy/told/", 404),
        ("/hooks/toy/told/ke", 404),
        ("/hooks/toy/told/key2", 202),
    ],
)
def test_an_address_with_a_key_is_there_only_for_those_who_know_all_of_it(desk, path, status):
    keyed = {"toy/told": hook(keys=(Secret("key1"), Secret("key2")))}
    assert posted(desk, written(GOOD), path=path, **keyed).status_code == status


@pytest.mark.parametrize("path", ["/hooks/toy/other", "/hooks/toy/told/key", "/hooks/toy"])
def test_no_other_address_is_there(desk, path):
    assert posted(desk, written(GOOD), path=path).status_code == 404


def test_a_body_that_does_not_come_is_not_waited_for_for_ever(desk, monkeypatch):
    monkeypatch.setattr(webhook, "BODY_SECONDS", 0.05)

    async def slow():
        async with listening(desk) as client:
            reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
            writer.write(b"POST /hooks/toy/told HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
            answer = await asyncio.wait_for(reader.read(), 5)
            writer.close()
            return answer

    assert asyncio.run(slow()).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("begun", [b"", b"POST /hooks/toy/told HTTP/1.1\r\nhost: x\r\nx-a: "])
def test_a_head_that_does_not_come_is_not_waited_for_for_ever(desk, monkeypatch, begun):
    monkeypatch.setattr(impatient, "HEAD_SECONDS", 0.05)

    async def slow():
        async with listening(desk) as client:
            reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
            writer.write(begun)
            answer = await asyncio.wait_for(reader.read(), 5)
            writer.close()
            # Others are served as if nothing had been.
            fine = await client.post("/hooks/toy/told", content=written(GOOD), headers=signed(written(GOOD)))
            return answer, fine.status_code

    answer, fine = asyncio.run(slow())
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert fine == 202


def test_a_broken_ledger_is_told_by_the_answer(desk, monkeypatch):
    async def refuse(*_):
        raise LedgerError("the disk is full")

    monkeypatch.setattr(desk, "accept", refuse)
    assert posted(desk, written(GOOD)).status_code == 503
