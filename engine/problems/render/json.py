"""Problems for another program: one JSON object."""

import json

from engine.problems.collector import Report
from engine.problems.problem import Problem


def render_json(report: Report) -> str:
    """One object, as `schemas/output/validate.schema.json` says it; this form is a contract."""
    return json.dumps(
        {
            "ok": report.ok,
            "problems": [_problem(problem) for problem in report.problems],
            "more": report.more,
            "errors": report.errors,
            "warnings": report.warnings,
        },
        ensure_ascii=False,
        indent=2,
    )


def _problem(problem: Problem) -> dict[str, object]:
    span = problem.span
    end_line, end_column = span.source.position(span.end)
    return {
        "code": problem.code,
        "severity": str(problem.severity),
        "message": problem.message,
        "file": span.source.name,
        "line": span.line,
        "column": span.column,
        "end_line": end_line,
        "end_column": end_column,
        "hint": "\n".join(problem.help) or None,
    }
