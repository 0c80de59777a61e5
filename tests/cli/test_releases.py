"""Releases by their commands: planned, deployed, gone back to; with and without a daemon."""

import json
import signal
from dataclasses import replace

import pytest

from engine.releases import read_plan, write_plan
from tests.cli.test_reload import AMOUNT, WORKER, approve, bills, changed
from tests.cli.test_running_commands import HOLD, until

WHY = ["--reason", "rates doubled by the contract"]


def deployed(tidegate, ledger, file, code=0):
    ended = tidegate("deploy", file, "--ledger", ledger, "--by", "ann", *WHY)
    assert ended.code == code, ended.err + ended.out
    return ended.out + ended.err


@pytest.mark.slow
def test_without_a_daemon_a_plan_is_made_carried_out_and_gone_back_on(
    tidegate, folder, ledger, planned, here
):
    file, told = planned()
    assert "takes over in 'demo' from nothing." in told
    first = json.loads(file.read_text())["release"]
    assert "is active" in deployed(tidegate, ledger, file)
    assert "is active already" in deployed(tidegate, ledger, file, code=1)
    changed(folder, AMOUNT, f"{AMOUNT} * 2")
    file, told = planned()
    assert "2 changes of behaviour" in told or "1 change of behaviour" in told
    second = json.loads(file.read_text())["release"]
    changed(folder, "* 2", "* 3")
    other, _ = planned()
    deployed(tidegate, ledger, file)
    assert f"the plan was made when release {first[:12]} was active" in deployed(
        tidegate, ledger, other, code=1
    )
    ended = tidegate("rollback", "--ledger", ledger, "--dry")
    assert (ended.code, f"goes back to release {first[:12]}" in ended.out) == (0, True)
    assert tidegate("releases", "--ledger", ledger, "--format", "json").json["active"] == second
    assert tidegate("rollback", "--ledger", ledger, *WHY, "--by", "bob").code == 0
    said = tidegate("releases", "--ledger", ledger, "--format", "json").json
    assert said["active"] == first
    assert [(one["what"], one["by"]) for one in said["deployments"]] == [
        ("rollback", "bob"),
        ("deploy", "ann"),
        ("deploy", "ann"),
    ]
    assert tidegate("ledger", "verify", "--ledger", ledger).code == 0


def test_a_plan_that_was_changed_is_none(tidegate, ledger, planned):
    file, _ = planned()
    file.write_text(file.read_text().replace('"demo"', '"prod"'))
    assert "was changed after it was made" in deployed(tidegate, ledger, file, code=1)
    file.write_text("[1]")
    assert "no plan of a release" in deployed(tidegate, ledger, file, code=1)


def test_a_plan_that_hides_what_changes_is_neither_approved_nor_carried_out(
    tidegate, folder, ledger, planned
):
    deployed(tidegate, ledger, planned()[0])
    changed(folder, AMOUNT, f"{AMOUNT} * 2")
    file, _ = planned()
    plan = read_plan(file.read_bytes())
    assert plan.changes
    for made_up in (replace(plan, changes=[]), replace(plan, touched={str(plan.base): {}})):
        file.write_bytes(write_plan(made_up))
        assert "is not what changes by it" in deployed(tidegate, ledger, file, code=1)
        said = tidegate("approve", file, "--ledger", ledger, "--as", "bob", "--role", "it")
        assert (said.code, "is not what changes by it" in said.err) == (1, True)


def test_a_ledger_belongs_to_one_environment(tidegate, folder, ledger, planned, tmp_path):
    deployed(tidegate, ledger, planned()[0])
    changed(folder, AMOUNT, f"{AMOUNT} * 2")
    file = tmp_path / "other.json"
    told = tidegate("plan", "-w", folder, "--ledger", ledger, "--env", "test", "--out", file)
    assert (told.code, "a plan for 'test' cannot be deployed to it" in told.err) == (0, True)
    assert "is that of the environment 'demo'" in deployed(tidegate, ledger, file, code=1)


