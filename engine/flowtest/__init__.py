"""The `test` command: the one core on events and answers that a document writes down."""

from engine.flowtest.coverage import Coverage, coverage, seen_of, stays_of
from engine.flowtest.coverage_report import (
    as_json,
    render_cobertura,
    render_coverage_json,
    render_coverage_text,
    render_lcov,
    share,
)
from engine.flowtest.parallel import processes_for, run_in_processes
from engine.flowtest.report import render_json, render_junit, render_text
from engine.flowtest.result import Failure, Result
from engine.flowtest.select import NothingChosenError, choose, key_of
from engine.flowtest.suite import One, Options, Subject, Suite, cases, left_out, run_tests
from engine.flowtest.update import Updated, updated
from engine.workspace.coverable import Covered

__all__ = [
    "Coverage",
    "Covered",
    "Failure",
    "NothingChosenError",
    "One",
    "Options",
    "Result",
    "Subject",
    "Suite",
    "Updated",
    "as_json",
    "cases",
    "choose",
    "coverage",
    "key_of",
    "left_out",
    "processes_for",
    "render_cobertura",
    "render_coverage_json",
    "render_coverage_text",
    "render_json",
    "render_junit",
    "render_lcov",
    "render_text",
    "run_in_processes",
    "run_tests",
    "seen_of",
    "share",
    "stays_of",
    "updated",
]
