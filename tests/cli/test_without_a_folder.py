"""Commands on a ledger, given where no workspace is; and the way from a folder to what is deployed."""

import json

import pytest

LARGE = {
    "id": "D-8",
    "client": "Contoso Inc.",
    "country": "US",
    "amount": {"amount": 410000, "currency": "USD"},
    "closed_on": "2026-05-29",
}
HELD = "won-deal-to-customer/deal.won:D-8/credit/credit-limit"


@pytest.fixture
def firm(tidegate, tmp_path, monkeypatch):
    """A new workspace, whose ledger has a deal that is held; commands are given outside of it."""
    assert tidegate("init", tmp_path / "firm").code == 0
    events = tmp_path / "events.jsonl"
    events.write_text(json.dumps({"type": "deal.won", "data": LARGE}))
    monkeypatch.setenv("TIDEGATE_LEDGER", str(tmp_path / "firm.sqlite"))
    monkeypatch.chdir(tmp_path)
    nobody = ["--simulator", "erp=http://127.0.0.1:1/services/rest"]
    assert tidegate("process", "--events", events, "-w", tmp_path / "firm", *nobody).code == 0
    return tmp_path / "firm"


@pytest.mark.usefixtures("firm")
def test_a_ledger_is_looked_at_by_the_release_that_it_worked_by(tidegate):
    assert "open work: sound" in tidegate("ledger", "check").out
    ended = tidegate("replay", "--all", "--release", "current")
    assert (ended.code, ended.err) == (0, "")


@pytest.mark.usefixtures("firm")
def test_a_list_takes_its_options_without_being_named(tidegate):
    assert HELD in tidegate("holds").out
    assert HELD not in tidegate("holds", "--kind", "approval").out
    assert tidegate("dead", "--kind", "run").out == "Nothing needs work.\n"
    assert [tidegate(name, "--format", "json").json for name in ("alerts", "keys")] == [[], []]
    assert "Usage: tidegate holds" in tidegate("holds", "--help").out


def test_the_folder_that_was_worked_by_is_the_first_to_be_deployed(tidegate, firm):
    assert tidegate("plan", "-w", firm, "--env", "demo", "--out", "plan.json").code == 0
    refused = tidegate("canary", "start", "plan.json", "--share", "10%", "--reason", "a try")
    assert "it is the release that is active" in refused.err
    deploy = ["deploy", "plan.json", "--reason", "by plan from now on"]
    assert tidegate(*deploy).code == 0
    assert "is active already" in tidegate(*deploy).err
    release = json.loads((firm.parent / "plan.json").read_text())["release"]
    said = tidegate("releases", "--format", "json").json
    assert (said["active"], len(said["deployments"])) == (release, 1)
    assert "no release was active before" in tidegate("rollback", "--reason", "back").err
    assert tidegate("ledger", "verify").code == 0
