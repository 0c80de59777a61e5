"""Paths against the library: the same value, or an error from both, on generated expressions and data.

Left out on purpose, because floats differ or the library is less strict than the language: text of a computed
number (2.50 beside 2.5), `to_number` of infinity, a second argument of `merge` that is no record, `&` where
nothing applies it, a step of 0. Numbers are quarters, which floats hold exactly; an average may differ in the
last digits of the float.
"""

import math
import warnings
from decimal import Decimal

import jmespath
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from jmespath import exceptions

from engine.language import path
from engine.language.compiled import EvaluationError
from engine.language.generate import Emitter
from engine.language.path import PathSyntaxError, compile_path, emit_path, parse_path, path_reads, search
from engine.language.scope import TypeScope
from engine.values.type import ANY, INTEGER, STRING, Field, Listing, Record
from tests.depth import examples

NAMES = ("a", "b", "c", "list", "rec", '"d e"')
WORDS = ("", "a", "b", "x", "1.5", "12", " 7 ", "1e2", "-.5", "1_0", "ü🙂")

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.integers(-8, 8).map(lambda number: Decimal(str(number / 4)))
    | st.sampled_from(WORDS)
)


def containers(inner):
    records = st.dictionaries(st.sampled_from(("a", "b", "c", "d e")), inner, max_size=4)
    return st.lists(inner, max_size=4) | records | st.lists(records, max_size=4)


values = st.recursive(scalars, containers, max_leaves=12)
data = st.fixed_dictionaries(
    {
        "list": st.lists(values, max_size=4),
        "rec": st.dictionaries(st.sampled_from("abc"), values, max_size=3),
    },
    optional={"a": values, "b": values, "c": values, "d e": values},
)

names = st.sampled_from(NAMES)
numbers = st.integers(-3, 3)
literals = st.sampled_from(
    (
        "`1`",
        "`0`",
        "`1.5`",
        "`true`",
        "`false`",
        "`null`",
        "`[]`",
        "`{}`",
        "`[1, [2]]`",
        "'x'",
        "''",
        "`[0.25, 1]`",
    )
)


def slices(bound):
    return st.tuples(bound, bound, st.sampled_from(("", ":1", ":-1", ":2"))).map(
        lambda parts: f"[{parts[0]}:{parts[1]}{parts[2]}]"
    )


brackets = st.one_of(
    numbers.map(lambda index: f"[{index}]"),
    slices(numbers.map(str) | st.just("")),
    st.sampled_from(("[*]", "[]", ".*")),
)
UNARY = ("abs", "avg", "ceil", "floor", "keys", "length", "max", "min", "reverse", "sort", "sum")
UNARY += ("to_array", "to_number", "type", "values", "not_null")
BINARY = ("contains", "ends_with", "starts_with", "join", "not_null")
APPLIED = ("sort_by", "max_by", "min_by")
OPERATORS = ("==", "!=", "<", "<=", ">", ">=", "||", "&&", "|")


def grown(inner):
    pair = st.tuples(inner, inner)
    return st.one_of(
        pair.map(lambda two: f"{two[0]}.{two[1]}"),
        st.tuples(inner, names).map(lambda two: f"{two[0]}.{two[1]}"),
        st.tuples(inner, brackets).map("".join),
        st.tuples(inner, brackets, names).map(lambda three: f"{three[0]}{three[1]}.{three[2]}"),
        pair.map(lambda two: f"{two[0]}[?{two[1]}]"),
        st.tuples(inner, inner, names).map(lambda three: f"{three[0]}[?{three[1]}].{three[2]}"),
        st.tuples(inner, st.sampled_from(OPERATORS), inner).map(" ".join),
        inner.map(lambda one: f"!{one}"),
        inner.map(lambda one: f"({one})"),
        st.lists(inner, min_size=1, max_size=3).map(lambda some: f"[{', '.join(some)}]"),
        st.tuples(names, pair).map(lambda two: f"{two[1][0]}.{{{two[0]}: {two[1][1]}, z: @}}"),
        st.tuples(st.sampled_from(UNARY), inner).map(lambda two: f"{two[0]}({two[1]})"),
        st.tuples(st.sampled_from(BINARY), inner, inner).map(lambda some: f"{some[0]}({some[1]}, {some[2]})"),
        st.tuples(st.sampled_from(APPLIED), inner, inner).map(
            lambda some: f"{some[0]}({some[1]}, &{some[2]})"
        ),
        pair.map(lambda two: f"map(&{two[0]}, {two[1]})"),
        names.map(lambda name: f"to_string({name})"),
        inner.map(lambda one: f"merge(rec, {{a: {one}}})"),
    )


