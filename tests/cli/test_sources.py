"""`tidegate sources`: how far what brings events has come, with and without a daemon."""

import json

from click.testing import CliRunner

from engine.cli.main import tidegate
from engine.clock import SystemClock
from engine.ledger import Commit, open_ledger
from engine.ledger.rows import NewMark
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
