"""The control door: who may come in, what it answers, and what a killed process left there."""

import asyncio
import os
import socket
import stat
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest

from engine.cli.control import ANSWER_SECONDS, ask_daemon
from engine.errors import InputError, LedgerError
from engine.ledger import Ledger, control_path
from engine.runtime import control, control_socket
from engine.runtime.acts import ACTS
from engine.runtime.control import Absent, Act, Desk, Door, Reception, shaped
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    pass


def absent():
    return Absent(about={"process": 1, "state": "changing over"}, why="it changes over; come again")


@asynccontextmanager
async def opened(process, acts=ACTS):
    """A door at which there is no desk yet."""
    door = Door(acts, control_path(process.url), absent)
    await door.open()
    try:
        yield door
    finally:
        await door.close()


@asynccontextmanager
async def at_work(process, runner, ledger, door):
    """A daemon with a desk at a door that is open."""
    desk = Desk(runner=runner, reader=ledger.reader(), clock=process.clock, about={"process": 1})
    running = Daemon(runner, process.plan, {}, process.clock, (), Reception(door=door, desk=desk))
    await running.start("127.0.0.1", 0)
    try:
        yield
    finally:
        await running.stop()


@asynccontextmanager
async def daemon(process, runner, ledger, acts=ACTS):
    async with opened(process, acts) as door, at_work(process, runner, ledger, door):
        yield


def coming(process, name, request=None):
    """Somebody who asks, and what is answered or raised."""

    def one():
        try:
            return ask_daemon(process.url, name, request or {})
        except (InputError, LedgerError) as error:
            return error

    return asyncio.ensure_future(asyncio.to_thread(one))


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


def test_one_who_goes_away_while_asking_leaves_no_trace_of_a_fault(held, capfd):
    asked = b"POST /acts/status HTTP/1.1\r\nHost: tidegate\r\nContent-Length: 100\r\n\r\n{"

    async def work():
        async with opened(held):
            with control_socket.address(control_path(held.url)) as path:
                _, writer = await asyncio.open_unix_connection(path)
            writer.write(asked)
            await writer.drain()
            await asyncio.sleep(0.1)
            writer.close()
            await writer.wait_closed()
            await asyncio.sleep(0.1)

    asyncio.run(work())
    assert "Traceback" not in capfd.readouterr().err


class TestWhileThereIsNoDesk:
    def run(self, held, work):
        with held.process() as (runner, ledger):
            return asyncio.run(work(runner, ledger))

    def test_whoever_comes_waits_for_the_next_and_how_it_stands_is_told_at_once(self, held):
        async def work(runner, ledger):
            async with opened(held) as door:
                release = coming(held, "release", RELEASE)
                told = await coming(held, "status")
                unknown = await coming(held, "dance")
                assert not release.done()
                async with at_work(held, runner, ledger, door):
                    return told, unknown, await release, await coming(held, "status")

        told, unknown, did, after = self.run(held, work)
        assert told == {"process": 1, "state": "changing over"}
        assert "there is no act 'dance'" in str(unknown)
        assert did == {"hold": HOLD, "status": "released"}
        assert after["live"] == 0
        assert held.run().status("f/item.made:1") == "completed"

    def test_the_wait_has_an_end_before_the_command_gives_up(self, held, monkeypatch):
        assert control.WAIT_SECONDS <= ANSWER_SECONDS - 20  # which are left for the act
        monkeypatch.setattr(control, "WAIT_SECONDS", 0.1)

        async def work(runner, ledger):
            async with opened(held) as door:
                answer = await coming(held, "release", RELEASE)
                async with at_work(held, runner, ledger, door):
                    return answer

        assert str(self.run(held, work)) == "it changes over; come again"
        assert held.run().status("f/item.made:1") == "held"

    def test_at_the_end_those_who_wait_are_told_at_once(self, held):
        async def work(runner, ledger):
            async with opened(held) as door:
                async with at_work(held, runner, ledger, door):
                    pass
                waiting = coming(held, "release", RELEASE)
                await coming(held, "status")
                door.end()
                waited = await asyncio.wait_for(waiting, 5)
                async with at_work(held, runner, ledger, door):  # one that was about to begin
                    return str(waited), str(await coming(held, "release", RELEASE))

        assert self.run(held, work) == ("it changes over; come again", "it changes over; come again")
        assert held.run().status("f/item.made:1") == "held"

    def test_for_one_who_has_gone_nothing_is_done(self, held):
        async def work(runner, ledger):
            async with opened(held) as door:
                with control_socket.address(control_path(held.url)) as name:
                    transport = httpx.AsyncHTTPTransport(uds=name)
                    async with httpx.AsyncClient(transport=transport) as client:
                        with pytest.raises(httpx.ReadTimeout):
                            await client.post("http://x/acts/release", json=RELEASE, timeout=0.2)
                async with at_work(held, runner, ledger, door):
                    await coming(held, "status")
                    await asyncio.sleep(0.1)

        self.run(held, work)
        assert held.run().status("f/item.made:1") == "held"


class TestAnActThatWasBegunWhenItsDeskIsLeft:
    def answer(self, held, act):
        """What is answered to an act during which its daemon is stopped."""
        begun = asyncio.Event()

        async def slow(desk, request):
            del request
            begun.set()
            return await act(desk)

        async def work(runner, ledger):
            acts = {**ACTS, "slow": Act(about="", asks=Nothing, do=slow)}
            async with opened(held, acts) as door:
                async with at_work(held, runner, ledger, door):
                    asked = coming(held, "slow")
                    await begun.wait()
                return await asked

        with held.process() as (runner, ledger):
            return asyncio.run(work(runner, ledger))

    def test_is_answered_truly(self, held):
        async def act(desk):
            await asyncio.sleep(0.5)
            return await ACTS["release"].do(desk, shaped(ACTS["release"].asks, RELEASE))

        assert self.answer(held, act) == {"hold": HOLD, "status": "released"}

    def test_is_not_waited_for_without_end(self, held, monkeypatch):
        monkeypatch.setattr(control, "END_SECONDS", 0.1)

        async def act(desk):
            await asyncio.sleep(60)

        assert "look whether it was done" in str(self.answer(held, act))


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
