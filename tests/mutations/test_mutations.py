"""Of a hundred seeded mistakes at least ninety-five are found, each at the right line."""

import pytest

from engine.session import pack_folder
from tests.mutations.__main__ import drawn, judged, possible, texts
from tests.mutations.mistakes import KINDS


def test_every_kind_of_mistake_can_be_made_in_the_pack():
    made = {one.kind for one in possible(pack_folder())}
    assert set(KINDS) - made <= {"drop the owner of a hold"}


def test_a_mistake_changes_what_it_says():
    found = texts(pack_folder())
    for one in possible(pack_folder()):
        assert one.made(found[one.file]) != found[one.file]
        assert one.lines


@pytest.mark.slow
@pytest.mark.requirement("GOV-07")
@pytest.mark.parametrize("seed", [1])
def test_mistakes_are_found_where_they_were_made(seed):
    found = list(judged(pack_folder(), drawn(pack_folder(), seed, 100)))
    missed = [(one.mistake, one.said) for one in found if not one.at_the_line]
    assert len(found) == 100
    assert len(missed) <= 5, missed
