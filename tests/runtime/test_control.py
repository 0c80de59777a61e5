"""The control door: who may come in, what it answers, and what a killed process left there."""

import asyncio
import os
import socket
import stat
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest

from engine.cli.control import ask_daemon
from engine.errors import InputError, LedgerError
from engine.ledger import Ledger, control_path
from engine.runtime import control_socket
from engine.runtime.acts import ACTS
from engine.runtime.control import Act, Desk, Door, shaped
from engine.runtime.daemon import Daemon

SHUT = """
policy: shut
inputs: {item: canonical/item@1}
when: item.amount < 0
owner: desk
then: {hold: {release: {role: boss, reason: required}}}
reason: "It is below zero."
"""
STEPS = "ok: {check: [shut]}\nput: {needs: ok, write: erp.line, with: {key: item.id}}"
HOLD = "f/item.made:1/ok/shut"
RELEASE = {"hold": HOLD, "by": "ann", "role": "boss", "reason": "fine"}


@pytest.fixture
def held(small):
    process = small(STEPS, SHUT)
    process.run(("item.made", {"id": "1", "amount": -1}))
    return process


@asynccontextmanager
async def daemon(process, runner, ledger, acts=ACTS):
    desk = Desk(runner=runner, reader=ledger.reader(), clock=process.clock, about={"process": 1})
    door = Door(acts, desk, control_path(process.url))
    running = Daemon(runner, process.plan, {}, process.clock, (), door)
    await running.start("127.0.0.1", 0)
    try:
        yield
    finally:
        await running.stop()


def ask(process, *requests, acts=ACTS):
    """What a daemon answers to each request, or what is raised."""

    async def work(runner, ledger):
        async with daemon(process, runner, ledger, acts):
            return [await asyncio.to_thread(one, *request) for request in requests]

    def one(name, request):
        try:
            return ask_daemon(process.url, name, request)
        except (InputError, LedgerError) as error:
            return error

    with process.process() as (runner, ledger):
        return asyncio.run(work(runner, ledger))


@pytest.mark.requirement("POL-14")
@pytest.mark.slow
def test_a_hold_is_released_while_a_daemon_runs(held):
    before, refused, did, after, again = ask(
        held,
        ("status", {}),
        ("release", {**RELEASE, "reason": None}),
        ("release", RELEASE),
        ("status", {}),
        ("release", RELEASE),
    )
    assert (before["process"], before["live"], before["next_due"]) == (1, 0, None)
    assert "with a reason only" in str(refused)
    assert did == {"hold": HOLD, "status": "released"}
    assert after["in_line"] == 0
    assert "it is released" in str(again)
    assert held.run().status("f/item.made:1") == "completed"
    assert len(held.system.applied) == 1


@pytest.mark.slow
def test_what_is_wrong_is_said_in_a_sentence(held):
    def asked(name, **request):
        (error,) = ask(held, (name, request))
        return type(error).__name__, str(error)

    assert asked("dance") == ("InputError", f"there is no act 'dance'; there are: {', '.join(ACTS)}")
    assert asked("release", hold="x") == ("InputError", "'by' is missing")
    assert asked("release", hold=1, by="ann") == (
        "InputError",
        "'hold' must be a text (this is: whole number)",
    )
    assert asked("status", all=True) == ("InputError", "'all' is not asked for here; there are: no fields")


def test_a_ledger_that_fails_is_not_the_fault_of_the_person(held, monkeypatch):
    def full(*_):
        raise LedgerError("there is no room for the commit")

    async def work(runner, ledger):
        async with daemon(held, runner, ledger):
            monkeypatch.setattr(Ledger, "commit", full)
            with pytest.raises(LedgerError, match="no room"):
                await asyncio.to_thread(ask_daemon, held.url, "release", RELEASE)

    with held.process() as (runner, ledger), pytest.raises(LedgerError, match="no room"):
        asyncio.run(work(runner, ledger))


