"""What a write says of itself, and the order of what cannot be taken back."""

import pytest

from tests.compile.making import compiled, problems
from tests.compile.test_rules import FLOW

MODELS = FLOW.partition("flow: f")[0]


def flow(*steps, more=""):
    return f"{MODELS}flow: f\n{more}trigger: {{event: item.made, as: item}}\nsteps:\n" + "".join(
        f"  {step}\n" for step in steps
    )


def found(*steps, more=""):
    return without_idle(problems(flow(*steps, more=more), desk=True))


def without_idle(found):
    """The problems of the flow, and not that nothing uses the policy."""
    return [one for one in found if one[0] != "TG454"]


def write(name, said, *, needs=""):
    first = f"needs: [{needs}], " if needs else ""
    return f"{name}: {{{first}write: desk.note, with: {{id: item.id}}, {said}}}"


FINAL, BACK = "irreversible: It is final.", "undo: desk.forget"
CHECK = "eligible: {check: odd}"


@pytest.mark.requirement("REL-12")
def test_the_plan_has_what_was_declared():
    plan = compiled(flow(write("put", BACK)), desk=True).plan
    effect = plan.flows["f"].step("put").effect
    assert (effect.once, effect.undo.name, effect.irreversible) == ("natural_key", "desk.forget", None)
    assert dict(effect.faults) == {"transient": "retry", "permanent": "dead_letter", "unknown": "retry"}


@pytest.mark.parametrize(
    "steps, expected",
    [
        ([write("a", FINAL)], []),
        ([CHECK, write("a", FINAL)], ["TG524"]),
        ([CHECK, write("a", FINAL, needs="eligible")], []),
        ([write("a", FINAL), write("b", BACK)], ["TG524"]),
        ([write("a", FINAL), write("b", BACK, needs="a")], ["TG524"]),
        ([write("a", FINAL, needs="b"), write("b", BACK)], []),
        ([write("a", FINAL), write("b", FINAL)], ["TG524", "TG524"]),
        ([write("a", f"{FINAL[:-1]}, stands: So it is."), write("b", BACK)], []),
        ([write("a", "stands: So it is."), write("b", BACK)], []),
        ([write("a", "stands: So it is.")], ["TG510"]),
        (
            [
                "way: {choose: {odd: item.id == 'odd', even: otherwise}}",
                write("a", FINAL, needs="way.odd"),
                write("b", BACK, needs="way.even"),
            ],
            [],
        ),
        (
            [
                "way: {choose: {odd: item.id == 'odd', even: otherwise}}",
                write("a", FINAL, needs="way.odd"),
                write("b", BACK, needs="way.odd"),
            ],
            ["TG524"],
        ),
    ],
)
def test_what_cannot_be_taken_back_comes_last(steps, expected):
    assert [code for code, _ in found(*steps) if code != "TG458"] == expected


def test_what_only_tells_stops_nothing():
    told = MODELS.replace("then: {reject: odd}", "then: {alert: {to: finance}}")
    text = flow(CHECK, write("a", FINAL)).replace(MODELS, told)
    assert without_idle(problems(text, desk=True)) == []


def test_undo_is_given_payload_receipt_and_what_is_added():
    assert found(write("a", "undo: desk.forget")) == []
    assert found(write("a", "undo: desk.unpost")) == []
    post = "a: {write: desk.post, with: {number: item.id}, undo: %s}"
    assert [code for code, _ in found(post % "desk.unpost")] == ["TG522"]
    assert found(post % "{call: desk.unpost, with: {why: payload.number}}") == []
    assert [code for code, _ in found(post % "{call: desk.unpost, with: {why: payload.nmber}}")] == ["TG303"]


@pytest.mark.parametrize(
    "said, expected",
    [
        ("faults: {unknown: retry}", []),
        ("faults: {unknown: look_up}", ["TG526"]),
        ("faults: {closed_period: hold}", ["TG510"]),
    ],
)
def test_a_way_has_to_be_there(said, expected):
    assert [code for code, _ in found(write("a", f"{BACK}, {said}"))] == expected


def test_a_closed_period_goes_where_step_flow_or_connection_say():
    close = "a: {write: desk.close, with: {id: item.id}%s}"
    assert found(close % "") == [("TG525", "desk.close")]
    assert found(close % ", faults: {closed_period: hold}") == []
    assert found(close % "", more="faults: {closed_period: hold}\n") == []
    assert found(close % ", faults: {closed_period: roll}") == [("TG526", "roll")]
