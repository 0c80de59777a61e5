"""Who has to agree to a plan, and what proves that a release was tried elsewhere."""

import json
from dataclasses import replace

import pytest

from engine.errors import InputError
from engine.releases import ReleasePlan, approval_refusal, read_plan, write_plan
from engine.releases.approving import unmet
from engine.releases.proof import Proof, proof_of, read_proof
from engine.runtime.deployed import Approval
from engine.session import Demands

PLAN = ReleasePlan(
    kind="deploy",
    environment="prod",
    base="b" * 64,
    release="r" * 64,
    by="Ann",
    at="2026-06-01T00:00:00.000000Z",
    fates={},
    touched={},
    groups=(),
    untouched={},
    changes=(),
    proof=None,
    content=b"",
)
TWO = Demands(approve=("controller", "it"))
PROOF = Proof(environment="test", release=PLAN.release, plan="p", at=PLAN.at, by="bob", head="h")


def by(person, role, plan=PLAN):
    return Approval(plan=plan.hash, role=role, by=person, at=PLAN.at)


def test_without_demands_nobody_has_to_agree():
    assert unmet(PLAN, Demands(), []) == []


@pytest.mark.parametrize(
    "approvals,lacking",
    [
        ([], "controller or it"),
        ([by("bob", "controller")], "it"),
        ([by("bob", "controller"), by("bob", "it")], "it"),  # one person stands for one role
        ([by("ann ", "controller"), by("bob", "it")], "controller"),  # who made the plan stands for none
        ([by("bob", "controller"), by("cleo", "it", replace(PLAN, at="later"))], "it"),  # of another plan
        ([by("bob", "controller"), by("bob", "it"), by("cleo", "controller")], None),
        ([by("bob", "controller"), by("cleo", "it")], None),
    ],
)
def test_each_role_wants_a_person_of_its_own(approvals, lacking):
    said = unmet(PLAN, TWO, approvals)
    assert said == ([] if lacking is None else [f"nobody else has approved it in the role {lacking}"])


@pytest.mark.parametrize(
    "person,role,why",
    [
        ("ANN", "it", "Ann made the plan"),
        ("", "it", "has to be named"),
        ("tidegate", "it", "has to be named"),
        ("bob", "intern", "it takes: controller, it"),
        ("bob", "it", None),
    ],
)
def test_who_may_not_approve_is_told_why(person, role, why):
    said = approval_refusal(PLAN, TWO, person, role)
    assert said is None if why is None else why in said


def test_where_nobody_has_to_approve_that_is_said():
    said = approval_refusal(PLAN, Demands(), "bob", "it")
    assert said == f"nobody has to approve it in {PLAN.environment!r}; it can be deployed as it is"


def test_a_release_has_to_have_been_where_it_is_tried():
    after = Demands(after="test")
    assert "deployed to 'test' before" in unmet(PLAN, after, [])[0]
    assert unmet(replace(PLAN, proof=PROOF), after, []) == []
    for wrong in (replace(PROOF, environment="dev"), replace(PROOF, release="x")):
        assert len(unmet(replace(PLAN, proof=wrong), after, [])) == 1


def test_a_proof_that_was_changed_is_none(tmp_path):
    said = json.loads(json.dumps(PROOF.said()))
    assert proof_of(said) == PROOF
    file = tmp_path / "proof.json"
    file.write_text(json.dumps(said))
    assert read_proof(str(file), PLAN.release) == PROOF
    with pytest.raises(InputError, match="is about release"):
        read_proof(str(file), "x" * 64)
    file.write_text(json.dumps({**said, "environment": "prod"}))
    with pytest.raises(InputError, match="no proof"):
        read_proof(str(file), PLAN.release)


@pytest.mark.parametrize(
    "spelt",
    [
        "ANN",
        " ann",
        "\uff21nn",
        "A\u200bnn",
        "an\u00adn",
        "ann\u00a0",
        "Ann\u0000",
        "an\ufe0fn",
        "ann\u3164",
        "a\u034fnn",
        "ann\u2800",
        "ann\U000e0100",
    ],
)
def test_nobody_becomes_another_person_by_spelling(spelt):
    assert "Ann made the plan" in approval_refusal(PLAN, TWO, spelt, "it")
    assert len(unmet(PLAN, Demands(approve=("it",)), [by(spelt, "it")])) == 1
    assert len(unmet(PLAN, TWO, [by("Jo Lee", "controller"), by("JO\u2003lee ", "it")])) == 1


@pytest.mark.parametrize("changes", [[1], None, "x", [["a"]]])
def test_a_plan_with_odd_changes_is_told_to_be_none(changes):
    said = json.loads(write_plan(PLAN))
    with pytest.raises(InputError, match="no plan of a release"):
        read_plan(json.dumps({**said, "changes": changes}).encode())
