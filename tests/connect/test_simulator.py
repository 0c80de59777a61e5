"""The base of simulators: it fails as it is told to, and its journal tells the truth."""

import socket
import subprocess
import sys
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

import pytest

from engine.connect.simulator import Response, Trouble
from engine.effect import Failure, Receipt
from tests.connect.toy import Toy, effect

DONE = {Trouble.RESET_AFTER, Trouble.ERROR_AFTER, Trouble.GATEWAY_AFTER, Trouble.TRUNCATE, Trouble.GARBAGE}
PUT = effect("put", key="k")


@pytest.mark.parametrize("trouble", list(Trouble))
@pytest.mark.slow
def test_trouble_happens_before_or_after_the_change(toy, write, trouble):
    toy.fail_next(trouble)
    assert isinstance(write(PUT), Failure)
    done = trouble in DONE or trouble is Trouble.HANG_AFTER
    assert len(toy.journal.applied("thing", "created")) == int(done)
    assert toy.journal.requests[-1].trouble == trouble
    assert isinstance(write(PUT), Receipt)


def test_trouble_comes_as_often_as_asked_and_where_asked(toy, ask):
    toy.fail_next("error_before", times=2, path="/things/a")
    effects = [effect("put", key=key) for key in ("b", "a1", "a2", "a3")]
    outcomes = ask(*[lambda connector, each=each: connector.write([each]) for each in effects])
    assert [isinstance(outcome[0], Receipt) for outcome in outcomes] == [True, False, False, True]


def test_outage_refuses_and_keeps_records(toy, write):
    write(PUT)
    port = urlsplit(toy.base_url).port
    toy.outage()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 1)
    toy.recover()
    assert urlsplit(toy.base_url).port == port
    write(PUT)
    assert len(toy.things) == 1


def test_tokens_end():
    now = [datetime(2026, 3, 1, tzinfo=UTC)]
    simulator = Toy()
    simulator.now = lambda: now[0]
    with simulator:
        place = urlsplit(simulator.base_url)
        token = simulator.issue_token(10)

        def asked() -> int:
            connection = HTTPConnection(place.hostname, place.port, timeout=5)
            connection.request("GET", "/api/things", headers={"Authorization": f"Bearer {token}"})
            status = connection.getresponse().status
            connection.close()
            return status

        assert asked() == 200
        now[0] = datetime(2026, 3, 1, 0, 0, 10, tzinfo=UTC)
        assert asked() == 401


def test_more_requests_at_a_time_than_allowed(toy, ask):
    toy.concurrency, toy.latency_seconds = 2, 0.05
    outcomes = ask(lambda connector: connector.write([effect("put", key=f"k{n}") for n in range(4)]))
    refused = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    assert refused
    assert all(outcome.evidence["throttled"] for outcome in refused)
    assert len(toy.things) == 4 - len(refused)


def test_path_that_is_none_and_body_that_is_none(toy):
    place = urlsplit(toy.base_url)
    token = {"Authorization": f"Bearer {toy.issue_token()}"}
    statuses = []
    for method, path, body in (
        ("GET", "/api/nothing", None),
        ("PUT", "/api/things/k", "{"),
        ("PUT", "/api/things/k", "[]"),
    ):
        connection = HTTPConnection(place.hostname, place.port, timeout=5)
        connection.request(method, path, body, token)
        statuses.append(connection.getresponse().status)
        connection.close()
    assert statuses == [404, 400, 400]


class Receiver(Toy):
    """Takes webhooks, after refusing a few."""

    def __init__(self, refuse: int) -> None:
        self.refuse = refuse
        super().__init__()

    def is_public(self, _call):
        return True

    def routes(self):
        return (("POST", "/hook", self._hook),)

    def _hook(self, call):
        self.seen.append(call)
        self.refuse -= 1
        return Response(status=503 if self.refuse >= 0 else 202)


def test_webhooks_are_signed_and_sent_again_until_taken():
    with Receiver(refuse=2) as receiver, Toy() as sender:
        sender.notifier._signer = lambda body, number: {"X-Number": f"{number}-{len(body)}"}
        sender.notifier.register("news", f"{receiver.base_url}/hook")
        sender.notifier.tell("news", {"a": 1})
        sender.notifier.tell("gossip", {"b": 1})
        assert sender.notifier.settle()
        (delivery,) = sender.notifier.deliveries
        assert (delivery.statuses, delivery.taken) == ([503, 503, 202], True)
        assert {call.headers["x-number"] for call in receiver.seen} == {"1-7"}
        assert receiver.seen[0].body == b'{"a":1}'


def test_webhooks_survive_a_receiver_that_is_away(free_port):
    with Toy() as sender:
        sender.notifier.register("news", f"http://127.0.0.1:{free_port}/api/hook")
        sender.notifier.tell("news", {}, times=1)
        with Receiver(refuse=0).start(free_port):
            assert sender.notifier.settle()
        assert sender.notifier.deliveries[0].taken


def test_runs_by_itself(root):
    command = (sys.executable, "-m", "connectors.revenue.simulator")
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        try:
            place = urlsplit(process.stdout.readline().strip())
            connection = HTTPConnection(place.hostname, place.port, timeout=5)
            connection.request("GET", "/v1/contracts/K")
            assert connection.getresponse().status == 401
            connection.close()
        finally:
            process.terminate()


def test_a_reset_is_one(toy):
    toy.fail_next("reset_before")
    place = urlsplit(toy.base_url)
    connection = HTTPConnection(place.hostname, place.port, timeout=5)
    connection.request("GET", "/api/things")
    with pytest.raises((ConnectionResetError, HTTPException)):
        connection.getresponse()
    connection.close()
