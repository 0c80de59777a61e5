"""A report for a terminal: a summary first, then every change under its part."""

from collections.abc import Iterator
from itertools import groupby

from engine.preview.meaning import BEHAVIOUR, BREAKING, FORWARD_ONLY, SAFE, USE, WORDING, Change
from engine.preview.report.report import Report

SIGNS = {"added": "+", "removed": "-", "changed": "~"}
TOUCHING = {BEHAVIOUR: "of behaviour", USE: "by what is used", WORDING: "of wording"}
SEVERE = {BREAKING: "breaking", FORWARD_ONLY: "forward-only for work under way", SAFE: "safe"}


def text(report: Report) -> str:
    """The report as lines."""
    return "\n".join(_lines(report))


def summary(report: Report) -> str:
    """What changes, in a sentence."""
    if report.is_the_same:
        return "The two are the same release."
    if not report.changes:
        return "Nothing that the documents say has changed; they are only written otherwise."
    number = len(report.changes)
    touching = ", ".join(f"{n:,} {TOUCHING[word]}" for word, n in report.touching().items() if n)
    severe = ", ".join(f"{n:,} {SEVERE[word]}" for word, n in report.severities().items() if n)
    return f"{number:,} change{'' if number == 1 else 's'}: {touching} ({severe})."


def _lines(report: Report) -> Iterator[str]:
    yield summary(report)
    for _, changes in groupby(report.changes, key=lambda change: change.part):
        found = list(changes)
        yield ""
        yield f"{found[0].part} ({found[0].file}:{found[0].line})"
        for change in found:
            yield f"  {SIGNS[change.what]} {change.sentence}{_class(change)}"


def _class(change: Change) -> str:
    if change.touches == WORDING:
        return " [wording]"
    return "" if change.severity == SAFE else f" [{change.severity}]"
