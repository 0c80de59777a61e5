"""What only a ledger on a server has: its schema there, several who write, answers that are lost."""

import random
import re
import threading

import psycopg
import pytest

from engine.clock import FixedClock
from engine.errors import (
    ConfigurationError,
    InputError,
    LedgerBusy,
    LedgerConflict,
    LedgerError,
    LedgerLost,
    LedgerMissing,
    LedgerOutdated,
    LedgerReadOnly,
    LedgerRestored,
    LedgerUnreachable,
)
from engine.ledger import (
    Commit,
    accept_restored,
    open_ledger,
    open_reader,
    rows,
    upgrade_ledger,
    verify_chain,
)
from engine.ledger import postgres as driver
from engine.ledger.at_work import AtWork, at_work
from engine.ledger.postgres_ledger import open_postgres, open_shared
from engine.ledger.postgres_schema import name_key
from tests.ledger.samples import AT, NOW, a_run, a_whole_ledger, an_event, begin, finish

CLOCK = FixedClock(NOW)
LOCKS = (
    "SELECT mode FROM pg_locks JOIN pg_database ON database = pg_database.oid "
    "WHERE locktype = 'advisory' AND datname = current_database()"
)


def shared(url):
    return open_postgres(url, clock=CLOCK, create=False, alone=False)


@pytest.fixture
def ledger(postgres_url):
    with open_ledger(postgres_url, clock=CLOCK) as ledger:
        yield ledger


class TestTheSchema:
    QUESTIONS = (
        """SELECT table_name, ordinal_position, column_name, data_type, is_nullable, collation_name
        FROM information_schema.columns WHERE table_schema = 'public'""",
        "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "SELECT sequencename FROM pg_sequences",
        "SELECT * FROM counters",
        "SELECT * FROM partitions",
        "SELECT * FROM alembic_version",
    )

    def told(self, url):
        with psycopg.connect(url) as connection:
            return [sorted(map(str, connection.execute(sql))) for sql in self.QUESTIONS]

    @pytest.mark.slow
    def test_made_at_once_or_by_migrations_it_is_the_same(self, postgres, postgres_url):
        migrated = postgres.url(postgres.database())
        upgrade_ledger(migrated)
        assert self.told(migrated) == self.told(postgres_url)
        with open_ledger(migrated, clock=CLOCK) as ledger:
            a_whole_ledger(ledger)
            with pytest.raises(LedgerBusy, match="stop them first"):
                upgrade_ledger(migrated)
        upgrade_ledger(migrated)

    def test_a_database_without_a_ledger_is_not_made_one_by_accident(self, postgres):
        url = postgres.url(postgres.database())
        for opened in (lambda: open_ledger(url, clock=CLOCK), lambda: open_reader(url)):
            with pytest.raises(LedgerMissing, match="is empty; it holds no ledger"):
                opened()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE customers (id int)")
        for opened in (lambda: open_ledger(url, clock=CLOCK, create=True), lambda: upgrade_ledger(url)):
            with pytest.raises(LedgerError, match="Tidegate"):
                opened()
        with pytest.raises(LedgerMissing, match="make it with createdb"):
            open_ledger(postgres.url("nowhere"), clock=CLOCK, create=True)

    def test_who_works_on_it_is_told_by_the_server(self, ledger, postgres_url):
        assert at_work(ledger.reader()) == AtWork(machines=0, alone=True, partitions={None: 64})
        ledger.close()
        machines = [open_shared(postgres_url, clock=CLOCK, name=name) for name in ("b", "a")]
        for machine, mine in zip(machines, (range(2), [7]), strict=True):
            for partition in mine:
                machine.claim(partition)
        reader = open_reader(postgres_url)
        assert at_work(reader) == AtWork(machines=2, alone=False, partitions={None: 61, "a": 1, "b": 2})
        # What one has that is gone waits for another, though its name still stands there.
        machines.pop().close()
        assert at_work(reader) == AtWork(machines=1, alone=False, partitions={None: 62, "b": 2})
        machines.pop().close()
        assert at_work(reader) == AtWork(machines=0, alone=False, partitions={None: 64})
        reader.close()

    def test_who_comes_next_need_not_wait_for_the_server_to_find_out(self, ledger, postgres_url):
        ledger.close()
        with psycopg.connect(postgres_url, autocommit=True) as asking:
            for _ in range(40):
                open_shared(postgres_url, clock=CLOCK, name="a").close()
                assert asking.execute(LOCKS).fetchall() == []

    @pytest.mark.parametrize("name", ["app-1", "app-2"])
    def test_the_key_of_a_name_is_that_of_its_lock(self, postgres_url, name):
        """The server has keys with a sign, and lists them without: both halves are found again."""
        assert name_key("app-1") < 2**31 <= name_key("app-2")
        with open_shared(postgres_url, clock=CLOCK, name=name) as machine:
            machine.claim(5)
            assert at_work(machine.reader()).partitions == {None: 63, name: 1}

    def test_an_address_is_one_of_a_database(self):
        for url in ("postgresql://host", "postgresql://:x:y/db"):
            with pytest.raises(ConfigurationError, match="postgresql://USER@HOST/DATABASE"):
                open_ledger(url, clock=CLOCK)
        assert "secret" not in str(driver.read_url("postgresql://ann:secret@host:99/db"))

    def test_every_batch_finds_its_rows_by_an_index(self, ledger):
        """Nothing that runs for each event reads a table as a whole, whatever the statistics say."""
        a_whole_ledger(ledger)
        session = ledger._connected()
        for statement, bulk in ledger._database._bulks.items():
            if bulk.sql.startswith("UPDATE"):
                text = re.sub(r"%b::(\w+\[\])", r"NULL::\1", bulk.sql).replace("%%", "%")
                plan = "\n".join(line for (line,) in session.execute("EXPLAIN " + text))
                assert f"Seq Scan on {statement.table.name}" not in plan, plan

    def test_rows_are_found_by_their_keys_when_next_to_nothing_is_open(self, ledger):
        """Beginning with the index on open work, each open row was compared with each row of the batch."""
        a_whole_ledger(ledger)
        names = [f"x{number}" for number in range(400)]
        for each in (begin, finish):
            whole = Commit()
            for name in names:
                one = each(name)
                for part in ("events", "runs", "sends", "effects_done", "runs_finished"):
                    getattr(whole, part).extend(getattr(one, part))
            ledger.commit(whole)
        session = ledger._connected()
        session.execute("ANALYZE")
        for bulk in ledger._database._bulks.values():
            if bulk.sql.startswith(("UPDATE runs", "UPDATE effects", "UPDATE inbox")):
                unknown = r"(SELECT array_agg(x) FROM generate_series(1, 500) AS g(x))::\1"
                text = re.sub(r"%b::(\w+\[\])", unknown, bulk.sql).replace("%%", "%")
                plan = "\n".join(line for (line,) in session.execute("EXPLAIN " + text))
                assert "_open" not in plan, plan