@pytest.mark.slow
def test_an_act_that_fails_does_not_end_the_daemon(held):
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Nothing:
        pass

    async def fail(desk, request):
        del desk, request
        raise ZeroDivisionError("oh")

    acts = {**ACTS, "fail": Act(about="", asks=Nothing, do=fail)}
    error, fine = ask(held, ("fail", {}), ("status", {}), acts=acts)
    assert "a fault of Tidegate itself (ZeroDivisionError: oh)" in str(error)
    assert fine["live"] == 0


@pytest.mark.slow
def test_bodies_that_are_no_request(held):
    async def work(runner, ledger):
        async with daemon(held, runner, ledger):
            with control_socket.address(control_path(held.url)) as name:
                transport = httpx.AsyncHTTPTransport(uds=name)
                async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
                    listed = await client.get("/acts")
                    posts = [
                        await client.post("/acts/status", content=body)
                        for body in (b"{", b"[]", b"", b" " * (2 << 20))
                    ]
        return listed.json(), [(post.status_code, post.json().get("error", "")) for post in posts]

    with held.process() as (runner, ledger):
        listed, (garbage, wrong, empty, huge) = asyncio.run(work(runner, ledger))
    assert listed["release"] == "Release a hold."
    assert garbage[0] == 422
    assert "not JSON" in garbage[1]
    assert wrong == (422, "a request must be a record (this is: list)")
    assert empty == (200, "")
    assert huge[0] == 422


class TestSocket:
    def test_only_the_owner_can_connect(self, tmp_path):
        path = tmp_path / "ledger.sqlite.control"
        with control_socket.listen(path):
            found = path.stat()
            assert stat.S_IMODE(found.st_mode) == 0o600
            assert found.st_uid == os.geteuid()

    @pytest.mark.slow
    def test_one_that_a_killed_process_left_is_nobody_s_and_is_replaced(self, held):
        path = control_path(held.url)
        left = control_socket.listen(path)
        left.close()
        assert path.is_socket()
        assert ask_daemon(held.url, "status", {}) is None
        (found,) = ask(held, ("status", {}))
        assert found["live"] == 0
        assert not path.exists()
        assert ask_daemon(held.url, "status", {}) is None

    def test_a_path_that_is_too_long_for_a_socket(self, tmp_path):
        folder = tmp_path / ("long" * 30)
        folder.mkdir()
        path = folder / "ledger.sqlite.control"
        with (
            control_socket.listen(path),
            control_socket.address(path) as name,
            socket.socket(socket.AF_UNIX) as mine,
        ):
            mine.connect(name)
        with pytest.raises(InputError, match="too long for a socket"):
            control_socket.listen(folder / ("x" * 120))
        with pytest.raises(InputError, match="cannot be opened"):
            control_socket.listen(folder / "nowhere" / "ledger.sqlite.control")

    def test_a_file_of_another_kind_is_left_alone(self, tmp_path):
        path = tmp_path / "ledger.sqlite.control"
        path.write_text("mine")
        with pytest.raises(InputError, match="cannot be made"):
            control_socket.listen(path)
        assert path.read_text() == "mine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    text: str
    some: str | None = None
    number: int = 1
    flag: bool = False
    names: tuple[str, ...] = ()


@pytest.mark.parametrize(
    "request_, found",
    [
        ({"text": "a"}, Shape(text="a")),
        ({"text": "a", "some": None, "number": 2, "flag": True}, Shape(text="a", number=2, flag=True)),
        ({"text": "a", "names": ["x", "y"]}, Shape(text="a", names=("x", "y"))),
        ({"text": "a", "number": True}, "'number' must be a whole number (this is: true/false)"),
        ({"text": "a", "flag": 1}, "'flag' must be true or false (this is: whole number)"),
        ({"text": "a", "names": ["x", 1]}, "'names' must be a list of texts (this is: list)"),
        ({"text": None}, "'text' must be a text (this is: null)"),
    ],
)
def test_requests_are_taken_as_they_should_be_or_not_at_all(request_, found):
    if isinstance(found, Shape):
        assert shaped(Shape, request_) == found
    else:
        with pytest.raises(InputError) as raised:
            shaped(Shape, request_)
        assert str(raised.value) == found
