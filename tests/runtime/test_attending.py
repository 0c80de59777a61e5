"""Doing what persons ask of a machine: each request once, with an answer, whatever happens meanwhile."""

import asyncio
from dataclasses import dataclass

from engine.errors import InputError, LedgerError, LedgerUnreachable
from engine.ledger.requests import Request
from engine.runtime.attending import Attendant
from engine.runtime.control import Act


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A request that names how it ends."""

    end: str


class Lying:
    """In the place of the ledger's requests: those that lie there, and what became of each."""

    def __init__(self, *ends):
        self.lying = [Request(str(number), "act", f'{{"end":"{end}"}}') for number, end in enumerate(ends)]
        self.became, self.is_away, self.is_closed = {}, False, False

    def take(self, worker, partitions):
        assert (worker, [*partitions]) == ("me", [3])
        if self.is_away:
            raise LedgerUnreachable("away")
        return self.lying.pop(0) if self.lying else None

    def put_back(self, request_id, worker):
        self.became[request_id] = "put back"

    def answer(self, request_id, worker, status, answer):
        self.became[request_id] = status

    def close(self):
        self.is_closed = True


class Hall:
    """An attendant, and the desk that he has at present."""

    def __init__(self, *ends):
        self.requests, self.desk, self.owned = Lying(*ends), object(), [3]
        self.going_on, self.begun = asyncio.Event(), []
        self.attendant = Attendant(
            requests=self.requests,
            worker="me",
            acts={"act": Act(about="", asks=Named, do=self.do)},
            desk=lambda: self.desk,
            owned=lambda: self.owned,
        )

    async def do(self, desk, request):
        self.begun.append(request.end)
        if request.end == "later":
            await self.going_on.wait()
        if error := {"refused": InputError("no"), "away": LedgerError("no"), "broken": KeyError("x")}.get(
            request.end
        ):
            raise error
        return {}

    async def until(self, true):
        async with asyncio.timeout(5):
            while not true():  # noqa: ASYNC110 - what is waited for is seen from outside
                await asyncio.sleep(0.001)


def test_each_is_answered_by_how_it_ended():
    async def play():
        hall = Hall("done", "refused", "away", "broken")
        hall.attendant.begin()
        hall.attendant.look()
        await hall.until(lambda: len(hall.requests.became) == 4)
        await hall.attendant.close()
        assert hall.requests.became == {"0": 200, "1": 422, "2": 503, "3": 500}
        assert hall.requests.is_closed

    asyncio.run(play())


def test_one_that_takes_long_keeps_no_other_waiting_and_is_answered_at_the_end():
    async def play():
        hall = Hall("later", "done")
        hall.attendant.begin()
        hall.attendant.look()
        await hall.until(lambda: "1" in hall.requests.became)
        closing = asyncio.ensure_future(hall.attendant.close())
        await asyncio.sleep(0.01)
        assert (closing.done(), hall.requests.is_closed) == (False, False)
        hall.going_on.set()
        await closing
        assert hall.requests.became == {"1": 200, "0": 200}

    asyncio.run(play())


def test_nothing_is_taken_while_nobody_can_do_it():
    async def play():
        hall = Hall("done")
        hall.attendant.begin()
        for hall.desk, hall.owned in ((None, [3]), (object(), [])):
            hall.attendant.look()
            await asyncio.sleep(0.01)
            assert (hall.requests.became, len(hall.requests.lying)) == ({}, 1)
        hall.owned = [3]
        hall.attendant.look()
        await hall.until(lambda: hall.requests.became == {"0": 200})
        await hall.attendant.close()

    asyncio.run(play())


def test_what_was_taken_when_the_work_was_shared_out_anew_is_left_to_others():
    async def play():
        hall = Hall("done")
        desks = [hall.desk, None]  # when it is asked for, and when it was taken
        hall.attendant._desk = lambda: desks.pop(0) if desks else None
        hall.attendant.begin()
        hall.attendant.look()
        await hall.until(lambda: hall.requests.became)
        await hall.attendant.close()
        assert (hall.requests.became, hall.begun) == ({"0": "put back"}, [])

    asyncio.run(play())


def test_a_server_that_is_away_is_asked_again():
    async def play():
        hall = Hall("done")
        hall.requests.is_away = True
        hall.attendant.begin()
        hall.attendant.look()
        await asyncio.sleep(0.01)
        hall.requests.is_away = False
        hall.attendant.look()
        await hall.until(lambda: hall.requests.became == {"0": 200})
        await hall.attendant.close()

    asyncio.run(play())


def test_what_came_into_other_hands_while_it_was_taken_is_left_to_them():
    async def play():
        hall = Hall("done")
        owned = [[3], [], []]  # when it is asked for, when it was taken, and ever after
        hall.attendant._owned = lambda: owned.pop(0) if len(owned) > 1 else owned[0]
        hall.attendant.begin()
        hall.attendant.look()
        await hall.until(lambda: hall.requests.became)
        await hall.attendant.close()
        assert (hall.requests.became, hall.begun) == ({"0": "put back"}, [])

    asyncio.run(play())


def test_a_server_that_is_away_keeps_no_machine_from_ending_once_for_each_request():
    async def play():
        hall = Hall(*["later"] * 20)
        hall.attendant.begin()
        hall.attendant.look()
        await hall.until(lambda: len(hall.begun) == 20)
        tried = []

        def away(*said):
            tried.append(said)
            raise LedgerUnreachable("away")

        hall.requests.answer = away
        closing = asyncio.ensure_future(hall.attendant.close())
        await asyncio.sleep(0)
        hall.going_on.set()
        await closing
        assert len(tried) == 1

    asyncio.run(play())
