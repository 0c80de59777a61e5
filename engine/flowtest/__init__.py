"""The `test` command: the one core on events and answers that a document writes down."""

from engine.flowtest.parallel import processes_for, run_in_processes
from engine.flowtest.report import render_json, render_junit, render_text
from engine.flowtest.result import Failure, Result
from engine.flowtest.select import NothingChosenError, choose, key_of
from engine.flowtest.suite import One, Options, Subject, Suite, cases, run_tests
from engine.flowtest.update import Updated, updated

__all__ = [
    "Failure",
    "NothingChosenError",
    "One",
    "Options",
    "Result",
    "Subject",
    "Suite",
    "Updated",
    "cases",
    "choose",
    "key_of",
    "processes_for",
    "render_json",
    "render_junit",
    "render_text",
    "run_in_processes",
    "run_tests",
    "updated",
]
