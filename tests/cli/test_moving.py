"""Work under way that a new release is to do: what stands in line, is held, waits, or ended badly."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.cli.test_releases import WHY
from tests.cli.test_reload import AMOUNT, WORKER, bills, changed
from tests.workspaces.systems import entry, lines

CONTRACT = Draft202012Validator(
    json.loads((Path(__file__).parents[2] / "schemas" / "output" / "plan.schema.json").read_text())
)
P9 = {"project": "P-9"}


@pytest.fixture
def process(tidegate, folder, here, tmp_path):
    def work(*events):
        file = tmp_path / "events.jsonl"
        file.write_text(lines(*events))
        return tidegate("process", "--events", file, "-w", folder, *here[0], *here[1])

    return work


def approved(*numbers, **changes):
    return [("time.approved", entry(number, **changes)) for number in numbers]


def deploy(tidegate, ledger, file):
    ended = tidegate("deploy", file, "--ledger", ledger, "--by", "ann", *WHY)
    assert ended.code == 0, ended.err
    return ended.out


def runs(tidegate, ledger):
    return tidegate("status", "--ledger", ledger, "--format", "json").json["ledger"]["runs"]


@pytest.fixture
def standing(folder, process, systems):
    """One is held and stops its key, two stand behind it; one was refused by the ERP."""
    changed_flow = folder / "flows" / "billing.yaml"
    changed_flow.write_text(
        changed_flow.read_text().replace("steps:\n", "order: {when_held: blocks}\nsteps:\n", 1)
    )
    process(("worker.hired", WORKER), *approved(2, 3, 4, **P9))
    systems[0].refusing = "no rights"
    process(*approved(7))
    systems[0].refusing = None


@pytest.mark.slow
def test_who_stands_in_line_is_moved_and_whoever_stops_the_line_still_does(  # noqa: PLR0917
    standing,
    tidegate,
    folder,
    ledger,
    systems,
    planned,
    process,
):
    changed(folder, AMOUNT, f"{AMOUNT} * 2")
    _, told = planned(code=1)
    for text in ("1 held:", "2 in line:", "1 dead:", "--fate queued=finish or --fate queued=move"):
        assert text in told, told
    file, _ = planned("--fate", "held=finish", "--fate", "queued=move", "--fate", "dead=replay")
    CONTRACT.validate(json.loads(file.read_text()))
    deploy(tidegate, ledger, file)
    assert tidegate("ledger", "check", "-w", folder, "--ledger", ledger).code == 0
    assert runs(tidegate, ledger)["moved"] == 2
    process()
    assert bills(systems).keys() == {"te-7"}  # the line stands behind the one that is held
    systems[0].projects["P-9"]["amended_on"] = "2026-05-01"
    process(("amendment.signed", {"id": "a-1", "project": "P-9", "signed_on": "2026-06-01"}))
    found = {name: float(amount) for name, amount in bills(systems).items()}
    assert found == {"te-7": 1500, "te-2": 750, "te-3": 1500, "te-4": 1500}
    assert [record["entry"] for record in systems[0].records] == ["te-7", "te-2", "te-3", "te-4"]
    assert tidegate("ledger", "check", "-w", folder, "--ledger", ledger).code == 0


@pytest.mark.slow
def test_what_is_held_is_moved_with_its_place_in_line(  # noqa: PLR0917
    standing,
    tidegate,
    folder,
    ledger,
    systems,
    planned,
    process,
):
    changed(folder, AMOUNT, f"{AMOUNT} * 2")
    fates = ["--fate", "held=move", "--fate", "queued=move", "--fate", "dead=finish"]
    deploy(tidegate, ledger, planned(*fates)[0])
    process()
    assert runs(tidegate, ledger)["moved"] == 3
    assert bills(systems) == {}
    systems[0].projects["P-9"]["amended_on"] = "2026-05-01"
    process(("amendment.signed", {"id": "a-1", "project": "P-9", "signed_on": "2026-06-01"}))
    assert [record["entry"] for record in systems[0].records] == ["te-2", "te-3", "te-4"]
    assert {float(amount) for amount in bills(systems).values()} == {1500}
    said = tidegate("releases", "--ledger", ledger, "--format", "json").json["deployments"][0]
    assert said["moved"] == {"held": 1, "queued": 2}


def test_what_is_forward_only_is_not_moved_once_it_has_begun(
    standing,
    tidegate,
    folder,
    planned,
):
    policies = folder / "policies" / "policies.yaml"
    text = policies.read_text()
    policies.write_text(text.replace("== entry.project}", "== entry.project and entry.hours > 0}"))
    file, told = planned("--fate", "held=move", "--fate", "queued=move", "--fate", "dead=replay", code=1)
    assert "cannot move: what changes is forward-only" in told
    assert not file.exists()
    ended = tidegate("plan", "-w", folder, "--fate", "running=move")
    assert "what is running can finish, and not 'move'" in ended.err


def test_what_comes_to_rest_after_the_plan_was_made_is_moved_by_the_same_rules(
    process, tidegate, folder, ledger, planned
):
    process(("worker.hired", WORKER), *approved(2))
    policies = folder / "policies" / "policies.yaml"
    text = policies.read_text()
    policies.write_text(text.replace("== entry.project}", "== entry.project and entry.hours > 0}"))
    file, _ = planned("--fate", "held=move", "--fate", "queued=move", "--fate", "dead=replay")
    policies.write_text(text)
    process(*approved(3, **P9))
    assert "1 stay with the release that they began with" in deploy(tidegate, ledger, file)
    assert "moved" not in runs(tidegate, ledger)
