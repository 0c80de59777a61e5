"""The table of faults is whole, and what it names is there."""

from pathlib import Path

from tests.simulation.faults import KINDS, counted
from tests.simulation.network import WAYS
from tests.simulation.script import BEGINNINGS
from tests.simulation.troubles import TROUBLES

ROOT = Path(__file__).parent.parent.parent


def test_there_are_58_kinds_and_each_is_played_somewhere():
    assert len({kind.name for kind in KINDS}) == len(KINDS) == 58
    for kind in KINDS:
        assert bool(kind.ways) != bool(kind.elsewhere), kind.name


def test_tests_elsewhere_are_there():
    for kind in KINDS:
        for test in kind.elsewhere:
            file, _, name = test.partition("::")
            text = (ROOT / file).read_text()
            assert f"def {name}(" in text or f"class {name}:" in text, test


def test_what_is_played_is_in_the_table():
    ways = {way for kind in KINDS for way in kind.ways}
    assert set(WAYS) - {"502 before"} <= ways
    assert set(BEGINNINGS) - {"ordinary"} <= ways
    others = {"closed period", "maintenance", "people", "release in flight"}
    assert set(TROUBLES) - others <= ways


def test_of_several_ways_the_rarest_counts():
    assert counted({"DST gap at the cutoff": 3})["DST gap and fold at the cutoff"] == 0
    assert counted({"refuse": 3})["network: refuse"] == 3
