"""Every verb: what it writes, and what it refuses."""

import pytest

from engine.errors import LedgerConflict, LedgerError
from engine.ledger import Commit, CommitResult, rows
from tests.ledger.samples import (
    AT,
    LATER,
    a_hold,
    a_run,
    a_wait,
    an_alert,
    an_effect,
    an_event,
    an_xref,
    begin,
    finish,
)

pytestmark = pytest.mark.usefixtures("both")


def test_an_empty_commit_writes_nothing(ledger, reader):
    assert ledger.commit(Commit(action="nothing")) == CommitResult(number=None)
    assert [*reader.audit()] == []


def test_an_accepted_event_is_kept_as_it_was_received(ledger, reader):
    body = ' {"name": "Größe",\n "n": 1.50}'.encode()
    result = ledger.commit(Commit(events=[an_event("e1", body, cause="k0", source=None, order_key=None)]))
    assert result == CommitResult(number=1)
    event = reader.event("e1")
    assert (event.body, event.commit, event.cause, event.source) == (body, 1, "k0", None)
    assert reader.events_caused("k0") == [event]
    assert reader.event("e2") is None


def test_a_run_begins_running(ledger, reader):
    ledger.commit(begin())
    run = reader.run("r1")
    assert run[:6] == a_run()
    assert (run.status, run.finished_at, run.decisions, run.finish_commit) == ("running", None, None, None)
    assert reader.runs_of_event("e1") == reader.open_runs() == [run]


def test_an_effect_is_written_as_pending_or_as_being_sent(ledger, reader):
    ledger.commit(
        Commit(events=[an_event()], runs=[a_run()], effects=[an_effect("k1")], sends=[an_effect("k2")])
    )
    assert [(one.key, one.began, one.status, one.attempts) for one in reader.effects("r1")] == [
        ("k1", "pending", "pending", 0),
        ("k2", "sending", "sending", 1),
    ]


def test_an_effect_is_done_with_its_receipt(ledger, reader):
    ledger.commit(begin())
    ledger.commit(finish())
    effect, run = reader.effect("k1"), reader.run("r1")
    assert (effect.status, effect.receipt, effect.external_id) == ("done", '{"id":1}', "INV-1")
    assert (effect.settled_at, effect.settle_commit, effect.commit) == (AT, 2, 1)
    assert (run.status, run.finished_at, run.decisions, run.finish_commit) == (
        "completed",
        AT,
        '{"why":1}',
        2,
    )
    assert reader.open_runs() == []
    assert reader.transitions("k1") == reader.transitions("r1") == []


def test_one_commit_may_begin_and_end(ledger, reader):
    commit, end = begin(), finish()
    commit.effects_done, commit.runs_finished = end.effects_done, end.runs_finished
    assert ledger.commit(commit).number == 1
    assert reader.effect("k1").settle_commit == reader.run("r1").finish_commit == 1


def test_attempts_are_counted_and_their_failures_kept(ledger, reader):
    ledger.commit(begin())
    ledger.commit(Commit(effects_retried=[rows.EffectRetried(LATER, '{"status":503}', AT, "k1")]))
    effect = reader.effect("k1")
    assert (effect.status, effect.attempts, effect.due_at, effect.failure) == (
        "pending",
        1,
        LATER,
        '{"status":503}',
    )
    ledger.commit(Commit(effects_sent=[rows.EffectSent(LATER, "k1")]))
    effect = reader.effect("k1")
    assert (effect.status, effect.attempts, effect.due_at, effect.failure) == ("sending", 2, None, None)
    ledger.commit(finish())
    assert [(step.status, step.due_at, step.detail) for step in reader.transitions("k1")] == [
        ("pending", LATER, '{"status":503}'),
        ("sending", None, None),
    ]


