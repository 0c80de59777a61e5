"""Hover, definitions, references and symbols over the protocol."""

import json

import pytest

pytestmark = pytest.mark.slow  # a server of the editor, spoken to over its protocol

MAPPING, FLOW = "mappings/billing.yaml", "flows/approved-time-to-billing.yaml"
POLICY, TEST = "policies/billing.yaml", "flows/approved-time-to-billing.test.yaml"
DELIVERY, PEOPLE = "schemas/canonical/delivery.yaml", "schemas/canonical/people.yaml"


@pytest.fixture
def ask(desk):
    """The answer to a request about the place at which a text stands in a file of the pack."""

    def asked(method, name, needle, plus=0, **more):
        path = desk.folder / name

        async def work():
            await desk.client.open(path)
            found = await desk.client.ask(method, {**desk.client.at(path, needle, plus), **more})
            await desk.client.shut(path)
            return found

        return desk.run(work())

    return asked


@pytest.mark.requirement("GOV-22")
@pytest.mark.parametrize(
    "name, needle, plus, wanted",
    [
        (
            MAPPING,
            "entry.minutes / 60",
            7,
            ["a whole number", "canonical/time_entry@1", "owned by `psa`", "`480`"],
        ),
        (MAPPING, "entry.minutes / 60", 1, ["canonical/time_entry@1", "`worked_on`"]),
        (MAPPING, "round(rate", 1, ["round(number", "half even", "`2.34`"]),
        (MAPPING, "listed is None", 1, ["money", "or null"]),
        (MAPPING, "rate_card, key", 2, ["Hourly rates by card and role", "owner: commercial"]),
        (MAPPING, "customer.externalId", 2, ["The customer, or the project."]),
        (MAPPING, "customer.externalId", 10, ["text", "netsuite/time_bill@2025.1"]),
        (MAPPING, "cycle('billing'", 8, ["Weekly billing cycles"]),
        (MAPPING, "canonical/time_entry@1", 12, ["Hours that a worker spent on a task"]),
        (MAPPING, "take: rate", 7, ["money", "rate_card"]),
        (MAPPING, 'each: "[work]"', 1, ["A list; one record is made of each item."]),
        (MAPPING, "{{ planned.name }}", 12, ["text", "canonical/planned_work@1"]),
        (FLOW, "erp.time_bill", 6, ["A billable time entry.", "netsuite/time_bill@2025.1", "void_time_bill"]),
        (FLOW, "erp.time_bill", 1, ["Customers, project structures"]),
        (FLOW, "needs: known", 8, ["check", "`fired`"]),
        (FLOW, "write: erp", 1, ["Write to a connection"]),
        (FLOW, "external_id: proj", 1, ["text"]),
        (POLICY, "{{ entry.worker_name or", 12, ["personal", "•••"]),
        (TEST, "rate-on-file", 2, ["Time without a rate"]),
        (TEST, "eligible: {rolled", 1, ["check"]),
    ],
)
def test_hover_says_what_a_word_is(ask, name, needle, plus, wanted):
    said = ask("textDocument/hover", name, needle, plus)["contents"]["value"]
    assert [part for part in wanted if part not in said] == [], said


def test_a_value_of_an_enum_lists_the_others(ask):
    said = ask("textDocument/hover", "policies/deals.yaml", "deal.billing_type", 7)["contents"]["value"]
    assert "`time_and_materials`" in said


def test_no_sample_shows_personal_data(ask, desk):
    sample = json.loads((desk.folder / "flows/fixtures/time_entry.json").read_text(encoding="utf-8"))
    for needle, plus in (("entry.worker_name", 8), ("entry.minutes", 1)):
        said = ask("textDocument/hover", POLICY, needle, plus)["contents"]["value"]
        assert sample["worker_name"] not in said


def test_hover_over_a_problem_says_what_its_code_means(desk):
    path = desk.folder / MAPPING

    async def work():
        client = desk.client
        await client.open(path)
        await client.replace(path, "entry.minutes / 60", "entry.minuts / 60")
        await client.until_codes(path, "TG303")
        said = await client.ask("textDocument/hover", client.at(path, "entry.minuts", 8))
        assert "**TG303** There is no such field" in said["contents"]["value"]
        await client.shut(path)
        await client.until_codes(path)

    desk.run(work())


def test_hover_covers_the_word_behind_emoji(desk):
    path = desk.folder / MAPPING

    async def work():
        client = desk.client
        text = await client.open(path)
        await client.write(path, text.replace("KT-{{ entry.id }}", "😀ü {{ entry.role }}", 1))
        said = await client.ask("textDocument/hover", client.at(path, "😀ü {{ entry.role", 12))
        assert client.text_at(path, said["range"]) == "role"
        await client.shut(path)

    desk.run(work())


