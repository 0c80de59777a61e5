"""A short sweep of kills while releases change; the long one is `python -m tests.crash.releases --kills 100`."""

import pytest

from tests.crash.releases import sweep


@pytest.mark.slow
def test_no_run_changes_its_release_and_nothing_is_lost_or_doubled_however_often_the_daemon_is_killed() -> (
    None
):
    """Deployed, gone back to, tried and shadowed while the daemon is killed at random moments."""
    found = sweep(kills=4, seed=20260601)
    assert found.wrong == []
    assert found.kills == 4
    assert found.accepted > 0
