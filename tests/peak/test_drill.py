"""A short month end in CI; the long one is `python -m tests.peak`."""

import pytest

from tests.peak.drill import drill


@pytest.mark.slow
@pytest.mark.requirement("REL-04", "REL-05")
def test_a_peak_with_the_erp_away_drains_by_itself_and_costs_others_nothing():
    """Forty events a second of each of two flows, the ERP away at first; then one in ten is poison."""
    found = drill(4, 60)
    assert found.wrong == []
    assert found.peak.pending > 50
    assert found.peak.told == 1
    assert found.calm.told == 0
    assert found.poison.statuses["failed"] == 120
    assert len(found.peak.posted) == 4_800
