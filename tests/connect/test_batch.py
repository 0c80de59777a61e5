"""Writes that go together: gathered, sent as one call, and each judged by its own result; over real HTTP."""

import asyncio
from decimal import Decimal

import pytest

from engine.connect.http_connector import HttpConnector
from engine.connect.simulator import Response, Trouble
from engine.effect import Effect, Failure, FaultClass, Receipt
from tests.connect import toy as toys

BATCH = """
  many:
    does: write
    request: {put: "/things/{key}", omit: [key]}
    input: put.json
    once_by: {how: natural_key, field: key}
    proof: body.key == payload.key
    returns: {id: body.id}
    batch:
      most: 3
      within_milliseconds: 30
      request: {post: /things/many, body: {things: "{items}"}}
      item: {key: "{key}", amount: "{amount}", ref: "{effect.key}"}
      results: body.results
      NAMED
      proof: body.ok
      found: body.known
      returns: {id: body.id}
      faults:
        - {when: body.code == 'LATER', is: transient, reason: body.code}
        - {when: not body.ok and body.code is not None, is: permanent, reason: body.error, code: body.code}
sources:"""
BY_NAME = toys.MANIFEST.replace("\nsources:", BATCH.replace("NAMED", "named_by: body.key"))
IN_ORDER = toys.MANIFEST.replace("\nsources:", BATCH.replace("      NAMED\n", ""))


class Many(toys.Toy):
    """A toy that takes many things in a call."""

    def __init__(self):
        super().__init__()
        self.told = lambda results: results  # what is told of them

    def routes(self):
        return (*super().routes(), ("POST", "/things/many", self._many))

    def _many(self, call):
        self._noted(call)
        return Response(body={"results": self.told([self._saved(item) for item in call.record()["things"]])})

    def _saved(self, item):
        key = item["key"]
        if key.startswith("bad"):
            return {"key": key, "ok": False, "code": "BAD", "error": f"{key} is refused"}
        if key.startswith("later"):
            return {"key": key, "ok": False, "code": "LATER"}
        if key.startswith("odd"):
            return {"key": key, "ok": False}
        known = self.things.find("key", key)
        thing = self.things.update(str(known["id"]), item) if known else self.things.create(item)
        return {"key": key, "ok": True, "known": known is not None, "id": thing["id"]}

    @property
    def calls(self):
        """The keys of each call for many, and of each for one."""
        found = []
        for call in self.seen:
            if call.path.endswith("/many"):
                found.append([item["key"] for item in call.record()["things"]])
            elif "/things/" in call.path:
                found.append(call.path.rpartition("/")[2])
        return found


@pytest.fixture
def toy():
    with Many() as running:
        yield running


def effects(*keys):
    return [Effect(f"f/{key}", "toy", "many", {"key": key, "amount": Decimal("1.10")}) for key in keys]


@pytest.fixture
def write(ask):
    """Write these keys together; what came of each."""

    def written(*keys, manifest=BY_NAME):
        return ask(lambda connector: connector.write(effects(*keys)), manifest=manifest)

    return written


def test_one_call_with_a_result_for_each(toy, write):
    done, bad, last = write("a", "bad", "b")
    assert (done, last) == (Receipt("1", {"id": "1"}), Receipt("2", {"id": "2"}))
    assert (bad.fault, bad.evidence["code"]) == (FaultClass.PERMANENT, "BAD")
    assert bad.reason == "toy.many refuses it: bad is refused"
    assert toy.calls == [["a", "bad", "b"]]
    sent = toy.seen[-1].record()["things"][0]
    assert sent["key"] == "a"
    assert sent["amount"] == Decimal("1.10")
    assert sent["ref"]


def test_evidence_is_of_its_own_result_alone(write):
    _, bad = write("secret-of-another", "bad")
    assert "secret" not in bad.evidence["excerpt"]


def test_transient_and_unknown_results(write):
    later, odd, done = write("later", "odd", "a")
    assert (later.fault, odd.fault) == (FaultClass.TRANSIENT, FaultClass.UNKNOWN)
    assert isinstance(done, Receipt)


def test_a_full_call_goes_at_once_and_one_that_is_left_alone_by_itself(toy, write):
    outcomes = write(*"abcdefg")
    assert all(isinstance(one, Receipt) for one in outcomes)
    assert toy.calls == [["a", "b", "c"], ["d", "e", "f"], "g"]


def test_what_comes_in_time_goes_along(toy, ask):
    async def apart(connector):
        first = asyncio.ensure_future(connector.write(effects("a")))
        await asyncio.sleep(0.005)
        return [*await connector.write(effects("b")), *await first]

    ask(apart, manifest=BY_NAME)
    assert toy.calls == [["a", "b"]]


