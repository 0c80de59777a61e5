"""A report as one HTML page that stands alone: no script, nothing from elsewhere, light and dark."""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from html import escape

from engine import drawing
from engine.plan.plan import Plan
from engine.preview.behaviour import Behaviour
from engine.preview.behaviour.tally import Group
from engine.preview.meaning import WORDING, Change
from engine.preview.report import words
from engine.preview.report.page import HEAD, STYLE
from engine.preview.report.report import Report
from engine.preview.report.text import SEVERE, TOUCHING, summary

MOST = 2_000  # records of one group in the page; the JSON has all of them
_QUOTED = re.compile("`([^`]+)`")
MARKS = {"added": "new", "removed": "gone", "changed": "changed"}


def html(report: Report) -> str:
    """The page."""
    return "\n".join(_page(report))


def _page(report: Report) -> Iterator[str]:
    yield HEAD
    yield f"<style>{STYLE}</style></head><body><main>"
    found = report.behaviour
    yield f"<h1>{_text(summary(report) if found is None else words.summary(found))}</h1>"
    yield f"<p class=soft>{_text(report.old.name)} <code>{report.old.release[:12]}</code> → "
    yield f"{_text(report.new.name)} <code>{report.new.release[:12]}</code></p>"
    if found is not None:
        yield f"<p>{_text(words.played(found))}</p>"
        yield from _kinds(found)
        yield from _money(found)
        yield from _differences(found)
        yield from _not_compared(found)
    yield from _changes(report)
    yield from _pictures(report)
    yield "</main></body></html>"


def _kinds(found: Behaviour) -> Iterator[str]:
    """A plot: how many records of each kind of difference."""
    groups = [group for group in found.groups if group.kind != "wording"]
    if not groups:
        return
    yield "<section><h2>What is done otherwise</h2><div class=bars>"
    most = max(len(group.found) for group in groups)
    for group in groups[:20]:
        yield _bar(
            words.title(group).partition(" ")[2], f"{len(group.found):,}", Decimal(len(group.found)), most
        )
    yield "</div></section>"


def _money(found: Behaviour) -> Iterator[str]:
    """Plots and figures of money: net by currency and by each of what it is sorted by."""
    if not found.money:
        return
    yield "<section><h2>Money</h2>"
    for currency in sorted({line.currency for line in found.money}):
        for name in found.by:
            sums: dict[str, Decimal] = {}
            for line in found.money:
                if line.currency == currency:
                    under = f"{line.step}, {line.sorted_by.get(name) or 'none'}"
                    sums[under] = sums.get(under, Decimal(0)) + line.net
            sums = {under: net for under, net in sums.items() if net}
            most = max(map(abs, sums.values()), default=Decimal(0))
            if most and (len(sums) > 1 or any(line.sorted_by.get(name) for line in found.money)):
                yield f"<h3>Net {currency} by {_text(name.replace('_', ' '))}</h3><div class=bars>"
                yield from (
                    _bar(under, words.money_text(net, currency), net, most) for under, net in sums.items()
                )
                yield "</div>"
    yield from _money_table(found)
    yield "</section>"


def _money_table(found: Behaviour) -> Iterator[str]:
    names = [name.replace("_", " ") for name in found.by]
    yield "<details><summary>All figures</summary><div class=wide><table><thead><tr><th>what"
    yield "".join(f"<th>{_text(name)}" for name in names) + "<th>old<th>new<th>net</thead><tbody>"
    for line in found.money:
        by = "".join(f"<td>{_text(line.sorted_by.get(name, ''))}" for name in found.by)
        amounts = (words.money_text(one, line.currency) for one in (line.old, line.new, line.net))
        yield f"<tr><td>{_text(f'{line.flow}, {line.step} {line.field}')}{by}"
        yield "".join(f"<td class=number>{_text(one)}" for one in amounts)
    yield "</tbody></table></div></details>"


def _bar(name: str, said: str, value: Decimal, most: Decimal | int) -> str:
    width = 100 * abs(value) / most
    sign = "less" if value < 0 else "more"
    return (
        f"<div class=bar><span>{_said(name)}</span><i class={sign} style='width:{width:.1f}%'></i>"
        f"<b>{_text(said)}</b></div>"
    )


def _differences(found: Behaviour) -> Iterator[str]:
    if not found.groups:
        return
    yield "<section><h2>Every record</h2>"
    for group in found.groups:
        yield f"<details><summary>{_said(words.title(group))}</summary><div class=wide><table>"
        yield "<thead><tr><th>record<th>old<th>new</thead><tbody>"
        yield from _records(group)
        yield "</tbody></table></div></details>"
    yield "</section>"


