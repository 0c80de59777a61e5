"""Events that were accepted before a release that speaks a newer version: it makes its own of them."""

import asyncio
from datetime import date, timedelta
from decimal import Decimal

import pytest

from engine.errors import InputError
from engine.insight.trace_nodes import event_node
from engine.ledger import open_reader
from engine.preview.recorded import recorded_events
from engine.runtime.accept import offered_again, read_line
from engine.runtime.again import finished_work
from engine.runtime.backfill import Days, earlier
from engine.runtime.bench import Verdict
from engine.runtime.bulk import Bulk, Order, Pace
from engine.runtime.control import Desk
from engine.runtime.failure_acts import Here, driven
from engine.runtime.recover import Recovery
from engine.runtime.resolve import Person, attempt_again
from engine.values.json_text import write_json
from tests.runtime.scripted import Small, failure
from tests.runtime.test_expectations import look

OLDER = """
entity: deal
fields: {id: {type: string, required: true}, net: {type: decimal, required: true}}
---
event: deal.won
data: canonical/deal@1
identity: data.id
"""
BOTH = """
entity: deal
fields: {id: {type: string, required: true}, net: {type: decimal, required: true}}
---
entity: deal
version: 2
fields: {id: {type: string, required: true}, gross: {type: decimal, required: true}}
---
mapping: deal-up
inputs: {deal: canonical/deal@1}
output: canonical/deal@2
fields: {id: deal.id, gross: {expr: "deal.net * 2"}}
---
event: deal.won
version: 2
data: canonical/deal@2
identity: data.id
"""
NEWER = f"{BOTH}deprecates: {{version: 1, data: canonical/deal@1, until: 2030-06-30, up: deal-up}}\n"
# The same fields, which mean something else: that they fit says nothing.
ALIKE = OLDER.replace("entity: deal", "entity: deal\nversion: 2").replace(
    "event: deal.won\ndata: canonical/deal@1", "event: deal.won\nversion: 2\ndata: canonical/deal@2"
)
DEAL = {"type": "deal.won", "data": {"id": "1", "net": 5}}
RUN, SECOND = "f/deal.won:1", "f~2/deal.won:1"
MARCH = Days(date(2026, 3, 1), date(2026, 3, 31), "Europe/Berlin")
ANN = Person(by="ann", reason="the account is open again")
UNLED = "it was accepted as deal.won@1, and no mapping makes deal.won@2 of that"


def flow(field, name="f", event="deal.won"):
    return (
        f"flow: {name}\ntrigger: {{event: {event}, as: deal, where: deal.{field} > 0}}\nsteps:\n"
        f"  put: {{write: erp.line, with: {{key: {{expr: 'text(deal.{field})'}}}}}}\n"
    )


def take(process, *lines):
    """A process that takes these lines, each as it came."""

    async def work(runner):
        now = process.clock.now()
        for line in lines:
            runner.offer([read_line(process.plan, write_json(line), None, now)])
        await runner.until_rest()

    return process._process(work)


def kept(process):
    reader = open_reader(process.url)
    found = reader.event("deal.won:1")
    reader.close()
    return found


@pytest.fixture
def dead(tmp_path):
    """A deal of version 1 whose line the system refused."""
    process = Small(tmp_path, OLDER, flow("net"))
    process.system.writes["line"].append(failure("permanent", "closed"))
    assert take(process, DEAL).status(RUN) == "failed"
    return process


@pytest.mark.requirement("REL-13")
def test_a_further_attempt_works_what_the_mapping_makes_of_it(dead):
    before = kept(dead)
    dead.change("next", NEWER, flow("gross"))
    seen = dead.order(attempt_again(RUN, dead.plan.release, ANN))
    assert seen.status(SECOND) == "completed"
    assert dead.system.applied == {f"{SECOND}/put": [{"key": "10"}]}
    assert kept(dead) == before
    assert offered_again(dead.plan, before).event.data == {"id": "1", "gross": 10}
    assert (before.version, before.body) == (1, b'{"id":"1","net":5}')
    assert {"version": 1, "data": {"id": "1", "net": 5}}.items() <= event_node(before).details.items()
    with dead.process() as (runner, ledger):
        work = {row.id: why for row, why in finished_work(ledger.reader(), runner.executor.recovery)}
    assert work == {RUN: None, SECOND: None}  # each by the release that it began on


def test_what_no_mapping_leads_from_is_refused_also_where_it_fits(dead):
    dead.change("next", ALIKE, flow("net"))
    with pytest.raises(InputError, match=UNLED):
        dead.order(attempt_again(RUN, dead.plan.release, ANN))
    assert offered_again(dead.plan, kept(dead)).complaints == [UNLED]


def test_what_the_mapping_cannot_make_is_refused_with_the_reason(dead):
    dead.change("next", NEWER.replace("deal.net * 2", "10 / (deal.net - 5)"), flow("gross"))
    with pytest.raises(InputError, match=r"deal\.won@1 cannot be taken"):
        dead.order(attempt_again(RUN, dead.plan.release, ANN))


