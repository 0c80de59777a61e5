"""Time in a played history: what is due happens in its order, each with all that it leads to."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from engine.preview.behaviour import Shared, Side, read_samples
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
