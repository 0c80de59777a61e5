"""Problems as JUnit XML, which build servers show as tests: a case for each file, failed if it has errors."""

import re
from collections.abc import Iterable, Iterator
from xml.sax import saxutils

from engine.problems.collector import Report
from engine.problems.problem import Problem
from engine.problems.render.columns import safe

# What no XML file may hold, though it is no control character.
_FORBIDDEN = re.compile("[\ufffe\uffff\ud800-\udfff]")


def render_junit(report: Report, files: Iterable[str] = ()) -> str:
    """One suite; `files` are those that were looked at, of which each without a problem is a passed case."""
    by_file: dict[str, list[Problem]] = {name: [] for name in files}
    for problem in report.problems:
        by_file.setdefault(problem.span.source.name, []).append(problem)
    failed = sum(any(_fails(one) for one in found) for found in by_file.values())
    counts = f'tests="{len(by_file)}" failures="{failed}" errors="0" skipped="0"'
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="tidegate validate" {counts}>',
        f'  <testsuite name="tidegate validate" {counts}>',
        *(line for name in sorted(by_file) for line in _case(name, by_file[name])),
        "  </testsuite>",
        "</testsuites>",
    ]
    return "\n".join(lines)


def _fails(problem: Problem) -> bool:
    return problem.severity == "error"


def _case(name: str, found: list[Problem]) -> Iterator[str]:
    case = f'    <testcase name={_quoted(name)} classname="documents" file={_quoted(name)}'
    if not found:
        yield f"{case}/>"
        return
    yield f"{case}>"
    failures = [one for one in found if _fails(one)]
    if failures:
        # A case fails once: most servers show no more than the first failure of one.
        said = f"{len(failures)} problems, the first: " if len(failures) > 1 else ""
        message = _quoted(f"{said}{failures[0].code} {failures[0].message}")
        yield f'      <failure type="{failures[0].code}" message={message}>{_lines(failures)}</failure>'
    warnings = [one for one in found if not _fails(one)]
    if warnings:
        yield f"      <system-out>{_lines(warnings)}</system-out>"
    yield "    </testcase>"


def _quoted(text: str) -> str:
    return saxutils.quoteattr(_FORBIDDEN.sub("\ufffd", safe(text)))


def _lines(found: list[Problem]) -> str:
    return _FORBIDDEN.sub("\ufffd", saxutils.escape("\n".join(_line(one) for one in found)))


def _line(problem: Problem) -> str:
    span = problem.span
    help_ = "".join(f"\n  help: {safe(line)}" for line in problem.help)
    place = f"{safe(span.source.name)}:{span.line}:{span.column}"
    return f"{place}: {problem.code} {problem.severity}: {safe(problem.message)}{help_}"