def test_a_record_never_stands_twice_in_a_call(toy, write):
    first, second = write("a", "a")
    assert first.external_id == second.external_id
    assert toy.calls == ["a", "a"]


def test_what_was_done_before_is_found(write):
    write("a", "b")
    assert [one.found for one in write("a", "c")] == [True, False]


@pytest.mark.parametrize("manifest", [BY_NAME, IN_ORDER], ids=["by name", "in order"])
def test_a_result_that_is_missing_is_a_doubt(toy, write, manifest):
    toy.told = lambda results: results[1:]
    first, second = write("a", "b", manifest=manifest)
    assert first.fault is FaultClass.UNKNOWN
    # Without names nobody knows whose the other one is.
    assert isinstance(second, Receipt if manifest is BY_NAME else Failure)


def test_results_in_another_order_are_told_apart_by_name(toy, write):
    toy.told = lambda results: results[::-1]
    assert [getattr(one, "fault", None) for one in write("a", "bad", "b")] == [
        None,
        FaultClass.PERMANENT,
        None,
    ]


def test_a_result_that_comes_twice_is_a_doubt(toy, write):
    toy.told = lambda results: [*results, {**results[0], "ok": False, "code": "BAD"}]
    first, second = write("a", "b")
    assert first.fault is FaultClass.UNKNOWN
    assert isinstance(second, Receipt)


@pytest.mark.parametrize("told", [None, {}, "all", [1, 2]])
def test_results_that_are_none_are_doubts(toy, write, told):
    toy.told = lambda _: told
    assert {one.fault for one in write("a", "b")} == {FaultClass.UNKNOWN}


def test_a_call_that_is_refused_as_a_whole_is_taken_apart(toy, ask):
    def refuse(results):
        toy.seen[-1:] = []  # it is as if it had never been read
        raise toys.Refused(Response(status=422, body={"error": "the list is not understood"}))

    toy.told = refuse
    outcomes = ask(lambda connector: connector.write(effects("a", "b")), manifest=BY_NAME)
    assert all(isinstance(one, Receipt) for one in outcomes)
    assert toy.calls == ["a", "b"]


def test_a_system_that_throttles_is_heard_once(toy, write):
    toy.answer = Response(status=429, headers={"retry-after": "7"})
    first, *rest = write("a", "b", "c")
    assert {one.fault for one in (first, *rest)} == {FaultClass.TRANSIENT}
    assert (first.evidence.get("throttled"), first.retry_after_seconds) == (True, 7)
    assert [(one.evidence.get("throttled"), one.retry_after_seconds) for one in rest] == [(None, None)] * 2
    assert len(toy.calls) == 1


@pytest.mark.parametrize("trouble", [Trouble.RESET_AFTER, Trouble.ERROR_AFTER, Trouble.GATEWAY_AFTER])
def test_all_of_a_call_that_broke_off_are_in_doubt(toy, write, trouble):
    toy.fail_next(trouble, path="/things/many")
    assert {one.fault for one in write("a", "b")} == {FaultClass.UNKNOWN}
    assert len(toy.things) == 2


def test_what_does_not_fit_its_schema_spoils_nobody_else(toy, ask):
    wrong = Effect("f/wrong", "toy", "many", {"key": "w", "amount": "much"})
    outcomes = ask(lambda connector: connector.write([wrong, *effects("a", "b")]), manifest=BY_NAME)
    assert [type(one) for one in outcomes] == [Failure, Receipt, Receipt]
    assert toy.calls == [["a", "b"]]


def test_a_call_counts_as_one_request(toy):
    async def counted():
        connector = HttpConnector(
            toys.plan(BY_NAME.replace("limits: {", "limits: {rate: {requests: 10, per: 1m}, ")),
            toys.settings(toy.base_url),
            now=toy.now,
        )
        try:
            await connector.write(effects("a", "b", "c"))
            return connector.pace.free(toy.now().timestamp(), "writes")
        finally:
            await connector.aclose()

    assert asyncio.run(counted()) == 9


def test_who_waits_is_told_when_the_connector_is_closed(toy):
    async def closed():
        connector = toys.connector(toy, BY_NAME)
        waiting = asyncio.ensure_future(connector.write(effects("a", "b")))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await connector.aclose()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(closed())
    assert toy.calls == []


def test_what_nobody_waits_for_any_more_is_not_sent(toy):
    async def left():
        connector = toys.connector(toy, BY_NAME)
        gone = asyncio.ensure_future(connector.write(effects("a")))
        stays = asyncio.ensure_future(connector.write(effects("b")))
        await asyncio.sleep(0.005)
        gone.cancel()
        try:
            return await stays
        finally:
            await connector.aclose()

    assert isinstance(asyncio.run(left())[0], Receipt)
    assert toy.calls == ["b"]
