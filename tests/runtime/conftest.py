"""Small processes with scripted systems."""

from contextlib import contextmanager

import pytest

from engine.ledger import Ledger
from tests.runtime.scripted import Small, Stopped

# What is promised of recovery holds on both kinds of ledger; the server is slow to make one.
BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.slow)]


def pytest_generate_tests(metafunc):
    if "both" in metafunc.fixturenames:
        metafunc.parametrize("both", BOTH, indirect=True)


@pytest.fixture
def both(request):
    """The kind of ledger that a test is given."""
    return request.param


@pytest.fixture
def place(request, tmp_path):
    """Where the ledger of a test is: in a file, or on a server for tests that use `both`."""
    if "both" in request.fixturenames and request.getfixturevalue("both") == "postgres":
        return request.getfixturevalue("postgres_url")
    return str(tmp_path / "ledger.sqlite")


@pytest.fixture
def small(tmp_path, place):
    """Makes a process of the steps of one flow called f, and of further documents."""

    def make(steps, *documents, event="item.made"):
        flow = f"flow: f\ntrigger: {{event: {event}, as: item}}\nsteps:\n"
        indented = "".join(f"  {line}\n" for line in steps.strip("\n").splitlines())
        return Small(tmp_path, flow + indented, *documents, url=place)

    return make


@pytest.fixture
def cut(monkeypatch):
    """Cuts the power at the n-th commit of the block: before it, or right after it."""

    @contextmanager
    def cutting(number, *, after):
        left = number
        commit = Ledger.commit

        def stopping(ledger, what, *more):
            nonlocal left
            left -= 1
            if left == 0 and not after:
                raise Stopped
            result = commit(ledger, what, *more)
            if left == 0:
                raise Stopped
            return result

        with monkeypatch.context() as patch:
            patch.setattr(Ledger, "commit", stopping)
            yield

    return cutting
