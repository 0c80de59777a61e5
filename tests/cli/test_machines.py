"""What persons do by commands while machines work together on a ledger on PostgreSQL."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from engine.cli.machines import ask_machines
from engine.clock import SystemClock
from engine.errors import LedgerError, LedgerUnreachable
from engine.ledger import open_reader
from engine.ledger.partitions import DUTIES
from engine.ledger.postgres_ledger import open_shared
from engine.ledger.requests import Requests
from engine.values.json_text import read_json
from tests.cli.test_reload import WORKER, approve, bills
from tests.cli.test_running_commands import HOLD, until

pytestmark = pytest.mark.slow  # processes, as a person starts them

FLOW = "approved-time-to-billing"
PEOPLE = ["--by", "ann", "--role", "controller", "--second", "bob", "--reason", "fine"]
WHY = ["--reason", "it is repaired"]


@pytest.fixture
def machines(start, folder, postgres_url, systems, tidegate):
    """Two machines that share the work: the hook of the first, and the options of commands."""
    here = ["-w", folder, "--ledger", postgres_url, *systems[2], "--simulator", "desk=http://127.0.0.1:1"]
    events = folder.parent / "hired.jsonl"
    events.write_text(json.dumps({"type": "worker.hired", "data": WORKER}) + "\n")
    assert tidegate("process", "--events", events, *here).code == 0
    begun = [start("run", *here, "--port", "0") for _ in range(2)]
    hooks = [[one.stdout.readline() for _ in range(2)][1].strip() for one in begun]
    until(lambda: shares(tidegate, postgres_url) == [32, 32])
    return hooks[0], here


def shares(tidegate, postgres_url):
    found = tidegate("status", "--ledger", postgres_url, "--format", "json").json["machines"]
    return sorted(found["partitions"].values())


def statuses(where):
    """Of the runs of the first flow, by the number of their entry."""
    reader = open_reader(where[3])
    try:
        return {row.event_id.rpartition("te-")[2]: row.status for row in reader.runs(flow=FLOW)}
    finally:
        reader.close()


@pytest.mark.requirement("POL-06", "REL-07", "REL-09")
def test_persons_act_while_machines_work(machines, tidegate, folder, systems, postgres_url):
    hook, here = machines
    where = ["-w", folder, "--ledger", postgres_url]
    # A hold is released by the machine that has its run.
    until(lambda: approve(hook, 2, project="P-9") == 202)
    until(lambda: statuses(where).get("2") == "held")
    ended = tidegate("holds", "release", HOLD, *here, "--by", "ann", "--role", "typist", "--reason", "fine")
    assert (ended.code, "controller" in ended.err) == (1, True)
    ended = tidegate("holds", "release", HOLD, *here, *PEOPLE)
    assert (ended.code, ended.err) == (0, "")
    until(lambda: "te-2" in bills(systems))
    # Dead letters of several partitions are sent again, once each.
    systems[0].refusing = "no such customer"
    numbers = range(10, 18)
    for number in numbers:  # each project is an order key
        systems[0].projects[f"P-{number}"] = {"id": f"P-{number}", "status": "open", "rate": 100}
        assert approve(hook, number, project=f"P-{number}") == 202
    until(lambda: [statuses(where).get(str(number)) for number in numbers] == ["failed"] * 8)
    systems[0].refusing = None
    ended = tidegate("replay", "--all", *here, "--go", *WHY)
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "8 applied."), ended.err
    assert {f"te-{number}" for number in numbers} <= bills(systems).keys()
    assert len(systems[0].records) == 9
    # Others pass under an order key that a failed run stops, and what nobody repairs is taken off the list.
    systems[0].refusing = "no such customer"
    assert [approve(hook, number) for number in (30, 31)] == [202, 202]
    until(lambda: statuses(where).get("30") == "failed")
    systems[0].refusing = None
    assert tidegate("keys", "free", "P-7", *here, *WHY).code == 0
    until(lambda: "te-31" in bills(systems))
    (dead,) = tidegate("dead", "list", *where[2:], "--format", "json").json
    assert tidegate("dead", "dismiss", dead["id"], *here, *WHY).code == 0
    assert tidegate("dead", "list", *where[2:]).out == "Nothing needs work.\n"
    # Nothing is left of the requests, and the ledger is whole.
    assert tidegate("status", *where[2:]).out.startswith("2 machines work on this ledger.")
    assert tidegate("ledger", "check", *where).code == 0
    with closing(Requests(postgres_url)) as requests:
        assert requests.take("nobody", range(64)) is None


def test_what_a_killed_machine_had_waits_for_another(start, folder, postgres_url, systems, tidegate):
    def told():
        return tidegate("status", "--ledger", postgres_url).out

    here = ["-w", folder, "--ledger", postgres_url, *systems[2], "--simulator", "desk=http://127.0.0.1:1"]
    assert told().startswith("No machine works on this ledger.\n  64 partitions wait for a machine\n")
    begun = start("run", *here, "--port", "0")
    until(lambda: " has 64 partitions\n" in told())
    assert told().startswith("1 machine works on this ledger.\n")
    assert "wait for" not in told()
    begun.kill()
    begun.wait(10)
    until(lambda: told().startswith("No machine works on this ledger.\n  64 partitions wait for a machine\n"))
    found = tidegate("status", "--ledger", postgres_url, "--format", "json").json["machines"]
    assert found == {"working": 0, "alone": False, "partitions": {}, "free": 64}


class Owner:
    """A machine that works on nothing: it has a partition, and does with requests what it is told."""

    def __init__(self, url, name="machine"):
        self.ledger = open_shared(url, clock=SystemClock(), name=name)
        self.ledger.claim(DUTIES)
        self.requests = Requests(url)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.requests.close()
        self.ledger.close()


def asked(url, seconds, meanwhile=lambda: None):
    """What comes of a request that goes to the owner of the duties."""
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask_machines, url, "acknowledge", {"alert": "x"}, seconds)
        meanwhile()
        return asking.result(20)


def test_what_no_machine_takes_is_not_done_later(postgres_url):
    with Owner(postgres_url) as owner:
        with pytest.raises(
            LedgerError, match=r"no machine took it within 0\.2 seconds, and nothing was done"
        ):
            asked(postgres_url, 0.2)
        assert owner.requests.take("machine", [DUTIES]) is None


def test_nobody_knows_what_a_machine_did_that_gave_no_answer(postgres_url, monkeypatch):
    monkeypatch.setattr("engine.cli.machines.LOST_SECONDS", 0.1)

    def lost():
        begun(owner)
        owner.ledger.give_back(DUTIES)

    with Owner(postgres_url) as owner:
        with pytest.raises(LedgerError, match="the machine machine began it and gave no answer"):
            asked(postgres_url, 0.5, lambda: begun(owner))
        before = time.monotonic()
        with pytest.raises(LedgerError, match="nobody knows whether it was done"):
            asked(postgres_url, 30, lost)
        assert time.monotonic() - before < 10


def test_the_answer_is_that_of_a_control_door(postgres_url):
    def answered():
        taken = begun(owner)
        assert read_json(taken.body) == {"alert": "x"}
        owner.requests.answer(taken.id, "machine", 422, '{"error":"there is no such alert"}')

    with Owner(postgres_url) as owner:
        assert asked(postgres_url, 10, answered) == (422, b'{"error":"there is no such alert"}')


def begun(owner, name="machine"):
    """Takes the request as soon as it lies there."""
    taken = []
    until(lambda: taken.append(owner.requests.take(name, [DUTIES])) or taken[-1] is not None)
    return taken[-1]


def away(*_):
    raise LedgerUnreachable("the ledger cannot be reached")


def test_an_answer_that_was_heard_is_told_though_the_server_goes_away_then(postgres_url, monkeypatch):
    monkeypatch.setattr(Requests, "forget", away)
    with Owner(postgres_url) as owner:
        found = asked(postgres_url, 10, lambda: owner.requests.answer(begun(owner).id, "machine", 200, "{}"))
        assert found == (200, b"{}")


def test_nobody_is_told_that_nothing_was_done_when_the_server_goes_away_with_the_request(
    postgres_url, monkeypatch
):
    ask = Requests.ask

    def lost(*given):
        ask(*given)
        away()

    monkeypatch.setattr(Requests, "ask", lost)
    with Owner(postgres_url) as owner:
        with pytest.raises(LedgerError, match=r"cannot be reached; nothing was done$"):
            asked(postgres_url, 10)
        assert owner.requests.take("machine", [DUTIES]) is None
        monkeypatch.setattr(Requests, "withdraw", away)
        with pytest.raises(
            LedgerError, match="nobody knows whether it was done, or will be within 10 seconds"
        ):
            asked(postgres_url, 10)
        assert owner.requests.take("machine", [DUTIES]) is not None


def test_a_machine_that_takes_it_at_the_last_moment_is_waited_for(postgres_url):
    with Owner(postgres_url) as owner:

        def late():
            taken = begun(owner)
            time.sleep(1)
            owner.requests.answer(taken.id, "machine", 200, "{}")

        assert asked(postgres_url, 0.5, late) == (200, b"{}")


def test_what_machines_do_not_do_is_done_beside_them(postgres_url):
    with Owner(postgres_url):
        assert ask_machines(postgres_url, "deploy", {"plan": "x"}, 0.1) is None
    assert ask_machines(postgres_url, "acknowledge", {"alert": "x"}, 0.1) is None  # none is at work


def test_what_is_no_text_is_refused_and_not_called_a_fault(postgres_url, ledger, tidegate):
    for url in (postgres_url, ledger):
        ended = tidegate("keys", "free", "P-\udcff", "--ledger", url, *WHY)
        assert (ended.code, ended.err) == (
            1,
            "tidegate: what was given as 'key' is no text in UTF-8, and nothing was done\n",
        )
