"""The chain tells every kind of edit in every table."""

import sqlite3

import pytest

from engine.ledger import Commit, open_ledger, open_reader, verify_chain
from engine.ledger.audit import link
from engine.ledger.prune import CLASSES, next_pruning
from engine.ledger.rows import AuditEntry
from engine.ledger.tables import metadata
from tests.ledger.samples import LATER, NOW, a_whole_ledger, an_event, begin, finish

# What a commit leaves in each table is told by the chain; how far the schema came is not a fact.
TABLES = {table.name: [column.name for column in table.columns] for table in metadata.tables.values()}
COLUMNS = [(table, column) for table, columns in TABLES.items() for column in columns if column != "seq"]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    from engine.clock import FixedClock

    path = tmp_path_factory.mktemp("whole") / "ledger.sqlite"
    with open_ledger(str(path), clock=FixedClock(NOW), create=True) as ledger:
        a_whole_ledger(ledger)
        for name in ("7", "8"):
            ledger.commit(begin(name))
            ledger.commit(finish(name))
        ledger.commit(next_pruning(ledger.reader(), dict.fromkeys(CLASSES, LATER)))
        assert verify_chain(ledger.reader()) == []
    return path.read_bytes()


@pytest.fixture
def edit(written, tmp_path):
    """Edit a copy behind the ledger's back, and tell the breaks."""
    path = tmp_path / "copy.sqlite"
    path.write_bytes(written)

    def edit(*statements):
        connection = sqlite3.connect(path)
        for statement in statements:
            assert connection.execute(statement).rowcount != 0, f"{statement} changed nothing"
        connection.commit()
        connection.close()
        reader = open_reader(str(path))
        breaks = verify_chain(reader)
        reader.close()
        return breaks

    return edit


def test_every_table_has_rows_to_edit(written, tmp_path):
    path = tmp_path / "copy.sqlite"
    path.write_bytes(written)
    connection = sqlite3.connect(path)
    counts = {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in TABLES}  # noqa: S608
    connection.close()
    assert min(counts.values()) >= 2, counts


def test_an_untouched_copy_is_whole(edit):
    assert edit() == []


@pytest.mark.parametrize("table,column", COLUMNS)
def test_a_changed_value_is_told(edit, table, column):
    changed = f'UPDATE "{table}" SET "{column}" = CAST("{column}" AS TEXT) || \'1\' WHERE rowid = '  # noqa: S608
    assert edit(changed + f'(SELECT min(rowid) FROM "{table}" WHERE "{column}" IS NOT NULL)')  # noqa: S608


@pytest.mark.parametrize(
    "table,column",
    [
        ("effects", "due_at"),
        ("effects", "receipt"),
        ("effects", "external_id"),
        ("effects", "failure"),
        ("effects", "settled_at"),
        ("runs", "reason"),
        ("runs", "decisions"),
        ("runs", "finished_at"),
        ("holds", "released_by"),
        ("holds", "release_event"),
        ("audit", "subject"),
    ],
)
def test_a_value_put_where_none_was_is_told(edit, written, tmp_path, table, column):
    place = tmp_path / "copy.sqlite"
    connection = sqlite3.connect(place)
    empty = connection.execute(f'SELECT seq FROM "{table}" WHERE "{column}" IS NULL').fetchall()  # noqa: S608
    connection.close()
    assert empty
    for (seq,) in empty:
        place.write_bytes(written)
        assert edit(f'UPDATE "{table}" SET "{column}" = \'x\' WHERE seq = {seq}')  # noqa: S608


@pytest.mark.parametrize("table", sorted(TABLES))
@pytest.mark.parametrize("which", ["min", "max"])
def test_a_deleted_row_is_told(edit, table, which):
    breaks = edit(f'DELETE FROM "{table}" WHERE rowid = (SELECT {which}(rowid) FROM "{table}")')  # noqa: S608
    # The end of the audit itself can only be cut off together with the facts of its commit.
    assert breaks


@pytest.mark.parametrize("table", sorted(set(TABLES) - {"counters"}))
@pytest.mark.parametrize("which", ["min", "max"])
def test_an_inserted_row_is_told(edit, table, which):
    names = TABLES[table][:-1]
    unique = {"id", "key", "fingerprint", "canonical_id", "before"} | (
        {"body_hash"} if table == "conflicts" else set()
    )
    values = ", ".join(f"\"{name}\" || 'x'" if name in unique else f'"{name}"' for name in names)
    columns = ", ".join(f'"{name}"' for name in names)
    copied = f'INSERT INTO "{table}" ({columns}) SELECT {values} FROM "{table}" '  # noqa: S608
    assert edit(copied + f'WHERE seq = (SELECT {which}(seq) FROM "{table}")')  # noqa: S608