def _records(group: Group) -> Iterator[str]:
    for one in group.found[:MOST]:
        step = f"<br><span class=soft>{_text(one.step)}</span>" if "[" in one.step else ""
        yield f"<tr><td>{_text(f'{one.record.entity} {one.record.id}')}{step}"
        old, new = words.both(one)
        yield f"<td class=old>{_text(old)}<td class=new>{_text(new)}"
    if len(group.found) > MOST:
        yield f"<tr><td colspan=3>and {len(group.found) - MOST:,} more, which the JSON has"


def _not_compared(found: Behaviour) -> Iterator[str]:
    if not found.unplayed:
        return
    yield f"<section><h2>Not compared: {len(found.unplayed):,}</h2><p>A side would have to know what was not "
    yield "recorded, and is not guessed.</p>"
    yield "<details><summary>Every one</summary><div class=wide><table><tbody>"
    for one in found.unplayed[:MOST]:
        lacks = "; ".join(sorted({*one.old, *one.new}))
        yield f"<tr><td>{_text(f'{one.record.entity} {one.record.id}')}<td>{_text(lacks)}"
    yield "</tbody></table></div></details></section>"


def _changes(report: Report) -> Iterator[str]:
    yield f"<section><h2>What the documents say</h2><p>{_text(summary(report))}</p>"
    if report.changes:
        yield "<div class=wide><table><thead><tr><th>part<th>change<th>touches<th>class</thead><tbody>"
        for change in report.changes:
            yield f"<tr class={change.what}><td>{_text(change.part)}<br><span class=soft>"
            yield f"{_text(f'{change.file}:{change.line}')}</span><td>{_said(change.sentence)}"
            yield f"<td class=class>{TOUCHING[change.touches]}<td class=class>{SEVERE[change.severity]}"
        yield "</tbody></table></div>"
    yield "</section>"


def _pictures(report: Report) -> Iterator[str]:
    """Each flow that changed, before and after, with what changed marked in its steps."""
    flows = dict.fromkeys(change.name for change in report.changes if change.kind == "flow")
    if not flows:
        return
    yield "<section><h2>Flows, before and after</h2>"
    for name in flows:
        marks = dict([*_used(report, name), *_marks(report.changes, name)])
        yield f"<h3>{_text(name)}</h3><div class=pair>"
        for side, plan in zip((report.old, report.new), report.plans, strict=True):
            yield f"<figure><figcaption>{_text(side.name)}</figcaption>{_picture(plan, name, marks)}</figure>"
        yield "</div>"
    yield "</section>"


def _used(report: Report, name: str) -> Iterator[tuple[str, str]]:
    """The steps of a flow whose mapping or policy decides otherwise."""
    changed = {change.part for change in report.changes if change.touches != WORDING}
    for plan in report.plans:
        for step in plan.flows[name].steps if name in plan.flows else ():
            uses = [f"mapping {getattr(step, 'mapping', None)}"]
            uses += [f"policy {policy.name}" for policy in getattr(step, "policies", ())]
            if not changed.isdisjoint(uses):
                yield step.name, "uses what changed"


def _marks(changes: Sequence[Change], flow: str) -> Iterator[tuple[str, str]]:
    """What is to be said of each step of a flow."""
    for change in changes:
        if change.kind == "flow" and change.name == flow and change.place[:1] == ("steps",):
            yield change.place[1], MARKS[change.what if len(change.place) == 2 else "changed"]


def _picture(plan: Plan, name: str, marks: Mapping[str, str]) -> str:
    flow = plan.flows.get(name)
    if flow is None:
        return "<p class=soft>There is no such flow.</p>"
    picture = drawing.flow_picture(flow)
    nodes = (
        replace(node, lines=(*node.lines, f"● {marks[node.title]}"))
        if node.id == f"step.{node.title}" and node.title in marks
        else node
        for node in picture.nodes
    )
    image = b64encode(drawing.svg(replace(picture, nodes=tuple(nodes))).encode()).decode()
    return f"<img alt='{_text(name)}' src='data:image/svg+xml;base64,{image}'>"


def _said(text: str) -> str:
    """A sentence, in which what documents say stands between backticks."""
    return _QUOTED.sub(r"<code>\1</code>", _text(text))


def _text(text: str) -> str:
    return escape(text, quote=True)
