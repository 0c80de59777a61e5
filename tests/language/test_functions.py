"""Functions of the language: their examples, the kinds that they refuse, and their rules."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.language.compiled import EvaluationError
from engine.language.formula import compile_formula
from engine.language.functions.spec import function_table
from engine.language.functions.standard import STANDARD
from engine.language.functions.texts import TEXTS
from engine.values.type import Any, Listing, Record, Scalar
from tests.language.exact_cases import shape

SPECS = list({spec.name: spec for spec in STANDARD.values()}.values())
EXAMPLES = [pytest.param(*example, id=example[0]) for spec in SPECS for example in spec.examples]


def run(text, **scope):
    return compile_formula(text, frozenset(scope)).call(scope)


@pytest.mark.parametrize("formula, gives", EXAMPLES)
def test_example(formula, gives):
    assert shape(run(formula)) == shape(run(gives))


def test_every_function_has_an_example_and_a_sentence():
    assert [spec.name for spec in SPECS if not spec.examples] == []
    assert [spec.name for spec in SPECS if not spec.summary.endswith(".")] == []


SAMPLES = {
    "string": "a",
    "integer": 1,
    "decimal": Decimal("1.5"),
    "boolean": True,
    "date": date(2026, 5, 29),
    "datetime": datetime(2026, 5, 29, tzinfo=UTC),
    "null": None,
    "list": [1],
    "record": {"a": 1},
}
FITTING = {
    "integer": {"integer"},
    "decimal": {"integer", "decimal"},
    "date": {"date"},
    "datetime": {"datetime"},
    "string": {"string"},
    "boolean": {"boolean"},
    "list": {"list"},
    "record": {"record"},
}


def kind_name(kind):
    match kind:
        case Scalar(name=name):
            return name
        case Listing():
            return "list"
        case Record():
            return "record"
        case Any():
            return "any"
    raise AssertionError(kind)


def sample(parameter):
    if parameter.type == Record(name="money", fields=getattr(parameter.type, "fields", {})):
        return {"amount": Decimal(1), "currency": "EUR"}
    return SAMPLES.get(kind_name(parameter.type), 1)


WRONG = [
    pytest.param(spec, index, other, id=f"{spec.name}-{parameter.name}-{other}")
    for spec in SPECS
    for index, parameter in enumerate(spec.parameters)
    if kind_name(parameter.type) != "any"
    for other in SAMPLES
    if not any(other in FITTING[kind_name(kind)] for kind in (parameter.type, *parameter.others))
    and not (other == "null" and (parameter.nullable or parameter.optional))
]


@pytest.mark.parametrize("spec, index, other", WRONG)
def test_no_function_takes_a_wrong_kind_in_silence(spec, index, other):
    arguments = [sample(parameter) for parameter in spec.parameters[: index + 1]]
    names = [f"a{n}" for n in range(len(arguments))]
    arguments[index] = SAMPLES[other]
    missing = [sample(one) for one in spec.parameters[index + 1 :] if not (one.optional or one.repeated)]
    scope = dict(
        zip([f"a{n}" for n in range(len(arguments) + len(missing))], arguments + missing, strict=True)
    )
    with pytest.raises(EvaluationError):
        run(f"{spec.name}({', '.join(names + list(scope)[len(names) :])})", **scope)


def test_a_name_is_given_once():
    with pytest.raises(AssertionError, match="two functions"):
        function_table(TEXTS, TEXTS)


@given(st.decimals(-(10**9), 10**9, places=6), st.integers(0, 4))
def test_rounding_is_that_of_decimal(value, places):
    assert run("round(v, p)", v=value, p=places) == value.quantize(Decimal(1).scaleb(-places))


def test_rounding_keeps_many_digits_before_the_point():
    assert run("round(v, 2)", v=Decimal("1" * 40 + ".005")) == Decimal("1" * 40 + ".00")


@given(st.dates(), st.sampled_from(["YYYY-MM-DD", "MM/DD/YYYY", "D.M.YYYY", "D MMM YYYY", "YYYYMMDD"]))
def test_what_is_written_as_a_date_is_read_as_the_same(on, pattern):
    assert run("parse_date(format_date(d, p), p)", d=on, p=pattern) == on


@pytest.mark.parametrize(
    "text, pattern",
    [
        ("5/29/2026", "MM/DD/YYYY"),
        ("05/29/26", "MM/DD/YYYY"),
        ("05-29-2026", "MM/DD/YYYY"),
        ("13/29/2026", "MM/DD/YYYY"),
        ("02/30/2026", "MM/DD/YYYY"),
        ("05/29/2026 ", "MM/DD/YYYY"),
        ("\u0660\u0665/29/2026", "MM/DD/YYYY"),
        ("05/29/26", "MM/DD/YY"),
        ("05/2026", "MM/YYYY"),
        ("05/05/2026", "MM/MM/YYYY"),
        ("2026-05-29T", "YYYY-MM-DDT"),
        ("", ""),
    ],
)
def test_reading_a_date_is_strict(text, pattern):
    with pytest.raises(EvaluationError):
        run("parse_date(t, p)", t=text, p=pattern)


@pytest.mark.parametrize(
    "formula, words",
    [
        ("money(1, 'usd')", "is not a currency"),
        ("add_money(money(1, 'USD'), money(1, 'EUR'))", "found EUR and USD"),
        ("sum_money([])", "found no currency"),
        ("exceeds(money(1, 'USD'), money(1, 'EUR'))", "use convert"),
        ("convert(money(1, 'USD'), 0, 'EUR')", "greater than 0"),
        ("round(1.5, 2, 'up_half')", "there is no rounding"),
        ("round(1.5, 21)", "at most 20 decimals"),
        ("int('1.5')", "not a whole number"),
        ("decimal('1,5')", "is not a number"),
        ("decimal('NaN')", "is not a number"),
        ("decimal('1e9999')", "exponent"),
        ("date(datetime('2026-05-29T00:00:00Z'))", "only in a zone"),
        ("date(datetime('2026-05-29T00:00:00Z'), 'Mars/Base')", "there is no time zone"),
        ("datetime('2026-05-29T00:00:00')", "has no time zone"),
        ("date('29.5.2026')", "is not a date"),
        ("add_days(date('2026-05-29'), 10 ** 9)", "too far away"),
        ("add_months(date('9999-12-01'), 1)", "too far away"),
        ("add_hours(datetime('2026-05-29T00:00:00Z'), 10 ** 12)", "too far away"),
        ("at_time(date('2026-05-29'), '25:00', 'UTC')", "is not a time of day"),
        ("first([])", "the list is empty"),
        ("min([])", "an empty list"),
        ("average([])", "no mean"),
        ("sort([1, 'a'])", "cannot be compared"),
        ("sort([{'a': 1}], 'b')", "has no field `b`"),
        ("zip([1], [])", "the same length"),
        ("split('a', '')", "split at nothing"),
        ("pick({'a': 1}, ['b'])", "has no field `b`"),
        ("sum([True])", "expected a number"),
        ("clamp(1, 3, 2)", "above the upper"),
        ("format_date(date('2026-05-29'), 'HH:mm')", "has no hours"),
        ("format_date(date('2026-05-29'), 'YYYY-QQ')", "is not part of a date"),
    ],
)
def test_a_function_says_what_is_wrong(formula, words):
    with pytest.raises(EvaluationError, match=words):
        run(formula)
