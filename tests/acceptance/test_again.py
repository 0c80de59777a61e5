"""A ledger that has the story is told all of it once more, by a process that knows nothing but the ledger."""

import asyncio

import pytest

from engine.demo import play
from engine.session import pack_folder


@pytest.mark.slow
@pytest.mark.requirement("SCN-07")
def test_a_second_run_on_the_same_ledger_posts_nothing(tmp_path):
    ledger = str(tmp_path / "ledger.sqlite")
    heard = []
    first = asyncio.run(play(pack_folder(), ledger, heard.append))
    told = len(heard)
    second = asyncio.run(play(pack_folder(), ledger, heard.append))
    assert first.held
    assert second.held
    assert len(heard) == told + 1
    assert heard[-1].lines[0].text == "18 messages from outside, once more; 18 known already"
