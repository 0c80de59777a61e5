"""Pruning blanks what finished work was about, and the chain still proves everything that stays."""

import sqlite3

import pytest
from sqlalchemy import select

from engine.errors import LedgerConflict, LedgerDamaged
from engine.ledger import Commit, open_ledger, open_reader, rows, tables, verify_chain
from engine.ledger.prune import CLASSES, next_pruning, prunable
from engine.ledger.pruned import is_pruned, mark_of
from tests.ledger.samples import AT, LATER, a_hold, a_run, an_alert, an_effect, an_event, begin, finish

ALL = dict.fromkeys(CLASSES, LATER)


def work(ledger, *names, status="completed", body=None):
    """Events that are worked to their end, each with everything that can be blanked."""
    for name in names:
        started = begin(name)
        started.events = [an_event(f"e{name}", body)] if body else started.events
        started.answers.append(rows.NewAnswer(f"r{name}", "a", "read", AT, '{"value":"of Ann"}'))
        ledger.commit(started)
        ledger.commit(
            Commit(
                effects_retried=[rows.EffectRetried(AT, '{"reason":"503"}', AT, f"k{name}")],
                runs_paused=[rows.RunPaused("waiting", '{"why":"Ann"}', None, AT, f"r{name}")],
            )
        )
        ledger.commit(finish(name, status))


def prune(ledger, before=None, limit=1):
    count = 0
    while (commit := next_pruning(ledger.reader(), before or ALL, limit)).blanks:
        ledger.commit(commit)
        count += 1
    return count


def texts(reader, name="1"):
    run = reader.run(f"r{name}")
    steps = [step.detail for subject in (f"r{name}", f"k{name}") for step in reader.transitions(subject)]
    (effect,) = reader.effects(f"r{name}")
    (answer,) = reader.answers(f"r{name}")
    return [reader.event(f"e{name}").body, answer.body, effect.payload, effect.receipt, run.decisions, *steps]


@pytest.mark.usefixtures("both")
def test_what_is_over_is_blanked_and_the_chain_is_whole(ledger, reader):
    work(ledger, "1", "2", "3")
    before = [texts(reader, name) for name in "123"]
    assert prunable(reader, ALL)["writes"].values == 9
    assert prune(ledger) == 3
    for name, was in zip("123", before, strict=True):
        now = texts(reader, name)
        assert [bytes(text) if isinstance(text, bytes) else text.encode() for text in now] == [
            mark_of(text).encode() for text in was
        ]
    assert verify_chain(reader) == []
    assert {share.values for share in prunable(reader, ALL).values()} == {0}
    assert prune(ledger) == 0


@pytest.mark.usefixtures("both")
@pytest.mark.requirement("REL-01")
def test_what_comes_again_is_still_known(ledger, reader):
    work(ledger, "1")
    prune(ledger)
    assert ledger.commit(begin("1")).duplicates == ("e1",)
    other = Commit(events=[an_event("e1", b"other")])
    assert ledger.commit(other).conflicts == ("e1",)
    (effect,) = reader.effects("r1")
    assert (effect.key, effect.status, effect.external_id) == ("k1", "done", "INV-1")
    assert verify_chain(reader) == []


def told_and_held(ledger):
    """A run that was held, alerts, and an object that was known in three states."""
    ledger.commit(
        Commit(
            events=[an_event("e1")],
            runs=[a_run("r1", "e1")],
            holds=[a_hold("h1", "r1", detail='{"amount":"of Ann"}')],
            alerts=[an_alert("a1", run_id="r1"), an_alert("a2", run_id="r1"), an_alert("a3", run_id=None)],
        )
    )
    ledger.commit(
        Commit(
            holds_released=[rows.HoldReleased(AT, "ann", "looked at", None, "h1")],
            alerts_moved=[rows.AlertMoved("closed", AT, "a1"), rows.AlertMoved("closed", AT, "a3")],
        )
    )
    ledger.commit(Commit(runs_finished=[rows.RunFinished("completed", AT, "{}", None, "r1")]))
    for day in (1, 2, 5):
        state = rows.NewEntity("project", "p1", None, f"2026-03-0{day}T00:00:00.000000Z", f'{{"day":{day}}}')
        ledger.commit(Commit(entities=[state]))


