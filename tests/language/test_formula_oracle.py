"""simpleeval defines the language of formulas: the same value, or both refuse, and each difference."""

from datetime import date
from decimal import Decimal

import pytest
import simpleeval
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.language.compiled import EvaluationError
from engine.language.formula import FormulaSyntaxError, compile_formula
from engine.language.scope import TypeScope
from engine.values.type import DECIMAL, INTEGER, NULL, STRING, Field, Listing, Record
from engine.values.value import Value
from tests.depth import examples
from tests.language.exact_cases import shape

FUNCTIONS = {
    "len": len,
    "min": min,
    "max": max,
    "sum": sum,
    "sorted": sorted,
    "any": any,
    "all": all,
    "abs": abs,
}

INTEGERS = st.integers(-9, 9)
TEXTS = st.sampled_from(["", "a", "b", "ab", "abc"])
NUMBER_LISTS = st.lists(INTEGERS, max_size=4)
RECORDS = st.fixed_dictionaries({"n": INTEGERS, "t": TEXTS, "l": NUMBER_LISTS})
SCOPE = st.fixed_dictionaries(
    {
        "i": INTEGERS,
        "j": INTEGERS,
        "d": st.decimals(-9, 9, places=2),
        "s": TEXTS,
        "l": NUMBER_LISTS,
        "r": RECORDS,
        "rows": st.lists(RECORDS, max_size=3),
        "nothing": st.none(),
    }
)

# Formulas by the kind of value that they give, so that most of them have one.
NUMBERS = st.deferred(
    lambda: st.one_of(
        st.sampled_from(["i", "j", "d", "r.n", "r['n']", "len(l)", "len(s)", "sum(l)"]),
        st.integers(0, 99).map(str),
        st.tuples(NUMBERS, st.sampled_from("+-*"), NUMBERS).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(WHOLE, st.sampled_from(["//", "%"]), WHOLE).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(WHOLE, st.integers(0, 4)).map(lambda t: f"({t[0]} ** {t[1]})"),
        st.tuples(NUMBERS, TRUTHS, NUMBERS).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})"),
        st.tuples(NUMBERS, NUMBERS).map(lambda t: f"max({t[0]}, {t[1]})"),
        st.tuples(LISTS, st.integers(-3, 3)).map(lambda t: f"{t[0]}[{t[1]}]"),
        NUMBERS.map(lambda t: f"(-{t})"),
        NUMBERS.map(lambda t: f"abs({t})"),
        LISTS.map(lambda t: f"sum({t})"),
        LISTS.map(lambda t: f"min({t})"),
    )
)
WHOLE = st.one_of(st.sampled_from(["i", "j", "r.n", "len(rows)"]), st.integers(0, 9).map(str))
STRINGS = st.deferred(
    lambda: st.one_of(
        st.sampled_from(["s", "r.t", "'a'", "'abc'", "s[0:1]", "s[::-1]"]),
        st.tuples(STRINGS, STRINGS).map(lambda t: f"({t[0]} + {t[1]})"),
        st.tuples(STRINGS, INTEGERS).map(lambda t: f"({t[0]} * {t[1]})"),
        st.tuples(STRINGS, st.integers(-2, 2)).map(lambda t: f"{t[0]}[{t[1]}]"),
    )
)
LISTS = st.deferred(
    lambda: st.one_of(
        st.sampled_from(["l", "r.l", "[]", "[x.n for x in rows]", "[y for x in rows for y in x.l if y > i]"]),
        st.tuples(NUMBERS, NUMBERS).map(lambda t: f"[{t[0]}, {t[1]}]"),
        st.tuples(LISTS, LISTS).map(lambda t: f"({t[0]} + {t[1]})"),
        st.tuples(LISTS, st.integers(-3, 3), st.integers(-3, 3)).map(lambda t: f"{t[0]}[{t[1]}:{t[2]}]"),
        LISTS.map(lambda t: f"sorted({t})"),
        st.tuples(NUMBERS, TRUTHS).map(lambda t: f"[{t[0]} for z in rows if {t[1]} if z.n != 0]"),
    )
)
TRUTHS = st.deferred(
    lambda: st.one_of(
        st.tuples(NUMBERS, COMPARE, NUMBERS).map(" ".join).map("({})".format),
        st.tuples(STRINGS, COMPARE, STRINGS).map(" ".join).map("({})".format),
        st.tuples(NUMBERS, COMPARE, NUMBERS, COMPARE, NUMBERS).map(" ".join).map("({})".format),
        st.tuples(NUMBERS, st.sampled_from(["in", "not in"]), LISTS).map(" ".join).map("({})".format),
        st.tuples(STRINGS, st.sampled_from(["in", "not in"]), STRINGS).map(" ".join).map("({})".format),
        st.sampled_from(["nothing is None", "s is not None", "True", "not nothing", "'n' in r", "'x' in r"]),
        st.tuples(TRUTHS, st.sampled_from(["and", "or"]), TRUTHS).map(" ".join).map("({})".format),
        TRUTHS.map(lambda t: f"(not {t})"),
        LISTS.map(lambda t: f"any(w > i for w in {t})" if "for w" not in t else "True"),
        LISTS.map(lambda t: f"all(u > i for u in {t})" if "for u" not in t else "True"),
    )
)
COMPARE = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
MIXED = st.one_of(
    NUMBERS,
    STRINGS,
    LISTS,
    TRUTHS,
    st.tuples(NUMBERS, STRINGS).map(lambda t: f"{{'a': {t[0]}, {t[1]}: 1}}"),
    st.tuples(STRINGS, NUMBERS).map(lambda t: f"{{x.t: {t[1]} for x in rows}}"),
    STRINGS.map(lambda t: f'f"<{{{t}}}>"' if '"' not in t else t),
    st.tuples(NUMBERS, STRINGS).map(lambda t: f"({t[0]} or {t[1]})"),
    st.tuples(NUMBERS, STRINGS).map(lambda t: f"({t[0]} < {t[1]})"),
    st.tuples(NUMBERS, STRINGS).map(lambda t: f"({t[0]} + {t[1]})"),
    NUMBERS.map(lambda t: f"s[{t}]"),
    st.sampled_from(
        ["r.missing", "missing", "nothing.x", "l['a']", "r[0]", "len(i)", "nope(1)", "nothing < 1"]
    ),
)


