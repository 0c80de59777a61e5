"""Gathering problems, naming what is near, and each form in which they are shown."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.problems import Collector, Label, Problem, Report, Severity, did_you_mean, near_names, own_bug
from engine.problems.collector import KEPT
from engine.problems.render import render_github, render_json, render_sarif, render_text
from engine.problems.render.columns import shown, width
from engine.source import Source, Span

SOURCE = Source("flows/a.yaml", "flow: a\nsteps: {}\n")


def problem(start=0, end=4, *, code="TG204", source=SOURCE, **facts):
    return Problem(
        code=code, message=facts.pop("message", "it is wrong"), span=Span(source, start, end), **facts
    )


def report(*problems):
    collector = Collector()
    collector.extend(problems)
    return collector.report()


class TestCollector:
    def test_sorts_by_file_and_place(self):
        other = Source("flows/Z.yaml", "x\n")
        found = report(problem(8, 13), problem(0, 4), problem(0, 1, source=other))
        assert [(one.span.source.name, one.span.start) for one in found.problems] == [
            ("flows/Z.yaml", 0),
            ("flows/a.yaml", 0),
            ("flows/a.yaml", 8),
        ]

    def test_the_same_code_at_the_same_place_is_an_echo(self):
        found = report(problem(message="first"), problem(message="second"), problem(code="TG205"))
        assert [one.message for one in found.problems] == ["first", "it is wrong"]
        assert found.errors == 2

    def test_shows_a_hundred_and_says_how_many_more(self):
        source = Source("a", "x" * 200)
        found = report(*[problem(n, n + 1, source=source) for n in range(150)])
        assert (len(found.problems), found.more, found.errors) == (100, 50, 150)
        assert "Found 150 errors; 50 of them are not shown." in render_text(found)

    def test_errors_are_shown_before_warnings_when_not_all_fit(self):
        source = Source("a", "x" * 200)
        warnings = [problem(n, n + 1, source=source, severity=Severity.WARNING) for n in range(150)]
        found = report(*warnings, problem(190, 191, source=source))
        assert problem(190, 191, source=source).span in [one.span for one in found.problems]
        assert (found.errors, found.warnings, found.ok) == (1, 150, False)

    def test_memory_is_bounded(self):
        source = Source("a", "x" * (KEPT + 50))
        collector = Collector()
        collector.extend(problem(n, n + 1, source=source) for n in range(KEPT + 50))
        assert len(collector.problems) == KEPT
        assert collector.report().more == KEPT + 50 - 100

    def test_warnings_alone_are_fine(self):
        collector = Collector()
        collector.add(problem(severity=Severity.WARNING))
        assert not collector.has_errors
        assert collector.report().ok


class TestNearNames:
    def test_at_most_three_the_nearest_first(self):

        assert len(near_names("stp", ["step", "steps", "stop", "strip"])) == 3
        assert near_names("trigerr", ["steps", "trigger", "slo"]) == ("trigger",)

    def test_case_does_not_matter(self):
        assert near_names("TRIGGER", ["trigger"]) == ("trigger",)

    def test_nothing_near(self):
        assert near_names("zzz", ["flow", "step"]) == ()
        assert did_you_mean("zzz", ["flow"]) == ()
        assert near_names("", ["flow"]) == ()

    def test_said_as_a_question(self):
        assert did_you_mean("stpe", ["step", "steps"]) == ("did you mean `step` or `steps`?",)

    def test_long_names_are_not_compared(self):
        assert near_names("x" * 100_000, ["x" * 100_000]) == ()


class TestText:
    @pytest.mark.parametrize(
        "line, part, caret",
        [
            ("a: wrong", "wrong", "   ^^^^^"),
            ("a:\twrong", "wrong", "      ^^^^^"),
            ("字字: wrong", "wrong", "      ^^^^^"),
            ("a: 字b", "字b", "   ^^^"),
            ("e\u0301e\u0301: wrong", "wrong", "    ^^^^^"),
            ("a: 🙂 wrong", "wrong", "      ^^^^^"),
        ],
    )
    def test_caret_stands_under_what_is_wrong(self, line, part, caret):
        source = Source("a", line + "\n")
        start = line.index(part)
        lines = render_text(report(problem(start, start + len(part), source=source))).splitlines()
        assert lines[4] == "  | " + caret

    def test_long_line_is_cut_around_the_caret(self):
        source = Source("a", "x" * 500 + "WRONG" + "y" * 500)
        lines = render_text(report(problem(500, 505, source=source))).splitlines()
        assert len(lines[3]) < 180
        column = lines[4].index("^")
        assert lines[3][column : column + 5] == "WRONG"
        assert lines[4].count("^") == 5

    def test_nothing_of_a_file_commands_the_terminal(self):
        source = Source("a\x1b[2J", "x: \x1b]0;title\x07 \u202e evil\n")
        text = render_text(report(problem(3, 4, source=source, message="\x1b[31m red", label="\x9b1m")))
        assert not any(char in text for char in "\x1b\x07\x9b\u202e")

    def test_colour_only_when_asked_for(self):
        found = report(problem(context=(Label(span=Span(SOURCE, 8, 13), text="here"),)))
        assert "\x1b" not in render_text(found)
        coloured = render_text(found, color=True)
        assert "\x1b[1;31m" in coloured
        for code in ("\x1b[1;31m", "\x1b[1;34m", "\x1b[34m", "\x1b[1m", "\x1b[0m"):
            coloured = coloured.replace(code, "")
        assert coloured == render_text(found)

    def test_place_at_the_very_end_and_beyond(self):
        for start, end in ((17, 18), (18, 18), (400, 500)):
            assert "^" in render_text(report(problem(start, end)))

    def test_nothing_found_is_nothing_said(self):
        assert render_text(Report(problems=())) == ""

    @given(st.text(max_size=60), st.integers(0, 70), st.integers(0, 70))
    def test_any_text_and_any_place_can_be_shown(self, text, start, length):
        found = report(problem(start, start + length, source=Source("a", text)))
        assert render_text(found).endswith("Found 1 error.\n")
        json.loads(render_json(found))
        json.loads(render_sarif(found))

    @given(st.text(max_size=40))
    def test_width_is_that_of_what_is_printed(self, text):
        assert width(text) == width(shown(text))


def test_json_has_the_fields_that_are_promised():
    found = json.loads(render_json(report(problem(8, 13, help=("do this", "or that")))))
    assert found == {
        "ok": False,
        "problems": [
            {
                "code": "TG204",
                "severity": "error",
                "message": "it is wrong",
                "file": "flows/a.yaml",
                "line": 2,
                "column": 1,
                "end_line": 2,
                "end_column": 6,
                "hint": "do this\nor that",
            }
        ],
        "more": 0,
        "errors": 1,
        "warnings": 0,
    }


def test_json_of_nothing_is_ok():
    assert json.loads(render_json(Report(problems=()))) == {
        "ok": True,
        "problems": [],
        "more": 0,
        "errors": 0,
        "warnings": 0,
    }


def test_github_commands_cannot_be_forged_by_a_text():
    source = Source("flows/a,b:c.yaml", "x\n")
    found = report(problem(0, 1, source=source, message="100% wrong\n::error::forged", help=("do",)))
    (line,) = render_github(found).splitlines()
    assert line == (
        "::error file=flows/a%2Cb%3Ac.yaml,line=1,col=1,endLine=1,endColumn=2,title=TG204"
        "::100%25 wrong%0A::error::forged%0Ahelp: do"
    )


def test_sarif_names_rule_level_and_place():
    found = report(problem(8, 13, context=(Label(span=Span(SOURCE, 0, 4), text="first"),)))
    (run,) = json.loads(render_sarif(found, version="1.2.3"))["runs"]
    assert run["tool"]["driver"]["rules"] == [
        {"id": "TG204", "shortDescription": {"text": "There is no such key"}}
    ]
    assert run["tool"]["driver"]["version"] == "1.2.3"
    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == ("TG204", "error")
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "flows/a.yaml"
    assert place["region"] == {"startLine": 2, "startColumn": 1, "endLine": 2, "endColumn": 6}
    assert result["relatedLocations"][0]["message"]["text"] == "first"


def test_our_own_bug_says_that_it_is_ours_and_where():
    try:
        {}["x"]
    except KeyError as error:
        found = own_bug(Span(SOURCE, 0, 4), error)
    assert found.code == "TG901"
    assert "ours" in found.message
    assert "KeyError in test_our_own_bug" in found.help[0]