@pytest.mark.usefixtures("both")
def test_what_holds_and_alerts_said_and_former_states_are_blanked_and_what_is_needed_is_not(ledger, reader):
    told_and_held(ledger)
    prune(ledger, {"holds": LATER, "alerts": LATER, "snapshots": "2026-03-04T00:00:00.000000Z"})
    (hold,) = reader.holds_of_run("r1")
    assert is_pruned(hold.detail)
    assert (hold.reason, hold.released_by, hold.status) == ("not signed", "ann", "released")
    assert {row.id: is_pruned(row.message) for row in reader.alerts(limit=9)} == {
        "a1": True,
        "a2": False,
        "a3": False,
    }
    assert {row.said for row in reader.alerts(limit=9)} == {"(pruned)", "A hold was opened."}
    # What the object was on the day until which it is pruned, and since, is still known.
    assert [is_pruned(row.body) for row in reader.snapshots("project", "p1")] == [True, False, False]
    assert verify_chain(reader) == []


def test_the_file_becomes_smaller_while_it_is_written(tmp_path, clock):
    file = tmp_path / "ledger"
    with open_ledger(str(file), clock=clock, create=True) as ledger:
        for name in map(str, range(100)):
            work(ledger, name, body=name.encode() + b" of Ann" * 400)
    before = file.stat().st_size
    with open_ledger(str(file), clock=clock) as ledger:
        prune(ledger, limit=50)
        left = [ledger.shrink()]
        ledger.commit(begin("another"))
        while left[-1]:
            left.append(ledger.shrink())
        assert verify_chain(ledger.reader()) == []
        assert ledger.known_events(["e7"]).keys() == {"e7"}
    assert before - file.stat().st_size > 150_000  # of 280,000 bytes that were blanked


def left_open(ledger):
    ledger.commit(begin("1"))


def held(ledger):
    work(ledger, "1")
    ledger.commit(Commit(runs=[a_run("r1b", "e1")], holds=[a_hold("h1", "r1b")]))
    ledger.commit(Commit(runs_paused=[rows.RunPaused("held", "{}", None, AT, "r1b")]))


def in_doubt(ledger):
    ledger.commit(begin("1"))
    ledger.commit(
        Commit(
            effects_unknown=[rows.EffectUnknown('{"reason":"time-out"}', AT, "k1")],
            runs_paused=[rows.RunPaused("unknown", '{"why":1}', None, AT, "r1")],
        )
    )


def failed(ledger):
    work(ledger, "1", status="failed")


def rejected(ledger):
    work(ledger, "1", status="rejected")


def completed_with_a_dead_letter(ledger):
    started = begin("1")
    started.effects.append(an_effect("k1b", "r1"))
    ledger.commit(started)
    ended = finish("1")
    ended.effects_dead.append(rows.EffectDead('{"reason":"no"}', AT, "k1b"))
    ledger.commit(ended)


def contradicted(ledger):
    work(ledger, "1")
    ledger.commit(Commit(events=[an_event("e1", b"other")]))


def handed_over(ledger):
    ledger.commit(Commit(events=[an_event("e1")], handed=[rows.EventHanded("e1", 0)]))


def awaited_by_open_work(ledger):
    work(ledger, "1")
    ledger.commit(Commit(events=[an_event("e2")], runs=[a_run("r2", "e2")], holds=[a_hold("h2", "r2")]))
    ledger.commit(Commit(holds_released=[rows.HoldReleased(AT, "engine", "came", "e1", "h2")]))


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize(
    "case",
    [
        left_open,
        held,
        in_doubt,
        failed,
        rejected,
        completed_with_a_dead_letter,
        contradicted,
        handed_over,
        awaited_by_open_work,
    ],
)
def test_nothing_is_blanked_of_what_somebody_may_still_need(ledger, reader, case):
    case(ledger)
    assert {share.values for share in prunable(reader, ALL).values()} == {0}
    assert prune(ledger) == 0


def test_what_ended_since_then_and_other_classes_stay(ledger, reader):
    work(ledger, "1")
    assert prune(ledger, dict.fromkeys(CLASSES, AT)) == 0
    prune(ledger, {"events": LATER})
    event, *others = texts(reader)
    assert is_pruned(event)
    assert not any(is_pruned(text) for text in others)
    prune(ledger)
    assert verify_chain(reader) == []


def test_events_that_no_flow_took_are_blanked_and_looking_back_finds_none(ledger, reader, clock):
    ledger.commit(Commit(events=[an_event("e1")]))
    assert [*reader.events_back("time.approved", clock.now())]
    prune(ledger)
    assert is_pruned(reader.event("e1").body)
    assert [*reader.events_back("time.approved", clock.now())] == []


