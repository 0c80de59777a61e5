"""Completion over the protocol: in each place where something is expected, and in text that is not whole."""

import pytest

MAPPING = """\
mapping: drafted
version: 1
inputs: {entry: canonical/time_entry@1, contract: canonical/contract@1}
output: canonical/billable_time@1
let:
  rate: {table: rate_card, key: {card: entry.id, role: entry.role}, on: entry.worked_on, take: rate}
fields:
  id: entry.id
"""
FLOW = """\
flow: drafted
version: 1
trigger: {event: time_entry.approved, as: entry}
steps:
  planned:
    read: entity.planned_work
    with: {id: entry.task_id}
"""
FIELDS_OF_ENTRY = {"id", "task_id", "worker_id", "role", "worked_on", "minutes", "approved_at"}


@pytest.mark.parametrize(
    "line",
    [
        "  hours: entry.|\n",
        "  hours: 'entry.|'\n",
        "  hours: {path: entry.|}\n",
        "  hours: {expr: entry.minutes / 60 + entry.|}\n",
        '  hours: {expr: "entry.|\n',
        "  hours: {expr: entry.|\n  rate: rate.amount\n",
        '  hours: {expr: "round(entry.|, 2)"}\n',
        "  hours:\n    expr: >\n      entry.minutes\n      + entry.|\n",
        "  hours:\n    template: >-\n      Ä😀 {{ entry.| }}\n",
        '  hours: {template: "Ä😀 {{ entry.| }}"}\n',
        '  hours: {template: "{% if entry.| %}x{% endif %}"}\n',
        "  hours: entry.wor|\n",
    ],
)
def test_fields_come_behind_a_dot_in_every_style_of_text(complete, line):
    assert set(complete("mappings/drafted.yaml", MAPPING + line)) >= FIELDS_OF_ENTRY


def test_a_field_is_offered_with_its_type_and_its_meaning(complete):
    found = complete("mappings/drafted.yaml", MAPPING + "  hours: contract.|\n")
    assert found["value"]["detail"].startswith("a number")
    assert "or null" in complete("mappings/drafted.yaml", MAPPING + "  x: entry.|\n")["worker_name"]["detail"]


@pytest.mark.parametrize(
    "line",
    [
        "  hours: {expr: 'first([o.| for o in contract.obligations])'}\n",
        "  hours: {expr: 'first(contract.obligations).|'}\n",
        "  hours: contract.obligations[].|\n",
        "  hours: contract.obligations[0].|\n",
        "  hours: {each: contract.obligations, as: o, fields: {id: o.|}}\n",
        "  hours:\n    each: contract.obligations\n    fields:\n      id: item.|\n",
    ],
)
def test_items_of_lists_have_fields_too(complete, line):
    assert set(complete("mappings/drafted.yaml", MAPPING + line)) >= {"id", "price", "method"}


def test_names_in_scope_and_functions_with_places_for_their_arguments(complete):
    found = complete("mappings/drafted.yaml", MAPPING + "  hours: {expr: r|}\n")
    assert found["rate"]["detail"].startswith("money")
    assert found["entry"]["detail"] == "canonical/time_entry@1"
    assert found["round"]["textEdit"]["newText"] == "round(${1:number})$0"
    assert "half even" in found["round"]["documentation"]["value"]
    assert found["entry"]["sortText"] < found["round"]["sortText"]


def test_what_is_in_scope_in_a_broken_document_too(complete):
    broken = MAPPING.replace("let:\n", "let:\n  : [}\n")
    assert set(complete("mappings/drafted.yaml", broken + "  hours: entry.|\n")) >= FIELDS_OF_ENTRY


def test_texts_that_a_function_or_a_comparison_takes(complete):
    assert set(complete("mappings/d.yaml", MAPPING + "  x: {expr: \"cycle('|')\"}\n")) == {"billing"}
    found = complete("mappings/d.yaml", MAPPING + "  x: {expr: \"contract.obligations[0].method == '|'\"}\n")
    assert "milestone" in found


@pytest.mark.parametrize(
    "line, wanted, absent",
    [
        ("  ho|\n", {"hours", "currency"}, {"id"}),
        ("  hours: {pa|\n", {"path", "expr", "table"}, set()),
        ("  hours:\n    path: entry.minutes\n    |\n", {"as", "default", "required"}, {"path", "expr"}),
        ("  hours: {table: |, key: entry.id}\n", {"rate_card", "legal_entity"}, set()),
        ("  hours: {table: rate_card, take: |}\n", {"rate", "role"}, set()),
        ("  hours: {table: rate_card, key: {|}}\n", {"card", "role"}, set()),
        ("  hours: {path: entry.minutes, as: |}\n", {"decimal(2)", "integer"}, set()),
        ("  hours: {path: entry.minutes, rounding: |}\n", {"half_even", "floor"}, set()),
        ("  hours: {path: entry.minutes, required: |}\n", {"true", "false"}, set()),
        ("  hours: {xref: |}\n", {"project", "contract"}, set()),
        ("  hours: {xref: project, in: |}\n", {"erp", "psa"}, set()),
    ],
)
def test_in_a_mapping(complete, line, wanted, absent):
    found = set(complete("mappings/drafted.yaml", MAPPING + line))
    assert found >= wanted
    assert not found & absent