def test_who_works_alone_is_alone(postgres_url):
    with open_ledger(postgres_url, clock=CLOCK):
        for opened in (lambda: open_ledger(postgres_url, clock=CLOCK), lambda: shared(postgres_url)):
            with pytest.raises(LedgerBusy):
                opened()
    refused = pytest.raises(LedgerBusy, match="other processes work on the ledger")
    with shared(postgres_url), shared(postgres_url), refused:
        open_ledger(postgres_url, clock=CLOCK)


def test_what_is_put_in_a_ledger_on_a_server_is_proved(ledger):
    a_whole_ledger(ledger)
    assert verify_chain(ledger.reader()) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE events SET body = 'x' WHERE id = 'e1'",
        "UPDATE runs SET reason = 'x' WHERE id = 'r3'",
        "DELETE FROM inbox WHERE seq = (SELECT max(seq) FROM inbox)",
        "UPDATE inbox SET taken_commit = NULL WHERE taken_commit IS NOT NULL",
        "UPDATE audit SET actor = 'x' WHERE seq = 3",
        "UPDATE counters SET value = value + 1 WHERE name = 'events.accepted'",
    ],
)
def test_a_change_is_told(ledger, change):
    a_whole_ledger(ledger)
    ledger._connected().execute(change)
    assert verify_chain(ledger.reader())