@pytest.mark.parametrize("table", sorted(set(TABLES) - {"counters", "superseded", "xrefs"}))
def test_rows_that_changed_places_are_told(edit, table):
    assert edit(*_exchange(table))


def test_the_place_of_a_reference_is_no_fact(edit):
    """References have a key and no order; only their text is recorded."""
    assert edit(*_exchange("xrefs")) == []


def _exchange(table):
    first, last = f'(SELECT min(seq) FROM "{table}")', f'(SELECT max(seq) FROM "{table}" WHERE seq < 1000)'  # noqa: S608
    return (
        f'UPDATE "{table}" SET seq = 1000 WHERE seq = {last}',  # noqa: S608
        f'UPDATE "{table}" SET seq = 1001 WHERE seq = {first}',  # noqa: S608
        f'UPDATE "{table}" SET seq = 1 WHERE seq = 1000',  # noqa: S608
        f'UPDATE "{table}" SET seq = {last} + 1 WHERE seq = 1001',  # noqa: S608
    )


def test_a_settled_effect_that_is_made_pending_again_is_told(edit):
    open_again = (
        "UPDATE effects SET status = 'pending', receipt = NULL, external_id = NULL, settled_at = NULL"
    )
    breaks = edit(open_again + ", settle_commit = NULL WHERE key = 'k1'")
    assert "effects.done" in {one.part for one in breaks}


def test_an_open_effect_that_is_moved_back_is_told(edit):
    breaks = edit("UPDATE effects SET status = 'sending', due_at = NULL, failure = NULL WHERE key = 'k6'")
    assert breaks[0].what == "the effect 'k6' does not stand where its history left it"


def test_a_body_exchanged_with_its_hash_is_told(edit):
    breaks = edit(
        "UPDATE events SET body = (SELECT body FROM conflicts WHERE event_id = 'e1'), "
        "body_hash = (SELECT body_hash FROM conflicts WHERE event_id = 'e1') WHERE id = 'e1'"
    )
    assert [(one.commit, one.part) for one in breaks] == [(2, "events")]


def test_a_break_names_its_commit_and_its_part(edit):
    assert [one[:2] for one in edit("UPDATE answers SET body = '2' WHERE run_seq = 5 AND key = 'a'")] == [
        (3, "answers")
    ]


def test_values_of_another_kind_are_a_change_and_no_error(edit):
    assert edit("UPDATE effects SET payload = x'ff' WHERE key = 'k1'")
    assert edit("UPDATE runs SET reason = x'ff', finish_commit = 'x' WHERE id = 'r1'")
    assert edit("UPDATE superseded SET body = 'no JSON' WHERE seq = 1")
    assert edit("UPDATE audit SET facts = 'no JSON' WHERE seq = 2")
    assert edit("UPDATE audit SET facts = '[1]' WHERE seq = 3")


def test_the_end_that_was_cut_off_is_told_by_a_published_head(ledger, reader, url):
    ledger.commit(begin("1"))
    ledger.commit(Commit(events=[an_event("e2")]))
    published = reader.head()
    ledger.commit(Commit(events=[an_event("e3")]))
    assert verify_chain(reader, head=published) == []
    ledger.close()
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    connection.execute('DELETE FROM audit WHERE "commit" >= 2')
    connection.execute('DELETE FROM events WHERE "commit" >= 2')
    connection.execute("UPDATE counters SET value = 1 WHERE name = 'events.accepted'")
    connection.commit()
    connection.close()
    cut = open_reader(url)
    assert verify_chain(cut) == []
    (told,) = verify_chain(cut, head=published)
    assert "ends before row 2" in told.what
    (told,) = verify_chain(cut, head=published._replace(seq=1))
    assert "written anew" in told.what
    cut.close()


def test_breaks_are_bounded(edit):
    numbers = "WITH RECURSIVE n(x) AS (SELECT 1000 UNION ALL SELECT x + 1 FROM n WHERE x < 2000) "
    assert len(edit(numbers + "INSERT INTO activations SELECT 'f1', 'x', 'x', 'x', x, x FROM n")) == 100  # noqa: S608


def test_a_row_that_was_written_anew_with_a_right_hash_is_told(edit, tmp_path):
    place = tmp_path / "copy.sqlite"
    connection = sqlite3.connect(place)
    at, actor, action, subject, _, commit, facts, before, _, seq = connection.execute(
        "SELECT * FROM audit WHERE seq = 2"
    ).fetchone()
    connection.close()
    changed = link(before, seq, AuditEntry(at, actor, action, subject, "another"), commit, facts)
    (told,) = edit(f"UPDATE audit SET detail = 'another', hash = '{changed}' WHERE seq = 2")  # noqa: S608
    assert told.what == "row 3 does not continue the row before it"
