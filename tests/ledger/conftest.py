"""Ledgers to test with: in a file, as a firm has them; closed at the end."""

import pytest

from engine.clock import FixedClock
from engine.ledger import open_ledger
from tests.ledger.samples import NOW


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/ledger.sqlite"


@pytest.fixture
def clock():
    return FixedClock(NOW)


@pytest.fixture
def ledger(url, clock):
    with open_ledger(url, clock=clock, create=True) as ledger:
        yield ledger


@pytest.fixture
def reader(ledger):
    return ledger.reader()
