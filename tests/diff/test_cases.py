"""Forty prepared changes: what is said of each, to the letter; of the twenty that change nothing, nothing.

A case is a file in `cases`: what is changed in the workspace `hours`, before and after, and the report. Events are
those of `events.jsonl`. `UPDATE_CASES=1` writes the reports anew; read the difference before you believe it.
"""

import os
import shutil
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
import yaml

from engine.preview.behaviour import play_both, read_samples
from engine.preview.meaning import compare
from engine.preview.report import words
from engine.revisions import release_of
from tests.preview.conftest import loaded
from tests.workspaces.systems import HOURS

HERE = Path(__file__).parent
CASES = sorted((HERE / "cases").glob("*.yaml"))
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def made(folder, edits):
    """The workspace `hours` with these edits: texts replaced, and files written."""
    shutil.copytree(HOURS, folder)
    for edit in edits or ():
        path = folder / edit["file"]
        if "remove" in edit:
            path.unlink()
            continue
        if "write" in edit:
            path.write_text(edit["write"], "utf-8")
            continue
        text = path.read_text("utf-8")
        assert edit["replace"] in text, edit
        path.write_text(text.replace(edit["replace"], edit["by"]), "utf-8")
    return release_of(loaded(folder))


@cache
def unchanged():
    """The workspace `hours` as it is."""
    return release_of(loaded(HOURS))


def report(case, folder):
    """What is said of a case."""
    before = case.get("before")
    old = made(folder / "old", before) if before else unchanged()
    new = made(folder / "new", [*(before or ()), *case["after"]])
    changes = compare(old.meaning, new.meaning)
    lines = (HERE / "events.jsonl").read_bytes().splitlines()
    found = play_both(old, new, changes, read_samples(lines, "events.jsonl", None, NOW))
    done = [
        f"{group.step or group.flow}: {' '.join(word for word in (group.kind, group.policy, group.field, group.what) if word)}: "
        f"{one.record.id}: {words.shown(one.old)} → {words.shown(one.new)}"
        for group in found.groups
        for one in group.found
    ]
    return {
        "meaning": [f"{one.touches}, {one.severity}: {one.part}: {one.sentence}" for one in changes],
        "summary": words.summary(found),
        "behaviour": sorted(done),
        "not compared": [
            f"{one.flow} {one.record.id}: {list(one.old)} {list(one.new)}" for one in found.unplayed
        ],
    }


NOTHING = {"meaning": [], "summary": "Nothing is decided otherwise.", "behaviour": [], "not compared": []}


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_report_of_a_case_is_exact(path, tmp_path):
    case = yaml.safe_load(path.read_text("utf-8"))
    found = report(case, tmp_path)
    if os.environ.get("UPDATE_CASES"):
        case["report"] = found
        path.write_text(yaml.safe_dump(case, sort_keys=False, allow_unicode=True, width=110), "utf-8")
    assert found == case["report"]
    if path.stem.startswith("same-"):
        assert found == NOTHING


def test_there_are_forty_and_half_of_them_change_nothing():
    assert len(CASES) >= 40
    assert sum(path.stem.startswith("same-") for path in CASES) >= 20
