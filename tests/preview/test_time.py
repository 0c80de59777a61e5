"""Time in a played history: what is due happens in its order, each with all that it leads to."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from engine.errors import InputError
from engine.preview.behaviour import Shared, Side, read_samples
from engine.preview.corpus import Proof
from tests.workspaces import tiny

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
FLOWS = """
flow: first
trigger: {event: item.made, as: item}
steps:
  w: {wait: {event: item.said, timeout: 1h, on_timeout: "null"}}
  tell: {needs: w, emit: item.changed, with: {id: item.id, amount: item.amount, group: item.group}}
---
flow: second
trigger: {event: item.made, as: item}
steps:
  w: {wait: {event: item.changed, timeout: 2h}}
---
flow: third
trigger: {event: item.changed, as: item}
steps:
  w: {wait: {event: item.said, timeout: 30 minutes}}
"""


def line(name, minutes, **data):
    """An event so many minutes after noon."""
    at = (NOON + timedelta(minutes=minutes)).isoformat()
    return json.dumps({"type": name, "data": {**tiny.GIVEN, "id": "1", **data}, "accepted_at": at}).encode()


@pytest.fixture(scope="module")
def side(tmp_path_factory):
    return Side(plan=tiny.plan(tmp_path_factory.mktemp("time"), FLOWS))


def played(shared, *lines):
    pairs = shared.play(read_samples(lines, "events", None, NOON))
    return {run.id: (str(run.status), run.reason) for pair in pairs for run in pair if run is not None}


@pytest.mark.parametrize("apart", [False, True])
def test_what_time_leads_to_comes_before_what_is_due_later(side, apart):
    """A run that timed out tells another at once, and begins one whose own time runs from then."""
    shared = Shared.of_one(side)
    if apart:
        shared = Shared(side, side, flows=frozenset(["second"]), events=frozenset())
    found = played(shared, line("item.made", 0), line("item.said", 105))
    assert found == {
        "first/item.made:1": ("completed", None),
        "second/item.made:1": ("completed", None),
        "third/item.changed:1:1": ("failed", "no item.said came before 2026-03-31T13:30:00+00:00"),
    }


def test_who_time_has_moved_for_good_is_given_away(side):
    shared = Shared.of_one(side)
    samples = read_samples([line("item.made", 0), line("item.ordered", 300)], "events", None, NOON)
    ended = [{old.id.partition("/")[0] for old, _ in shared.take(sample)} for sample in samples]
    assert ended == [set(), {"first", "second", "third"}]


def test_what_both_sides_emit_when_a_time_is_over_is_one_event(side):
    """Whoever it begins is decided once, though the runs that said it were not."""
    shared = Shared(side, side, flows=frozenset(["second", "third"]), events=frozenset())
    samples = read_samples([line("item.made", 0), line("item.ordered", 300)], "events", None, NOON)
    once = {old.flow.name for old, new in shared.play(samples) if old is new}
    assert once == {"second", "third"}


HELD = """
policy: p
owner: o
inputs: {item: canonical/item@1}
when: item.amount == 1
then: {hold: {release: {role: boss}%s}}
reason: r
---
flow: f
trigger: {event: item.made, as: item}
steps:
  ok: {check: [p]}
  w: {needs: ok, wait: {event: item.said, timeout: 1h, on_timeout: "null"}}
  tell: {needs: w, emit: item.changed, with: {id: item.id, amount: item.amount, group: item.group}}
"""


def ended(name, minutes, **more):
    """What ended the hold or the wait, so many minutes after noon."""
    at = (NOON + timedelta(minutes=minutes)).isoformat()
    return {"run": "f/item.made:1", name: {"hold": "hold:ok:p", "of": "hold:ok:p"}[name], "at": at, **more}


def with_recorded(event, **recorded):
    return json.dumps(json.loads(event) | {"recorded": recorded}).encode()


def held(folder, expires=""):
    return Side(plan=tiny.plan(folder, HELD % expires))


def test_time_ends_a_hold_when_each_release_says(tmp_path):
    """The ledger says that time ended it after an hour; a release that says otherwise does otherwise."""
    hour = held(tmp_path / "hour", ", expires: {after: 1h, then: reject}")
    day = held(tmp_path / "day", ", expires: {after: 24h, then: reject}")
    never = held(tmp_path / "never")
    event = with_recorded(line("item.made", 0), times=[ended("of", 61)])
    for other in (day, never):
        shared = Shared(hour, other, flows=frozenset(), events=frozenset())
        (pair,) = shared.play(read_samples([event], "events", None, NOON))
        assert [str(run.status) for run in pair] == ["rejected", "held"]


def test_what_follows_a_person_runs_from_when_the_person_came(tmp_path):
    side = held(tmp_path)
    said = {"gives": {"by": "kim", "reason": "seen"}}
    event = with_recorded(line("item.made", 0), holds=[ended("hold", 120, **said)])
    found = {}
    for minutes in (90, 150):
        shared = Shared.of_one(side)
        (run, _), *_ = shared.play(read_samples([event, line("item.said", minutes)], "events", None, NOON))
        found[minutes] = str(run.status), run.state.answers.get("wait:w") is not None
    assert found == {90: ("waiting", False), 150: ("completed", True)}
    shared = Shared.of_one(side)
    without = with_recorded(line("item.made", 0), holds=[{**ended("hold", 0, **said), "at": None}])
    assert [str(old.status) for old, _ in shared.play(read_samples([without], "events", None, NOON))] == [
        "waiting"
    ]


def test_a_time_without_its_zone_is_no_time(side):
    event = with_recorded(line("item.made", 0), times=[{**ended("of", 1), "at": "2026-03-31T12:00:00"}])
    with pytest.raises(InputError, match="events:1: `at` is an instant with its zone"):
        played(Shared.of_one(side), event)


def test_the_proof_of_a_corpus_takes_in_what_came_behind_its_last_event(tmp_path):
    side = held(tmp_path, ", expires: {after: 1h, then: reject}")
    event = with_recorded(line("item.made", 0), times=[ended("of", 61)])
    raw, other = (
        next(read_samples([one], "events", None, NOON)) for one in (event, line("item.made", 0, amount=2))
    )
    proof = Proof(side)
    proof.take(raw, raw)
    assert (proof.runs, proof.otherwise) == (0, 0)
    proof.rest()
    assert (proof.runs, proof.otherwise) == (1, 0)
    proof = Proof(side)
    proof.take(raw, other)
    proof.rest()
    assert proof.differing == ["event 1 and what came behind it"]
