"""Mistakes of authors, as data: what is wrong, where, and what to write instead."""

from engine.problems.collector import Collector, Report
from engine.problems.internal import own_bug
from engine.problems.problem import Label, Problem, Severity
from engine.problems.suggest import did_you_mean, near_names

__all__ = ["Collector", "Label", "Problem", "Report", "Severity", "did_you_mean", "near_names", "own_bug"]
