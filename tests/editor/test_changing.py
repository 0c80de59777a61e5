"""Renaming and quick fixes over the protocol: every place is changed, or nothing is."""

import json

import pytest

from engine.session import load

pytestmark = pytest.mark.slow  # a server of the editor, spoken to over its protocol

MAPPING, FLOW = "mappings/billing.yaml", "flows/approved-time-to-billing.yaml"
POLICY, DELIVERY = "policies/billing.yaml", "schemas/canonical/delivery.yaml"


def applied(folder, edit):
    """The texts of a workspace with an edit, written to its files."""
    for uri, changes in edit["changes"].items():
        path = folder / uri.removeprefix(folder.as_uri() + "/")
        lines = path.read_text(encoding="utf-8").split("\n")
        for change in sorted(changes, key=lambda one: tuple(one["range"]["start"].values()), reverse=True):
            start, end = change["range"]["start"], change["range"]["end"]
            first = lines[start["line"]].encode("utf-16-le")[: 2 * start["character"]].decode("utf-16-le")
            last = lines[end["line"]].encode("utf-16-le")[2 * end["character"] :].decode("utf-16-le")
            lines[start["line"] : end["line"] + 1] = (first + change["newText"] + last).split("\n")
        path.write_text("\n".join(lines), encoding="utf-8")


@pytest.fixture
def rename(desk):
    """The answer to a wish to rename what stands at a place."""

    def ask(name, needle, plus, new_name):
        path = desk.folder / name

        async def work():
            await desk.client.open(path)
            params = {**desk.client.at(path, needle, plus), "newName": new_name}
            found = await desk.client.answer("textDocument/rename", params)
            await desk.client.shut(path)
            return found

        return desk.run(work())

    return ask


@pytest.mark.parametrize(
    "place, old, new",
    [
        ((POLICY, "policy: billing-cutoff", 10), "billing-cutoff", "cycle-cutoff"),
        pytest.param(
            (FLOW, "map: time-entry-to-time-bill", 7),
            "time-entry-to-time-bill",
            "to-time-bill",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            (FLOW, "event: time_entry.approved", 8),
            "time_entry.approved",
            "hours.approved",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            (FLOW, "flow: approved", 8), "approved-time-to-billing", "billing-of-time", marks=pytest.mark.slow
        ),
        ((FLOW, "  known:", 3), "known", "task_known"),
        ((MAPPING, "obligation: {expr", 2), "obligation", "duty"),
        ((MAPPING, "canonical/billable_time@1", 12), "billable_time", "worked_time"),
        ((MAPPING, "entry.worked_on", 8), "worked_on", "day"),
        pytest.param(
            ("policies/calendars/billing.yaml", "calendar: billing", 11),
            "billing",
            "weekly",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            ("policies/tables/tables.yaml", "table: rate_card", 8),
            "rate_card",
            "rates",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            ("connectors/connections.yaml", "connection: crm", 12), "crm", "sales", marks=pytest.mark.slow
        ),
        pytest.param(
            ("schemas/canonical/systems.yaml", "system: hr", 8), "hr", "people", marks=pytest.mark.slow
        ),
        ((MAPPING, "as: line", 4), "line", "row"),
    ],
)
def test_a_workspace_is_as_sound_with_another_name(rename, pack, desk, place, old, new):
    name, needle, plus = place
    answer = rename(name, needle, plus, new)
    assert "error" not in answer, answer
    edit = json.loads(json.dumps(answer["result"]).replace(desk.folder.as_uri(), pack.as_uri()))
    assert {change["newText"] for changes in edit["changes"].values() for change in changes} == {new}
    applied(pack, edit)
    assert [problem.message for problem in load(pack).report().problems] == []


@pytest.mark.slow
def test_flow_tests_pass_after_a_field_was_renamed(rename, pack, desk):
    from click.testing import CliRunner

    from engine.cli.main import tidegate

    answer = rename(MAPPING, "entry.worked_on", 8, "day")
    applied(pack, json.loads(json.dumps(answer["result"]).replace(desk.folder.as_uri(), pack.as_uri())))
    result = CliRunner().invoke(tidegate, ["test", "--workspace", str(pack)])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    "name, needle, plus, new, why",
    [
        (FLOW, "erp.time_bill", 6, "x", "the connector says what it can do"),
        (MAPPING, "customer.externalId", 10, "x", "which a vendor describes"),
        (MAPPING, "take: rate", 6, "x", "the rows of a table may stand in another file"),
        (POLICY, "policy: billing-cutoff", 10, "long-day", "is in use: policies/billing.yaml"),
        (POLICY, "policy: billing-cutoff", 10, "Not A Name", "is no name here"),
        (MAPPING, "obligation.price", 12, "worth", "nobody knows what it is a field of"),
        (MAPPING, "a.signed_on for", 3, "agreed_on", "nobody knows what it is a field of"),
        (
            "connectors/connections.yaml",
            "connection: erp",
            12,
            "books",
            "a rule speaks of `erp` at policies/rules.yaml",
        ),
        (FLOW, "  job:", 3, "the_job", "this would break"),
        (FLOW, "about: Approved", 9, "x", "no name here"),
        (MAPPING, "round(rate", 2, "x", "no name here"),
    ],
)
def test_what_cannot_be_done_safely_is_refused_with_the_reason(rename, name, needle, plus, new, why):
    answer = rename(name, needle, plus, new)
    assert why in answer["error"]["message"]
    assert "result" not in answer


