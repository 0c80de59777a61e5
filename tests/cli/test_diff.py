"""`tidegate diff`: folders, revisions of git and releases of a ledger against each other."""

import json
import shutil
import subprocess

import pytest

from engine.clock import SystemClock
from engine.connect.catalog import Catalog
from engine.ledger import open_ledger
from engine.session import load, plans, store_release
from tests.workspaces.systems import HOURS


@pytest.fixture
def changed(tmp_path):
    """A copy of the workspace `hours` in which long days begin earlier, beside the one in git."""
    shutil.copytree(HOURS, tmp_path / "work")
    git = ["git", "-C", str(tmp_path / "work"), "-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "first"], check=True)
    policies = tmp_path / "work" / "policies" / "policies.yaml"
    policies.write_text(policies.read_text().replace("entry.hours > 12", "entry.hours > 10"))
    return tmp_path / "work"


def test_a_folder_against_a_revision_of_git(tidegate, changed):
    found = tidegate("diff", "git:HEAD", "-w", changed, "--format", "json")
    assert found.code == 0
    assert found.json["summary"]["touching"] == {"behaviour": 1, "use": 1, "wording": 0}
    assert [(one["kind"], one["name"], one["touches"]) for one in found.json["meaning"]] == [
        ("flow", "approved-time-to-billing", "use"),
        ("policy", "long-day", "behaviour"),
    ]
    told = tidegate("diff", HOURS, changed)
    assert "2 changes: 1 of behaviour, 1 by what is used (2 safe)." in told.out
    assert "~ `when`: `entry.hours > 12` → `entry.hours > 10`." in told.out


def test_the_exit_code_says_what_was_asked_for(tidegate, changed):
    assert tidegate("diff", HOURS, changed).code == 0
    assert tidegate("diff", HOURS, changed, "--fail-on", "breaking").code == 0
    assert tidegate("diff", HOURS, changed, "--fail-on", "breaking", "--fail-on", "behaviour").code == 1
    assert tidegate("diff", HOURS, HOURS, "--fail-on", "behaviour").code == 0


def test_money_is_not_taken_for_unchanged_where_nothing_was_compared(tidegate, tmp_path):
    said = tidegate("diff", HOURS, HOURS, "--fail-on", "money:5EUR")
    assert (said.code, "shows by events" in said.err) == (2, True)
    for wrong in ("money:-5EUR", "money:5eur", "money:5ÄÖÜ", "money:NaNEUR"):
        assert "is breaking, behaviour, or an" in tidegate("diff", HOURS, HOURS, "--fail-on", wrong).err
    events = tmp_path / "events.jsonl"
    for lines in ("", '{"type": "time.aproved", "data": {}}\n'):
        events.write_text(lines)
        assert tidegate("diff", HOURS, HOURS, "--events", events, "--fail-on", "money:5EUR").code == 1


def test_a_release_of_a_ledger(tidegate, changed, tmp_path):
    ledger = tmp_path / "ledger.sqlite"
    with open_ledger(str(ledger), clock=SystemClock(), create=True) as opened:
        store_release(load(HOURS, Catalog()), opened, SystemClock())
    release = tidegate("diff", HOURS, HOURS, "--format", "json").json["old"]["release"]
    found = tidegate("diff", f"release:{release[:10]}", changed, "--ledger", ledger, "--format", "json")
    assert found.err == ""
    assert (found.code, len(found.json["meaning"])) == (0, 2)
    found = tidegate("diff", f"release:{release}", HOURS, "--ledger", ledger)
    assert found.out == "The two are the same release.\n"


@pytest.mark.parametrize(
    "old, said",
    [
        ("nowhere", "'nowhere' is no folder; write a folder, git:REVISION or release:FINGERPRINT"),
        ("git:nothing-of-this-name", "git does not give that revision"),
        ("git:--output=x", "'--output=x' is no revision of git"),
    ],
)
def test_what_is_not_there_is_said(tidegate, changed, old, said):
    found = tidegate("diff", old, "-w", changed)
    assert found.code == 1
    assert said in found.err


def test_recorded_events_are_decided_again_as_they_were(tidegate, folder, ledger, systems, tmp_path):
    _, _, simulated = systems
    lines = [
        {"type": "worker.hired", "data": {"id": "w-3", "name": "Ada"}},
        {"type": "time.approved", "data": _entry("te-1", "P-7", 7.5)},
        {"type": "time.approved", "data": _entry("te-2", "P-9", 6)},
        {"type": "time.approved", "data": _entry("te-3", "P-7", 13)},
    ]
    events = tmp_path / "events.jsonl"
    events.write_text("\n".join(json.dumps(line) for line in lines))
    ran = tidegate("process", "-w", folder, "--events", events, "--ledger", ledger, *simulated)
    assert ran.code == 0, ran.err
    same = tidegate("diff", folder, folder, "--recorded", "--ledger", ledger, "--format", "json")
    found = same.json["behaviour"]
    assert (found["events"], found["differing"], found["not_compared"]) == (4, 0, [])
    policies = folder / "policies" / "policies.yaml"
    before = tmp_path / "before"
    shutil.copytree(folder, before)
    policies.write_text(policies.read_text().replace("entry.hours > 12", "entry.hours > 7"))
    found = tidegate("diff", before, folder, "--recorded", "--ledger", ledger)
    assert found.out.startswith("1 time entry gains a hold")
    failing = tidegate("diff", before, folder, "--recorded", "--ledger", ledger, "--fail-on", "money:5000EUR")
    assert failing.code == 0


def _entry(name, project, hours):
    return {
        "id": name,
        "project": project,
        "worker": "w-3",
        "hours": hours,
        "worked_on": "2026-05-28",
        "approved_at": "2026-05-29T09:00:00Z",
        "approved_by": "ada",
    }


def test_a_release_is_taken_up_again_although_its_rules_demand_tests(tidegate, tmp_path):
    """Tests are no part of a release, and a rule that asks for them was kept to when it was new."""
    work, ledger = tmp_path / "work", tmp_path / "ledger.sqlite"
    shutil.copytree(HOURS, work)
    (work / "policies" / "rules.yaml").write_text(
        "rule: billing-is-tested\nversion: 1\nowner: finance\napplies_to: flow\nmode: enforce\n"
        "where: flow.name == 'approved-time-to-billing'\ndemands: len(flow.tests) > 0\nsays: It has no test.\n"
    )
    with open_ledger(str(ledger), clock=SystemClock(), create=True) as opened:
        session = load(work, Catalog())
        store_release(session, opened, SystemClock())
        release = session.ready.plan.release
        assert plans(load(HOURS, Catalog()), opened)(release).release == release
    found = tidegate("diff", f"release:{release}", work, "--ledger", ledger)
    assert (found.out, found.err) == ("The two are the same release.\n", "")
