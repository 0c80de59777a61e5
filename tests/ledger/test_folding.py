"""The same event twice is one event; another body under the same id is evidence, and never work."""

import pytest

from engine.ledger import Commit, CommitResult, rows, verify_chain
from tests.ledger.samples import AT, a_hold, a_run, an_alert, an_effect, an_event, begin

pytestmark = pytest.mark.usefixtures("both")


def test_known_events_are_told_by_id(ledger, reader):
    ledger.commit(Commit(events=[an_event("e1"), an_event("é'2")]))
    known = ledger.known_events(["e1", "é'2", "e3"])
    assert (
        known
        == reader.known_events(iter(["é'2", "e1"]))
        == {one: an_event().body_hash for one in ("e1", "é'2")}
    )
    assert reader.known_events([]) == {}
    assert len(reader.known_events([f"e{number}" for number in range(100_000)])) == 1


@pytest.mark.requirement("REL-01")
@pytest.mark.requirement("REL-03")
def test_a_repeat_is_folded_with_all_that_hangs_on_it(ledger, reader):
    ledger.commit(begin("1"))
    again, new = begin("1"), begin("2")
    again.runs.append(a_run("r1b", "e1"))
    again.answers.append(rows.NewAnswer("r1b", "a", "read", AT, "1"))
    again.sends.append(an_effect("k1b", "r1b"))
    again.effects.append(an_effect("k1c", "r1b"))
    again.effects_done.append(rows.EffectDone("{}", None, AT, "k1b"))
    again.holds.append(a_hold("h1", "r1b"))
    again.holds_expired.append(rows.HoldExpired(AT, None, "h1"))
    again.alerts.append(an_alert("a1", run_id="r1b"))
    again.entities.append(rows.NewEntity("project", "p1", "e1", AT, "1"))
    again.xrefs.append(rows.NewXref("invoice", "i1", "erp", "1", "k1b", AT))
    again.runs_paused.append(rows.RunPaused("held", "{}", None, AT, "r1b"))
    again.events += new.events
    again.runs += new.runs
    again.sends += new.sends
    result = ledger.commit(again)
    assert result == CommitResult(number=reader.head().commit, duplicates=("e1",))
    assert [run.id for run in reader.open_runs()] == ["r1", "r2"]
    assert [effect.key for effect in reader.open_effects()] == ["k1", "k2"]
    assert (
        reader.answers("r1b") == reader.holds() == reader.alerts() == reader.snapshots("project", "p1") == []
    )
    assert reader.xref("invoice", "i1", "erp") is None
    assert verify_chain(reader) == []


def test_a_commit_of_repeats_writes_nothing(ledger, reader):
    ledger.commit(begin())
    head = reader.head()
    assert ledger.commit(begin()) == CommitResult(number=None, duplicates=("e1",))
    assert reader.head() == head


def test_a_repeat_within_one_commit_is_folded(ledger, reader):
    twice = begin()
    twice.events *= 2
    twice.runs *= 2
    twice.sends *= 2
    result = ledger.commit(twice)
    assert result == CommitResult(number=reader.head().commit, duplicates=("e1",))
    assert reader.counts()["events"] == {"accepted": 1}
    assert len(reader.effects("r1")) == 1


def test_a_contradiction_is_kept_once_and_reported(ledger, reader):
    ledger.commit(begin())
    other = Commit(events=[an_event("e1", b"other"), an_event("e2")], runs=[a_run("r1b", "e1")])
    result = ledger.commit(other)
    number = reader.head().commit
    assert result == CommitResult(number=number, conflicts=("e1",))
    assert number > 1
    assert reader.event("e1").body == an_event().body
    assert reader.run("r1b") is None
    (kept,) = reader.conflicts("e1")
    assert (kept.body, kept.body_hash, kept.commit) == (b"other", an_event("e1", b"other").body_hash, number)
    ledger.commit(Commit(events=[an_event("e1", b"other")]))
    ledger.commit(Commit(conflicts=[an_event("e1", b"other"), an_event("e1", b"third")]))
    assert [one.body for one in reader.conflicts("e1")] == [b"other", b"third"]
    assert verify_chain(reader) == []


def test_a_contradiction_within_one_commit_is_kept(ledger, reader):
    result = ledger.commit(Commit(events=[an_event("e1"), an_event("e1", b"other")]))
    assert result == CommitResult(number=reader.head().commit, conflicts=("e1",))
    assert [one.body for one in reader.conflicts("e1")] == [b"other"]


def test_a_replay_of_a_known_event_begins_a_run(ledger, reader):
    ledger.commit(begin())
    assert ledger.commit(Commit(runs=[a_run("r1/replay", "e1")])) == CommitResult(number=2)
    assert len(reader.runs_of_event("e1")) == 2
