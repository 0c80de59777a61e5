"""What is done while the disk takes up a commit."""

import threading

import pytest

from engine.errors import LedgerError
from engine.ledger import Commit, sqlite, verify_chain
from tests.ledger.samples import begin


def test_it_is_called_once_on_the_thread_of_the_caller(ledger, reader):
    called = []
    result = ledger.commit(begin("1"), lambda: called.append(threading.get_ident()))
    assert called == [threading.get_ident()]
    assert result.number == 1
    assert reader.run("r1").status == "running"
    assert threading.active_count() == 1


def test_it_runs_while_the_commit_is_under_way(ledger, monkeypatch):
    """The statement that ends the transaction waits for what is done meanwhile."""
    reached = threading.Event()
    ledger._connection.create_function("reached", 0, lambda: reached.wait(10))
    monkeypatch.setattr(sqlite, "COMMIT", "SELECT reached()")
    ledger.commit(begin("1"), reached.set)
    assert reached.is_set()
    assert ledger._connection.in_transaction


def test_without_anything_to_write_it_is_not_called(ledger):
    called = []
    ledger.commit(Commit(), lambda: called.append(1))
    assert called == []


def test_a_commit_that_fails_beside_leaves_nothing(ledger, reader, monkeypatch):
    ledger.commit(begin("1"), lambda: None)
    called = []
    with monkeypatch.context() as patch:
        patch.setattr(sqlite, "COMMIT", "COMMIT nothing")
        with pytest.raises(LedgerError):
            ledger.commit(begin("2"), lambda: called.append(1))
    assert called == [1]
    assert reader.run("r2") is None
    assert ledger.commit(begin("2"), lambda: None).number == 2
    assert verify_chain(reader) == []


def test_a_repeated_event_is_folded_all_the_same(ledger, reader):
    ledger.commit(begin("1"))
    called = []
    result = ledger.commit(Commit(events=[*begin("1").events, *begin("2").events]), lambda: called.append(1))
    assert (result.duplicates, called) == (("e1",), [1])
    assert verify_chain(reader) == []


def test_what_it_raises_comes_after_the_commit(ledger, reader):
    def fail():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ledger.commit(begin("1"), fail)
    assert reader.run("r1").status == "running"
    ledger.commit(begin("2"))
    assert verify_chain(reader) == []
