"""Runs that stood in line behind their order key when the process ended: nothing of them is lost."""

import asyncio
import shutil
from pathlib import Path

import pytest

from engine import session as sessions
from engine.clock import SystemClock
from engine.connect import Receipt
from engine.connect.catalog import Catalog
from engine.ledger import open_ledger
from engine.runtime.accept import read_line
from engine.runtime.runner import Runner

pytestmark = pytest.mark.usefixtures("both")

SINK = Path(__file__).parent.parent / "bench" / "workload" / "workspace" / "connectors" / "sink"

DOCUMENTS = """
entity: order
version: 1
fields:
  id: {type: string, required: true}
  project: {type: string, required: true}
  amount: {type: integer, required: true}
---
event: order.placed
data: canonical/order@1
identity: data.id
order_by: data.project
---
event: order.booked
data: canonical/order@1
identity: data.id
---
policy: large-order
owner: finance
inputs: {order: canonical/order@1}
when: order.amount > 100
then:
  hold: {release: {role: controller}}
  alert: {to: finance}
reason: "Order {{ order.id }} is over 100."
---
flow: book-order
trigger: {event: order.placed, as: order}
steps:
  keep:
    write: sink.post
    with:
      externalId: order.id
      line: {fields: {amount: order.amount}}
      route: {value: books}
    stands: The books keep every order, also one that nobody wanted.
  fine:
    check: large-order
  told:
    needs: keep
    emit: order.booked
    with: {id: order.id, project: order.project, amount: order.amount}
---
connection: sink
connector: sink
environments:
  test: {simulated: true}
"""


class Sink:
    """Takes records one after the other, or never answers."""

    batch_size = 10

    def __init__(self, *, answers):
        self.answers = answers
        self.seen = []

    async def write(self, effects):
        self.seen += [effect.payload["externalId"] for effect in effects]
        if not self.answers:
            await asyncio.Event().wait()
        return [Receipt(f"R-{effect.payload['externalId']}") for effect in effects]

    async def look_up(self, effect):
        return None

    async def aclose(self):
        pass


class One(Catalog):
    """A catalog that opens what it is given."""

    __slots__ = ("sink",)

    def open(self, plan, settings, *, now):
        return self.sink


def catalog(sink):
    made = One(installed={})
    object.__setattr__(made, "sink", sink)
    return made


@pytest.fixture
def workspace(tmp_path):
    folder = tmp_path / "workspace"
    (folder / "flows").mkdir(parents=True)
    (folder / "flows" / "all.yaml").write_text(DOCUMENTS)
    shutil.copytree(SINK, folder / "connectors" / "sink")
    return folder


def lines():
    for number, amount in enumerate((10, 500, 20), start=1):
        yield b'{"type":"order.placed","data":{"id":"o-%d","project":"P","amount":%d}}' % (number, amount)


async def turns(workspace, ledger_file, sink, offers, *, to_rest):
    clock = SystemClock()
    session = sessions.load(workspace, catalog(sink))
    plan = session.ready.plan
    with open_ledger(str(ledger_file), clock=clock, create=True) as ledger:
        connections = sessions.open_connections(session, "test", clock)
        plans = sessions.plans(session, ledger)
        runner = Runner(ledger=ledger, plan=plan, plans=plans, connections=connections, clock=clock)
        runner.recover()
        if offers:
            runner.offer([read_line(plan, line, None, clock.now()) for line in lines()])
        if to_rest:
            await runner.until_rest()
        else:
            await runner.turn()
            await asyncio.sleep(0.05)
            await runner.stop(0)
        reader = ledger.reader()
        rows = [row for status in ("completed", "held", "running") for row in reader.runs(status=status)]
        return {
            "runs": {row.id.rsplit(":", 1)[1]: row.status for row in rows},
            "holds": [hold.policy for hold in reader.holds(status="open")],
            "alerts": [alert.message for alert in reader.alerts()],
            "booked": [event.id for event in reader.events() if event.type == "order.booked"],
        }


@pytest.mark.requirement("REL-11", "REL-04")
def test_those_who_stood_in_line_are_worked_in_order_after_a_crash(workspace, tmp_path):
    """The first waits for its answer, the others for the first; a new process finishes all, in order, once."""
    silent, sound = Sink(answers=False), Sink(answers=True)
    before = asyncio.run(turns(workspace, tmp_path / "ledger.sqlite", silent, True, to_rest=False))
    assert silent.seen == ["o-1"]
    assert before["runs"] == {"o-1": "running", "o-2": "running", "o-3": "running"}
    assert before["holds"] == []

    after = asyncio.run(turns(workspace, tmp_path / "ledger.sqlite", sound, False, to_rest=True))
    assert sound.seen == ["o-1", "o-2", "o-3"]
    assert after["runs"] == {"o-1": "completed", "o-2": "held", "o-3": "completed"}
    assert after["holds"] == ["large-order"]
    assert after["alerts"] == ["Order o-2 is over 100."]
    assert sorted(after["booked"]) == ["order.booked:o-1", "order.booked:o-2", "order.booked:o-3"]

    again = asyncio.run(turns(workspace, tmp_path / "ledger.sqlite", Sink(answers=True), True, to_rest=True))
    assert again == after
