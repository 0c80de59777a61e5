"""From any id to the whole story, back and forward."""

import pytest

from engine.insight.holds import Wanted, described_holds
from engine.insight.trace import Direction, run_of, trace
from engine.insight.trace_nodes import scalars
from engine.ledger import Commit, open_ledger, open_reader
from engine.ledger.rows import EffectDone, NewEffect, NewEvent, NewRun
from tests.runtime.scripted import NOW, Small

pytestmark = [pytest.mark.requirement("OBS-20"), pytest.mark.requirement("OBS-21")]

DOCUMENTS = """
flow: f
version: 7
trigger: {event: item.ordered, as: item}
steps:
  project: {read: erp.project, with: {id: item.group}}
  thing: {read: entity.item, with: {id: item.group}}
  ok: {check: [shut, noted]}
  put:
    write: erp.line
    with: {key: project.id, to: {xref: item, id: item.group, in: erp}}
    needs: ok
  say: {emit: item.said, with: {id: put.id}}
---
flow: seed
trigger: {event: item.made, as: item}
steps:
  line: {write: erp.line, with: {key: item.id}, links: {item: item.id}}
---
flow: after
trigger: {event: item.said, as: item}
steps:
  line: {write: rev.performance, with: {bill: item.id}}
---
policy: shut
version: 3
owner: finance
inputs: {project: erp/project@1, item: canonical/item@1}
when: project.status == 'shut'
then: {hold: {until: {event: item.changed}, release: {role: boss}}, alert: {to: boss}}
reason: "Project {{ project.id }} is shut."
---
policy: noted
version: 2
inputs: {item: canonical/item@1}
when: "True"
then: {set: {seen: {value: yes}}}
note: "Seen."
""".replace("yes", '"yes"')
RUN = "f/item.ordered:1"
PUT = f"effect:{RUN}/put"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    process = Small(tmp_path_factory.mktemp("trace"), DOCUMENTS)
    process.run(("item.made", {"id": "G"}))
    process.system.reads["project"] += [{"id": "G", "status": "shut", "rate": 1}]
    process.run(("item.ordered", {"id": "1", "group": "G"}), ("item.ordered", {"id": "2", "group": "H"}))
    process.run(("item.changed", {"id": "x", "amount": 1}))
    reader = open_reader(process.url)
    yield reader
    reader.close()


def names(found, kind):
    return {node.title for node in found.nodes.values() if node.kind == kind}


def said(found, start):
    return [node for name, node in found.nodes.items() if name.startswith(start)]


@pytest.fixture(scope="module")
def found(ledger):
    """Back from the record in the revenue system that the first event led to."""
    (effect,) = [row for row in ledger.settled_effects() if f'"id-{RUN}/put"' in row.payload]
    return trace(ledger, effect.external_id, Direction.BACK)


@pytest.mark.requirement("SCN-08")
class TestBack:
    def test_from_the_entry_to_the_hour_through_both_systems(self, found):
        assert names(found, "event") >= {"item.said", "item.ordered", "item.made", "item.changed"}
        assert {name.split(" ")[0] for name in names(found, "effect")} == {"rev.performance", "erp.line"}
        assert names(found, "run") == {"after completed", "f completed", "seed completed"}

    def test_it_starts_at_what_was_asked_for(self, found):
        (start,) = found.start
        assert start.startswith("record:rev:")
        assert "event:item.ordered:1" in found.roots()

    def test_decisions_have_their_policies_versions_and_sentences(self, found):
        held, noted = sorted(said(found, "decision:"), key=lambda node: node.title, reverse=True)[:2]
        assert (held.details["policy"], held.details["policy_version"]) == ("shut", 3)
        assert held.details["reason"] == "Project G is shut."
        assert held.details["outcomes"] == ["held"]
        assert (noted.details["policy"], noted.details["notes"]) == ("noted", ["Seen."])

    def test_runs_have_flow_version_release_and_commits(self, found):
        (run,) = said(found, f"run:{RUN}")
        assert run.details["flow_version"] == 7
        assert len(run.details["release"]) == 12
        assert run.details["commit"] < run.details["finish_commit"]

    def test_the_hold_says_who_released_it(self, found):
        (hold,) = said(found, "hold:")
        assert (hold.details["released_by"], hold.details["release_event"]) == (
            "tidegate",
            "item.changed:x:1",
        )
        assert any(edge.kind == "released" and edge.target == hold.id for edge in found.edges)

    def test_what_was_used_is_followed_back(self, found):
        used = {(edge.source, edge.target) for edge in found.edges if edge.kind == "used"}
        assert ("effect:seed/item.made:G/line", f"answer:{RUN} xref:item:G:erp") in used
        assert ("event:item.made:G", f"answer:{RUN} read:thing") in used

    def test_others_are_left_out(self, found):
        assert not said(found, "run:f/item.ordered:2")