@pytest.mark.parametrize(
    "documents, verdict", [((NEWER, "gross"), Verdict.SAFE), ((ALIKE, "net"), Verdict.PERSON)]
)
def test_a_flow_that_is_new_is_given_it_by_a_backfill(dead, documents, verdict):
    models, field = documents
    dead.change("next", models, flow(field), flow(field, "g"))

    async def work(runner, reader):
        runner.recover()
        recovery = Recovery(reader, runner.executor.recovery.plan, runner._connections)
        items = list(earlier(reader, recovery, dead.plan.release, "g", MARCH))
        desk = Desk(runner=runner, reader=reader, clock=dead.clock)
        bulk = Bulk(Here(desk), reader, Order(by="ann", reason="new"), Pace(), lambda _: None)
        await driven(runner, bulk.work(items))
        return items

    with dead.process() as (runner, ledger):
        (item,) = asyncio.run(work(runner, ledger.reader()))
    assert item.verdict is verdict
    if verdict is Verdict.SAFE:
        assert dead.system.applied == {"g/deal.won:1/put": [{"key": "10"}]}
    else:
        assert (item.reasons, dead.system.applied) == ((f"the data does not fit: {UNLED}",), {})


def test_a_step_that_looks_back_sees_it_as_the_newer(dead):
    wait = (
        "flow: w\ntrigger: {event: item.made, as: item}\nsteps:\n"
        "  won: {wait: {event: deal.won, where: event.data.gross == 10, timeout: 1d, look_back: 2h}}\n"
        "  put: {write: erp.line, with: {key: {expr: 'text(won.gross)'}}}\n"
    )
    dead.change("next", NEWER, wait)
    assert dead.run(("item.made", {"id": "7"})).status("w/item.made:7") == "completed"
    assert dead.system.applied == {"w/item.made:7/put": [{"key": "10"}]}


def test_what_comes_once_more_is_still_the_same_event(dead):
    dead.change("next", NEWER, flow("gross"))
    again = take(
        dead,
        {**DEAL, "type": "deal.won@1"},
        {"type": "deal.won", "data": {"id": "1", "gross": 10}},
        {"type": "deal.won", "data": {"id": "1", "gross": 11}},
    )
    assert (again.tally.duplicates, again.tally.conflicts) == (2, 1)


def test_what_is_recorded_says_which_version_it_is_when_another_is_spoken(dead):
    def lines():
        with dead.process() as (runner, ledger):
            found = recorded_events(ledger.reader(), runner.executor.recovery)
            return [(one.line["type"], one.line["data"]) for one in found]

    assert lines() == [("deal.won", {"id": "1", "net": Decimal(5)})]
    dead.change("next", NEWER, flow("gross"))
    take(dead, {"type": "deal.won", "data": {"id": "2", "gross": 4}})
    assert lines() == [
        ("deal.won@1", {"id": "1", "net": Decimal(5)}),
        ("deal.won", {"id": "2", "gross": Decimal(4)}),
    ]


def test_a_run_that_began_before_tells_of_it_as_its_release_does(tmp_path):
    says = (
        "flow: s\ntrigger: {event: item.made, as: item}\nsteps:\n"
        "  go: {wait: {event: item.ordered, where: event.data.id == item.id, timeout: 1d}}\n"
        "  say: {needs: [go], emit: deal.won, with: {id: item.id, FIELD: item.amount}}\n"
    )
    process = Small(tmp_path, OLDER, flow("net"), says.replace("FIELD", "net"))
    process.run(("item.made", {"id": "1", "amount": 5}))
    process.change("next", NEWER, flow("gross"), says.replace("FIELD", "gross"))
    seen = process.run(("item.ordered", {"id": "1"}))
    assert (seen.status(RUN), kept(process).version) == ("completed", 2)
    assert kept(process).source == "as deal.won@1 by deal-up"
    assert process.system.applied == {f"{RUN}/put": [{"key": "10"}]}


def test_a_snapshot_of_it_is_read_as_the_newer(tmp_path):
    keeps = "key: id\nfields: {id"
    reads = (
        "flow: r\ntrigger: {event: item.made, as: item}\nsteps:\n"
        "  won: {read: entity.deal, with: {id: item.id}}\n"
        "  put: {write: erp.line, with: {key: {expr: 'text(won.FIELD)'}}}\n"
    )
    process = Small(tmp_path, OLDER.replace("fields: {id", keeps), reads.replace("FIELD", "net"))
    take(process, DEAL)
    process.change("next", NEWER.replace("fields: {id", keeps, 2), reads.replace("FIELD", "gross"))
    assert process.run(("item.made", {"id": "1"})).status("r/item.made:1") == "completed"
    assert process.system.applied == {"r/item.made:1/put": [{"key": "10"}]}


def test_an_expectation_is_about_it_as_the_newer(tmp_path):
    waits = (
        "expectation: is-told\nafter: {event: deal.won, as: deal, where: deal.FIELD > 5}\n"
        "comes: {event: item.said, match: {id: deal.id}}\nwithin: 1h\n"
        'alert: {to: desk, message: "A deal of {{ deal.FIELD }}."}\n'
    )
    process = Small(tmp_path, OLDER, waits.replace("FIELD", "net"))
    look(process)  # from now on
    take(process, DEAL)
    process.change("next", NEWER, waits.replace("FIELD", "gross"))
    (told,) = look(process, timedelta(hours=2)).values()
    assert told.message.startswith("A deal of 10.")
