"""Ledgers to test with: in a file, as a firm has them, and on a server; closed at the end."""

import pytest

from engine.clock import FixedClock
from engine.ledger import open_ledger
from tests.ledger.samples import NOW

# What is promised of every ledger is tried on both kinds; the server is slow to make one.
BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.slow)]


def pytest_generate_tests(metafunc):
    if "both" in metafunc.fixturenames:
        metafunc.parametrize("both", BOTH, indirect=True)


@pytest.fixture
def both(request):
    """The kind of ledger that a test is given."""
    return request.param


@pytest.fixture
def url(request, tmp_path):
    if "both" in request.fixturenames and request.getfixturevalue("both") == "postgres":
        return request.getfixturevalue("postgres_url")
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
