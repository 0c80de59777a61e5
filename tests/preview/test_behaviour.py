"""The same events through two plans: what is done otherwise is counted, what nobody recorded is said."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import InputError
from engine.preview.behaviour import play_both, read_samples
from engine.preview.behaviour.mask import Mask
from engine.preview.behaviour.sample import key_of_read, of_run
from engine.preview.behaviour.shared import Shared
from engine.preview.behaviour.tally import SORTED_BY, tally
from engine.preview.meaning import compare
from engine.preview.report import words
from engine.revisions import release_of
from engine.values.canonical import fingerprint
from tests.preview.conftest import loaded

NOW = datetime(2026, 5, 29, 9, 0, 5, tzinfo=UTC)
POLICY, MAPPING, FLOW = "policies/policies.yaml", "mappings/mappings.yaml", "flows/billing.yaml"
PROJECTS = {
    "P-7": {"id": "P-7", "status": "open", "rate": 100},
    "P-8": {"id": "P-8", "status": "closed", "rate": 100},
    "P-9": {"id": "P-9", "status": "open", "rate": 90, "needs_amendment": True, "amended_on": None},
}


def entry(number=1, project="P-7", hours="7.5", *, recorded=True, **more):
    """A line of a file: an approved time entry, and what was answered about it."""
    data = {
        "id": f"te-{number}",
        "project": project,
        "worker": "w-3",
        "hours": float(hours),
        "worked_on": "2026-05-28",
        "approved_at": "2026-05-29T09:00:00Z",
        "approved_by": "Ada Lovelace",
        **more,
    }
    line = {"type": "time.approved", "data": data}
    if recorded:
        read = {"read": "erp.project", "with": {"id": project}, "gives": PROJECTS[project]}
        line["recorded"] = {
            "reads": [read],
            "xrefs": [{"entity": "worker", "id": "w-3", "in": "erp", "is": "31"}],
        }
    return json.dumps(line).encode()


def signed(project, number=1):
    data = {"id": f"am-{number}", "project": project, "signed_on": "2026-05-30"}
    return json.dumps({"type": "amendment.signed", "data": data}).encode()


def played(pair, *lines, by=SORTED_BY):
    """What the two workspaces of a pair do otherwise."""
    old, new = release_of(loaded(pair.old)), release_of(loaded(pair.new))
    samples = read_samples(lines, "events", None, NOW)
    return play_both(old, new, compare(old.meaning, new.meaning), samples, by)


def told(found):
    return [
        f"{group.step or group.flow}: {group.kind} {group.policy}{group.field} {group.what} "
        f"{words.shown(one.old)} → {words.shown(one.new)}"
        for group in found.groups
        for one in group.found
        if group.kind != "wording"
    ]


def test_nothing_is_done_otherwise_by_the_same(pair):
    found = played(pair, entry(), entry(2, "P-8"), entry(3, "P-9"))
    assert (found.events, found.differing, found.groups, found.unplayed) == (3, 0, [], [])
    assert found.decided_once == found.runs == 4  # the revenue of the one that was billed is the fourth
    assert words.summary(found) == "Nothing is decided otherwise."


def test_a_payload_differs_field_by_field_down_the_chain(pair):
    pair.edit(
        FLOW, ("amount: {expr: entry.hours * project.rate", "amount: {expr: 2 * entry.hours * project.rate")
    )
    found = played(pair, entry())
    assert told(found) == [
        "billed: emit amount changed 750.00 → 1500.00",
        "perform: write amount changed 750.00 → 1500.00",
    ]


def test_holds_routes_and_outcomes(pair):
    pair.edit(
        POLICY,
        ("entry.hours > 12", "entry.hours > 7"),
        ("reject: project-closed", "hold: {release: {role: controller}}"),
    )
    found = played(pair, entry(), entry(2, "P-8", "5"), entry(3, "P-7", "3"))
    assert (found.runs, found.differing) == (5, 3)
    assert "eligible: hold long-day added nothing → 7.5 hours on one day." in told(found)
    assert "approved-time-to-billing: outcome  changed rejected → held" in told(found)
    assert "bill: write  removed" in "\n".join(told(found))
    assert words.summary(found).startswith(
        "2 time entries gain a hold; 1 billed time: completed before, no run now."
    )


def test_an_event_ends_a_hold_on_the_side_that_holds(pair):
    """After the amendment the project is read afresh; what it then says was not recorded, and is not guessed."""
    pair.edit(
        POLICY,
        (
            "when: project.needs_amendment is not None and",
            "when: entry.hours > 100 and project.needs_amendment is not None and",
        ),
    )
    found = played(pair, entry(3, "P-9"), signed("P-9"))
    lacks = [(one.flow, one.old, one.new) for one in found.unplayed]
    assert lacks == [("approved-time-to-billing", ('read erp.project {"id":"P-9"}',), ())]
    assert found.differing == 1  # the revenue that only the new side has


def test_what_was_not_recorded_is_listed_and_never_guessed(pair):
    pair.edit(POLICY, ("entry.hours > 12", "entry.hours > 7"))
    found = played(pair, entry(recorded=False), entry(2, hours="8"))
    assert [(one.record.id, one.old, one.new) for one in found.unplayed] == [
        ("te-1", ('read erp.project {"id":"P-7"}',), ('read erp.project {"id":"P-7"}',))
    ]
    assert {one.record.id for group in found.groups for one in group.found if one.kind == "hold"} == {"te-2"}


def test_personal_data_is_hidden_and_its_change_is_seen(pair):
    for old in (True, False):
        pair.edit(
            "schemas/canonical/models.yaml",
            (
                "approved_by: {type: string, required: true}",
                "approved_by: {type: string, required: true, personal: true}",
            ),
            old=old,
        )
    pair.edit(
        FLOW,
        (
            "day: entry.worked_on}",
            "day: entry.worked_on}\n  said:\n    emit: amendment.signed\n    with: {id: entry.approved_by, project: entry.project, signed_on: entry.worked_on}",
        ),
    )
    pair.edit(
        POLICY,
        ("{{ entry.hours }} hours on one day.", "{{ entry.hours }} hours, says {{ entry.approved_by }}."),
        ("entry.hours > 12", "entry.hours > 7"),
    )
    found = played(pair, entry())
    hold = next(one for group in found.groups if group.kind == "hold" for one in group.found)
    assert "Ada" not in str(hold.new)
    assert "7.5 hours, says ***" in str(hold.new)
    assert "Ada" not in json.dumps([told(found)])
    guess = fingerprint("Ada Lovelace")[:6]  # whoever has a list of names would try them all
    assert guess not in repr(found.groups)
    assert "***1" in repr(found.groups)


def test_money_that_is_sorted_by_something_personal_names_nobody(pair):
    for old in (True, False):
        pair.edit(
            "schemas/canonical/models.yaml",
            (
                "approved_by: {type: string, required: true}",
                "approved_by: {type: string, required: true, personal: true}",
            ),
            (
                "  amount: {type: decimal, required: true}\n  day:",
                "  amount: {type: money, required: true}\n  day:",
            ),
            old=old,
        )
        hours = "entry.hours * project.rate" if old else "entry.hours * project.rate * 2"
        pair.edit(
            FLOW,
            ("{expr: entry.hours * project.rate, as: decimal(2)}", f"{{expr: \"money({hours}, 'EUR')\"}}"),
            ("amount: billed.amount, on", "amount: billed.amount.amount, on"),
            old=old,
        )
    found = played(pair, entry(), by=("approved_by", "project"))
    assert found.money
    assert {line.sorted_by["approved_by"] for line in found.money} == {"***1"}
    assert {line.sorted_by["project"] for line in found.money} <= {"P-7", ""}


def test_an_id_that_is_personal_is_hidden_wherever_a_record_is_named(pair):
    for old in (True, False):
        models = (pair.old if old else pair.new) / "schemas/canonical/models.yaml"
        given = models.read_text()
        fields = given.index("entity: time_entry")
        changed = given[fields:].replace(
            "id: {type: string, required: true}", "id: {type: string, required: true, personal: true}", 1
        )
        assert changed != given[fields:]
        models.write_text(given[:fields] + changed)
    pair.edit(POLICY, ("entry.hours > 12", "entry.hours > 7"))
    found = played(pair, entry(), entry(2, recorded=False))
    told = [one for group in found.groups for one in group.found if one.record.entity == "time_entry"]
    assert told
    assert found.unplayed
    assert "te-" not in repr((told, found.unplayed))
    assert {one.record.id[:3] for one in told} == {"***"}


def test_a_line_that_is_no_event_is_named(pair):
    with pytest.raises(InputError, match="events:2: an event is written"):
        played(pair, entry(), b'{"what": 1}')


LINES = st.lists(
    st.one_of(
        st.builds(
            entry,
            st.integers(1, 6),
            st.sampled_from(sorted(PROJECTS)),
            st.sampled_from(["3", "8", "13"]),
            recorded=st.booleans(),
        ),
        st.builds(signed, st.sampled_from(sorted(PROJECTS)), st.integers(1, 2)),
    ),
    max_size=8,
)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    from tests.preview.conftest import Pair

    pair = Pair(tmp_path_factory.mktemp("two"))
    pair.edit(
        FLOW, ("amount: {expr: entry.hours * project.rate", "amount: {expr: 2 * entry.hours * project.rate")
    )
    pair.edit(POLICY, ("entry.hours > 12", "entry.hours > 7"))
    return release_of(loaded(pair.old)), release_of(loaded(pair.new))


@settings(max_examples=60)
@given(lines=LINES)
def test_what_is_decided_once_is_decided_as_it_is_apart(two, lines: list[bytes]):
    """Sharing saves work and changes nothing: with nothing shared the same differences are found."""
    _same_as_apart(two, lines)


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    """Two releases whose flows say the same: policies and a mapping differ for some events."""
    from tests.preview.conftest import Pair

    pair = Pair(tmp_path_factory.mktemp("twins"))
    pair.edit(
        MAPPING,
        ("hours: entry.hours\n", "hours: {expr: entry.hours if entry.hours < 10 else entry.hours + 1}\n"),
    )
    pair.edit(
        POLICY,
        ("entry.hours > 12", "entry.hours > 12 or (entry.hours > 7 and entry.project == 'P-7')"),
        ("project.status == 'closed'", "project.status == 'closed' and entry.hours > 4"),
        (
            "inputs: {project: erp/project@1}",
            "inputs: {project: erp/project@1, entry: canonical/time_entry@1}",
        ),
    )
    return release_of(loaded(pair.old)), release_of(loaded(pair.new))


def test_each_run_gets_the_answers_that_it_was_given_itself():
    """Between two runs of one event a project was amended: each saw it as it was when it asked."""
    asked = {"read": "erp.project", "with": {"id": "P-7"}}
    who = {"entity": "worker", "id": "w-3", "in": "erp"}
    line = json.loads(entry(1, "P-7", 8, recorded=False))
    line["recorded"] = {
        "reads": [{**asked, "run": "a/e", "gives": 1}, {**asked, "run": "b/e", "gives": 2}],
        "xrefs": [{**who, "run": "a/e", "is": None}, {**who, "run": "b/e", "is": "31"}],
    }
    (sample,) = read_samples([json.dumps(line).encode()], "events", None, NOW)
    question = key_of_read("erp.project", {"id": "P-7"})
    reads, look_ups = sample.recorded.reads, sample.recorded.look_ups
    assert [one.value for one in reads[of_run("a/e", question)]] == [1]
    assert [one.value for one in reads[of_run("b/e", question)]] == [2]
    assert [one.value for one in reads[question]] == [1, 2]  # of a run that was answered nothing
    assert [look_ups[of_run(run, "xref:worker:w-3:erp")].value for run in ("a/e", "b/e")] == [None, "31"]


def worked(number, project, hours, refused, person):
    """An entry, its project before and after an amendment, what the ERP said of the bill, and what a person did."""
    line = json.loads(entry(number, project, hours))
    run = f"approved-time-to-billing/time.approved:te-{number}"
    after = {**PROJECTS[project], "amended_on": "2026-05-30"}
    line["recorded"]["reads"].append({"read": "erp.project", "with": {"id": project}, "gives": after})
    bill = {"write": f"{run}/bill", "with": {}}
    if refused is not None:
        line["recorded"]["writes"] = [
            {**bill, "fails": "no", "fault": refused} if refused else {**bill, "gives": {"id": "b"}}
        ]
    if person:
        who = {"by": "kim", "reason": "seen"}
        line["recorded"]["holds"] = [{"run": run, "hold": "hold:eligible:long-day", "gives": who}]
    return json.dumps(line).encode()


WORKED = st.lists(
    st.one_of(
        st.builds(
            worked,
            st.integers(1, 6),
            st.sampled_from(sorted(PROJECTS)),
            st.sampled_from(["3", "8", "11", "13"]),
            st.sampled_from([None, "", "permanent", "closed_period"]),
            st.booleans(),
        ),
        st.builds(signed, st.sampled_from(sorted(PROJECTS)), st.integers(1, 2)),
    ),
    max_size=8,
)


@settings(max_examples=100)
@given(lines=WORKED)
def test_a_run_parts_where_the_sides_decide_otherwise(twins, lines: list[bytes]):
    """Whenever it does so, and whatever happened before: the same is found as with nothing shared."""
    _same_as_apart(twins, lines)


def test_only_those_that_decide_otherwise_are_decided_twice(twins):
    lines = [worked(1, "P-7", "3", None, False), worked(2, "P-7", "8", None, False)]
    old, new = twins
    samples = read_samples(lines, "events", None, NOW)
    found = play_both(old, new, compare(old.meaning, new.meaning), samples)
    assert (found.runs, found.decided_once, found.differing) == (4, 2, 2)


def _same_as_apart(two, lines):
    old, new = two
    changes = compare(old.meaning, new.meaning)
    once = play_both(old, new, changes, read_samples(lines, "events", None, NOW))
    apart = Shared(old.side, new.side, flows=frozenset(), events=frozenset())
    plans = old.side.plan, new.side.plan
    mask = Mask.of((old.side.plan, old.meaning), (new.side.plan, new.meaning))
    each = tally(apart.play(read_samples(lines, "events", None, NOW)), plans, mask)
    assert (sorted(told(once)), once.runs) == (sorted(told(each)), each.runs)
    assert _lacks(once) == _lacks(each)


def _lacks(found):
    return sorted((one.flow, one.event, one.old, one.new) for one in found.unplayed)


def test_a_step_looks_back_as_far_as_it_says(pair):
    """Which of two spans is meant is seen in what was signed an hour before the entry came."""
    wait = "\n  paper: {wait: {event: amendment.signed, where: event.data.project == entry.project, look_back: %s}}\n  said:"
    said = "\n    needs: paper\n    emit: time.billed\n    with: {id: paper.id, bill: paper.id, amount: {value: 1.00}, day: entry.worked_on}"
    last = "day: entry.worked_on}"
    for old, span in ((True, "10 minutes"), (False, "2 hours")):
        pair.edit(FLOW, (last, f"{last}{wait % span}{said}"), old=old)
    before = json.loads(signed("P-7")) | {"accepted_at": "2026-05-29T08:00:00Z"}
    late = json.loads(signed("P-7", 2)) | {"accepted_at": "2026-05-29T08:58:00Z"}
    found = played(pair, json.dumps(before).encode(), entry())
    assert "approved-time-to-billing: outcome  changed waiting → completed" in told(found)
    assert "am-1" in str([one.new for group in found.groups for one in group.found if one.step == "said"])
    found = played(pair, json.dumps(before).encode(), json.dumps(late).encode(), entry())
    assert (found.differing, found.unplayed) == (0, [])


def test_a_run_that_fails_stops_what_comes_behind_it(pair):
    """On the side where it fails alone: what is under its order key waits for a person there."""
    failing = "amount: {expr: entry.hours * project.rate / (entry.hours - 8), as: decimal(2)}"
    pair.edit(MAPPING, ("amount: {expr: entry.hours * project.rate, as: decimal(2)}", failing))
    pair.edit(
        MAPPING,
        ("amount: {expr: entry.hours * project.rate, as: decimal(2)}", failing.replace("- 8", "+ 8")),
        old=True,
    )
    found = played(pair, entry(1), entry(2, hours="8"), entry(3, hours="8.5"), entry(4, "P-9", "7"))
    ends = [
        (one.record.id, one.old, one.new)
        for group in found.groups
        for one in group.found
        if group.kind == "outcome"
    ]
    assert ("te-2", "completed", "failed") in ends
    assert ("te-3", "completed", "stopped (then completed)") in ends
    assert not [one for one in ends if one[0] in ("te-1", "te-4")]


def test_a_wait_is_as_long_as_it_says_from_when_it_is_reached(pair):
    """And what is said after it is said then, not when the first event came."""
    first = "paper: {wait: {event: amendment.signed, where: event.data.project == entry.project}}"
    second = (
        "copy: {needs: paper, wait: {event: amendment.signed, where: event.data.id == 'am-2', timeout: %s}}"
    )
    said = "said:\n    needs: copy\n    emit: time.billed\n    with: {id: copy.id, bill: copy.id, amount: {value: 1.00}, day: entry.worked_on}"
    last = "day: entry.worked_on}"
    for old, days in ((True, "3 days"), (False, "20 days")):
        pair.edit(FLOW, (last, "\n  ".join((last, first, second % days, said))), old=old)
    days = {"am-1": "2026-06-10T09:00:00Z", "am-2": "2026-06-12T09:00:00Z"}
    papers = [
        json.dumps(json.loads(signed("P-7", number)) | {"accepted_at": at}).encode()
        for number, at in enumerate(days.values(), 1)
    ]
    found = played(pair, entry(), *papers)
    assert (found.differing, found.unplayed) == (0, [])
    side = release_of(loaded(pair.new)).side
    runs = [run for run, _ in Shared.of_one(side).play(read_samples([entry(), *papers], "events", None, NOW))]
    assert {run.event.data["id"]: run.event.accepted_at for run in runs if run.event.type == "time.billed"}[
        "am-2"
    ] == datetime(2026, 6, 12, 9, tzinfo=UTC)
    late = json.dumps(json.loads(papers[1]) | {"accepted_at": "2026-06-14T09:00:00Z"}).encode()
    found = played(pair, entry(), papers[0], late)
    assert "billed-time-to-revenue: outcome  changed no run → completed" in told(found)