def test_process_says_that_it_does_not_try_a_release(tidegate, folder, ledger, planned, here, tmp_path):
    deployed(tidegate, ledger, planned()[0])
    changed(folder, AMOUNT, f"{AMOUNT} * 2")
    assert tidegate("canary", "start", planned()[0], "--ledger", ledger, *WHY).code == 0
    assert "so far no runs" in tidegate("releases", "--ledger", ledger).out
    changed(folder, f"{AMOUNT} * 2", AMOUNT)
    events = tmp_path / "hired.jsonl"
    events.write_text(json.dumps({"type": "worker.hired", "data": {"id": "w-9", "name": "Ada"}}))
    ended = tidegate("process", "--events", events, "-w", folder, *here[0], *here[1])
    assert (ended.code, "is on trial and has no part in this" in ended.err) == (0, True), ended.err


def test_a_folder_does_not_move_the_pointer_of_a_ledger_that_is_deployed_to(
    tidegate, folder, ledger, planned, here, tmp_path
):
    deployed(tidegate, ledger, planned()[0])
    changed(folder, AMOUNT, f"{AMOUNT} * 2")
    events = tmp_path / "hired.jsonl"
    events.write_text(json.dumps({"type": "worker.hired", "data": WORKER}) + "\n")
    ended = tidegate("process", "--events", events, "-w", folder, *here[0], *here[1])
    assert (ended.code, "runs what is deployed to it" in ended.err) == (1, True)
    changed(folder, f"{AMOUNT} * 2", AMOUNT)
    assert tidegate("process", "--events", events, "-w", folder, *here[0], *here[1]).code == 0


@pytest.mark.slow
def test_a_daemon_goes_on_with_what_is_deployed_and_runs_keep_to_theirs(  # noqa: PLR0917
    start, tidegate, folder, ledger, systems, planned, here, tmp_path
):
    deployed(tidegate, ledger, planned()[0])
    events = tmp_path / "hired.jsonl"
    events.write_text(json.dumps({"type": "worker.hired", "data": WORKER}) + "\n")
    assert tidegate("process", "--events", events, "-w", folder, *here[0], *here[1]).code == 0
    begun = start("run", "--released", *here[0], *here[1], "--port", "0")
    assert "runs 3 flows" in begun.stdout.readline(), begun.stderr.read()
    hook = begun.stdout.readline().strip()
    assert approve(hook, 2, project="P-9") == 202
    until(lambda: "\nholds: 1 open\n" in tidegate("status", "--ledger", ledger).out)
    changed(folder, AMOUNT, f"{AMOUNT} * 2")
    file, told = planned("--fate", "held=finish")
    assert "1 held: approved-time-to-billing" in told
    assert "takes over from" in deployed(tidegate, ledger, file)
    assert ["takes over" in begun.stdout.readline(), "runs 3" in begun.stdout.readline()] == [True, True]
    begun.stdout.readline()
    assert approve(hook, 5) == 202
    until(lambda: "te-5" in bills(systems))
    people = ["--by", "ann", "--role", "controller", "--second", "bob", "--reason", "fine"]
    assert tidegate("holds", "release", HOLD, "--ledger", ledger, *people).code == 0
    until(lambda: "te-2" in bills(systems))
    assert {entry: float(amount) for entry, amount in bills(systems).items()} == {"te-5": 1500, "te-2": 750}
    ended = tidegate("rollback", "--ledger", ledger, *WHY)
    assert (ended.code, "takes over from" in ended.out) == (0, True)
    assert "takes over" in begun.stdout.readline()
    begun.stdout.readline()
    begun.stdout.readline()
    assert approve(hook, 6) == 202
    until(lambda: "te-6" in bills(systems))
    assert float(bills(systems)["te-6"]) == 750
    begun.send_signal(signal.SIGTERM)
    out, err = begun.communicate(timeout=30)
    assert (begun.returncode, out.splitlines()[-1], err) == (0, "stopped.", "")
    assert tidegate("ledger", "check", "--ledger", ledger).code == 0


DEMANDS = "---\nenvironment: demo\nowner: it\napprove: [controller, it]\nafter: live\n"


