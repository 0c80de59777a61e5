"""A version of an entity that ends: a warning until its day, wrong from the day after, and who may still use it."""

from datetime import date
from pathlib import Path

import pytest

from engine.session import check

ENDS = date(2030, 6, 30)
HERE = Path(__file__).parents[1] / "problems" / "TG329"


def told(folder, today):
    """The problems of a workspace on a day: code, severity and what is said."""
    return [
        (one.code, str(one.severity), one.message)
        for one in check(folder=folder, today=today).report.problems
    ]


@pytest.mark.parametrize(
    "today, severity, said",
    [
        (None, "warning", "ends"),
        (date(2026, 1, 1), "warning", "ends"),
        (ENDS, "warning", "ends"),
        (date(2030, 7, 1), "error", "ended"),
    ],
)
def test_the_day_decides(today, severity, said):
    assert told(HERE, today) == [("TG329", severity, f"`canonical/deal@1` {said} on 2030-06-30")]


def test_the_mappings_between_two_versions_use_both(tmp_path):
    down = (
        "---\nmapping: deal-down\nowner: sales\ninputs: {deal: canonical/deal@2}\noutput: canonical/deal@1\n"
        "fields: {id: deal.id}\n"
    )
    text = (HERE / "schemas" / "all.yaml").read_text()
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "all.yaml").write_text(text.partition("---\nevent:")[0] + down)
    assert told(tmp_path, date(2031, 1, 1)) == []
