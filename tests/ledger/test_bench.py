"""The measurement of commits still measures: the driver alone, given the same, makes the same ledger."""

from engine.ledger import open_reader, verify_chain
from tests.bench.ledger_commit import recorded, seconds_of_driver


def test_the_driver_alone_makes_the_same_ledger(tmp_path):
    kept = recorded(tmp_path, events=25, size=10)
    assert seconds_of_driver(tmp_path, kept) > 0
    ours, theirs = (open_reader(str(tmp_path / name)) for name in ("recorded.sqlite", "driver.sqlite"))
    assert ours.head() == theirs.head()
    assert ours.head().commit == 6
    assert verify_chain(theirs) == []
    ours.close()
    theirs.close()