@pytest.mark.slow
def test_the_release_that_is_active_says_who_approves_and_where_it_was_tried(
    tidegate, folder, ledger, planned, tmp_path
):
    connections = folder / "connectors" / "connections.yaml"
    plain = connections.read_text()
    deployed(tidegate, ledger, planned()[0])
    connections.write_text(plain + DEMANDS)
    deployed(tidegate, ledger, planned()[0])  # the release before asks for nothing
    connections.write_text(plain)
    file, _ = planned("--by", "ann")
    refused = deployed(tidegate, ledger, file, code=1)
    assert "in the role controller or it" in refused
    assert "has to be deployed to 'live' before" in refused
    tried = str(tmp_path / "live.sqlite")
    elsewhere = tmp_path / "live.json"
    assert tidegate("plan", "-w", folder, "--ledger", tried, "--env", "live", "-o", elsewhere).code == 0
    deployed(tidegate, tried, elsewhere)
    proof = tmp_path / "proof.json"
    release = json.loads(elsewhere.read_text())["release"]
    proof.write_text(tidegate("releases", "--ledger", tried, "--proof", release[:8]).out)
    file, _ = planned("--by", "ann", "--proof", proof)
    assert planned("--by", "ann", "--proof", tried)[0].exists()
    here = ["--ledger", ledger, "--role"]
    assert "ann made the plan" in tidegate("approve", file, *here, "it", "--as", "ann").err
    assert tidegate("approve", file, *here, "it", "--as", "bob").code == 0
    assert "in the role controller" in deployed(tidegate, ledger, file, code=1)
    assert tidegate("approve", file, *here, "controller", "--as", "cleo", "--reason", "seen").code == 0
    deployed(tidegate, ledger, file)
    told = tidegate("releases", "--ledger", ledger).out
    assert "approved by cleo as controller" in told


def test_going_back_is_no_way_round_an_approval(tidegate, ledger, folder, planned, tmp_path):
    deployed(tidegate, ledger, planned()[0])
    changed(folder, AMOUNT, f"{AMOUNT} * 2")
    file, _ = planned()
    file.write_bytes(write_plan(replace(read_plan(file.read_bytes()), kind="rollback")))
    assert "was never active here" in deployed(tidegate, ledger, file, code=1)


@pytest.mark.slow
def test_a_release_in_the_shadow_is_reported_and_its_numbers_are_kept(
    tidegate, folder, ledger, planned, here, tmp_path
):
    deployed(tidegate, ledger, planned()[0])
    events = tmp_path / "hired.jsonl"
    events.write_text(json.dumps({"type": "worker.hired", "data": WORKER}) + "\n")
    assert tidegate("process", "--events", events, "-w", folder, *here[0], *here[1]).code == 0
    flows = folder / "flows" / "billing.yaml"
    flows.write_text(flows.read_text().replace("name: worker.name", "name: worker.id"))
    file, _ = planned()
    ended = tidegate("shadow", file, "--ledger", ledger, "--for", "0", "--since", "2020-01-01")
    assert (ended.code, "1 event played" in ended.out, "worker.id" in ended.out) == (0, True, True)
    assert tidegate("shadow", file, "--ledger", ledger, "--for", "0", "--fail-on", "behaviour").code == 1
    told = tidegate("releases", "--ledger", ledger).out
    assert "shadow of" in told
    assert "1 event played" in told


@pytest.mark.slow
def test_a_daemon_tries_a_release_and_goes_on_with_it_after_a_restart(  # noqa: PLR0917
    start, tidegate, folder, ledger, systems, planned, here
):
    deployed(tidegate, ledger, planned()[0])
    changed(folder, AMOUNT, f"{AMOUNT} * 2")
    file, _ = planned()
    events = folder.parent / "hired.jsonl"
    events.write_text(json.dumps({"type": "worker.hired", "data": WORKER}) + "\n")
    changed(folder, f"{AMOUNT} * 2", AMOUNT)
    assert tidegate("process", "--events", events, "-w", folder, *here[0], *here[1]).code == 0
    for number in (5, 6):
        begun = start("run", "--released", *here[0], *here[1], "--port", "0")
        assert "runs 3 flows" in begun.stdout.readline(), begun.stderr.read()
        hook = begun.stdout.readline().strip()
        if number == 5:
            part = ["--where", "project=P-7", "--flow", "approved-time-to-billing", "--share", "100%"]
            ended = tidegate("canary", "start", file, "--ledger", ledger, *part, *WHY, "--stop", "failed=5%")
            assert (ended.code, "is on trial" in ended.out) == (0, True), ended.err
        assert approve(hook, number) == 202
        until(lambda number=number: f"te-{number}" in bills(systems))
        begun.send_signal(signal.SIGTERM)
        assert begun.communicate(timeout=30)[1] == ""
    assert {float(amount) for amount in bills(systems).values()} == {1500}
    assert "on trial" in tidegate("releases", "--ledger", ledger).out
    assert tidegate("canary", "stop", "--ledger", ledger, *WHY).code == 0
    assert tidegate("releases", "--ledger", ledger, "--format", "json").json["canary"] is None


