"""The ids that tests name are rows of the acceptance matrix, or the run does not start."""

import pytest

from tests import conftest


class Marked:
    """A test as far as the check looks at it."""

    nodeid = "test_x"

    def __init__(self, *ids):
        self.marks = [pytest.mark.requirement(*ids).mark]

    def iter_markers(self, name):
        return self.marks if name == "requirement" else []


KNOWN = conftest.requirement_ids(conftest.MATRIX.read_text(encoding="utf-8"))


def test_the_matrix_is_whole():
    assert len(KNOWN) == 594


def test_known_ids_pass():
    assert conftest.unknown_requirements([Marked("POL-02", "SYS-43")], KNOWN) == []


@pytest.mark.parametrize("ids", [("POL-99",), ("POL-02", "pol-03"), ()])
def test_unknown_and_absent_ids_are_named(ids):
    assert len(conftest.unknown_requirements([Marked(*ids)], KNOWN)) == 1


def test_slow_tests_come_last(three_items):
    conftest.pytest_collection_modifyitems(three_items)
    assert [item.nodeid for item in three_items] == ["b", "c", "a"]


@pytest.fixture
def three_items():
    class Item:
        def __init__(self, nodeid, *, slow):
            self.nodeid = nodeid
            self.slow = slow

        def iter_markers(self, _name):
            return iter(())

        def get_closest_marker(self, name):
            return name if self.slow else None

    return [Item("a", slow=True), Item("b", slow=False), Item("c", slow=False)]