def oracle(text, scope):
    try:
        return simpleeval.EvalWithCompoundTypes(functions=dict(FUNCTIONS), names=dict(scope)).eval(text)
    except TypeError as error:  # slices say it like lists and texts do
        return "by a Decimal" if "decimal.Decimal" in str(error) or "__index__" in str(error) else "refused"
    except Exception:  # noqa: BLE001 - it refuses with whatever Python raises
        return "refused"


def ours(text, scope) -> Value:
    try:
        return compile_formula(text, frozenset(scope)).call(scope)
    except (EvaluationError, FormulaSyntaxError) as error:
        return "not new" if "already names" in error.message else "refused"


def as_lists(value):
    if isinstance(value, tuple | list):
        return [as_lists(item) for item in value]
    return value


@settings(max_examples=examples(200))
@given(MIXED, SCOPE)
def test_same_value_or_both_refuse(text, scope):
    mine = ours(text, scope)
    assume(mine != "not new")  # that a `for` gives new names is a difference on purpose
    theirs = as_lists(oracle(text, scope))
    assume(theirs != "by a Decimal")  # that a whole Decimal is a place in a list is a difference on purpose
    assert mine == theirs


ROW = Record(
    name="row",
    fields={
        "n": Field(type=INTEGER, required=True),
        "t": Field(type=STRING, required=True),
        "l": Field(type=Listing(item=INTEGER), required=True),
    },
)
TYPES = TypeScope(
    names={
        "i": INTEGER,
        "j": INTEGER,
        "d": DECIMAL,
        "s": STRING,
        "l": Listing(item=INTEGER),
        "r": ROW,
        "rows": Listing(item=ROW),
        "nothing": NULL,
    }
)


@given(MIXED, SCOPE)
def test_types_change_the_code_and_not_the_value(text, scope):
    try:
        typed = compile_formula(text, frozenset(scope), types=TYPES).call(scope)
    except (EvaluationError, FormulaSyntaxError):
        typed = "refused"
    untyped = ours(text, scope)
    assert shape(typed) == shape("refused" if untyped == "not new" else untyped)


# Each row: the formula, what simpleeval gives, what ours gives; reasons: engine/language/formula.py.
DIFFERENCES = [
    ("1.10 + 2.20", 3.3000000000000003, Decimal("3.30")),
    ("1 / 3", 1 / 3, Decimal("0.3333333333333333333333333333")),
    ("2 ** -1", 0.5, Decimal("0.5")),
    ("True + 1", 2, "refused"),
    ("d // 2", Decimal(-3), Decimal(-4)),
    ("d % 2", Decimal("-1.5"), Decimal("0.5")),
    ("s.upper()", "AB", "refused"),
    ("s.upper", "something callable", "refused"),
    ("on == '2026-05-29'", False, "refused"),
    ("on in ['2026-05-29']", False, "refused"),
    ("[1] < [2]", True, "refused"),
    ("True < 2", True, "refused"),
    ("{1, 2} < {1, 2, 3}", True, "refused"),
    ("(1, 2)", (1, 2), [1, 2]),
    ("(1, 2) == [1, 2]", False, True),
    ("{2, 1}", {1, 2}, [1, 2]),
    ("{1: 2}", {1: 2}, "refused"),
    ("[c for c in s]", ["a", "b"], "refused"),
    ("{x for x in [1]}", "refused", [1]),
    ("any(x == 1 or x / 0 for x in [1, 2])", "refused", True),
    ("f'{1.5:.3f}'", "1.500", "refused"),
    ("f'{None}'", "None", "refused"),
    ("f'{[1]}'", "[1]", "refused"),
    ("f'{d}'", "-7.5", "-7.5"),
    ("'%s' % s", "ab", "refused"),
    ("6 & 3", 2, "refused"),
    ("1 << 2", 4, "refused"),
    ("[*l]", [1], "refused"),
    ("1 is 1", True, "refused"),
    ("s is s", True, "refused"),
    ("l[True]", "refused", "refused"),
]


def test_a_name_that_a_for_gives_is_new():
    assert oracle("[s for s in [1]]", {"s": 2}) == [1]
    with pytest.raises(FormulaSyntaxError, match="already names"):
        compile_formula("[s for s in [1]]", frozenset({"s"}))


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
@pytest.mark.parametrize("text, theirs, mine", DIFFERENCES)
def test_difference_on_purpose(text, theirs, mine):
    scope = {"d": Decimal("-7.5"), "s": "ab", "on": date(2026, 5, 29), "l": [1]}
    if theirs == "something callable":
        assert callable(oracle(text, scope))
    else:
        assert oracle(text, scope) == theirs
    assert ours(text, scope) == mine
