"""Of a hundred seeded mistakes at least ninety-five are found, each at the right line."""

import pytest

from engine.session import pack_folder
from tests.mutations.__main__ import drawn, judged, texts
from tests.mutations.mistakes import KINDS, mistakes


def test_every_kind_of_mistake_can_be_made_in_the_pack():
    made = {one.kind for file, text in texts(pack_folder()).items() for one in mistakes(file, text)}
    assert set(KINDS) - made <= {"drop the owner of a hold"}


def test_a_mistake_changes_what_it_says():
    for file, text in texts(pack_folder()).items():
        for one in mistakes(file, text):
            assert one.made(text) != text
            assert one.lines


@pytest.mark.slow
@pytest.mark.requirement("GOV-07")
@pytest.mark.parametrize("seed", [1])
def test_mistakes_are_found_where_they_were_made(seed):
    found = list(judged(pack_folder(), drawn(pack_folder(), seed, 100)))
    missed = [(one.mistake, one.said) for one in found if not one.at_the_line]
    assert len(found) == 100
    assert len(missed) <= 5, missed