def test_an_effect_in_doubt_stays_open_until_a_person_resolves_it(ledger, reader):
    ledger.commit(begin())
    ledger.commit(Commit(effects_unknown=[rows.EffectUnknown('{"reason":"time-out"}', AT, "k1")]))
    assert [one.status for one in reader.open_effects()] == ["unknown"]
    found = rows.EffectResolved("done", '{"id":7}', "INV-7", None, LATER, "ann", "found in the ERP", "k1")
    ledger.commit(Commit(effects_resolved=[found]))
    effect = reader.effect("k1")
    assert (effect.status, effect.external_id, effect.failure) == ("done", "INV-7", None)
    (entry,) = reader.audit_of("k1")
    assert (entry.actor, entry.action, entry.detail) == (
        "ann",
        "effect.resolve",
        '{"reason":"found in the ERP"}',
    )
    assert reader.open_effects() == []


@pytest.mark.parametrize("status", ["dead", "cancelled"])
def test_a_person_may_resolve_a_doubt_as_not_done(ledger, reader, status):
    ledger.commit(begin())
    ledger.commit(Commit(effects_unknown=[rows.EffectUnknown("{}", AT, "k1")]))
    decision = rows.EffectResolved(status, None, None, '{"reason":"not there"}', LATER, "ann", "looked", "k1")
    ledger.commit(Commit(effects_resolved=[decision]))
    assert (reader.effect("k1").status, reader.effect("k1").failure) == (status, '{"reason":"not there"}')
    assert reader.counts()["effects"][status] == 1


def test_only_a_doubt_is_resolved(ledger):
    ledger.commit(begin())
    decision = rows.EffectResolved("done", "{}", None, None, LATER, "ann", "why", "k1")
    with pytest.raises(LedgerConflict, match="not in doubt"):
        ledger.commit(Commit(effects_resolved=[decision]))


def test_what_is_on_the_wire_is_not_cancelled(ledger, reader):
    ledger.commit(begin("1"))
    ledger.commit(begin("2", send=False))
    cancel = rows.EffectCancelled('{"reason":"void"}', AT, "k2")
    ledger.commit(Commit(effects_cancelled=[cancel]))
    assert reader.effect("k2").status == "cancelled"
    with pytest.raises(LedgerConflict, match="'k1' is not in a status"):
        ledger.commit(Commit(effects_cancelled=[cancel._replace(key="k1")]))


@pytest.mark.parametrize(
    "late",
    [
        Commit(effects_done=[rows.EffectDone("{}", None, AT, "k1")]),
        Commit(effects_dead=[rows.EffectDead("{}", AT, "k1")]),
        Commit(effects_sent=[rows.EffectSent(AT, "k1")]),
        Commit(effects_retried=[rows.EffectRetried(AT, None, AT, "k1")]),
        Commit(effects_unknown=[rows.EffectUnknown("{}", AT, "k1")]),
        Commit(effects_reopened=[rows.EffectReopened(AT, "ann", "again", "k1")]),
        Commit(runs_finished=[rows.RunFinished("failed", AT, "{}", None, "r1")]),
        Commit(runs_paused=[rows.RunPaused("held", "{}", None, AT, "r1")]),
        Commit(runs_resumed=[rows.RunResumed(AT, "r1")]),
    ],
)
def test_what_is_settled_does_not_change(ledger, reader, late):
    ledger.commit(begin())
    ledger.commit(finish())
    before = (reader.effect("k1"), reader.run("r1"))
    with pytest.raises(LedgerConflict):
        ledger.commit(late)
    assert (reader.effect("k1"), reader.run("r1")) == before


@pytest.mark.parametrize(
    "lost",
    [
        Commit(effects_done=[rows.EffectDone("{}", None, AT, "nowhere")]),
        Commit(holds_released=[rows.HoldReleased(AT, "ann", None, None, "nowhere")]),
        Commit(holds_expired=[rows.HoldExpired(AT, None, "nowhere")]),
        Commit(runs_finished=[rows.RunFinished("failed", AT, "{}", None, "nowhere")]),
        Commit(alerts_moved=[rows.AlertMoved("sent", AT, "nowhere")]),
    ],
)
def test_what_is_not_there_does_not_change(ledger, lost):
    with pytest.raises(LedgerConflict, match=r"has no .* 'nowhere'"):
        ledger.commit(lost)


