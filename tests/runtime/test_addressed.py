"""Which partition an act is about, so that it is done by the machine that relies on what it changes."""

from types import SimpleNamespace

import pytest

from engine.ledger.partitions import DUTIES
from engine.runtime.addressed import partition_for

RUN = "f/item.made:1"
ALERT = f"dead/{RUN}#1"


class Reader:
    """In the place of a ledger with one run and two alerts."""

    def run(self, run_id):
        return SimpleNamespace(partition=7) if run_id == RUN else None

    def alert(self, alert_id):
        return {
            ALERT: SimpleNamespace(run_id=RUN),
            "refused/hook/x": SimpleNamespace(run_id=None),
        }.get(alert_id)

    def effect(self, key):
        return SimpleNamespace(run_id=RUN) if key == f"{RUN}/put" else None


@pytest.mark.parametrize("act, field", [("acknowledge", "alert"), ("dismiss", "id")])
def test_an_alert_of_a_run_is_taken_care_of_where_the_run_is_worked(act, field):
    found = [partition_for(act, {field: name}, Reader(), 64) for name in (ALERT, "refused/hook/x", "none")]
    assert found == [7, DUTIES, DUTIES]


def test_a_dead_letter_is_dismissed_where_its_run_is_worked():
    assert [partition_for("dismiss", {"id": name}, Reader(), 64) for name in (RUN, f"{RUN}/put")] == [7, 7]
