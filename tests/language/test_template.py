"""Templates: cases as data, bounds, hostile texts, and Jinja itself as the oracle."""

from decimal import Decimal

import jinja2
import jinja2.sandbox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.language import budget
from engine.language.compiled import EvaluationError
from engine.language.generate import Emitter
from engine.language.scope import TypeScope
from engine.language.template import (
    TemplateSyntaxError,
    compile_template,
    emit_template,
    parse_template,
)
from engine.source import Source, Span, Text
from engine.values.type import STRING, Field, Record
from tests.language.exact_cases import read_cases

CASES = read_cases("template.yaml", "template")


def run(text, **scope):
    return compile_template(text, frozenset(scope)).call(scope)


@pytest.mark.parametrize("given, case", CASES)
def test_case(given, case):
    if "syntax" in case:
        with pytest.raises(TemplateSyntaxError) as refused:
            compile_template(case["template"], frozenset(given))
        error = refused.value
        assert case["syntax"] in error.message
        assert error.offset == case.get("at", error.offset)
        assert error.end == case.get("to", error.end)
        assert 0 <= error.offset <= error.end <= len(case["template"]) + 1
    elif "error" in case:
        with pytest.raises(EvaluationError) as failed:
            run(case["template"], **given)
        assert case["error"] in failed.value.message
        assert failed.value.text == case["template"]
    else:
        assert run(case["template"], **given) == case["text"]


# -- Jinja as the oracle, on what both mean the same by

NAMES = st.sampled_from(["r.t", "r['t']", "i", "s", "rows[0].n", "'x'", "5", "(i + 2) * 3"])
VALUES = st.one_of(
    NAMES,
    st.sampled_from(
        ["s | upper", "s | replace('a', 'b')", "rows | length", "r.no | default('z')", "s ~ i ~ '-'"]
    ),
    st.tuples(NAMES, NAMES).map(lambda t: f"{t[0]} if i > 0 else {t[1]}"),
    st.sampled_from(
        ["[3, 1] | sort | first", "(rows | first).t", "s | default('d', true)", "i // 2", "i % 3"]
    ),
)
TESTS = st.sampled_from(
    ["i > 0", "s == 'a'", "r.t in 'abc'", "r.no is defined", "r.t is defined", "not s", "rows", "i is number"]
)
PIECES = st.recursive(
    st.one_of(
        st.sampled_from(["", "a", " b\n", "<i>", "%", "}", "{# no #}", "é"]),
        VALUES.map(lambda value: "{{ " + value + " }}"),
        VALUES.map(lambda value: " {{- " + value + " -}} "),
    ),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(TESTS, inner, inner).map(
            lambda t: f"{{% if {t[0]} %}}{t[1]}{{% else %}}{t[2]}{{% endif %}}"
        ),
        st.tuples(TESTS, inner, TESTS, inner).map(
            lambda t: f"{{% if {t[0]} -%}} {t[1]}{{% elif {t[2]} %}}{t[3]}{{% endif %}}"
        ),
        st.tuples(TESTS, inner).map(
            lambda t: (
                ""
                if "for" in t[1]
                else "{% for x in rows if x.n > i %}{{ loop.index }}"
                "{{ x.t }}{{ ', ' if not loop.last else '' }}" + t[1] + "{% else %}-{% endfor %}"
            )
        ),
    ),
    max_leaves=6,
)
ROWS = st.fixed_dictionaries({"n": st.integers(-3, 3), "t": st.sampled_from(["a", "bc", ""])})
SCOPES = st.fixed_dictionaries(
    {
        "i": st.integers(-3, 3),
        "s": st.sampled_from(["", "a", "ab"]),
        "r": ROWS,
        "rows": st.lists(ROWS, min_size=1, max_size=3),
    }
)


@given(PIECES, SCOPES)
def test_jinja_writes_the_same(text, scope):
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False
    )
    assert run(text, **scope) == environment.from_string(text).render(scope)


# -- hostile and large

ESCAPES = [
    "{{ ''.__class__ }}",
    "{{ x.__init__.__globals__ }}",
    "{{ x | attr('__class__') }}",
    "{{ self }}",
    "{{ self._TemplateReference__context }}",
    "{{ cycler }}",
    "{{ joiner() }}",
    "{{ namespace() }}",
    "{{ lipsum() }}",
    "{{ dict(a=1) }}",
    "{{ config }}",
    "{{ x | map('upper') }}",
    "{{ x | format(1) }}",
    "{{ '{0.__class__}'.format(x) }}",
    "{{ x | safe }}",
    "{{ x | tojson }}",
    "{{ x | xmlattr }}",
    "{% for c in x.__class__.__subclasses__() %}{% endfor %}",
    "{% set x = 1 %}",
    "{{ caller() }}",
    "{{ super() }}",
    "{% debug %}",
    "{% do x %}",
    "{% break %}",
]


@pytest.mark.parametrize("text", ESCAPES)
def test_escapes_are_refused_when_read(text):
    with pytest.raises(TemplateSyntaxError):
        compile_template(text, frozenset({"x"}))


@pytest.mark.parametrize("value", ["text", 1, Decimal(1), [1]])
def test_no_dot_reaches_an_attribute_of_an_object(value):
    for name in (name for name in dir(type(value)) if not name.startswith("_")):
        with pytest.raises(EvaluationError):
            run(f"{{{{ x.{name} }}}}", x=value)