def test_a_run_rests_and_goes_on(ledger, reader):
    ledger.commit(begin())
    ledger.commit(Commit(runs_paused=[rows.RunPaused("held", '{"why":1}', "no amendment", AT, "r1")]))
    run = reader.run("r1")
    assert (run.status, run.decisions, run.reason) == ("held", '{"why":1}', "no amendment")
    assert reader.open_runs() == [run]
    ledger.commit(Commit(runs_resumed=[rows.RunResumed(LATER, "r1")]))
    run = reader.run("r1")
    assert (run.status, run.decisions, run.reason) == ("running", None, None)
    assert [(step.status, step.reason, step.detail) for step in reader.transitions("r1")] == [
        ("held", "no amendment", '{"why":1}'),
        ("running", None, None),
    ]


def test_a_run_knows_only_its_statuses(ledger):
    ledger.commit(begin())
    with pytest.raises(LedgerConflict, match="no status 'done'"):
        ledger.commit(Commit(runs_finished=[rows.RunFinished("done", AT, "{}", None, "r1")]))
    with pytest.raises(LedgerConflict, match="no status 'completed'"):
        ledger.commit(Commit(runs_paused=[rows.RunPaused("completed", "{}", None, AT, "r1")]))


def test_a_dead_letter_is_replayed_and_what_it_ended_with_is_kept(ledger, reader):
    ledger.commit(begin())
    ledger.commit(
        Commit(
            effects_dead=[rows.EffectDead('{"reason":"closed"}', AT, "k1")],
            runs_finished=[rows.RunFinished("failed", AT, '{"why":1}', "closed", "r1")],
        )
    )
    assert [one.key for one in reader.dead_effects()] == ["k1"]
    ledger.commit(
        Commit(
            effects_reopened=[rows.EffectReopened(LATER, "ann", "period is open", "k1")],
            runs_reopened=[rows.RunReopened(LATER, "ann", "period is open", "r1")],
        )
    )
    assert (reader.effect("k1").status, reader.effect("k1").attempts) == ("pending", 1)
    assert reader.effect("k1").failure is None
    assert reader.run("r1").status == "running"
    assert reader.counts()["runs"]["failed"] == reader.counts()["effects"]["dead"] == 0
    assert [(one.action, one.subject) for one in reader.audit()][2:] == [
        ("turn", None),
        ("effect.reopen", "k1"),
        ("run.reopen", "r1"),
    ]
    ledger.commit(Commit(effects_sent=[rows.EffectSent(LATER, "k1")]))
    ledger.commit(finish())
    assert reader.run("r1").status == "completed"


def test_holds_open_and_end(ledger, reader):
    ledger.commit(Commit(holds=[a_hold("h1"), a_hold("h2"), a_hold("h3", until_event=None)]))
    assert [hold.id for hold in reader.open_holds()] == ["h1", "h2", "h3"]
    assert reader.runs_held_for("amendment.signed", ["P-1"]) == ["r1"]
    ledger.commit(
        Commit(
            holds_released=[rows.HoldReleased(LATER, "ann", "signed", "e9", "h1")],
            holds_expired=[rows.HoldExpired(LATER, "too late", "h2")],
        )
    )
    assert [hold.id for hold in reader.open_holds()] == ["h3"]
    assert reader.runs_held_for("amendment.signed", ["P-1"]) == []
    assert [(hold.id, hold.status) for hold in reader.holds()] == [
        ("h3", "open"),
        ("h2", "expired"),
        ("h1", "released"),
    ]
    hold = reader.hold("h1")
    assert hold[13:20] == ("released", LATER, "ann", "signed", "e9", None, 2)
    with pytest.raises(LedgerConflict):
        ledger.commit(Commit(holds_released=[rows.HoldReleased(LATER, "bob", None, None, "h1")]))


