"""The story with a real ERP: its records show everything once, and telling it again adds nothing."""

import asyncio
from collections import Counter
from decimal import Decimal

import pytest

from engine.demo import play, tryton
from engine.demo.real_erp import overlay
from engine.demo.world import ENGAGEMENT
from engine.session import load, pack_folder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def erp():
    with tryton() as real:
        yield real


@pytest.fixture(scope="module")
def stories(erp, tmp_path_factory):
    """The story told, and told again on the same ledger, with what the ERP held after each."""
    ledger = str(tmp_path_factory.mktemp("ledger") / "ledger.sqlite")
    found = []
    for _ in range(2):
        story = asyncio.run(play(pack_folder(), ledger, lambda _scene: None, erp))
        books = erp.books()
        found.append((story, books.time(), books.invoices(), books.entries(), books.changes()))
    return found


@pytest.mark.requirement("SCN-01", "SCN-02", "SCN-03", "SCN-08")
def test_every_expectation_holds(stories):
    for story, *_ in stories:
        assert [each for each in story.expectations if not each.held] == []
    assert [len(story.expectations) for story, *_ in stories] == [18, 3]


def test_its_own_records_show_each_posting_once(stories):
    _, time, invoices, entries, _ = stories[0]
    assert Counter(line.key for line in time) == Counter(f"1500000{number}" for number in range(1, 6))
    assert sum(line.minutes for line in time) == 480 + 450 + 405 + 780 + 440
    assert sorted(invoices) == [
        (f"{ENGAGEMENT}-M1", Decimal("60000.00")),
        (f"{ENGAGEMENT}-M2", Decimal("126000.00")),
    ]
    assert Counter(key for key, _ in entries) == Counter(f"RJ-{number}" for number in range(1, 6))
    assert sum(amount for _, amount in entries) == Decimal("9092.50")


def test_telling_it_again_adds_nothing(stories):
    (_, *first), (_, *second) = stories
    assert first == second


def test_the_documents_for_it_are_a_valid_workspace(tmp_path):
    session = load(overlay(pack_folder(), tmp_path))
    # Policies of the pack that this ERP has no flow for are asked by nobody here.
    assert [one.code for one in session.report().problems if one.code != "TG454"] == []
    assert "revenue-to-ledger" in session.ready.plan.flows
