"""Problems as SARIF 2.1.0 (OASIS), which code scanners and editors read."""

import json
from urllib.parse import quote

from engine.problems.codes import CODES
from engine.problems.collector import Report
from engine.problems.problem import Label, Problem
from engine.source import Span

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render_sarif(report: Report, *, version: str = "") -> str:
    """One run of one tool, with the rules that were broken and where."""
    codes = sorted({problem.code for problem in report.problems})
    driver: dict[str, object] = {"name": "tidegate", "rules": [_rule(code) for code in codes]}
    if version:
        driver["version"] = version
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(problem) for problem in report.problems],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=2)


def _rule(code: str) -> dict[str, object]:
    return {"id": code, "shortDescription": {"text": CODES.get(code, code)}}


def _result(problem: Problem) -> dict[str, object]:
    result: dict[str, object] = {
        "ruleId": problem.code,
        "level": str(problem.severity),
        "message": {"text": "\n".join((problem.message, *problem.help))},
        "locations": [_location(problem.span)],
    }
    if problem.context:
        result["relatedLocations"] = [_related(label) for label in problem.context]
    return result


def _related(label: Label) -> dict[str, object]:
    return {**_location(label.span), "message": {"text": label.text}}


def _location(span: Span) -> dict[str, object]:
    end_line, end_column = span.source.position(span.end)
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(span.source.name)},
            "region": {
                "startLine": span.line,
                "startColumn": span.column,
                "endLine": end_line,
                "endColumn": end_column,
            },
        }
    }