@pytest.mark.slow
def test_a_machine_of_several_goes_on_with_what_is_deployed_beside_it(
    start, tidegate, folder, systems, postgres_url, tmp_path
):
    where = ["--ledger", postgres_url]
    simulators = [*systems[2], "--simulator", "desk=http://127.0.0.1:1"]
    file = tmp_path / "plan.json"

    def planned_there(*more):
        ended = tidegate("plan", "-w", folder, *where, "--out", file, *more)
        assert ended.code == 0, ended.err + ended.out
        return file

    assert tidegate("ledger", "upgrade", *where).code == 0
    deployed(tidegate, postgres_url, planned_there())
    events = tmp_path / "hired.jsonl"
    events.write_text(json.dumps({"type": "worker.hired", "data": WORKER}) + "\n")
    assert tidegate("process", "--events", events, "-w", folder, *where, *simulators).code == 0
    begun = start("run", "--released", *where, *simulators, "--port", "0")
    assert "runs 3 flows" in begun.stdout.readline(), begun.stderr.read()
    hook = begun.stdout.readline().strip()
    until(lambda: approve(hook, 4) == 202)
    until(lambda: "te-4" in bills(systems))
    changed(folder, AMOUNT, f"{AMOUNT} * 2")
    fates = [word for kind in ("queued", "held", "waiting", "dead") for word in ("--fate", f"{kind}=finish")]
    deployed(tidegate, postgres_url, planned_there(*fates))
    assert any("takes over" in line for line in begun.stdout)
    until(lambda: approve(hook, 5) == 202)
    until(lambda: "te-5" in bills(systems))
    assert {entry: float(amount) for entry, amount in bills(systems).items()} == {"te-4": 750, "te-5": 1500}
    changed(folder, f"{AMOUNT} * 2", f"{AMOUNT} * 3")
    moving = planned_there("--fate", "queued=move", *fates[2:])
    assert "machines are at work on this ledger" in deployed(tidegate, postgres_url, moving, code=1)
    tried = planned_there(*fates)
    assert tidegate("canary", "start", tried, *where, "--share", "100%", *WHY).code == 0
    assert any("takes over" in line for line in begun.stdout)
    until(lambda: approve(hook, 6) == 202)
    until(lambda: "te-6" in bills(systems))
    assert float(bills(systems)["te-6"]) == 2250
    begun.send_signal(signal.SIGTERM)
    begun.communicate(timeout=60)
    assert tidegate("ledger", "check", "-w", folder, *where).code == 0


@pytest.mark.parametrize(
    "said",
    [
        *(("--share", text) for text in ("0%", "-5%", "NaN", "9e999999%", "0.001%", "101%", "50%%")),
        *(("--stop", text) for text in (f"failed={'9' * 5_000}", "failed=-1", "failed=1%%", "late=5%")),
        ("--stop", "failed=5%", "--stop", "failed=50%"),
        ("--after", "0"),
    ],
    ids=lambda said: f"{said[0]} {said[1][:12]}",
)
def test_an_odd_part_or_rule_of_a_trial_is_refused(tidegate, ledger, tmp_path, said):
    file = tmp_path / "plan.json"
    file.touch()
    ended = tidegate("canary", "start", file, "--ledger", ledger, "--reason", "x", *said)
    assert (ended.code, f"'{said[0]}'" in ended.err) == (2, True)
