"""What two workspaces say otherwise: each change once, in its class, and nothing for what is only written so."""

import pytest

FLOW, MAPPING = "flows/billing.yaml", "mappings/mappings.yaml"
POLICY, MODEL = "policies/policies.yaml", "schemas/canonical/models.yaml"


@pytest.mark.parametrize(
    "file, before, after",
    [
        (MAPPING, "{expr: entry.hours * project.rate,", "{expr: (entry.hours*project.rate)  ,"),
        (MAPPING, "  entry: entry.id\n  project: project.id", "  project: project.id\n\n  entry: {path: entry.id}"),
        (MAPPING, "version: 3\nowner: finance", "# whoever asks\nowner: finance\nversion: 3"),
        (MAPPING, "fields:\n  entry: entry.id", "let:\n  unused: {expr: entry.hours + 1}\nfields:\n  entry: entry.id"),
        (FLOW, "{event: time.approved, as: entry}", '{as: entry, "event": time.approved}'),
        (FLOW, "eligible: {check:", "eligible: {needs: project, check:"),
        (FLOW, "amount: {expr: entry.hours * project.rate, as", "amount: {expr: entry.hours * (project.rate), as"),
        (FLOW, "trigger: {event: time.billed, as: billed}", "trigger: {event: time.billed, as: it}"),
        (POLICY, "when: entry.hours > 12", "when: >-\n  entry.hours\n  > 12"),
        (POLICY, "{role: controller, reason: required, ", "{reason: required, role: controller, "),
        (MODEL, "id: {type: string, required: true}", "id: {required: true, nullable: false, type: string}"),
    ],
)  # fmt: skip
def test_what_is_only_written_otherwise_is_no_change(pair, file, before, after):
    pairs = [(before, after)]
    if after.endswith("as: it}"):
        pairs.append(
            ("billed.id, bill: billed.bill, amount: billed.amount, on: billed.day",
             "it.id, bill: it.bill, amount: it.amount, on: it.day")
        )  # fmt: skip
    pair.edit(file, *pairs)
    assert pair.said() == []


def test_a_name_that_only_its_mapping_sees_is_no_change(pair):
    let = "let:\n  a: {{expr: entry.hours * {b}}}\n  {b}: project.rate\nfields:\n  entry: entry.id"
    amount = ("{expr: entry.hours * project.rate, as: decimal(2)}", "{path: a, as: decimal(2)}")
    pair.edit(MAPPING, ("fields:\n  entry: entry.id", let.format(b="b")), amount, old=True)
    renamed = (let.format(b="price").replace("  a:", "  worth:"), ("{path: a,", "{path: worth,"))
    pair.edit(MAPPING, ("fields:\n  entry: entry.id", renamed[0]), amount, renamed[1])
    assert pair.said() == []


@pytest.mark.parametrize(
    "file, before, after, said",
    [
        (MAPPING, "hours: entry.hours", "hours: {expr: entry.hours * 2}",
         "behaviour safe mapping entry-to-bill: Field `hours` is re-sourced: `entry.hours` → `entry.hours * 2`."),
        (MAPPING, "project.rate, as: decimal(2)", "project.rate, as: decimal(2), rounding: half_up",
         "behaviour safe mapping entry-to-bill: Field `amount`, `rounding`: `half_even` → `half_up`."),
        (MAPPING, "project.rate, as: decimal(2)", "project.rate, as: decimal(1)",
         "behaviour safe mapping entry-to-bill: Field `amount`, `as`: `decimal(2)` → `decimal(1)`."),
        (POLICY, "  approve: {role: delivery-manager}", "  reject: too-long",
         "behaviour forward-only policy long-day: It no longer asks a person to agree: `role: delivery-manager`."),
        (POLICY, "  approve: {role: delivery-manager}", "  reject: too-long",
         "behaviour safe policy long-day: It now rejects: `code: too-long`."),
        (POLICY, "entry.hours > 12", "entry.hours > 10",
         "behaviour safe policy long-day: `when`: `entry.hours > 12` → `entry.hours > 10`."),
        (POLICY, "friday 18:00", "friday 12:00",
         "behaviour safe calendar billing: `cycles`, `cutoff`: `friday 18:00` → `friday 12:00`."),
        (POLICY, "hours on one day.", "hours a day.",
         "wording safe policy long-day: `reason`: `{{ entry.hours }} hours on one day.` → `{{ entry.hours }} hours a day.`."),
        (MODEL, "max: 24", "max: 16",
         "behaviour breaking entity time_entry@1: Field `hours`, `max`: `24` → `16`."),
        (MODEL, "max: 24", "max: 30", "behaviour safe entity time_entry@1: Field `hours`, `max`: `24` → `30`."),
        (MODEL, "{task: {type: string, required: true}", "{task: string",
         "behaviour safe entity time_entry@1: Field `splits`, `items`, field `task`, `required` is left out; it was `true`."),
        (MODEL, "fields: {task: {", "fields: {by: {type: string, required: true}, task: {",
         "behaviour breaking entity time_entry@1: Field `splits`, `items`, field `by` is new: `type: string, required: true`."),
        (MODEL, "order_by: data.project", "order_by: data.worker",
         "behaviour forward-only event time.approved: `order_by`: `data.project` → `data.worker`."),
        (FLOW, "    links: {time_entry: entry.id}\n", "",
         "behaviour safe flow approved-time-to-billing: Step `bill`, `links`, `time_entry` is left out; it was `entry.id`."),
        (FLOW, "amount: billed.amount", "amount: {expr: billed.amount + 1}",
         "behaviour safe flow billed-time-to-revenue: Step `perform`, input `amount`: `billed.amount` → `billed.amount + 1`."),
        (FLOW, "eligible: {check: [billing-cutoff, amendment-on-file, project-open, long-day]}",
         "eligible: {check: [billing-cutoff, amendment-on-file, project-open]}",
         ("behaviour forward-only flow approved-time-to-billing: Step `eligible`, `check`: "
         "`billing-cutoff, amendment-on-file, project-open, long-day` → `billing-cutoff, amendment-on-file, project-open`.")),
    ],
)  # fmt: skip
def test_each_change_is_said_in_its_class(pair, file, before, after, said):
    pair.edit(file, (before, after))
    assert said in pair.said()


def test_what_uses_a_thing_that_changed_decides_otherwise(pair):
    pair.edit(POLICY, ("friday 18:00", "friday 12:00"))
    by_use = {change.part: change.via for change in pair.changes() if change.touches == "use"}
    assert by_use == {
        "flow approved-time-to-billing": ("calendar billing",),
        "mapping entry-to-bill": ("calendar billing",),
        "policy billing-cutoff": ("calendar billing",),
    }


def test_an_operation_is_told_apart_from_its_neighbours(pair):
    """A flow is not said to change because of an operation of the same connector that it does not use."""
    pair.edit("connectors/erp/connector.yaml", ("  line:\n", "  line:\n    about: A line.\n"))
    assert {change.touches for change in pair.changes()} <= {"wording"}


def test_a_part_that_is_new_or_gone_is_one_change(pair):
    pair.edit(FLOW, ("flow: hired-worker-to-erp", "flow: hired-to-erp"))
    assert pair.said() == [
        "behaviour safe flow hired-to-erp: The flow is new.",
        "behaviour breaking flow hired-worker-to-erp: The flow is gone.",
    ]