@pytest.mark.requirement("REL-03")
def test_an_event_that_several_machines_accept_at_once_is_accepted_once(postgres_url):
    machines = [shared(postgres_url) for _ in range(3)]
    found = []

    def accept(ledger, turn):
        names = [f"e{number}" for number in range(30)]
        found.extend(
            ledger.commit(Commit(events=[an_event(name), an_event(f"{name}/{turn}")]))
            for name in (names if turn else reversed(names))
        )

    threads = [threading.Thread(target=accept, args=(one, turn)) for turn, one in enumerate(machines)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reader = machines[0].reader()
    assert sum(len(one.duplicates) for one in found) == 60
    assert reader.counts()["events"] == {"accepted": 120}
    assert verify_chain(reader) == []
    numbers = [row.commit for row in reader.audit()]
    assert len({*numbers}) == len(numbers) == 90
    for machine in machines:
        machine.close()


class TestTold:
    """An alert that two machines raise at once: the first is in the ledger, and the second has the rest written."""

    def test_an_alert_about_no_run_is_told_once(self, postgres_url):
        machines = [shared(postgres_url) for _ in range(2)]
        for number, machine in enumerate(machines):
            alerts = [an_alert("strange/x"), an_alert(f"other/{number}")]
            assert machine.commit(Commit(events=[an_event(f"e{number}")], alerts=alerts)).number
        assert machines[1].commit(Commit(alerts=[an_alert("strange/x")])).number is None
        reader = machines[0].reader()
        assert {row.id for row in reader.alerts()} == {"strange/x", "other/0", "other/1"}
        assert reader.counts()["events"] == {"accepted": 2}
        assert verify_chain(reader) == []
        for machine in machines:
            machine.close()

    def test_an_alert_of_a_run_is_raised_by_its_machine_alone(self, postgres_url):
        machine = shared(postgres_url)
        machine.commit(
            Commit(events=[an_event("e1")], runs=[a_run("r1", "e1")], alerts=[an_alert("r1/x", "r1")])
        )
        with pytest.raises(LedgerConflict):
            machine.commit(Commit(events=[an_event("e2")], alerts=[an_alert("r1/x", "r1")]))
        assert machine.reader().event("e2") is None
        machine.close()


def an_alert(name, run=None):
    return rows.NewAlert(name, run, None, None, "error", "desk", "x", AT)


class TestTheServerWasSetBack:
    """To a copy of its database that was made two commits before."""

    pytestmark = pytest.mark.requirement("REL-17")

    @pytest.fixture
    def url(self, postgres, postgres_url):
        with open_ledger(postgres_url, clock=CLOCK) as ledger:
            ledger.commit(begin("1"))
        name = postgres_url.rpartition("/")[2]
        copy = postgres.database(name)
        with open_ledger(postgres_url, clock=CLOCK) as ledger:
            ledger.commit(finish("1"))
            ledger.commit(begin("2"))
        with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
            connection.execute(f'ALTER DATABASE "{copy}" RENAME TO "{name}"')
        return postgres_url

    def test_it_is_refused_until_a_person_says_so(self, url):
        for opened in (shared, lambda url: open_ledger(url, clock=CLOCK)):
            with pytest.raises(LedgerRestored, match="has 1 rows, and had 3 when it was last written here"):
                opened(url)
        open_reader(url).close()  # whoever reads only may look at it
        assert accept_restored(url, CLOCK, "ann", "the disk broke") == 2
        with shared(url) as ledger:
            ledger.commit(begin("2"))
            assert verify_chain(ledger.reader()) == []
        with pytest.raises(InputError, match="is the one that was last written there"):
            accept_restored(url, CLOCK, "ann", "once more")

    def test_a_machine_that_has_never_written_it_knows_of_nothing(self, url, monkeypatch, tmp_path):
        monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
        shared(url).close()


class TestTheAnswerIsLost:
    @pytest.fixture
    def cut(self, monkeypatch):
        """Cuts the line at the next COMMIT: before it arrives, or before its answer does."""

        def cut(ledger, *, after):
            execute = psycopg.Cursor.execute

            def broken(cursor, query, *more, **given):
                if query == "COMMIT":
                    monkeypatch.undo()
                    if after:
                        execute(cursor, query, *more, **given)
                    cursor.connection.close()
                    raise psycopg.OperationalError("the line was cut")
                return execute(cursor, query, *more, **given)

            monkeypatch.setattr(psycopg.Cursor, "execute", broken)

        return cut

    @pytest.mark.requirement("REL-04")
    def test_of_a_commit_that_was_written(self, ledger, cut):
        cut(ledger, after=True)
        number = ledger.commit(begin("1")).number
        assert ledger.reader().run("r1").commit == number
        ledger.commit(finish("1"))
        assert verify_chain(ledger.reader()) == []

    def test_of_one_that_was_not(self, ledger, cut):
        cut(ledger, after=False)
        with pytest.raises(LedgerUnreachable):
            ledger.commit(begin("1"))
        assert ledger.reader().run("r1") is None
        ledger.commit(begin("1"))
        assert verify_chain(ledger.reader()) == []


class TestPartitions:
    def test_who_has_lost_a_partition_writes_nothing_more(self, postgres_url):
        with shared(postgres_url) as old, shared(postgres_url) as new:
            old.claim(7)
            old.commit(begin("1"))
            new.claim(7)
            with pytest.raises(LedgerLost):
                old.commit(begin("2"))
            assert new.reader().run("r2") is None
            new.commit(begin("2"))
            assert verify_chain(new.reader()) == []
            old.give_back(7)  # what is not ours any more is not given back either
            new.commit(finish("1"))

    def test_a_commit_that_is_under_way_ends_before_its_partition_changes_hands(self, postgres_url):
        with shared(postgres_url) as old, shared(postgres_url) as new:
            old.claim(7)
            order = []
            inside = threading.Event()

            def take_over():
                inside.wait(5)
                new.claim(7)
                order.append("taken")

            thread = threading.Thread(target=take_over)
            thread.start()
            end = old._end

            def slowly(cursor):
                inside.set()
                thread.join(0.3)
                order.append("written")
                return end(cursor)

            old._end = slowly
            old.commit(begin("1"))
            thread.join()
            assert order == ["written", "taken"]

    def test_what_is_given_back_can_be_taken(self, postgres_url):
        with shared(postgres_url) as one, shared(postgres_url) as other:
            one.claim(1)
            one.claim(2)
            one.give_back(1)
            other.claim(1)
            one.commit(begin("1"))
            other.commit(begin("2"))

    def test_who_ends_before_it_caught_up_leaves_the_place_to_the_next(self, postgres_url):
        """Its own place is further on, and what lies between would wake no run of the partition."""
        with shared(postgres_url) as first, shared(postgres_url) as second, shared(postgres_url) as third:
            first.name, second.name, third.name = "first", "second", "third"
            first.claim(1)
            first.seen = 100
            first.commit(begin("1"))
            second.claim(2)
            second.seen = 150
            second.commit(begin("2"))
            assert second.claim(1) == 100  # and it ends here, or writes nothing since
            assert third.claim(1) == 100
            third.seen = 160
            third.commit(begin("3"))
            assert second.claim(1) == 160  # by then the third has written what it woke

    def test_what_waits_is_found_in_the_order_of_the_chain(self, postgres_url):
        """However it is spread over commits and partitions, and wherever the end or the limit falls."""
        dice = random.Random(7)
        with shared(postgres_url) as one, shared(postgres_url) as other:
            for partition in range(4):
                (one if partition < 2 else other).claim(partition)
            handed = {f"{turn}-{number}": dice.randrange(4) for turn in range(12) for number in range(5)}
            for turn in range(12):
                names = [name for name in handed if name.startswith(f"{turn}-")]
                dice.shuffle(names)
                writer = dice.choice((one, other))
                writer.commit(
                    Commit(
                        events=[an_event(name) for name in names],
                        handed=[rows.EventHanded(name, handed[name]) for name in names],
                    )
                )
            reader = one.reader()
            taken = set(dice.sample(sorted(handed), 20))
            mine = [name for name in taken if handed[name] < 2]
            one.commit(Commit(taken=[rows.EventTaken(reader.event(name).seq) for name in mine]))
            theirs = [name for name in taken if handed[name] >= 2]
            other.commit(Commit(taken=[rows.EventTaken(reader.event(name).seq) for name in theirs]))
            with psycopg.connect(postgres_url) as asking:
                place = dict(
                    asking.execute("SELECT commit, seq FROM audit WHERE facts IS NOT NULL").fetchall()
                )
                found = asking.execute("SELECT id, seq, commit FROM events").fetchall()
            for machine, partitions in ((one, (0, 1)), (other, (2, 3))):
                waiting = sorted(
                    (place[commit], seq, handed[name], name)
                    for name, seq, commit in found
                    if name not in taken and handed[name] in partitions
                )
                assert len(waiting) > 10
                asked = machine.own_reader()
                for upto in (0, *place.values()):
                    for limit in (1, 3, 7, 500):
                        got = [(*row[:4],) for row in asked.inbox(upto, limit)]
                        assert got == [row for row in waiting if row[0] <= upto][:limit]

    def test_who_comes_after_much_has_happened_reads_it_in_no_time(self, postgres_url):
        """Compared one by one, so many links and events take longer than a server may be silent."""
        with psycopg.connect(postgres_url) as filling, shared(postgres_url) as late:
            filling.execute(
                "INSERT INTO audit (at, actor, action, commit, facts, prev_hash, hash, seq) "
                "SELECT '', '', '', n, '', '', n, n FROM generate_series(1, 30000) n"
            )
            filling.execute(
                "INSERT INTO events (id, type, order_key, at, accepted_at, source, depth, version, body_hash, body, "
                "commit, seq) SELECT n, CASE n % 3 WHEN 0 THEN 'b' ELSE 'a' END, '', '', '', '', 0, 1, '', '', "
                "n, n::bigint << 20 FROM generate_series(1, 30000) n"
            )
            filling.commit()
            late.claim(1)
            found = late.own_reader().behind(100, 30_000, ["b"])
            assert [place for place, _ in found] == [n for n in range(101, 30_001) if n % 3 == 0]
            assert all(row.seq == place << 20 for place, row in found)
            assert late.own_reader().behind(0, 30_000, []) == []

    def test_who_never_wrote_anything_leaves_the_place_as_well(self, postgres_url):
        with shared(postgres_url) as first, shared(postgres_url) as second, shared(postgres_url) as third:
            first.name, second.name, third.name = "first", "second", "third"
            first.claim(1)
            first.seen = 100
            first.commit(begin("1"))
            first.give_back(1)
            assert second.claim(1) == 100
            second.forget()
            assert third.claim(1) == 100


def test_a_server_that_goes_and_comes_back(postgres, postgres_url):
    with open_ledger(postgres_url, clock=CLOCK) as ledger:
        ledger.commit(begin("1"))
        reader = ledger.reader()
        assert reader.run("r1") is not None
        postgres.kill()
        for ask in (lambda: ledger.commit(begin("2")), lambda: reader.run("r1")):
            with pytest.raises(LedgerUnreachable, match="cannot be reached"):
                ask()
        postgres.start()
        ledger.commit(begin("2"))
        assert reader.run("r1") is not None
        assert verify_chain(reader) == []


def test_a_server_that_is_only_a_copy_is_told(ledger):
    ledger._connected().execute("SET default_transaction_read_only = on")
    with pytest.raises(LedgerReadOnly, match="may only be read"):
        ledger.commit(begin())


def test_two_that_wait_for_each_other_are_tried_again(ledger, monkeypatch):
    left = [2]
    end = ledger._end

    def met(cursor):
        if left[0]:
            left[0] -= 1
            raise psycopg.errors.DeadlockDetected("they met")
        return end(cursor)

    monkeypatch.setattr(ledger, "_end", met)
    ledger.commit(begin())
    assert left == [0]
    left[0] = 100
    with pytest.raises(LedgerBusy, match="again and again"):
        ledger.commit(begin("2"))


@pytest.mark.parametrize(
    "value", ["\ud800", 2**70, object(), 1.5j], ids=["surrogate", "huge", "object", "complex"]
)
def test_what_cannot_be_stored_is_refused_in_a_sentence(ledger, value):
    ledger.commit(begin())
    with pytest.raises(LedgerConflict, match="cannot be stored"):
        ledger.commit(Commit(answers=[rows.NewAnswer("r1", "a", "read", AT, value)]))
    assert ledger.reader().answers("r1") == []
    assert ledger.commit(begin("2")).number


def test_a_text_with_nul_is_kept_with_a_mark_in_its_place_and_proved_as_such(ledger):
    ledger.commit(begin())
    entry = rows.AuditEntry(AT, "a\0n", "did", "t\0", "why\0")
    ledger.commit(Commit(answers=[rows.NewAnswer("r1", "a", "read", AT, "a\0b")], entries=[entry]))
    (answer,) = ledger.reader().answers("r1")
    assert answer.body == "a\ufffdb"
    (found,) = ledger.reader().audit_of("t\0")
    assert (found.actor, found.detail) == ("a\ufffdn", "why\ufffd")
    assert ledger.reader().known_events(["e\0", "e1"]).keys() == {"e1"}
    assert verify_chain(ledger.reader()) == []


def test_a_session_that_is_silent_is_given_up(postgres_url, monkeypatch):
    session = driver.Session.opened(driver.read_url(postgres_url), driver.READER)
    session.answer_seconds = 0.2
    with pytest.raises(psycopg.OperationalError, match=r"no answer in 0\.2 seconds"):
        session.execute("SELECT pg_sleep(5)")
    assert session.closed


CODES = sorted(
    {
        one.sqlstate
        for one in vars(psycopg.errors).values()
        if isinstance(one, type) and issubclass(one, psycopg.Error) and one.sqlstate
    }
)


def test_each_code_of_the_server_becomes_a_sentence():
    place = driver.read_url("postgresql://host/db")
    classed = {code: type(driver.explain(driver.errors.lookup(code)("as it says"), place)) for code in CODES}
    expected = {
        "08006": LedgerUnreachable,
        "57P01": LedgerUnreachable,
        "53300": LedgerUnreachable,
        "25006": LedgerReadOnly,
        "40P01": LedgerBusy,
        "40001": LedgerBusy,
        "55P03": LedgerBusy,
        "23505": LedgerConflict,
        "22021": LedgerConflict,
        "3D000": LedgerMissing,
        "42P01": LedgerOutdated,
    }
    assert {code: classed[code] for code in expected} == expected
    assert len(CODES) > 200
