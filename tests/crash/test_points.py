"""Kills at some thousands of lines in CI; all that are wanted: `python -m tests.crash.points --points 10000`."""

import pytest

from tests.crash.points import sweep


@pytest.mark.slow
@pytest.mark.requirement("REL-01", "REL-04", "REL-17")
def test_whatever_line_it_is_killed_at_nothing_is_lost_and_nothing_is_there_twice() -> None:
    """One order of events, killed wherever the disk differs, and every state of the disk taken up."""
    found = sweep(points=5_000)
    assert found.wrong == []
    assert found.recovered == len(found.states) > 20
    assert len(found.points) >= 5_000