@pytest.mark.usefixtures("both")
def test_work_that_began_again_meanwhile_is_left_alone(ledger, reader):
    work(ledger, "1")
    commit = next_pruning(reader, ALL)
    ledger.commit(Commit(runs_reopened=[rows.RunReopened(LATER, "ann", "once more", "r1")]))
    with pytest.raises(LedgerConflict):
        ledger.commit(commit)
    assert not any(is_pruned(text) for text in texts(reader)[:4])
    assert verify_chain(reader) == []


@pytest.mark.usefixtures("both")
def test_two_who_prune_at_once_do_it_once(ledger, reader):
    work(ledger, "1")
    first, second = next_pruning(reader, ALL), next_pruning(reader, ALL)
    ledger.commit(first)
    with pytest.raises(LedgerConflict):
        ledger.commit(second)
    assert verify_chain(reader) == []


def test_a_run_that_was_pruned_can_be_told_from_its_former_end(ledger, reader):
    work(ledger, "1")
    prune(ledger)
    ledger.commit(Commit(runs_reopened=[rows.RunReopened(LATER, "ann", "once more", "r1")]))
    assert verify_chain(reader) == []


# What the chain tells


@pytest.fixture
def edited(ledger, url):
    """Edit the ledger behind its back, and tell the breaks."""
    work(ledger, "1", "2")

    def edited(*statements):
        ledger.close()
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        for statement, *values in statements:
            assert connection.execute(statement, values).rowcount, statement
        connection.commit()
        connection.close()
        reader = open_reader(url)
        breaks = verify_chain(reader)
        reader.close()
        return breaks

    return edited


BLANKED = [
    ("events", "body", b'{"hours": 7.5}'),
    ("answers", "body", '{"value":"of Ann"}'),
    ("effects", "payload", '{"amount":1.50}'),
    ("effects", "receipt", '{"id":1}'),
    ("runs", "decisions", '{"why":1}'),
    ("transitions", "detail", '{"why":"Ann"}'),
]


@pytest.mark.parametrize("table,column,text", BLANKED)
def test_a_blank_that_no_pruning_covers_is_told(edited, table, column, text):
    mark = mark_of(text)
    statement = f'UPDATE "{table}" SET "{column}" = ? WHERE "{column}" = ?'  # noqa: S608
    assert edited((statement, mark.encode() if isinstance(text, bytes) else mark, text))


@pytest.mark.parametrize("table,column,text", BLANKED)
def test_a_text_that_is_put_back_or_another_is_told(ledger, edited, table, column, text):
    prune(ledger)
    statement = f'UPDATE "{table}" SET "{column}" = ? WHERE "{column}" = ?'  # noqa: S608
    mark = mark_of(text)
    other = mark_of("something else")
    bytes_ = isinstance(text, bytes)
    was, other = (mark.encode(), other.encode()) if bytes_ else (mark, other)
    assert edited((statement, other, was))


@pytest.mark.parametrize("column", ["fact", "of_commit", "before", "after", "commit"])
def test_a_changed_pruning_is_told(ledger, edited, column):
    prune(ledger)
    assert edited((f'UPDATE prunings SET "{column}" = "{column}" || 1 WHERE seq = 1',))  # noqa: S608


def test_a_missing_or_added_pruning_is_told(ledger, edited):
    prune(ledger)
    assert edited(("DELETE FROM prunings WHERE seq = 2",))
    assert edited(("INSERT INTO prunings VALUES ('runs', 999, 'a', 'b', 1, NULL)",))


def test_a_ledger_that_is_damaged_is_not_pruned(ledger, edited, url):
    edited(("UPDATE effects SET payload = '{\"amount\":9}' WHERE key = 'k1'",))
    reader = open_reader(url)
    with pytest.raises(LedgerDamaged, match="tidegate ledger verify"):
        next_pruning(reader, ALL)
    reader.close()


def test_what_was_pruned_is_in_the_ledger(ledger, reader):
    work(ledger, "1")
    prune(ledger)
    with reader.snapshot() as ask:
        facts = {fact for (fact,) in ask(select(tables.prunings.c.fact))}
    assert facts == {"events", "answers", "effects", "effects.done", "runs.finished", "transitions"}
