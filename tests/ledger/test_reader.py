"""Questions: bounded lists, walks in chunks, totals, and the search for an id of whatever kind."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from engine.ledger import Commit, instant, open_reader, read_instant, rows
from engine.ledger.reader import CHUNK
from tests.ledger.samples import AT, LATER, NOW, a_run, a_whole_ledger, an_effect, an_event, begin, finish

pytestmark = pytest.mark.usefixtures("both")


@pytest.fixture
def whole(ledger):
    a_whole_ledger(ledger)
    return ledger.reader()


def test_totals_are_those_of_the_tables(whole):
    counts = whole.counts()
    assert counts["events"] == {"accepted": 6}
    assert counts["runs"] == {
        "completed": 2,
        "compensated": 0,
        "failed": 0,
        "moved": 0,
        "rejected": 1,
        "held": 1,
        "running": 2,
    }
    assert counts["effects"] == {"done": 2, "dead": 1, "cancelled": 1, "pending": 2}
    assert counts["holds"] == {"released": 2, "expired": 2, "refused": 1, "proposed": 1}
    assert counts["waits"] == {"waiting": 4}
    assert counts["alerts"] == {"open": 4}


@pytest.mark.parametrize(
    "text,found",
    [
        ("e1", [("event", "e1", "id"), ("run", "r1", "event_id")]),
        ("r1", [("run", "r1", "id")]),
        ("k1", [("effect", "k1", "key")]),
        ("INV-1", [("effect", "k1", "external_id")]),
        ("h1", [("hold", "h1", "id")]),
        ("a1", [("alert", "a1", "id")]),
        ("f1", [("release", "f1", "fingerprint")]),
        ("i1", [("xref", "invoice i1 erp", "canonical_id")]),
        ("X-1c", [("xref", "invoice i1 erp", "external_id")]),
        ("p1", [("entity", "project p1", "id")]),
        ("X-1", []),
        ("", []),
        ("%", []),
    ],
)
def test_an_id_is_found_whatever_bears_it(whole, text, found):
    assert whole.find(text) == [rows.Found(*one) for one in found]


def test_open_runs_come_in_order_and_in_portions(ledger, reader):
    for number in range(5):
        ledger.commit(begin(str(number)))
    ledger.commit(finish("1"))
    first = reader.open_runs(limit=2)
    assert [run.id for run in first] == ["r0", "r2"]
    assert [run.id for run in reader.open_runs(after=first[-1].seq, limit=9)] == ["r3", "r4"]


def test_what_several_runs_know_is_asked_at_once(whole):
    assert [(one.run_id, one.key) for one in whole.answers_of(["r2", "r1"])] == [
        ("r1", "a"),
        ("r1", "b"),
        ("r2", "a"),
        ("r2", "b"),
    ]
    assert [one.key for one in whole.effects_of({"r1", "r6", "r9"})] == ["k1", "k6"]
    assert whole.answers_of([]) == whole.effects_of([]) == []


def test_effects_are_due_by_their_time(ledger, reader):
    ledger.commit(
        Commit(
            events=[an_event()],
            runs=[a_run()],
            sends=[an_effect("k1"), an_effect("k2")],
            effects=[an_effect("k3")],
        )
    )
    late = instant(NOW + timedelta(hours=1))
    ledger.commit(Commit(effects_retried=[rows.EffectRetried(late, None, AT, "k1")]))
    assert [one.key for one in reader.open_effects(due_by=NOW)] == ["k3", "k2"]
    assert [one.key for one in reader.open_effects(due_by=NOW + timedelta(hours=1))] == ["k3", "k2", "k1"]
    assert [one.key for one in reader.open_effects(limit=1)] == ["k3"]


def test_finished_runs_are_walked_in_chunks_while_more_is_written(ledger, reader):
    number = CHUNK + 50
    ledger.commit(
        Commit(
            events=[an_event()],
            runs=[a_run(f"r{one}", now=AT if one % 2 else LATER) for one in range(number)],
            runs_finished=[rows.RunFinished("completed", AT, "{}", None, f"r{one}") for one in range(number)],
        )
    )
    walk = reader.finished_runs()
    assert next(walk).id == "r0"
    ledger.commit(Commit(runs=[a_run("open")]))
    assert len([*walk]) == number - 1
    assert len([*reader.finished_runs(since=NOW + timedelta(seconds=1))]) == number // 2
    assert len([*reader.finished_runs(until=NOW + timedelta(seconds=1))]) == number // 2
    assert [*reader.finished_runs(status="failed")] == [*reader.finished_runs(flow="other")] == []
    fourth = [*reader.finished_runs()][-4]
    assert len([*reader.finished_runs(after=fourth.seq)]) == 3


def test_events_are_walked_by_type_key_and_time(ledger, reader):
    ledger.commit(
        Commit(
            events=[
                an_event("e1"),
                an_event("e2", type="other"),
                an_event("e3", order_key=None, accepted_at=LATER),
            ]
        )
    )
    assert [one.id for one in reader.events()] == ["e1", "e2", "e3"]
    assert [one.id for one in reader.events(event_type="other")] == ["e2"]
    assert [one.id for one in reader.events(order_key="P-1")] == ["e1", "e2"]
    assert [one.id for one in reader.events(since=read_instant(LATER))] == ["e3"]
    first = reader.event("e1").seq
    assert [one.id for one in reader.events(until=read_instant(LATER), after=first)] == ["e2"]


def test_lists_for_people_are_bounded_and_newest_first(whole):
    assert [run.id for run in whole.runs(limit=2)] == ["r6", "r5"]
    assert [run.id for run in whole.runs(before=whole.run("r3").seq)] == ["r2", "r1"]
    assert [run.id for run in whole.runs(status="completed", flow="bill")] == ["r2", "r1"]
    assert [one.key for one in whole.dead_effects()] == ["k3"]
    assert [one.key for one in whole.settled_effects(connection="erp", operation="create")] == [
        "k1",
        "k2",
        "k3",
        "k5",
    ]
    assert [one.id for one in whole.holds(status="proposed")] == ["h6"]
    assert [one.id for one in whole.holds_of_run("r1")] == ["h1"]


def test_readers_see_only_what_is_committed(ledger, url):
    reader = open_reader(url)
    with reader.snapshot() as ask:
        assert [*ask(_count())] == [(0,)]
        ledger.commit(begin())
        assert [*ask(_count())] == [(0,)]
    assert reader.counts()["events"] == {"accepted": 1}
    reader.close()


def test_any_thread_may_write_and_read(ledger, reader):
    def work(number):
        ledger.commit(begin(str(number)))
        ledger.commit(finish(str(number)))
        return reader.run(f"r{number}").status

    with ThreadPoolExecutor(8) as pool:
        assert {*pool.map(work, range(64))} == {"completed"}
    assert reader.head().commit == 128


@pytest.mark.parametrize("year", [1, 999, 2026, 9999])
def test_instants_are_fixed_in_width_and_come_back(year):
    value = datetime(year, 3, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert len(instant(value)) == 27
    assert read_instant(instant(value)) == value


def test_an_instant_has_a_zone_and_is_written_in_utc():
    from zoneinfo import ZoneInfo

    assert instant(datetime(2026, 7, 1, 1, tzinfo=ZoneInfo("Europe/Berlin"))) == "2026-06-30T23:00:00.000000Z"
    with pytest.raises(ValueError, match="time zone"):
        instant(datetime(2026, 7, 1))  # noqa: DTZ001


def _count():
    from sqlalchemy import func, select

    from engine.ledger.tables import events

    return select(func.count()).select_from(events)
