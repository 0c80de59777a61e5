"""Rows to test with, and one ledger that has something in every table."""

from datetime import UTC, datetime

from engine.ledger import Commit, Ledger, instant, rows
from engine.values.canonical import text_hash

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
AT = instant(NOW)
LATER = "2026-04-01T12:00:00.000000Z"


def an_event(name="e1", body=b'{"hours": 7.5}', **changes):
    event = rows.NewEvent(name, "time.approved", "P-1", AT, AT, "psa", None, 0, 1, text_hash(body), body)
    return event._replace(**changes)


def a_run(name="r1", event="e1", **changes):
    return rows.NewRun(name, event, "bill", "f1", "P-1", AT)._replace(**changes)


def an_effect(key="k1", run="r1", **changes):
    return rows.NewEffect(key, run, "post", None, "erp", "create", '{"amount":1.50}', AT)._replace(**changes)


def a_hold(name="h1", run="r1", **changes):
    hold = rows.NewHold(
        name,
        run,
        "bill",
        None,
        "amendment",
        "not signed",
        "finance",
        "amendment.signed",
        "P-1",
        "[]",
        "{}",
        AT,
    )
    return hold._replace(**changes)


def a_parking(name="p1", run="r1", **changes):
    parking = rows.NewParking(name, run, "P-1", "post", "failed", "no rights", AT)
    return parking._replace(**changes)


def a_wait(name="w1", run="r1", **changes):
    return rows.NewWait(name, run, "signed", None, "amendment.signed", "P-1", AT, LATER)._replace(**changes)


def an_xref(external="INV-1", **changes):
    return rows.NewXref("invoice", "i1", "erp", external, "k1", AT)._replace(**changes)


def an_alert(name="a1", **changes):
    alert = rows.NewAlert(name, "r1", "bill", "amendment", "warning", "finance", "A hold was opened.", AT)
    return alert._replace(**changes)


def begin(name="1", *, send=True):
    """A commit that accepts one event, begins its run and intends one effect."""
    commit = Commit(events=[an_event(f"e{name}")], runs=[a_run(f"r{name}", f"e{name}")])
    (commit.sends if send else commit.effects).append(an_effect(f"k{name}", f"r{name}"))
    return commit


def finish(name="1", status="completed"):
    """A commit that settles the effect and finishes the run."""
    return Commit(
        effects_done=[rows.EffectDone('{"id":1}', f"INV-{name}", AT, f"k{name}")],
        runs_finished=[rows.RunFinished(status, AT, '{"why":1}', None, f"r{name}")],
    )


def a_whole_ledger(ledger: Ledger) -> None:
    """Several rows in every table, by many verbs, in many commits."""
    ledger.commit(
        Commit(
            actor="ann",
            action="deploy",
            releases=[
                rows.NewRelease("f1", AT, "first", b"zip1"),
                rows.NewRelease("f2", AT, "second", b"zip2"),
            ],
            activations=[
                rows.NewActivation("f1", AT, "ann", "start"),
                rows.NewActivation("f2", AT, "bob", "fix"),
            ],
        )
    )
    for names in (("1", "2", "3"), ("4", "5", "6")):
        commit = Commit()
        for name in names:
            one = begin(name, send=name != "5")
            commit.events += [event._replace(cause="k0") for event in one.events]
            commit.runs += one.runs
            commit.sends += [effect._replace(item=name) for effect in one.sends]
            commit.effects += one.effects
            commit.answers += [
                rows.NewAnswer(f"r{name}", key, "read", AT, '{"rate":1}') for key in ("a", "b")
            ]
            commit.entities.append(rows.NewEntity("project", f"p{name}", f"e{name}", AT, '{"name":"x"}'))
            commit.holds.append(a_hold(f"h{name}", f"r{name}", item=name))
            commit.parkings.append(a_parking(f"p{name}", f"r{name}"))
            commit.waits.append(a_wait(f"w{name}", f"r{name}", item=name))
            commit.alerts.append(an_alert(f"a{name}", run_id=f"r{name}"))
            commit.xrefs.append(an_xref(f"X-{name}", canonical_id=f"i{name}"))
            commit.marks.append(rows.NewMark("psa.hours", f"k{name}", '{"upto":1}', AT))
            commit.conflicts.append(an_event(f"e{name}", b"other", accepted_at=AT))
            commit.handed.append(rows.EventHanded(f"e{name}", 0))
        ledger.commit(commit)
    ledger.commit(_what_became(ledger))
    ledger.commit(_second_thoughts())


def _what_became(ledger: Ledger) -> Commit:
    reader = ledger.reader()
    return Commit(
        taken=[rows.EventTaken(event.seq) for name in ("e2", "e1") if (event := reader.event(name))],
        effects_done=[rows.EffectDone("{}", f"INV-{name}", AT, f"k{name}") for name in ("2", "1")],
        effects_dead=[rows.EffectDead('{"reason":"closed"}', AT, key) for key in ("k4", "k3")],
        effects_cancelled=[rows.EffectCancelled('{"reason":"void"}', AT, "k5")],
        effects_unknown=[rows.EffectUnknown('{"reason":"time-out"}', AT, "k6")],
        holds_released=[rows.HoldReleased(AT, "ann", "signed", "e9", name) for name in ("h2", "h1")],
        holds_expired=[rows.HoldExpired(AT, "too late", name) for name in ("h4", "h3")],
        parkings_freed=[rows.ParkingFreed(AT, "ann", "it went on", name) for name in ("p2", "p1")],
        holds_moved=[rows.HoldMoved("proposed", AT, "signed", '{"by":"ann"}', name) for name in ("h6", "h5")],
        waits_ended=[
            rows.WaitEnded("arrived", AT, "e9", "w2"),
            rows.WaitEnded("timed out", AT, None, "w1"),
        ],
        runs_finished=[
            rows.RunFinished(status, AT, '{"why":1}', reason, run)
            for run, status, reason in (
                ("r2", "completed", None),
                ("r1", "completed", None),
                ("r4", "failed", "dead"),
                ("r3", "rejected", "no"),
            )
        ],
        runs_paused=[rows.RunPaused("held", '{"why":2}', "on hold", AT, "r5")],
        alerts_moved=[rows.AlertMoved("sent", AT, name) for name in ("a1", "a2")],
        xrefs=[an_xref("X-1b", canonical_id="i1"), an_xref("X-2", canonical_id="i2")],
    )


def _second_thoughts() -> Commit:
    return Commit(
        holds_refused=[rows.HoldRefused(LATER, "bob", "never", "no-amendment", "h5")],
        effects_reopened=[rows.EffectReopened(LATER, "ann", "period is open", "k4")],
        effects_retried=[rows.EffectRetried(LATER, '{"reason":"503"}', AT, "k6")],
        runs_reopened=[rows.RunReopened(LATER, "ann", "period is open", "r4")],
        xrefs=[an_xref("X-1c", canonical_id="i1"), an_xref("X-2b", canonical_id="i2")],
        entries=[rows.AuditEntry(LATER, "ann", "note", "r4", None)],
    )