@pytest.mark.parametrize(
    "text, wanted, absent",
    [
        ("  bill:\n    wri|\n", {"write", "read", "check"}, set()),
        ("  bill:\n    write: erp.|\n", {"erp.time_bill", "erp.save_invoice"}, {"erp.project"}),
        ("  job:\n    read: |\n", {"erp.project", "entity.contract"}, {"erp.time_bill"}),
        ("  job:\n    read: erp.project\n    with: {|}\n", {"external_id"}, set()),
        ("  known:\n    check: [long-day, |]\n", {"billing-cutoff", "rate-on-file"}, set()),
        ("  time:\n    map: |\n", {"time-entry-to-billable-time"}, set()),
        ("  billed:\n    emit: |\n", {"time_entry.billed"}, set()),
        ("  later:\n    needs: |\n", {"planned"}, {"later"}),
        ("  later:\n    when: |\n", {"planned", "entry", "now"}, set()),
        ("  later:\n    when: planned.|\n", {"engagement_id", "obligation_id"}, set()),
        ("  later:\n    write: erp.time_bill\n    links: {|}\n", {"time_entry", "project"}, set()),
        (
            "  later:\n    wait: {event: contract.amended, where: event.data.|}\n",
            {"number", "obligations"},
            set(),
        ),
        ("  many:\n    for_each: {in: |}\n", {"entry", "planned"}, set()),
    ],
)
def test_in_a_flow(complete, text, wanted, absent):
    found = set(complete("flows/drafted.yaml", FLOW + text))
    assert found >= wanted
    assert not found & absent


@pytest.mark.parametrize(
    "name, text, wanted",
    [
        ("flows/d.yaml", "fl|", {"flow", "mapping", "policy", "entity"}),
        ("flows/d.yaml", "flow: d\n|", {"trigger", "steps", "owner"}),
        ("flows/d.yaml", "flow: d\ntrigger: {event: |}\n", {"time_entry.approved", "deal.won"}),
        ("flows/d.yaml", "flow: d\nowner: |\n", {"finance-operations", "commercial"}),
        ("mappings/d.yaml", "mapping: d\ninputs: {entry: can|}\n", {"canonical/time_entry@1", "string"}),
        ("mappings/d.yaml", "mapping: d\noutput: netsuite/|\n", {"netsuite/time_bill@2025.1"}),
        ("policies/d.yaml", "policy: d\nwhen: x\nthen:\n  alert: {severity: |}\n", {"warning", "critical"}),
        ("schemas/d.yaml", "entity: d\nfields:\n  id: {type: |}\n", {"string", "money"}),
        ("schemas/d.yaml", "event: d\ndata: canonical/time_entry@1\nidentity: data.|\n", FIELDS_OF_ENTRY),
        ("schemas/d.yaml", "event: d\nsources:\n- from: psa.|\n", {"psa.time_entry_approved"}),
        ("schemas/d.yaml", "entity: d\nfields:\n  id: {type: string, system_of_record: |}\n", {"hr", "erp"}),
        ("schemas/d.yaml", "entity: d\nfields:\n  id: {type: string, copy_of: |}\n", {"client.name"}),
        ("policies/d.yaml", "rule: d\napplies_to: step\ndemands: step.|\n", {"policies", "verb"}),
        ("connectors/d.yaml", "connection: d\nconnector: |\n", {"netsuite", "kantata"}),
        (
            "flows/d.test.yaml",
            "test: d\nflow: approved-time-to-billing\ngiven:\n  |\n",
            {"event", "erp.project", "entity.project"},
        ),
        (
            "flows/d.test.yaml",
            "test: d\nflow: approved-time-to-billing\nexpect:\n  |\n",
            {"run", "writes", "eligible", "bill"},
        ),
    ],
)
def test_in_other_documents(complete, name, text, wanted):
    assert set(complete(name, text)) >= wanted


def test_the_kind_of_a_document_brings_what_it_must_have(complete):
    found = complete("flows/d.yaml", "|")
    assert "trigger:" in found["flow"]["textEdit"]["newText"]


@pytest.mark.parametrize("line", ["# entry.|\n", '  x: {template: "entry.| }}"}\n', "  x: {value: |}\n"])
def test_nothing_where_nothing_is_expected(complete, line):
    assert complete("mappings/drafted.yaml", MAPPING + line) == {}


def test_the_word_at_the_cursor_is_what_is_replaced_also_behind_emoji(complete, desk):
    text = MAPPING + '  memo: {template: "😀 Überstunden {{ entry.wor|ker }}"}\n'
    found = complete("mappings/drafted.yaml", text)
    line = next(number for number, line in enumerate(text.split("\n")) if "😀" in line)
    before = text.split("\n")[line].split("wor|")[0]
    start = len(before.encode("utf-16-le")) // 2
    assert found["worker_id"]["textEdit"]["range"] == {
        "start": {"line": line, "character": start},
        "end": {"line": line, "character": start + len("worker")},
    }
