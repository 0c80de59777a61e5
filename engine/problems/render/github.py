"""Problems as commands of GitHub's workflow runner, which shows them beside the changed lines."""

from engine.problems.collector import Report
from engine.problems.problem import Problem


def render_github(report: Report) -> str:
    """One `::error` or `::warning` line for each problem."""
    return "".join(f"{_problem(problem)}\n" for problem in report.problems)


def _problem(problem: Problem) -> str:
    span = problem.span
    end_line, end_column = span.source.position(span.end)
    properties = {
        "file": span.source.name,
        "line": span.line,
        "col": span.column,
        "endLine": end_line,
        "endColumn": end_column,
        "title": problem.code,
    }
    written = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    text = "\n".join((problem.message, *(f"help: {line}" for line in problem.help)))
    return f"::{problem.severity} {written}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
