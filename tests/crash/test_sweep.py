"""A short sweep of kills in CI; the long one is `python -m tests.crash.sweep --kills 200`."""

import pytest

from tests.crash.sweep import sweep


@pytest.mark.slow
@pytest.mark.requirement("REL-01", "REL-04", "REL-17")
def test_what_was_accepted_is_posted_once_however_often_the_process_is_killed() -> None:
    """Twelve kills at random moments, with systems that fail as well: nothing lost, nothing twice."""
    found = sweep(kills=12, number=600, seed=20260601)
    assert found.wrong == []
    assert found.kills == 12
    assert found.counts["time bill"] == found.counts["performance event"] > 0