def test_what_may_be_renamed_is_known_beforehand(desk):
    path = desk.folder / FLOW

    async def work():
        client = desk.client
        await client.open(path)
        found = await client.ask("textDocument/prepareRename", client.at(path, "  known:", 3))
        assert found["placeholder"] == "known"
        assert client.text_at(path, found["range"]) == "known"
        refused = await client.answer("textDocument/prepareRename", client.at(path, "erp.time_bill", 6))
        assert "error" in refused
        await client.shut(path)

    desk.run(work())


@pytest.fixture
def fixes(desk):
    """The quick fixes that are offered when one text in a file is replaced by another."""

    def ask(name, old, new, code):
        path = desk.folder / name

        async def work():
            client = desk.client
            await client.open(path)
            await client.replace(path, old, new)
            await client.until(lambda: code in client.codes(path))
            problem = next(one for one in client.of(path) if one["code"] == code)
            params = {
                "textDocument": {"uri": path.as_uri()},
                "range": problem["range"],
                "context": {"diagnostics": [problem]},
            }
            found = await client.ask("textDocument/codeAction", params)
            await client.shut(path)
            await client.until_codes(path)
            return found

        return desk.run(work())

    return ask


@pytest.mark.parametrize(
    "name, old, new, code, wanted",
    [
        (MAPPING, "entry.minutes / 60", "entry.minuts / 60", "TG303", "minutes"),
        (FLOW, "check: time-task-known", "check: time-task-knwon", "TG312", "time-task-known"),
        (FLOW, "write: erp.time_bill", "write: erp.time_bil", "TG320", "time_bill"),
        (FLOW, "    write: erp", "    wrte: erp", "TG204", "write"),
        (MAPPING, "round(listed.amount", "rond(listed.amount", "TG305", "round"),
    ],
)
def test_a_near_name_is_one_click_away(fixes, name, old, new, code, wanted):
    found = fixes(name, old, new, code)
    titles = [one["title"] for one in found]
    assert f"Change to `{wanted}`" in titles
    (change,) = next(iter(found[titles.index(f"Change to `{wanted}`")]["edit"]["changes"].values()))
    assert change["newText"] == wanted
    assert found[0]["diagnostics"][0]["code"] == code


@pytest.mark.parametrize(
    "change, title, text",
    [
        ((MAPPING, "  hours: hours\n", "", "TG408"), "Add `hours`", "\n  hours: hours"),
        (
            (FLOW, "    with: {id: project.contract_id}\n", "", "TG411"),
            "Add `with`",
            "\n    with: {id: entry.id}",
        ),
        ((FLOW, "{external_id: project.id}", "{}", "TG411"), "Add `external_id`", "external_id:"),
        (
            (POLICY, "{role: controller, reason: required}", "{reason: required}", "TG205"),
            "Add `role`",
            ", role:",
        ),
        ((POLICY, "to: delivery-operations, severity", "severity", "TG205"), "Add `to`", ", to:"),
        (
            (MAPPING, "state: {value: completed}", "state: {expr: milestone.changes_scope}", "TG409"),
            "Add `as: string`",
            ", as: string",
        ),
        (
            (MAPPING, "about: Delivery moves on, whatever", "about: Delivery moves on: whatever", "TG113"),
            'Write "Delivery moves on: whatever becomes of the billing."',
            '"Delivery moves on: whatever becomes of the billing."',
        ),
        (
            (
                MAPPING,
                '"None if rate is None else round(rate * entry.minutes / 60, 2)"',
                "round(rate * entry.minutes / 60, 2)",
                "TG114",
            ),
            'Write "round(rate * entry.minutes / 60, 2)"',
            '"round(rate * entry.minutes / 60, 2)"',
        ),
    ],
)
def test_what_help_asks_for_is_one_click_away(fixes, change, title, text):
    found = {one["title"]: one for one in fixes(*change)}
    assert title in found
    (edit,) = next(iter(found[title]["edit"]["changes"].values()))
    assert edit["newText"] == text