@pytest.mark.parametrize(
    "place, file, line",
    [
        ((FLOW, "billing-cutoff", 3), POLICY, "policy: billing-cutoff"),
        ((FLOW, "time-entry-to-time-bill", 3), MAPPING, "mapping: time-entry-to-time-bill"),
        ((FLOW, "time_entry.approved", 3), DELIVERY, "event: time_entry.approved"),
        ((FLOW, "entity.contract", 9), "schemas/canonical/sales.yaml", "entity: contract"),
        ((FLOW, "erp.time_bill", 1), "connectors/connections.yaml", "connection: erp"),
        ((FLOW, "erp.time_bill", 6), "connectors/netsuite/connector.yaml", "  time_bill:"),
        ((FLOW, "undo: erp.void_time_bill", 12), "connectors/netsuite/connector.yaml", "  void_time_bill:"),
        ((FLOW, "needs: known", 8), FLOW, "  known:"),
        ((FLOW, "project.contract_id", 2), FLOW, "  project:"),
        ((FLOW, "project.contract_id", 10), DELIVERY, "  contract_id:"),
        ((FLOW, "entry.task_id", 2), FLOW, "trigger: {event: time_entry.approved, as: entry"),
        ((FLOW, "links: {time_entry", 10), DELIVERY, "entity: time_entry"),
        ((MAPPING, "canonical/time_entry@1", 12), DELIVERY, "entity: time_entry"),
        ((MAPPING, "table: rate_card", 8), "policies/tables/tables.yaml", "table: rate_card"),
        ((MAPPING, "take: rate", 6), "policies/tables/tables.yaml", None),
        ((MAPPING, "cycle('billing'", 8), "policies/calendars/billing.yaml", "calendar: billing"),
        ((MAPPING, "obligation.price", 3), MAPPING, "  obligation:"),
        ((MAPPING, "obligation.price", 12), "schemas/canonical/sales.yaml", None),
        ((MAPPING, "line.name", 1), MAPPING, "    as: line"),
        ((MAPPING, "netsuite/time_bill@2025.1", 11), "connectors/netsuite/schemas/time_bill.json", None),
        (
            (MAPPING, "customer.externalId", 10),
            "connectors/netsuite/schemas/time_bill.json",
            '          "externalId"',
        ),
        ((TEST, "rate-on-file", 3), POLICY, "policy: rate-on-file"),
        ((TEST, "rolled: [billing-cutoff", 10), POLICY, "policy: billing-cutoff"),
        ((TEST, "erp.time_bill: {externalId", 6), "connectors/netsuite/connector.yaml", "  time_bill:"),
        ((TEST, "flow: approved-time-to-billing", 8), FLOW, "flow: approved-time-to-billing"),
        ((PEOPLE, "ref: worker", 6), PEOPLE, "entity: worker"),
        (("schemas/canonical/delivery.yaml", "map: ", 7), "mappings/inbound.yaml", None),
    ],
)
def test_definition(ask, desk, place, file, line):
    (found,) = ask("textDocument/definition", *place)
    assert found["uri"] == (desk.folder / file).as_uri()
    text = (desk.folder / file).read_text(encoding="utf-8").split("\n")[found["range"]["start"]["line"]]
    assert line is None or text.strip().startswith(line.strip())


@pytest.mark.parametrize(
    "name, needle, plus, files",
    [
        (POLICY, "policy: billing-cutoff", 10, {POLICY, FLOW, TEST}),
        (FLOW, "  project:", 3, {FLOW}),
        (MAPPING, "obligation: {expr", 2, {MAPPING}),
        (DELIVERY, "  worked_on:", 4, {DELIVERY, MAPPING, POLICY, "mappings/inbound.yaml"}),
        (
            "policies/calendars/billing.yaml",
            "calendar: billing",
            11,
            {"policies/calendars/billing.yaml", MAPPING, POLICY},
        ),
    ],
)
def test_references_are_found_in_all_documents_and_in_expressions(ask, desk, name, needle, plus, files):
    found = ask("textDocument/references", name, needle, plus, context={"includeDeclaration": True})
    assert {one["uri"].removeprefix(desk.folder.as_uri() + "/") for one in found} >= files
    without = ask("textDocument/references", name, needle, plus, context={"includeDeclaration": False})
    assert len(without) == len(found) - 1


def test_every_reference_reads_the_name(ask, desk):
    found = ask("textDocument/references", DELIVERY, "  worked_on:", 4, context={"includeDeclaration": True})
    for one in found:
        path = desk.folder / one["uri"].removeprefix(desk.folder.as_uri() + "/")
        start, end = one["range"]["start"], one["range"]["end"]
        line = path.read_text(encoding="utf-8").split("\n")[start["line"]]
        assert line[start["character"] : end["character"]] == "worked_on"


def test_symbols_of_a_file_and_of_the_workspace(desk):
    path = desk.folder / FLOW

    async def work():
        client = desk.client
        await client.open(path)
        (flow,) = await client.ask("textDocument/documentSymbol", {"textDocument": {"uri": path.as_uri()}})
        assert flow["name"] == "approved-time-to-billing"
        assert {"planned", "bill", "billed"} <= {step["name"] for step in flow["children"]}
        found = await client.ask("workspace/symbol", {"query": "cutoff"})
        assert {"billing-cutoff"} <= {one["name"] for one in found}
        await client.shut(path)

    desk.run(work())


def test_the_words_of_expressions_have_colours(desk):
    path = desk.folder / MAPPING

    async def work():
        client = desk.client
        text = "mapping: x\nfields:\n  a: {expr: 'ü + round(entry.minutes, 2)'}\n"
        await client.open(path, text)
        data = (
            await client.ask("textDocument/semanticTokens/full", {"textDocument": {"uri": path.as_uri()}})
        )["data"]
        kinds = [tuple(data[start : start + 4]) for start in range(0, len(data), 5)]
        assert kinds == [(2, 13, 1, 3), (0, 4, 5, 2), (0, 6, 5, 3), (0, 6, 7, 1)]
        await client.shut(path)

    desk.run(work())
