"""A few events that come by everything: with what they need before them, and no more than that."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import flowtest
from engine.connect.catalog import Catalog
from engine.preview.behaviour import read_samples
from engine.preview.corpus.sample import Watching, chosen, picked, played
from engine.revisions import release_of
from engine.session import load
from tests.preview.test_behaviour import NOW, entry, signed
from tests.workspaces.systems import HOURS


@pytest.fixture(scope="module")
def play():
    """Plays lines in the workspace `hours`, and says what they come by."""
    covered = flowtest.Covered()
    session = load(HOURS, Catalog(), covered)
    side, plan = release_of(session).side, session.ready.plan
    items = flowtest.coverage(session.workspace, plan, covered, set(), None).items
    counted = frozenset(item.name for item in items)
    watching = Watching(
        code=covered.seen, of_run=flowtest.seen_of, of_no_run=flowtest.stays_of, counted=counted
    )
    return lambda lines: played(side, read_samples(lines, "events", None, NOW), watching)


def hired(number):
    return json.dumps({"type": "worker.hired", "data": {"id": f"w-{number}", "name": "Ada"}}).encode()


LINES = st.lists(
    st.one_of(
        st.builds(entry, st.integers(1, 9), st.sampled_from(["P-7", "P-8", "P-9"]), st.sampled_from("58")),
        st.builds(entry, st.integers(10, 14), hours=st.just("13"), recorded=st.booleans()),
        st.builds(signed, st.sampled_from(["P-8", "P-9"]), st.integers(1, 3)),
        st.builds(hired, st.integers(1, 4)),
    ),
    max_size=12,
)


@settings(max_examples=30, deadline=None)
@given(LINES)
def test_the_sample_comes_by_all_that_the_events_come_by(play, lines):
    found = play(lines)
    numbers = chosen(found.candidates)
    few = [*picked(lines, numbers)]
    assert play(few).seen == found.seen
    for left_out in range(len(few)) if len(few) < 4 else ():
        assert play([*few[:left_out], *few[left_out + 1 :]]).seen != found.seen


def test_an_event_brings_those_that_it_needs(play):
    """An amendment ends a hold of an entry: alone it comes by nothing."""
    lines = [hired(1), hired(2), entry(1), entry(2, "P-8"), entry(3, "P-9"), entry(4), signed("P-9")]
    found = play(lines)
    assert [one.events for one in found.candidates if one.number == 6] == [{4, 6}]
    assert chosen(found.candidates, most=1) == [2]
    assert len(chosen(found.candidates)) < len(lines)
    assert [*picked([b"a", b"", b"b", b"c"], [1])] == [b"b"]