class TestForward:
    def test_from_the_event_to_everything_that_it_caused(self, ledger):
        found = trace(ledger, "item.ordered:1", Direction.FORWARD)
        assert {"f completed", "after completed"} == names(found, "run")
        assert {node.kind for node in found.nodes.values()} >= {
            "event",
            "run",
            "hold",
            "alert",
            "effect",
            "record",
        }
        assert "item.made" not in names(found, "event")

    def test_from_the_event_that_released_a_hold_to_what_went_on_then(self, ledger):
        found = trace(ledger, "item.changed:x:1", Direction.FORWARD)
        assert PUT in found.nodes

    def test_in_both_directions_nothing_is_twice(self, ledger):
        found = trace(ledger, RUN)
        assert len(set(found.edges)) == len(found.edges)
        assert all(edge.source in found.nodes and edge.target in found.nodes for edge in found.edges)


@pytest.mark.parametrize(
    "wanted, start",
    [
        ("item.ordered:1", "event:item.ordered:1"),
        (RUN, f"run:{RUN}"),
        (f"{RUN}/put", PUT),
        (f"{RUN}/ok/shut", f"hold:{RUN}/ok/shut"),
        (f"id-{RUN}/put", f"record:erp:id-{RUN}/put"),
    ],
)
def test_any_id_will_do(ledger, wanted, start):
    found = trace(ledger, wanted)
    assert start in found.start
    assert "event:item.ordered:1" in found.nodes


def test_the_id_of_one_of_our_records(ledger):
    found = trace(ledger, "G")
    assert {"record:erp:id-seed/item.made:G/line", "event:item.made:G"} <= set(found.start)


def test_a_release_says_when_it_was_active(ledger):
    fingerprint = ledger.active_release().fingerprint
    (node,) = trace(ledger, fingerprint).nodes.values()
    assert node.details["activated"][0]["by"] == "tidegate"


def test_nothing_bears_the_id(ledger):
    assert trace(ledger, "nobody").start == ()


def test_an_event_in_which_a_system_tells_of_our_record_is_followed(tmp_path, clock):
    at = "2026-03-01T12:00:00.000000Z"

    def event(name, body, source):
        return NewEvent(name, name.split(":")[0], None, at, at, source, None, 0, 1, name, body)

    with open_ledger(str(tmp_path / "l.sqlite"), clock=clock, create=True) as ledger:
        first = Commit()
        first.events.append(event("a:1", b'{"id": "1"}', "desk.x"))
        first.runs.append(NewRun("f/a:1", "a:1", "f", "r", None, at))
        first.sends.append(NewEffect("f/a:1/put", "f/a:1", "put", None, "erp", "invoice", "{}", at))
        ledger.commit(first)
        second = Commit()

        second.effects_done.append(EffectDone('{"id":"INV-9","number":"4711"}', "INV-9", at, "f/a:1/put"))
        ledger.commit(second)
        third = Commit()
        third.events.append(event("b:1", b'{"invoice": "INV-9"}', "erp.invoice_changed"))
        third.events.append(event("b:2", b'{"invoice": "INV-9"}', "other.invoice_changed"))
        third.events.append(event("b:3", b"no JSON at all", "erp.invoice_changed"))
        ledger.commit(third)
        reader = ledger.reader()
        assert "event:b:1" in trace(reader, "a:1", Direction.FORWARD).nodes
        assert not {"event:b:2", "event:b:3"} & trace(reader, "a:1").nodes.keys()
        assert "event:a:1" in trace(reader, "b:1", Direction.BACK).nodes
        assert trace(reader, "4711").start == ("effect:f/a:1/put",)
        assert trace(reader, "b:3").nodes["event:b:3"].details["data"] == "no JSON at all"


