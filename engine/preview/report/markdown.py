"""A report for the comment of a pull request."""

from collections.abc import Iterator

from engine.preview.behaviour import Behaviour
from engine.preview.meaning import SAFE, WORDING, Change
from engine.preview.report import words
from engine.preview.report.report import Report
from engine.preview.report.text import SIGNS, summary

MOST = 60_000  # characters: the comment of a pull request takes 65,536
GROUPS, LINES = 40, 60


def markdown(report: Report, examples: int) -> str:
    """The report as Markdown, cut where a comment would be too long."""
    text = "\n".join(_lines(report, examples))
    if len(text) <= MOST:
        return text
    whole, _, _ = text[:MOST].rpartition("\n")
    return f"{whole}\n\n*The report goes on; `tidegate diff --format html` has all of it.*"


def _lines(report: Report, examples: int) -> Iterator[str]:
    found = report.behaviour
    yield "### Tidegate: what this change does"
    yield ""
    if found is not None:
        yield f"**{_text(words.summary(found))}**"
        yield ""
        yield _text(words.played(found))
        yield ""
        yield from _groups(found, examples)
        yield from _money(found)
        yield from _not_compared(found, examples)
    yield f"**{_text(summary(report))}**" if found is None else _text(summary(report))
    if report.changes:
        yield from ("", "| | part | what it says | class |", "| --- | --- | --- | --- |")
        yield from map(_change, report.changes[:LINES])
        if len(report.changes) > LINES:
            yield f"| | | and {len(report.changes) - LINES:,} more | |"
    yield ""
    yield f"<sub>{_text(report.old.name)} `{report.old.release[:12]}` → "
    yield f"{_text(report.new.name)} `{report.new.release[:12]}`</sub>"


def _groups(found: Behaviour, examples: int) -> Iterator[str]:
    groups = [group for group in found.groups if group.kind != "wording"][:GROUPS]
    if groups:
        yield from ("| what is done otherwise | for example |", "| --- | --- |")
        for group in groups:
            shown = "<br>".join(_text(words.example(one)) for one in group.found[:examples])
            yield f"| {_text(words.title(group))} | {shown} |"
        yield ""


def _money(found: Behaviour) -> Iterator[str]:
    if not found.money:
        return
    yield from ("<details><summary>Money</summary>", "")
    names = [name.replace("_", " ") for name in found.by]
    yield f"| what | {' | '.join(map(_text, names))} | old | new | net |"
    yield f"| --- |{' --- |' * len(names)} ---: | ---: | ---: |"
    for line in found.money[:LINES]:
        amounts = (words.money_text(one, line.currency) for one in (line.old, line.new, line.net))
        by = (_text(line.sorted_by.get(name, "")) for name in found.by)
        yield f"| {_text(f'{line.step} {line.field}')} | {' | '.join(by)} | {' | '.join(amounts)} |"
    yield from ("", "</details>", "")


def _not_compared(found: Behaviour, examples: int) -> Iterator[str]:
    if not found.unplayed:
        return
    yield f"{words.counted(len(found.unplayed), 'run')} not compared, for want of what was not recorded:"
    for one in found.unplayed[:examples]:
        lacks = "; ".join(sorted({*one.old, *one.new}))
        yield f"- {_text(f'{one.record.entity} {one.record.id}: {lacks}')}"
    yield ""


def _change(change: Change) -> str:
    touches = WORDING if change.touches == WORDING else change.severity if change.severity != SAFE else ""
    return f"| {SIGNS[change.what]} | {_text(change.part)} | {_text(change.sentence)} | {touches} |"


def _text(text: str) -> str:
    """Text of which nothing is taken for Markdown, HTML or the mention of somebody."""
    escaped = "".join(f"\\{char}" if char in "\\`*_{}[]|#~!" else char for char in " ".join(text.split()))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "@&#8203;")
