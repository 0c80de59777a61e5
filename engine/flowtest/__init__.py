"""The `test` command: the one core on events and answers that a document writes down."""

from engine.flowtest.report import render_json, render_junit, render_text
from engine.flowtest.result import Failure, Result
from engine.flowtest.select import NothingChosenError, choose
from engine.flowtest.suite import run_tests

__all__ = [
    "Failure",
    "NothingChosenError",
    "Result",
    "choose",
    "render_json",
    "render_junit",
    "render_text",
    "run_tests",
]