class TestSmallNumbers:
    """Systems number their records, and a quantity of 7 is not invoice 7."""

    AT = "2026-03-01T12:00:00.000000Z"

    @pytest.fixture
    def reader(self, tmp_path, clock):
        def event(name, body):
            return NewEvent(name, name.split(":")[0], None, self.AT, self.AT, "erp.x", None, 0, 1, name, body)

        with open_ledger(str(tmp_path / "l.sqlite"), clock=clock, create=True) as ledger:
            first = Commit(events=[event("deal:1", b'{"id": "deal-1"}')])
            first.runs.append(NewRun("f/deal:1", "deal:1", "f", "r", None, self.AT))
            for step, operation in (("bill", "save_invoice"), ("party", "save_customer")):
                key = f"f/deal:1/{step}"
                first.sends.append(NewEffect(key, "f/deal:1", step, None, "erp", operation, "{}", self.AT))
            ledger.commit(first)
            done = [EffectDone('{"id":7}', "7", self.AT, f"f/deal:1/{step}") for step in ("bill", "party")]
            ledger.commit(Commit(effects_done=done))
            told = {
                "line.made:1": b'{"id": 9, "quantity": 7}',
                "line.made:2": b'{"id": 9, "invoiceId": 7}',
                "line.made:3": b'{"id": 9, "customer": {"id": 7}}',
                "invoice.posted:4": b'{"id": 7}',
                "project.made:5": b'{"id": 7}',
                "line.made:6": b'{"bills": ["6", "7"]}',
            }
            ledger.commit(Commit(events=[event(name, body) for name, body in told.items()]))
            yield ledger.reader()

    def test_are_ids_of_what_they_stand_for(self, reader):
        found = {node.removeprefix("event:") for node in trace(reader, "deal:1", Direction.FORWARD).nodes}
        assert {"line.made:2", "line.made:3", "invoice.posted:4", "line.made:6"} <= found
        assert not {"line.made:1", "project.made:5"} & found

    @pytest.mark.parametrize(
        "event,effects",
        [
            ("line.made:1", set()),
            ("line.made:2", {"bill"}),
            ("line.made:3", {"party"}),
            ("invoice.posted:4", {"bill"}),
            ("project.made:5", set()),
        ],
    )
    def test_lead_back_to_what_they_stand_for(self, reader, event, effects):
        found = trace(reader, event, Direction.BACK).nodes
        assert {name.rpartition("/")[2] for name in found if name.startswith("effect:")} == effects

    def test_the_record_of_one_system_can_be_asked_for(self, reader):
        assert trace(reader, "record:erp:7").start == ("record:erp:7",)
        assert trace(reader, "record:psa:7").start == ()


def test_the_run_of_an_effect_whose_item_has_slashes(ledger):
    assert run_of(ledger, f"{RUN}/put[a/b]") == [RUN]
    assert run_of(ledger, "nobody/at/all") == []


def test_scalars_are_bounded_and_each_once():
    value = {"a": ["x", "x", 5, True, None, {"b": "y" * 300}], "c": "z"}
    assert sorted(scalars(value, 10)) == ["5", "x", "z"]
    assert len(scalars({str(number): str(number) for number in range(100)}, 7)) == 7


class TestHolds:
    def test_all_are_listed_oldest_first_however_many(self, tmp_path):
        policies = """
flow: f
trigger: {event: item.made, as: item}
steps: {ok: {check: always}}
---
policy: always
owner: finance
inputs: {item: canonical/item@1}
when: "True"
then: {hold: {release: {role: boss}}}
reason: "{{ item.id }}"
"""
        process = Small(tmp_path, policies)
        process.run(*[("item.made", {"id": str(number)}) for number in range(150)])
        reader = open_reader(process.url)
        found = described_holds(reader, Wanted(), NOW)
        reader.close()
        assert [hold["reason"] for hold in found] == [str(number) for number in range(150)]
        assert found[0]["release"] == "role boss with a reason"
