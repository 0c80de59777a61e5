"""What every folder of tests shares: the order of tests, the check of requirement ids, a clock, a port."""

import gc
import re
import socket
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from engine.clock import FixedClock
from tests.depth import examples

if TYPE_CHECKING:
    from tests.postgres import Server

ROOT = Path(__file__).parents[1]
MATRIX = ROOT / "docs" / "requirements.md"

# Two processes share two cores: a deadline in milliseconds would measure the neighbour.
settings.register_profile(
    "tidegate", max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tidegate")


def requirement_ids(matrix: str) -> frozenset[str]:
    """The first column of every row of the acceptance matrix."""
    return frozenset(re.findall(r"^\| ([A-Z]{3}-\d{2,3}) \|", matrix, flags=re.MULTILINE))


def unknown_requirements(items: Iterable[pytest.Item], known: frozenset[str]) -> list[str]:
    """One line for each id that a test names and the matrix does not have."""
    return [
        f"{item.nodeid} names {found!r}"
        for item in items
        for mark in item.iter_markers("requirement")
        for found in mark.args or ("nothing",)
        if found not in known
    ]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse ids that the matrix does not have, and put the slow tests last."""
    wrong = unknown_requirements(items, requirement_ids(MATRIX.read_text(encoding="utf-8")))
    if wrong:
        raise pytest.UsageError("not in docs/requirements.md: " + "; ".join(wrong))
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)


def pytest_configure() -> None:
    """Look for garbage now and then: half of the time went into looking through what the tests are made of."""
    gc.set_threshold(50_000, 20, 50)


def pytest_collection_finish() -> None:
    """Leave what was collected out of what is looked through."""
    gc.freeze()


@pytest.fixture
def root() -> Path:
    """The top of the checkout."""
    return ROOT


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands at noon UTC on 31 March 2026 until a test moves it."""
    return FixedClock(datetime(2026, 3, 31, 12, tzinfo=UTC))


@pytest.fixture
def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def postgres() -> "Iterator[Server]":
    """A server of PostgreSQL, started when the first test asks for it."""
    from tests.postgres import FAST, running

    with running(*FAST) as server:
        yield server


@pytest.fixture(scope="session")
def made_ledger(postgres: "Server") -> str:
    """A database with an empty ledger in it, to be copied."""
    from engine.clock import SystemClock
    from engine.ledger import open_ledger

    name = postgres.database()
    open_ledger(postgres.url(name), clock=SystemClock(), create=True).close()
    return name


@pytest.fixture
def postgres_url(postgres: "Server", made_ledger: str) -> str:
    """The address of an empty ledger on a server."""
    return postgres.url(postgres.database(made_ledger))
