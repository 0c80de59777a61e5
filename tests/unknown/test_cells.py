"""Every way in which an exchange breaks, every kind of target, every fate of our worker: 480 cells.

The table is printed by ``python -m tests.unknown``.
"""

import asyncio
import gc

import pytest

from tests.unknown.__main__ import table
from tests.unknown.cells import KINDS, Cell, Fate, cells, expected
from tests.unknown.ways import WAYS, Says

pytestmark = [pytest.mark.requirement("REL-02", "REL-10"), pytest.mark.slow]


def test_there_are_480_cells():
    assert len(WAYS) == 40
    assert len(cells()) == len(set(cells())) == 480


@pytest.mark.parametrize("kind", KINDS)
def test_what_may_have_happened_is_never_expected_to_be_dead_without_a_look(kind):
    for name, way in WAYS.items():
        for fate in Fate:
            status, there = expected(Cell(way=name, kind=kind, fate=fate))
            assert not (status == "dead" and (there or way.applied))
            if status == "dead" and fate is not Fate.LIVES:
                assert kind == "lookup"
            if kind == "none" and way.says is Says.NOTHING:
                assert status == "unknown"


# Workers are killed while they connect. The sockets of a process end with it; here they end with this test.
KILLED = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


@pytest.fixture
def killed():
    yield
    gc.collect()


@KILLED
@pytest.mark.usefixtures("killed")
@pytest.mark.parametrize("way", ["reset, done", "502, not done"])
def test_some_cells(way, tmp_path):
    wanted = [cell for cell in cells() if cell.way == way]
    found = asyncio.run(table(wanted, tmp_path))
    assert {str(cell): one.wrong for cell, one in found.items() if one.wrong} == {}


@pytest.mark.slow
@KILLED
@pytest.mark.usefixtures("killed")
def test_every_cell_ends_as_the_rule_says(tmp_path):
    found = asyncio.run(table(cells(), tmp_path))
    assert len(found) == 480
    assert {str(cell): (one.wrong, one.reason) for cell, one in found.items() if one.wrong} == {}
