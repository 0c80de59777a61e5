"""Two workspaces, the one a change of the other, and what is said of the difference."""

import shutil
from functools import cache
from pathlib import Path

import pytest

from engine.connect.catalog import Catalog
from engine.plan.meaning import Meaning
from engine.preview.meaning import Change, compare
from engine.problems.render.text import render_text
from engine.session import Session, load
from tests.workspaces.systems import HOURS


def loaded(folder: Path) -> Session:
    """The session of a folder, which has to be without problems."""
    session = load(folder, Catalog())
    assert session.compiled is not None, render_text(session.report())
    return session


@cache
def unchanged() -> Meaning:
    """What the workspace `hours` says."""
    return loaded(HOURS).ready.meaning()


class Pair:
    """The workspace `hours`, and a copy of it that a test changes."""

    def __init__(self, folder: Path) -> None:
        self.old, self.new = folder / "old", folder / "new"
        self._old_is_changed = False
        shutil.copytree(HOURS, self.old)
        shutil.copytree(HOURS, self.new)

    def edit(self, file: str, *pairs: tuple[str, str], old: bool = False) -> None:
        """Replace texts of a file; each has to be there."""
        path = (self.old if old else self.new) / file
        self._old_is_changed |= old
        text = path.read_text("utf-8")
        for before, after in pairs:
            assert before in text, before
            text = text.replace(before, after)
        path.write_text(text, "utf-8")

    def changes(self) -> list[Change]:
        """What is said of the difference."""
        before = loaded(self.old).ready.meaning() if self._old_is_changed else unchanged()
        return compare(before, loaded(self.new).ready.meaning())

    def said(self) -> list[str]:
        """The same, as lines."""
        return [f"{one.touches} {one.severity} {one.part}: {one.sentence}" for one in self.changes()]


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    """Two copies of the workspace `hours`."""
    return Pair(tmp_path)
