"""Paths beyond the compliance suite: cases as data, places of names, reuse, bounds, hostile texts."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from engine.language.compiled import EvaluationError
from engine.language.functions.path_functions import PATH_FUNCTIONS
from engine.language.generate import Emitter
from engine.language.path import (
    PathSyntaxError,
    compile_path,
    emit_path,
    parse_path,
    path_reads,
    search,
)
from engine.source import Source, Span, Text
from engine.values.json_text import read_json, write_json


class ExactLoader(yaml.SafeLoader):
    """YAML with exact numbers, and with dates and instants only where they are marked."""


def instant(_loader, node):
    return datetime.fromisoformat(node.value).astimezone(UTC)


ExactLoader.add_constructor("tag:yaml.org,2002:float", lambda _loader, node: Decimal(node.value))
ExactLoader.add_constructor("!number", lambda _loader, node: Decimal(node.value))
ExactLoader.add_constructor("!date", lambda _loader, node: date.fromisoformat(node.value))
ExactLoader.add_constructor("!instant", instant)

FILE = Path(__file__).parent / "cases" / "path.yaml"
GROUPS = yaml.load(FILE.read_text(encoding="utf-8"), ExactLoader)  # noqa: S506 - a safe loader, made exact
CASES = [
    pytest.param(group["given"], case, id=case["path"][:60] or "empty")
    for group in GROUPS
    for case in group["cases"]
]


def evaluations(path, given):
    """The same path on a value and on a scope."""
    yield lambda: search(path, given)
    yield lambda: compile_path(path, list(given)).call(given)


@pytest.mark.parametrize("given, case", CASES)
def test_case(given, case):
    for evaluate in evaluations(case["path"], given):
        if "error" not in case:
            result = evaluate()
            assert (type(result), write_json(result)) == (type(case["result"]), write_json(case["result"]))
            continue
        with pytest.raises((PathSyntaxError, EvaluationError)) as caught:
            evaluate()
        assert case["error"] in caught.value.message
        assert "\n" not in caught.value.message
        assert getattr(caught.value, "offset", None) == case.get("offset")


@pytest.mark.parametrize("name", PATH_FUNCTIONS)
def test_example_of_function(name):
    function = PATH_FUNCTIONS[name]
    assert function.name == name
    assert f"{name}(" in function.example
    assert write_json(search(function.example, None)) == write_json(read_json(function.gives))
    assert function.summary.endswith(".")


READS = [
    ("a", ["a"]),
    ("a.b.c", ["a.b.c"]),
    ('a."b c".d', ["a.b c.d"]),
    (' "a" . b', ["a.b"]),
    ("`1.50` == a.b && 'x' == c", ["a.b", "c"]),
    ("a == '`' && b", ["a", "b"]),
    ("@.a.b", ["a.b"]),
    ("a[0].b", ["a.[].b"]),
    ("a[-1]", ["a.[]"]),
    ("a[1:2].b", ["a.[].b"]),
    ("a[*].b.c", ["a.[].b.c"]),
    ("a[].b", ["a.[].b"]),
    ("a[*].b[].c", ["a.[].b.[].c"]),
    ("a[*].b | [0].c", ["a.[].b.c"]),
    ("a[?b == c.d].e", ["a.[].b", "a.[].c.d", "a.[].e"]),
    ("a[?b[?c]]", ["a.[].b.[].c"]),
    ("a[?b && !c]", ["a.[].b", "a.[].c"]),
    ("a.{x: b, y: c.d}", ["a.b", "a.c.d"]),
    ("a[*].[b, c]", ["a.[].b", "a.[].c"]),
    ("a.[`1`]", ["a"]),
    ("{x: a.b}.x.c", ["a.b"]),
    ("a || b.c", ["a", "b.c"]),
    ("(a || b).c", ["a", "b"]),
    ("sum(a[*].b)", ["a.[].b"]),
    ("sort_by(a, &b.c)[0].d", ["a.[].b.c", "a.[].d"]),
    ("max_by(a.b, &c).d", ["a.b.[].c", "a.b.[].d"]),
    ("map(&b, a)[0].c", ["a.[].b.c"]),
    ("reverse(a)[0].b", ["a.[].b"]),
    ("sort_by(values(a), &b)", ["a"]),
    ("a.*.b", ["a"]),
    ("a | b | c", ["a.b.c"]),
    ("length(a.b) > length(a.c)", ["a.b", "a.c"]),
    ("a.sum(b)", ["a.b"]),
    ("'x'.a", []),
    ("keys(@)", []),
    ("`{}`.a[?b]", []),
]


@pytest.mark.parametrize("text, chains", READS)
def test_reads(text, chains):
    tree = parse_path(text)
    found = path_reads(tree)
    assert [".".join(name for name, _, _ in chain.parts) for chain in found] == chains
    for chain in found:
        for name, start, end in chain.parts:
            written = text[start:end]
            if name == "[]":
                assert written.startswith(("[", *PATH_FUNCTIONS))
            else:
                assert written in (name, f'"{name}"')


def test_place_of_an_element_is_its_bracket():
    text = "a[?b == 'x'].c[0].d[*].e[1:2].f[].g"
    parts = {part for chain in path_reads(parse_path(text)) for part in chain.parts}
    brackets = sorted({(start, text[start:end]) for name, start, end in parts if name == "[]"})
    assert [written for _, written in brackets] == ["[?b == 'x']", "[0]", "[*]", "[1:2]", "[]"]


def test_field_chain_is_straight_line_code():
    source = compile_path("time_entry.project.code", ["time_entry"]).source
    assert "n_time_entry.get('project') if type(n_time_entry) is dict else None" in source
    assert "for " not in source
    assert "lambda" not in source


def test_names_are_those_that_are_read():
    assert compile_path("a.b || c[?d]", ["a", "c", "d"]).names == {"a", "c"}
    assert compile_path("@", ["a", "b"]).names == {"a", "b"}
    assert compile_path("a").names == {"@"}


def test_whole_scope_leaves_out_what_no_author_can_write():
    assert compile_path("@", ["a", "$ask"]).call({"a": 1, "$ask": 2}) == {"a": 1}


def function_of(emitter, *results):
    call, source = emitter.build("path", f"[{', '.join(results)}]")
    return call, source


def test_common_beginning_is_read_once():
    emitter = Emitter(["a"])
    results = [emit_path(emitter, parse_path(text)) for text in ("a.b.c", "a.b.d", "a.b")]
    call, source = function_of(emitter, *results)
    assert source.count(".get('b')") == 1
    assert call({"a": {"b": {"c": 1, "d": 2}}}) == [1, 2, {"c": 1, "d": 2}]


def test_what_one_branch_read_is_not_reused_outside():
    emitter = Emitter(["a", "flag"])
    first = emitter.assign("None")
    with emitter.block(f"if {emit_path(emitter, parse_path('flag'))}:"):
        emitter.line(f"{first} = {emit_path(emitter, parse_path('a.b.c'))}")
        inside = emit_path(emitter, parse_path("a.b.c"))
        emitter.line(f"{first} = [{first}, {inside}]")
    second = emit_path(emitter, parse_path("a.b.c"))
    call, source = function_of(emitter, first, second)
    assert source.count(".get('c')") == 2
    assert call({"a": {"b": {"c": 1}}, "flag": False}) == [None, 1]
    assert call({"a": {"b": {"c": 1}}, "flag": True}) == [[1, 1], 1]


def test_path_on_a_local():
    emitter = Emitter()
    local = emitter.assign("{'a': [{'b': 1}, {'b': 2}]}")
    call, _ = function_of(emitter, emit_path(emitter, parse_path("a[-1].b"), local))
    assert call({}) == [2]


def test_error_names_the_path_and_its_place():
    text = "sum(name)"
    source = Source("flow.yaml", f"a: b\npath: {text}")
    written = Text(text, Span(source, 11, 11 + len(text)))
    with pytest.raises(EvaluationError) as caught:
        compile_path(written, ["name"]).call({"name": "x"})
    assert str(caught.value) == (
        "flow.yaml:2:7: sum() takes a list of numbers, but was given text (in `sum(name)`)"
    )


def test_data_is_not_changed():
    data = {"a": [{"n": 2, "l": [1]}, {"n": 1, "l": [2]}]}
    before = write_json(data)
    for path in (
        "sort_by(a, &n)",
        "a[].l[]",
        "reverse(a)",
        "merge(@, {a: `1`})",
        "sort(a[].n)",
        "to_array(a)",
    ):
        search(path, data)
    assert write_json(data) == before


@pytest.mark.parametrize("path", ["[@, @][]", "@[*]", "@[?@]"])
def test_result_has_a_bound(path):
    assert search(path, [1] * 50_000)
    with pytest.raises(EvaluationError, match="more than 100,000 elements"):
        search(path, [1] * 100_001)


@pytest.mark.parametrize("path", ["to_string(@)", "join('', @)", "join('x', @)"])
def test_text_has_a_bound(path):
    with pytest.raises(EvaluationError, match="more than 1,000,000 characters"):
        search(path, ["y" * 1_000] * 1_001)


def test_text_that_is_a_tower_of_references_has_a_bound():
    tower = "|".join(["[@,@]"] * 15)
    with pytest.raises(EvaluationError, match="more than 1,000,000 characters"):
        search(f"{tower} | to_string(@)", ["y" * 40])


HOSTILE = {
    "too long": "a" * 10_001,
    "nots": "!" * 9_999 + "a",
    "brackets": "[" * 9_999,
    "closed brackets": "[" * 4_000 + "a" + "]" * 4_000,
    "parentheses": "(" * 5_000 + "a" + ")" * 5_000,
    "filters": "a[?" * 3_000 + "b" + "]" * 3_000,
    "stars": "*." * 4_999 + "*",
    "projections": "a" + "[*]" * 3_000,
    "flattens": "a" + "[]" * 4_000,
    "fields": "a" + ".a" * 4_900,
    "pipes": "a" + "|a" * 4_900,
    "alternatives": "a" + "||a" * 3_000,
    "comparisons": "a" + "==a" * 3_000,
    "functions": "abs(" * 2_400 + "a",
    "references": "&" * 9_000 + "a",
    "records": "{a:" * 3_000,
    "nested literal": "`" + "[" * 4_000 + "]" * 4_000 + "`",
    "digits": "a[" + "1" * 9_000 + "]",
    "digits in literal": "`" + "1" * 9_000 + "x`.a[" + "1" * 50 + ":" + "2" * 5_000 + "]",
    "backslashes": "'" + "\\" * 9_001 + "'",
    "surrogate": "'\ud800' == a",
    "nul": "a\0b",
    "bidi": "a.\u202eb",
    "arabic digits": "a[\u0663]",
    "growth": "{a: @, b: @, c: @} | " * 20 + "@",
    "escapes": "to_string([" * 24 + "@" + "])" * 24,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_refused_in_a_sentence(name):
    with pytest.raises(PathSyntaxError) as caught:
        parse_path(HOSTILE[name])
    assert len(caught.value.message) < 200
    assert caught.value.message.isprintable()
    assert 0 <= caught.value.offset <= len(HOSTILE[name])


def nested(times, wrap, inner="x"):
    for _ in range(times):
        inner = wrap(inner)
    return inner


DEEP = {
    "a" + "[*].a" * 40: {"a": nested(40, lambda inner: [{"a": inner}])},
    nested(22, lambda inner: f"a[?{inner}]", "a"): {"a": nested(40, lambda inner: [{"a": inner}])},
    nested(22, lambda inner: f"map(&{inner}, a)", "a"): {"a": nested(22, lambda inner: [{"a": inner}])},
    nested(22, lambda inner: f"a.{{a: {inner}}}", "a"): nested(23, lambda inner: {"a": inner}),
    "a" + "[]" * 24: {"a": nested(20, lambda inner: [inner])},
}


@pytest.mark.parametrize("path", DEEP)
def test_deepest_path_that_is_allowed_runs(path):
    found = search(path, DEEP[path])
    assert "x" in write_json(found).decode()
    assert compile_path(path, ["a"]).call(DEEP[path]) == found


def test_deep_conditions_run():
    text = "a"
    for _ in range(22):
        text = f"(a && (b || {text}))"
    assert search(text, {"a": True, "b": False}) is True
    assert compile_path(text, ["a", "b"]).call({"a": True, "b": False}) is True