def test_a_release_is_proposed_lapses_and_is_refused(ledger, reader):
    ledger.commit(Commit(holds=[a_hold()]))
    for status in ("proposed", "open", "proposed"):
        ledger.commit(Commit(holds_moved=[rows.HoldMoved(status, LATER, "why", '{"by":"ann"}', "h1")]))
        assert reader.hold("h1").status == status
        assert [hold.id for hold in reader.open_holds()] == ["h1"]
    with pytest.raises(LedgerConflict, match="no status 'gone'"):
        ledger.commit(Commit(holds_moved=[rows.HoldMoved("gone", LATER, None, None, "h1")]))
    ledger.commit(Commit(holds_refused=[rows.HoldRefused(LATER, "bob", "never", "no-amendment", "h1")]))
    hold = reader.hold("h1")
    assert (hold.status, hold.released_by, hold.refusal_code) == ("refused", "bob", "no-amendment")
    for late in ("open", "proposed"):
        with pytest.raises(LedgerConflict):
            ledger.commit(Commit(holds_moved=[rows.HoldMoved(late, LATER, None, None, "h1")]))
    assert [step.status for step in reader.transitions("h1")] == ["proposed", "open", "proposed"]
    assert reader.counts()["holds"]["refused"] == 1


def test_waits_begin_and_end(ledger, reader):
    others = [a_wait("w2", "r2", match="P-2"), a_wait("w3", "r3", match=None), a_wait("w4", "r4", event="x")]
    ledger.commit(Commit(waits=[a_wait(), *others]))
    assert reader.runs_waiting_for("amendment.signed", ["P-1", "P-9"]) == ["r3", "r1"]
    assert reader.runs_waiting_for("amendment.signed", []) == ["r3"]
    ended = [rows.WaitEnded("arrived", LATER, "e9", "w1"), rows.WaitEnded("timed out", LATER, None, "w3")]
    ledger.commit(Commit(waits_ended=ended))
    assert reader.runs_waiting_for("amendment.signed", ["P-1"]) == []
    assert [wait.id for wait in reader.open_waits()] == ["w2", "w4"]
    assert [reader.wait(name)[9:13] for name in ("w1", "w3")] == [
        ("arrived", LATER, "e9", 2),
        ("timed out", LATER, None, 2),
    ]
    with pytest.raises(LedgerConflict):
        ledger.commit(Commit(waits_ended=ended[:1]))


def test_a_reference_is_replaced_when_the_target_gives_another_id(ledger, reader):
    ledger.commit(Commit(xrefs=[an_xref("INV-1"), an_xref("INV-1"), an_xref("X", system="crm")]))
    assert ledger.commit(Commit(xrefs=[an_xref("INV-1", at=LATER)])).number == 2
    assert reader.xref("invoice", "i1", "erp").at == AT
    ledger.commit(Commit(xrefs=[an_xref("INV-2"), an_xref("NEW", canonical_id="i2")]))
    assert reader.xref("invoice", "i1", "erp").external_id == "INV-2"
    assert [one.external_id for one in reader.xrefs("invoice", "i1")] == ["X", "INV-2"]
    assert reader.xrefs_back("invoice", "erp", "INV-1") == []
    assert [one.canonical_id for one in reader.xrefs_back("invoice", "erp", "NEW")] == ["i2"]


def test_snapshots_are_kept_and_found_as_of_an_instant(ledger, reader):
    first = rows.NewEntity("project", "p1", "e1", AT, "1")
    ledger.commit(Commit(entities=[first, first._replace(at=LATER, body="2"), first._replace(body="3")]))
    assert reader.latest("project", "p1").body == "3"
    assert reader.as_of("project", "p1", _read(LATER)).body == "2"
    assert reader.as_of("project", "p1", _read(AT)).body == "3"
    assert reader.as_of("project", "p1", _read("2020-01-01T00:00:00Z")) is None
    assert [one.body for one in reader.snapshots("project", "p1")] == ["1", "2", "3"]


