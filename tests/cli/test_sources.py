"""`tidegate sources`: how far what brings events has come, with and without a daemon."""

import json
import signal
import time

import pytest
from click.testing import CliRunner

from engine.cli.main import tidegate
from engine.clock import SystemClock
from engine.ledger import Commit, open_ledger, open_reader
from engine.ledger.rows import NewMark
from tests.runtime.dropping import Drop
from tests.runtime.test_schedule import TICK
from tests.workspaces import tiny

AT = "2026-03-28T01:30:00.000000Z"


def asked(*arguments):
    done = CliRunner().invoke(tidegate, ["sources", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.output


def test_what_the_ledger_knows_is_told_where_no_daemon_runs(tmp_path):
    folder = tiny.workspace(tmp_path / "w", TICK.format(cron="30 2 * * *", missed="once", limit=1))
    ledger = tmp_path / "ledger.sqlite"
    with open_ledger(str(ledger), clock=SystemClock(), create=True) as opened:
        said = json.dumps({"at": AT, "rule": "", "brought": AT})
        failing = json.dumps({"since": AT, "why": "no answer"})
        marks = [("due", said), ("failing", failing)]
        opened.commit(Commit(marks=[NewMark("schedule.item.due", key, text, AT) for key, text in marks]))
    where = ("--workspace", folder, "--ledger", ledger)
    (found,) = json.loads(asked(*where, "--format", "json"))["sources"]
    assert (found["name"], found["position"], found["error"]) == ("schedule.item.due", AT, "no answer")
    assert found["due_at"].endswith(":30:00Z")
    assert f"has come to {AT}" in asked(*where)


@pytest.mark.slow
def test_a_daemon_starts_all_of_them_and_says_how_they_stand(tmp_path, start):
    """A real process: a file is taken, and asked how its triggers stand it answers by its control door."""
    drop = Drop(tmp_path)
    ledger = tmp_path / "ledger.sqlite"
    where = ("--workspace", tmp_path / "w", "--ledger", ledger)
    drop.put("hours-1.csv", "a;7,50;P")
    (tmp_path / "w" / "flows" / "due.yaml").write_text(TICK.format(cron="* * * * *", missed="once", limit=1))
    process = start("run", *where, "--env", "demo", "--port", "0")
    until(lambda: drop.names("done") == ["hours-1.csv"], process)
    found = {one["name"]: one for one in json.loads(asked(*where, "--format", "json"))["sources"]}
    assert found["payroll.hours"]["position"] == "hours-1.csv: done"
    assert found["payroll.hours"]["due_at"] is not None
    assert found["schedule.item.due"]["kind"] == "schedule"
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert "looks for files of payroll.hours" in out
    assert "payroll.hours: hours-1.csv: 1 rows good, 0 bad" in out
    reader = open_reader(str(ledger))
    try:
        (event,) = [row for row in reader.events() if row.type == "hours.recorded"]
    finally:
        reader.close()
    assert (event.id, event.source) == ("hours.recorded:a", "payroll.hours")
    assert json.loads(asked(*where, "--format", "json"))["sources"][0]["position"] == "hours-1.csv"


def until(what, process, seconds=30):
    ends = time.monotonic() + seconds
    while not what() and time.monotonic() < ends:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    assert what()
