"""Who owns which field, and what is refused because of it."""

import pytest

from tests.compile.making import compiled, problems

MODELS = """
system: hr
---
connection: crm
connector: desk
environments: {}
---
connection: backup
connector: desk
system: crm
environments: {}
---
entity: client
system_of_record: crm
fields:
  id: {type: string, required: true}
  name: {type: string, required: true}
  terms: {type: record, fields: {days: integer, kind: {type: string, system_of_record: desk}}}
  rating: {type: string, required: true, system_of_record: desk}
---
entity: bill
system_of_record: desk
fields:
  id: {type: string, required: true}
  client_id: {ref: client}
  client_name: {type: string, copy_of: client.name}
  total: integer
---
event: client.won
data: canonical/client@1
identity: data.id
---
event: bill.made
data: canonical/bill@1
identity: data.id
"""


def flow(*steps):
    return "\n---\nflow: f\ntrigger: {event: client.won, as: client}\nsteps:\n" + "".join(
        f"  {step}\n" for step in steps
    )


def found(*steps, models=MODELS):
    return problems(models + flow(*steps), desk=True)


def rows(*steps, models=MODELS):
    plan = compiled(models + flow(*steps), desk=True).plan
    return {f"{row.entity}.{row.field}": row for row in plan.owners}


EMIT = "said: {{emit: bill.made, with: {{id: {id}{more}}}}}"


@pytest.mark.requirement("OWN-01", "OWN-13", "OWN-17")
def test_every_field_has_one_owner_and_an_object_can_be_split():
    made = rows("post: {write: desk.post, with: {number: client.id}, undo: desk.forget}")
    owners = {name: row.owner for name, row in made.items()}
    assert owners["client.name"] == "crm"
    assert owners["client.rating"] == "desk"
    assert (owners["client.terms.days"], owners["client.terms.kind"]) == ("crm", "desk")
    assert owners["bill.client_name"] == "crm"
    assert made["bill.client_name"].copy_of == "client.name"
    assert made["client.id"].written_to == ("desk.post",)


@pytest.mark.requirement("OWN-18", "OWN-19")
def test_a_field_is_filled_by_its_owner():
    assert found(EMIT.format(id="client.rating", more="")) == []
    assert found(EMIT.format(id="client.name", more="")) == [("TG532", "id")]


@pytest.mark.parametrize(
    "formula",
    [
        "get(client, 'name')",
        "get(client, 'name', 'none')",
        "merge(client, {'x': 1}).name",
        "reverse([client.name])[0]",
        "first(list([client.name]))",
        "flatten([[client.name]])[0]",
    ],
)
def test_what_only_repacks_a_value_carries_it(formula):
    assert ("TG532", "id") in found(EMIT.format(id=f'{{expr: "{formula}"}}', more="")), formula


@pytest.mark.parametrize("path", ["client.name || client.rating", "not_null(client.rating, client.name)"])
def test_a_choice_of_a_path_carries_what_it_may_give(path):
    assert found(EMIT.format(id=f'"{path}"', more="")) == [("TG532", "id")]


def test_what_is_worked_out_is_a_decision_of_the_flow():
    assert found(EMIT.format(id="{expr: upper(client.name)}", more="")) == []


def test_a_reference_names_a_record_and_a_copy_says_so():
    more = ", client_id: client.id, client_name: client.name"
    assert found(EMIT.format(id="client.rating", more=more)) == []


def test_a_receipt_is_of_the_system_that_gave_it():
    write = "post: {write: desk.post, with: {number: client.id}, undo: desk.forget}"
    assert found(write, EMIT.format(id="post.id", more="")) == []
    write = "post: {write: backup.post, with: {number: client.id}, undo: desk.forget}"
    assert found(write, EMIT.format(id="post.id", more="")) == [("TG532", "id")]


@pytest.mark.requirement("OWN-18", "OWN-28")
def test_an_owner_is_not_given_back_what_it_said():
    step = "save: {{write: desk.note, links: {{client: client.id}}, with: {{rating: client.rating}}{more}}}"
    assert found(step.format(more="")) == [("TG533", "rating")]
    assert found(step.format(more=", proposes: They asked for it.")) == []
    new = "save: {write: desk.post, links: {client: client.id}, with: {number: client.rating}}"
    assert found(new) == [], "an operation that makes a record each time may set everything"


def test_a_reason_for_nothing_is_refused():
    step = "save: {write: desk.note, links: {client: client.id}, with: {x: client.name}, proposes: why}"
    assert found(step) == [("TG510", "proposes")]


def test_two_owners_do_not_write_one_field():
    first = "one: {write: desk.note, with: {x: client.name}, undo: desk.forget}"
    second = "two: {write: desk.note, with: {x: client.rating}, undo: desk.forget}"
    assert [code for code, _ in found(first, second)] == ["TG534"]
    assert found(first, second.replace("client.rating", "client.id")) == []


@pytest.mark.parametrize(
    "before, after, expected",
    [
        ("system_of_record: crm", "system_of_record: cmr", ("TG530", "cmr")),
        ("copy_of: client.name", "copy_of: client.nam", ("TG536", "nam")),
        ("copy_of: client.name", "copy_of: clint.name", ("TG314", "clint")),
        ("entity: client\nsystem_of_record: crm", "entity: client", ("TG531", "id")),
    ],
)
def test_the_matrix_itself_is_checked(before, after, expected):
    step = EMIT.format(id="client.rating", more="")
    assert expected in found(step, models=MODELS.replace(before, after))


def test_a_system_need_not_be_connected():
    models = MODELS.replace("system_of_record: crm", "system_of_record: hr")
    assert found(EMIT.format(id="client.rating", more=""), models=models) == []