expressions = st.recursive(names | literals | st.just("@") | st.just("list[*]"), grown, max_leaves=8)


def as_floats(value):
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {key: as_floats(item) for key, item in value.items()}
    return [as_floats(item) for item in value] if isinstance(value, list) else value


def same(ours, theirs):
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return ours is theirs
    if isinstance(ours, int | Decimal) and isinstance(theirs, int | float):
        return math.isclose(ours, theirs, rel_tol=1e-12)
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return list(ours) == list(theirs) and all(same(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    return type(ours) is type(theirs) and ours == theirs


FAILED = object()


def by_library(text, value):
    """What the library finds; it lets Python's own errors through where a text meets a number."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return jmespath.search(text, as_floats(value))
    except (exceptions.JMESPathError, TypeError):
        return FAILED


def by_us(evaluate):
    try:
        return evaluate()
    except EvaluationError:
        return FAILED


@pytest.mark.slow
@settings(max_examples=examples(600))
@given(text=expressions, value=data)
@example(text="list[?@ == `1`]", value={"list": [True, 1, Decimal("1.0"), "1"], "rec": {}})
@example(text="list[?@]", value={"list": [0, Decimal(0), "", [], {}, None, False, True], "rec": {}})
@example(text="list[?!@]", value={"list": [0, Decimal(0), "", [], {}, None, False, True], "rec": {}})
@example(text="rec.* | sort(@)", value={"list": [], "rec": {"a": 2, "b": Decimal("0.5")}})
def test_same_value_or_both_errors(text, value):
    try:
        jmespath.compile(text)
    except exceptions.ParseError:
        with pytest.raises(PathSyntaxError):
            parse_path(text)
        return
    try:
        tree = parse_path(text)
    except PathSyntaxError as error:
        # What the library finds out when it runs, or is too large for us.
        assume("repeats its input" not in error.message)
        raise
    theirs = by_library(text, value)
    scoped = {name: value.get(name) for name in value if name.isidentifier()}
    ours = by_us(lambda: search(text, value))
    on_scope = by_us(lambda: compile_path(text, list(scoped)).call(scoped))
    assert ours is FAILED if theirs is FAILED else same(ours, theirs), (ours, theirs)
    if "d e" not in value and "@" not in text:
        assert on_scope is FAILED if ours is FAILED else same(on_scope, as_floats(ours))
    for chain in path_reads(tree):
        assert all(text[start:end].strip('"') == name for name, start, end in chain.parts if name != "[]")


@settings(max_examples=examples(200))
@given(texts=st.lists(expressions, min_size=2, max_size=4), value=data)
def test_paths_of_one_function_do_not_disturb_each_other(texts, value):
    emitter = Emitter(["list", "rec", "a"])
    scope = {name: value.get(name) for name in ("list", "rec", "a")}
    alone = []
    try:
        alone = [by_us(lambda text=text: compile_path(text, list(scope)).call(scope)) for text in texts]
    except PathSyntaxError:
        assume(False)
    working = [text for text, result in zip(texts, alone, strict=True) if result is not FAILED]
    results = [emit_path(emitter, parse_path(text)) for text in working]
    call, _ = emitter.build("path", f"[{', '.join(results)}]")
    assert call(scope) == [result for result in alone if result is not FAILED]


def records(inner):
    fields = st.builds(Field, type=inner, required=st.booleans(), nullable=st.booleans())
    return st.dictionaries(st.sampled_from(("a", "b", "c")), fields, max_size=3).map(
        lambda members: Record(name="", fields=members)
    )


types = st.recursive(
    st.sampled_from((ANY, STRING, INTEGER)),
    lambda inner: records(inner) | st.builds(Listing, item=inner),
    max_leaves=8,
)


@pytest.mark.slow
@settings(max_examples=examples(600))
@given(
    texts=st.lists(expressions, min_size=1, max_size=3),
    value=data,
    said=st.fixed_dictionaries(
        {"list": st.builds(Listing, item=records(types)), "rec": records(types), "a": types}
    ),
)
@example(
    texts=["rec.a.b", "rec.a"],
    value={"rec": {"a": "text"}, "list": []},
    said={
        "rec": Record(name="", fields={"a": Field(type=Record(name=""), required=True)}),
        "list": ANY,
        "a": ANY,
    },
)
def test_what_types_say_changes_no_value(texts, value, said):
    """Also where it is not so: what was believed too easily is then read with care."""
    scope = {name: value.get(name) for name in said}
    results = []
    for known in (None, TypeScope(names=said)):
        emitter = Emitter(list(said))
        try:
            atoms = [emit_path(emitter, parse_path(text), types=known) for text in texts]
        except PathSyntaxError:
            assume(False)
        call, _ = emitter.build("path", f"[{', '.join(atoms)}]")
        results.append(by_us(lambda call=call: call(scope)))
    assert results[0] is results[1] is FAILED or same(results[1], as_floats(results[0]))


TOKENS = [
    "a",
    "b.c",
    "sum",
    "'x'",
    "`1`",
    '"q"',
    "1",
    "-1",
    "==",
    "<",
    "||",
    "&&",
    "|",
    "!",
    "&",
    "@",
    "*",
    " ",
]
TOKENS += ["[", "]", "[]", "[?", "(", ")", "{", "}", ":", ",", ".", "=", "#", "'", "`", '"', "\\", "abs(a)"]


def refusal(text):
    """Why a text is no path; None when it is one."""
    try:
        parse_path(text)
    except PathSyntaxError as error:
        return error
    return None


def library_takes(text):
    try:
        with warnings.catch_warnings(action="ignore"):
            jmespath.compile(text)
    except exceptions.JMESPathError:
        return False
    return True


# What the library finds out when it runs, and what JSON it is less strict about.
LATER = ("takes", "there is no function", "`&` is for", "step of a slice", "argument ", "not JSON")


@settings(max_examples=examples(600))
@given(text=st.lists(st.sampled_from(TOKENS), max_size=12).map("".join))
def test_what_is_a_path_is_what_the_library_takes_for_one(text):
    refused = refusal(text)
    if library_takes(text):
        assert refused is None or any(words in refused.message for words in LATER)
    else:
        assert refused is not None


@settings(max_examples=examples(300))
@given(text=st.text(max_size=60) | st.text("ab.[]()*?&|!=<>@`'\"\\{}:,0123-\n\ud800\0", max_size=60))
def test_any_text_is_a_path_or_refused_in_a_line(text):
    refused = refusal(text)
    if refused is None:
        by_us(lambda: search(text, {"a": [1, {"b": 2}]}))
        path_reads(parse_path(text))
    else:
        assert "\n" not in refused.message
        assert 0 <= refused.offset <= len(text)


@given(text=st.text("ab_1.A", min_size=1, max_size=12))
def test_plain_fields_are_read_as_the_library_reads_them(text):
    quick = path._fields(text)
    if quick is not None:
        assert quick == path._Builder().node(path._library_tree(text), 1)


@given(names=st.lists(st.sampled_from(["a", "b_1", "Zz", "null", "true"]), min_size=1, max_size=21))
def test_names_and_dots_are_plain_fields(names):
    assert path._fields(".".join(names)) == path._Builder().node(path._library_tree(".".join(names)), 1)
