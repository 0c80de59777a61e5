"""What persons ask of machines, as it lies in a ledger on PostgreSQL: each is begun once, in time, by its owner."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from engine.clock import SystemClock
from engine.ledger.postgres_ledger import open_shared
from engine.ledger.requests import Request, Requests, Standing


@pytest.fixture
def requests(postgres_url):
    with closing(Requests(postgres_url)) as found:
        yield found


def made(name, text="{}"):
    return Request(name, "act", text)


def test_one_is_begun_by_the_owner_of_its_partition_and_once(requests):
    requests.ask(made("a", '{"name":"Zoë \\u0000"}'), 3, 60)
    assert requests.take("other", [0, 1, 2, 4]) is None
    assert requests.standing("a") == Standing(None, None, None, None)
    assert requests.take("owner", [2, 3]) == made("a", '{"name":"Zoë \\u0000"}')
    assert requests.take("owner", [2, 3]) is None
    assert not requests.withdraw("a")
    requests.answer("a", "other", 200, "{}")  # who has not begun it has nothing to say
    assert requests.standing("a") == Standing("owner", None, None, None)
    requests.answer("a", "owner", 200, '{"hold":"x\0"}')
    assert requests.standing("a")[1:3] == (200, '{"hold":"x\ufffd"}')
    requests.forget("a")
    assert requests.standing("a") is None


def test_of_many_that_take_at_once_each_gets_others(postgres_url, requests):
    names = [str(number) for number in range(40)]
    for name in names:
        requests.ask(made(name), int(name) % 4, 60)

    def taking(worker):
        with closing(Requests(postgres_url)) as mine:
            return [one.id for one in iter(lambda: mine.take(worker, range(4)), None)]

    with ThreadPoolExecutor(4) as pool:
        taken = [*pool.map(taking, "abcd")]
    assert sorted(name for some in taken for name in some) == sorted(names)


def test_what_nobody_began_in_time_is_not_begun_any_more(requests):
    requests.ask(made("late"), 0, 0)
    assert requests.take("owner", [0]) is None
    assert requests.withdraw("late")
    assert not requests.withdraw("late")


def test_the_oldest_is_taken_first_and_what_is_put_back_may_be_taken_again(requests):
    for name, seconds in (("second", 60), ("first", 30)):
        requests.ask(made(name), 0, seconds)
    assert requests.take("owner", [0]).id == "first"
    requests.put_back("first", "other")
    assert requests.take("owner", [0]).id == "second"
    requests.put_back("first", "owner")
    assert requests.take("next", [0]).id == "first"


def test_who_asks_sees_who_has_the_partition_now(postgres_url, requests):
    requests.ask(made("a"), 7, 60)
    assert requests.take("one", [7])
    with open_shared(postgres_url, clock=SystemClock(), name="two") as ledger:
        ledger.claim(7)
        assert requests.standing("a") == Standing("one", None, None, "two")


def test_what_was_left_for_a_day_goes_with_the_next(requests):
    requests.ask(made("left"), 0, -25 * 3600)
    requests.ask(made("late"), 0, -23 * 3600)
    requests.ask(made("new"), 0, 60)
    assert requests.standing("left") is None
    assert requests.standing("late") is not None
