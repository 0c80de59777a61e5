"""Every case of the JMESPath compliance suite, on a value and on a scope."""

import pytest

from engine.language.compiled import EvaluationError
from engine.language.path import PathSyntaxError, compile_path, search
from engine.values.canonical import canonical_bytes
from tests.language.compliance import COUNT, Case, compliance_cases

ERRORS = {
    "syntax": (PathSyntaxError,),
    "unknown-function": (PathSyntaxError,),
    "invalid-arity": (PathSyntaxError,),
    "invalid-value": (PathSyntaxError,),
    "invalid-type": (PathSyntaxError, EvaluationError),
}


@pytest.fixture(scope="module")
def cases():
    return list(compliance_cases())


def in_scope(case: Case):
    """The same case with each name of the given record as a name of the scope."""
    return compile_path(case.expression, list(case.given)).call(case.given)


def can_be_scope(case: Case):
    return isinstance(case.given, dict) and all(name.isidentifier() for name in case.given)


def holds(case: Case, evaluate):
    try:
        result = evaluate(case)
    except (PathSyntaxError, EvaluationError) as error:
        return case.error is not None and isinstance(error, ERRORS[case.error])
    return case.error is None and canonical_bytes(result) == canonical_bytes(case.result)


def test_every_case_on_a_value(cases, record_testsuite_property):
    record_testsuite_property("compliance cases", len(cases))
    wrong = [case for case in cases if not holds(case, lambda one: search(one.expression, one.given))]
    assert wrong == []
    assert len(cases) == COUNT


def test_every_case_on_a_scope(cases):
    scoped = [case for case in cases if can_be_scope(case)]
    assert [case for case in scoped if not holds(case, in_scope)] == []
    assert len(scoped) > COUNT // 2
