"""A full ledger in CI; the long measure is `python -m tests.bench.growth`."""

import pytest

from engine.ledger import open_reader
from tests.bench.growth import measure


@pytest.mark.slow
def test_a_ledger_with_many_finished_runs_is_as_fast_as_an_empty_one(tmp_path):
    """60,000 runs in place of millions, and half of the throughput, as other tests share the machine."""
    found = measure(tmp_path, 60_000, 1_000, 2)
    assert found["growth_runs"] >= 60_000
    assert found["full_vs_empty_cpu"] > 0.5
    reader = open_reader(str(tmp_path / "full.sqlite"))
    try:
        assert reader.counts()["runs"]["completed"] > 50_000
        assert reader.run("approved-time-to-billing/time_entry.approved:EV-800000100001") is not None
    finally:
        reader.close()
