"""`tidegate map --event`, `--from-ledger` and `--watch`: a record of the past through a mapping that is edited."""

import json
import shutil

import pytest

from engine.cli.playground import Frame, Made, Playground, Row, compared, lines
from engine.errors import InputError
from tests.cli.test_diff import _entry
from tests.workspaces.systems import HOURS

EVENTS = HOURS.parents[1] / "diff" / "events.jsonl"


def test_the_inputs_of_a_recorded_event(tidegate):
    found = tidegate("map", "entry-to-bill", "-w", HOURS, "--event", f"{EVENTS}#2")
    assert found.code == 0, found.err
    assert (found.json["entry"], found.json["worker"], found.json["cycle"]) == ("te-1", "31", "2026-W22")
    wrong = tidegate("map", "entry-to-bill", "-w", HOURS, "--event", EVENTS)
    assert (wrong.code, "puts anything through" in wrong.err) == (1, True)
    wrong = tidegate("map", "entry-to-bill", "-w", HOURS, "--event", "nowhere.jsonl#3")
    assert (wrong.code, "nowhere.jsonl cannot be read" in wrong.err) == (1, True)
    wrong = tidegate("map", "entry-to-bill", "-w", HOURS, "--event", f"{HOURS / 'tidegate.yaml'}")
    assert (wrong.code, "tidegate.yaml:1 is not JSON" in wrong.err) == (1, True)


def test_the_inputs_of_a_run_of_the_ledger(tidegate, folder, ledger, systems, tmp_path):
    events = tmp_path / "events.jsonl"
    hired = {"type": "worker.hired", "data": {"id": "w-3", "name": "Ada"}}
    worked = {"type": "time.approved", "data": _entry("te-1", "P-7", 7.5)}
    events.write_text(f"{json.dumps(hired)}\n{json.dumps(worked)}")
    assert tidegate("process", "-w", folder, "--events", events, "--ledger", ledger, *systems[2]).code == 0
    asked = ("map", "entry-to-bill", "-w", folder, "--ledger", ledger, "--from-ledger")
    by_event = tidegate(*asked, "time.approved:te-1")
    assert (by_event.code, by_event.json["hours"]) == (0, 7.5), by_event.err
    assert tidegate(*asked, "approved-time-to-billing/time.approved:te-1").json == by_event.json
    assert tidegate(*asked, "time.approved:te-9").code == 1


@pytest.fixture
def edited(tmp_path):
    """A mapping that is edited, as a function, and the playground that looks at it."""
    file = tmp_path / "mapping.yaml"
    file.write_text("a")
    made = {"a": 1, "b": {"c": "x"}, "d": [1, 2]}

    def make():
        if made is None:
            raise InputError("no field `hoars`")
        return Made(dict(made), ("a note",))

    def edit(**more):
        nonlocal made
        made = {**made, **more} if more else None
        file.write_text(file.read_text() + "a")

    playground = Playground(tmp_path, make)
    return playground, edit


def test_each_save_shows_what_is_otherwise(edited):
    playground, edit = edited
    first = playground.look()
    assert (first.changed, first.notes, playground.look()) == (0, ("a note",), None)
    edit(a=2, d=[1])
    second = playground.look()
    assert [row for row in second.rows if row.mark != " "] == [
        Row("~", "a", "1", "2"),
        Row("-", "d[1]", "2", ""),
    ]
    edit(a=1)
    third = playground.look()
    assert (third.changed, third.since_save) == (1, 1)
    edit()
    broken = playground.look()
    assert (broken.problem, broken.rows) == ("no field `hoars`", third.rows)


def test_a_frame_in_a_pipe():
    rows = tuple(compared({"a": "1", "b": None}, {"a": 1, "c": "x"}))
    assert [*lines("m", Frame(rows=rows, since_save=3))] == [
        "m",
        '~ a  "1" → 1',
        "- b  null",
        "+ c  x",
        "3 of 3 fields are otherwise than at the start, 3 by this save. Ctrl-C ends.",
    ]


@pytest.mark.slow
def test_what_is_watched_is_shown_until_stopped(start, tmp_path):
    work = tmp_path / "work"
    shutil.copytree(HOURS, work)
    shown = start("map", "entry-to-bill", "-w", work, "--event", f"{EVENTS}#2", "--watch")
    assert [shown.stdout.readline() for _ in range(9)][-1] == "As it was at the start. Ctrl-C ends.\n"
    mappings = work / "mappings" / "mappings.yaml"
    mappings.write_text(mappings.read_text().replace("hours: entry.hours", "hours: {expr: entry.hours * 2}"))
    again = [shown.stdout.readline() for _ in range(10)]
    assert "~ hours    7.5 → 15.0\n" in again