def test_alerts_are_raised_and_told(ledger, reader):
    ledger.commit(Commit(alerts=[an_alert("a1"), an_alert("a2", run_id=None)]))
    ledger.commit(Commit(alerts_moved=[rows.AlertMoved("sent", LATER, "a1")]))
    assert [(one.id, one.status) for one in reader.alerts()] == [("a2", "open"), ("a1", "sent")]
    assert reader.alerts(status="open") == [reader.alert("a2")]
    assert [one.id for one in reader.alerts_of_run("r1")] == ["a1"]


def test_a_release_is_stored_once_and_activated_in_turn(ledger, reader):
    first, second = (rows.NewRelease(name, AT, "", name.encode()) for name in ("f1", "f2"))
    assert reader.active_release() is None
    ledger.commit(Commit(releases=[first], activations=[rows.NewActivation("f1", AT, "ann", "go")]))
    ledger.commit(Commit(releases=[first, second], activations=[rows.NewActivation("f2", AT, "ann", "go")]))
    ledger.commit(Commit(activations=[rows.NewActivation("f1", LATER, "bob", "back")]))
    assert [one.fingerprint for one in reader.releases()] == ["f2", "f1"]
    assert reader.active_release() == reader.release("f1")
    assert [one.fingerprint for one in reader.activations()] == ["f1", "f2", "f1"]
    with pytest.raises(LedgerConflict, match="f3 is not stored"):
        ledger.commit(Commit(activations=[rows.NewActivation("f3", AT, "ann", "go")]))


@pytest.mark.requirement("OBS-24")
def test_each_commit_leaves_an_audit_row_and_the_entries_that_it_was_given(ledger, reader):
    commit = begin()
    commit.actor, commit.action, commit.subject, commit.detail = "ann", "replay", "P-1", '{"dry":false}'
    commit.entries.append(rows.AuditEntry(LATER, "bob", "approve", "r1", None))
    ledger.commit(commit)
    first, second = reader.audit()
    assert first[:6] == (AT, "ann", "replay", "P-1", '{"dry":false}', 1)
    assert second[:7] == (LATER, "bob", "approve", "r1", None, 1, None)
    assert (first.prev_hash, second.prev_hash) == ("0" * 64, first.hash)
    assert reader.head() == (1, 2, second.hash)


@pytest.mark.parametrize(
    "wrong",
    [
        Commit(runs=[a_run("new"), a_run("r1")]),
        Commit(sends=[an_effect("new"), an_effect("k1")]),
        Commit(answers=[rows.NewAnswer("r1", "a", "read", AT, "1")] * 2),
        Commit(holds=[a_hold(), a_hold()]),
        Commit(alerts=[an_alert(), an_alert()]),
        Commit(runs=[a_run("new", "nowhere")]),
        Commit(sends=[an_effect("new", "nowhere")]),
        Commit(answers=[rows.NewAnswer("nowhere", "a", "read", AT, "1")]),
        Commit(answers=[rows.NewAnswer("\ud800", "a", "read", AT, "1")]),
        Commit(answers=[rows.NewAnswer(None, "a", "read", AT, "1")]),
        Commit(entities=[rows.NewEntity("project", "\ud800", None, AT, "1")]),
        Commit(entities=[rows.NewEntity("project", None, None, AT, "1")]),
        Commit(runs_finished=[rows.RunFinished("failed", AT, "{}", None, "nowhere")]),
    ],
)
def test_an_error_in_the_middle_leaves_nothing(ledger, reader, wrong):
    ledger.commit(begin())
    before = (reader.head(), reader.counts())
    wrong.events = [an_event("e2")]
    with pytest.raises(LedgerConflict):
        ledger.commit(wrong)
    assert (reader.head(), reader.counts()) == before
    assert reader.event("e2") is None
    assert reader.run("new") is None
    number = ledger.commit(begin("3")).number
    assert reader.head()[:2] == (number, before[0].seq + 1)


def test_a_closed_ledger_says_so(ledger):
    ledger.close()
    ledger.close()
    with pytest.raises(LedgerError, match="is closed"):
        ledger.commit(begin())


def _read(text):
    from engine.ledger import read_instant

    return read_instant(text)
