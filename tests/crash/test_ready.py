"""A start after a kill in CI; the long one is `python -m tests.crash.ready`."""

import pytest

from tests.crash.ready import measure


@pytest.mark.slow
@pytest.mark.requirement("REL-17")
def test_a_daemon_is_ready_after_a_kill_and_takes_events_beside_what_was_left() -> None:
    """With 3,000 open runs; how soon is no matter for a machine that other tests share."""
    found = measure(3_000, 2)
    assert sum(found.open_runs.values()) >= 3_000
    assert {"running", "held", "waiting"} <= found.open_runs.keys()
    assert found.answers == [202, 202]