def read_places(text):
    """Where the words of a text stand, or where it is wrong and why."""
    try:
        tree = parse_template(text)
    except TemplateSyntaxError as error:
        return [(error.offset, error.end)], error.message
    return [(word.start, word.end) for word in (*tree.reads, *tree.calls)], None


@given(st.text(max_size=40))
def test_any_text_is_a_template_or_refused_with_a_place(text):
    places, message = read_places(text)
    assert message is None or message
    assert all(0 <= start <= end <= len(text) + 1 for start, end in places)


@given(st.lists(st.sampled_from(["\r\n", "\n", "\r", "{{ 1e5 }}", "{{ x.a }}", "x"]), max_size=12))
def test_line_ends_of_any_kind_move_no_place(parts):
    text = "".join(parts)
    tree = parse_template(text)
    assert [text[word.start : word.end] for word in tree.reads] == ["x"] * parts.count("{{ x.a }}")
    said = "".join({"{{ 1e5 }}": "100000", "{{ x.a }}": "b"}.get(part, part) for part in parts)
    assert run(text, x={"a": "b"}) == said.replace("\r\n", "\n").replace("\r", "\n")


@given(
    st.lists(
        st.sampled_from(
            "{{ }} {% %} {# #} if for in endif endfor x . | ( ) [ ] 'a' 1 + == is not , -".split()
        )
    )
)
def test_near_templates_too(parts):
    test_any_text_is_a_template_or_refused_with_a_place.hypothesis.inner_test(" ".join(parts))


@pytest.mark.parametrize(
    "text",
    [
        "x" * 10_001,
        "{{ " + "(" * 2_000 + " }}",
        "{{ " + "not " * 2_000 + "x }}",
        "{{ x" + ".a" * 100 + " }}",
        "{{ x }}" * 600,
        "{% if x %}" * 50 + "{% endif %}" * 50,
        "".join(f"{{% for a{n} in x %}}" for n in range(9)) + "{% endfor %}" * 9,
    ],
)
def test_sizes_are_bounded(text):
    with pytest.raises(TemplateSyntaxError):
        compile_template(text, frozenset({"x"}))


def test_the_deepest_template_that_is_read_also_compiles_and_runs():
    depth = budget.MAX_DEPTH - 1
    text = "{% if x %}" * depth + "y" + "{% endif %}" * depth
    assert run(text, x=True) == "y"
    loops = "".join(f"{{% for a{n} in x %}}" for n in range(budget.MAX_COMPREHENSION_DEPTH))
    text = loops + "y" + "{% endfor %}" * budget.MAX_COMPREHENSION_DEPTH
    assert run(text, x=[1]) == "y"


def test_output_and_loops_are_bounded():
    with pytest.raises(EvaluationError, match="more than 100,000 characters"):
        run("{{ x }}", x="a" * 100_001)
    with pytest.raises(EvaluationError, match="more than 100,000 characters"):
        run("{% for y in x %}{{ y }}{% endfor %}", x=["a" * 60_000] * 2)
    with pytest.raises(EvaluationError, match="went through more than"):
        run("{% for a in x %}{% for b in x %}{% endfor %}{% endfor %}", x=[1] * 400)


# -- places and emission


def test_what_a_template_reads_and_calls_has_its_place():
    text = "é {{ a.b | upper }}{% for x in rows %}{{ len(x) + loop.index }}{% endfor %} {{- a }}"
    tree = parse_template(text)
    found = [(word.name, text[word.start : word.end]) for word in (*tree.reads, *tree.calls)]
    assert found == [("a", "a"), ("rows", "rows"), ("a", "a"), ("upper", "upper"), ("len", "len")]
    assert tree.names == {"a", "rows"}


def test_an_error_names_the_place_of_its_text():
    source = Source("policies/a.yaml", "reason: {{ m.name }}\n")
    text = Text("{{ m.name }}", Span(source, 8, 20))
    with pytest.raises(EvaluationError) as failed:
        compile_template(text, frozenset({"m"})).call({"m": {}})
    assert str(failed.value) == "policies/a.yaml:1:9: `m` has no field `name` (in `{{ m.name }}`)"


def test_a_template_is_statements_of_a_larger_function():
    emitter = Emitter(["a"])
    first = emit_template(emitter, parse_template("{% for x in a %}{{ x }}{% endfor %}"))
    second = emit_template(emitter, parse_template("{% for x in a %}{{ x }}{{ loop.last }}{% endfor %}"))
    call, _ = emitter.build("both", f"[{first}, {second}]")
    assert call({"a": [1, 2]}) == ["12", "1False2True"]


def test_types_leave_guards_out_and_make_fields_optional():
    kind = Record(name="m", fields={"name": Field(type=STRING, required=True), "role": Field(type=STRING)})
    types = TypeScope(names={"m": kind})
    compiled = compile_template("{{ m.name }}{% if m.role %}!{% endif %}", frozenset({"m"}), types=types)
    assert "type(" not in compiled.source
    assert compiled.call({"m": {"name": "a"}}) == "a"
    with pytest.raises(EvaluationError, match=r"`m.name` is null"):
        compiled.call({"m": {"name": None}})


def test_a_filter_is_the_function_of_its_name():
    assert (
        run("{{ 2.345 | round(2) }} {{ round(2.345, 2) }} {{ 2.345 | round(decimals=2) }}")
        == "2.34 2.34 2.34"
    )
