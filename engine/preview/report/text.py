"""A report for a terminal: a summary first, then every change under its part."""

from collections.abc import Iterator
from itertools import groupby

from engine.preview.behaviour import Behaviour
from engine.preview.meaning import BEHAVIOUR, BREAKING, FORWARD_ONLY, SAFE, USE, WORDING, Change
from engine.preview.report import words
from engine.preview.report.report import Report

SIGNS = {"added": "+", "removed": "-", "changed": "~"}
TOUCHING = {BEHAVIOUR: "of behaviour", USE: "by what is used", WORDING: "of wording"}
SEVERE = {BREAKING: "breaking", FORWARD_ONLY: "forward-only for work under way", SAFE: "safe"}


EXAMPLES = 3


def text(report: Report, examples: int = EXAMPLES) -> str:
    """The report as lines; of differences that are alike, so many examples."""
    return "\n".join([*_behaviour(report.behaviour, examples), *_lines(report)])


def _behaviour(found: Behaviour | None, examples: int) -> Iterator[str]:
    if found is None:
        return
    yield words.summary(found)
    yield words.played(found)
    yield ""
    for group in found.groups:
        yield words.title(group)
        yield from (f"  {words.example(one)}" for one in group.found[:examples])
        if len(group.found) > examples:
            yield f"  and {len(group.found) - examples:,} more"
    yield from _money(found)
    for one in found.unplayed[:examples]:
        lacks = sorted({*one.old, *one.new})
        yield f"not compared: {one.flow}, {one.record.entity} {one.record.id}: {'; '.join(lacks)}"
    if len(found.unplayed) > examples:
        yield f"and {len(found.unplayed) - examples:,} more that are not compared"
    if found.groups or found.unplayed:
        yield ""


def _money(found: Behaviour) -> Iterator[str]:
    for line in found.money:
        sorted_by = ", ".join(value for value in line.sorted_by.values() if value)
        amounts = (words.money_text(one, line.currency) for one in (line.old, line.new, line.net))
        old, new, net = amounts
        yield f"{line.step} {line.field}{f' ({sorted_by})' if sorted_by else ''}: {old} → {new} (net {net})"


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
