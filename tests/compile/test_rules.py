"""Rules of a workspace over its documents."""

import pytest

from tests.compile.making import DESK_FILES, compile_files, problems

FLOW = """
entity: item
fields: {id: {type: string, required: true}}
---
event: item.made
data: canonical/item@1
identity: data.id
---
policy: odd
inputs: {item: canonical/item@1}
when: item.id == 'odd'
then: {reject: odd}
reason: Odd.
---
flow: f
owner: finance
trigger: {event: item.made, as: item}
steps:
  early: {write: desk.note, with: {x: item.id}, undo: desk.forget}
  eligible: {check: odd}
  late: {needs: eligible, write: desk.note, with: {x: item.id}, undo: desk.forget}
"""


def rule(demands, *, applies="step", where="", mode="enforce", more=""):
    condition = f"where: {where}\n" if where else ""
    return (
        f"rule: r\napplies_to: {applies}\n{condition}demands: {demands}\n"
        f'says: "{{{{ {applies}.name }}}} is wrong."\nmode: {mode}\n{more}'
    )


def found(*args, **options):
    return problems(FLOW, rule(*args, **options), desk=True)


@pytest.mark.requirement("GOV-01", "GOV-17")
def test_every_write_is_behind_a_policy():
    assert found("len(step.stopping_policies) > 0", where="step.verb == 'write'") == [("TG560", "early")]


@pytest.mark.parametrize(
    "demands",
    [
        "step.owner == 'finance'",
        "step.verb != 'write' or step.system == 'desk'",
        "step.verb == 'check' or step.undo == 'desk.forget'",
        "step.verb == 'check' or step.once == 'natural_key'",
        "step.file == 'flows/all.yaml'",
    ],
)
def test_facts_of_steps(demands):
    assert found(demands) == []


@pytest.mark.parametrize("demands", ["len(flow.tests) > 0", "flow.slo_seconds is not None"])
def test_facts_of_flows(demands):
    assert found(demands, applies="flow") == [("TG560", "f")]


def test_facts_of_documents():
    names = {name for _, name in found("document.owner is not None", applies="document")}
    assert names == {"item", "item.made", "odd", "desk", "r"}


def test_what_is_evaluated_only_warns():
    files = {"flows/all.yaml": FLOW + "---\n" + rule("False", applies="flow", mode="evaluate")}
    made, collector = compile_files({**DESK_FILES, **files})
    assert made is not None
    (warning,) = collector.problems
    assert (warning.code, str(warning.severity), warning.message) == ("TG560", "warning", "f is wrong.")
    assert "broken by 1 of 1 flows" in warning.help[0]


def test_an_exemption_is_by_name_and_has_to_be_needed():
    where = "step.verb == 'write'"
    demands = "len(step.stopping_policies) > 0"
    assert found(demands, where=where, more="exempt: {f.early: Agreed.}") == []
    more = "exempt: {f.early: Agreed., f.late: Agreed.}"
    assert found(demands, where=where, more=more) == [("TG563", "f.late")]


def test_a_folder_further_in_only_demands_more():
    strict = rule("False", applies="flow")
    other = FLOW.replace("flow: f", "flow: g").split("flow: g")[1]
    files = {
        **DESK_FILES,
        "flows/all.yaml": FLOW,
        "flows/emea/more.yaml": "flow: g" + other,
        "flows/emea/rules.yaml": strict,
    }
    _, collector = compile_files(files)
    assert [one.message for one in collector.problems] == ["g is wrong."]
    files["flows/rules.yaml"] = rule("True", applies="flow").replace("rule: r", "rule: mild")
    _, collector = compile_files(files)
    assert [one.message for one in collector.problems] == ["g is wrong."]


def test_a_rule_that_cannot_be_worked_out_or_is_about_nothing():
    assert [code for code, _ in found("step.policies[3] == 'x'")] == ["TG561"]
    assert found("False", where="step.verb == 'wait'") == [("TG562", "step.verb == 'wait'")]


def test_facts_are_typed():
    assert [code for code, _ in found("step.sistem == 'desk'")] == ["TG303"]
