"""Renaming: every place that names something, or a refusal that says why not."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from engine.editor.fixtures import sample_keys
from engine.editor.item import Edit, Refused
from engine.editor.navigation import occurrences_at
from engine.editor.occurrence import CANONICAL, Occurrence, is_target, target_base
from engine.editor.outline import Outline
from engine.editor.reading import LANGUAGES, readings
from engine.editor.symbol import Symbol
from engine.editor.view import View
from engine.source import Source, Span
from engine.spec.field import FORMS, IDENTIFIER, NAME, STEP_NAME, FormulaText
from engine.values.type import Any
from engine.workspace.decode import make_text
from engine.workspace.node import ScalarNode

# What may be renamed, and the form of its names.
FORM_OF: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("flow", "mapping", "policy", "event", "calendar"), NAME),
        **dict.fromkeys(
            ("entity", "table", "connection", "system", "local", "item", "field", "branch"), IDENTIFIER
        ),
        "step": STEP_NAME,
    }
)

_WHOSE = {
    "operation": "the connector says what it can do",
    "source": "the connector says what it tells",
    "parameter": "the connector says what a read takes",
    "record": "the connector says what its records are",
    "connector": "a connector is a folder with Python beside its manifest",
    "column": "the rows of a table may stand in another file",
    "test": "nothing refers to a test: write another sentence",
}


def renamable(view: View, source: Source, offset: int) -> Occurrence:
    """What would be renamed at a place.

    Raises:
        Refused: when there is nothing, or nothing that may be renamed.

    """
    found = occurrences_at(view, source, offset)
    if not found:
        raise Refused("there is no name here that could be renamed")
    one = found[0]
    kind = one.symbol.kind
    if kind not in FORM_OF:
        raise Refused(f"this cannot be renamed: {_WHOSE.get(kind, f'it is a {kind}')}")
    if kind == "field" and not one.symbol.within.startswith(CANONICAL):
        raise Refused(
            f"this cannot be renamed: the field is one of {one.symbol.within}, which a vendor describes"
        )
    return one


def rename(view: View, source: Source, offset: int, name: str) -> tuple[Edit, ...]:
    """The edits that give another name to what is named at a place.

    Whether the workspace still compiles with them is for the caller to find out.

    Raises:
        Refused: when the name is none, is in use, or a place may be meant of which nobody knows.

    """
    one = renamable(view, source, offset)
    symbol = one.symbol
    _check_name(view, symbol, name)
    _check_rules(view, symbol)
    if symbol.kind == "field":
        _check_unknown(view, symbol)
    last = symbol.name.rpartition(".")[2] if symbol.kind == "field" else symbol.name
    spans = [other.span for other in view.index.occurrences(symbol, view.facts)]
    spans += list(sample_keys(view, symbol))
    edits = {(span.source.name, span.start): Edit(span=span, text=name) for span in spans}
    for edit in edits.values():
        span = edit.span
        if span.source.text[span.start : span.end] != last:
            raise Refused(f"`{last}` is written in another way at {_place(span)}; change that by hand first")
    return tuple(edits.values())


def _check_name(view: View, symbol: Symbol, name: str) -> None:
    form = FORM_OF[symbol.kind]
    if not re.fullmatch(form, name):
        raise Refused(f"`{name}` is no name here: it is {FORMS.get(form, 'another form')}")
    head, dot, _ = symbol.name.rpartition(".")
    wanted = symbol._replace(name=f"{head}{dot}{name}" if symbol.kind == "field" else name)
    taken = view.index.definitions(wanted)
    if taken and wanted != symbol:
        raise Refused(f"`{name}` is in use: {_place(taken[0].span)}")


def _check_rules(view: View, symbol: Symbol) -> None:
    """Refuse when a rule on documents speaks of the name: what it means by it is its author's affair."""
    if symbol.kind in ("local", "item", "field", "branch"):
        return
    word = re.compile(rf"(?<![\w-]){re.escape(symbol.name)}(?![\w-])")
    for outline in view.index.outlines():
        for site in outline.sites if outline.kind == "rule" else ():
            node = site.key if site.key is not None and word.search(site.key.text) else site.node
            spoken = site.text_class is FormulaText or node is site.key
            if isinstance(node, ScalarNode) and spoken and word.search(node.text):
                raise Refused(
                    f"a rule speaks of `{symbol.name}` at {_place(node.span)}; change that by hand first"
                )


def _check_unknown(view: View, symbol: Symbol) -> None:
    """Refuse when a field of this name is read of something of which nobody knows what it is."""
    last = symbol.name.rpartition(".")[2]
    found = next(_unknown_reads(view, last), None)
    if found is not None:
        raise Refused(
            f"`{last}` at {_place(found)} may be this field or another: nobody knows what it is a field of"
        )


def _unknown_reads(view: View, name: str) -> Iterator[Span]:
    for outline in view.index.outlines():
        if outline.kind != "connector":
            yield from _unknown_in(view, outline, name)


def _unknown_in(view: View, outline: Outline, name: str) -> Iterator[Span]:
    literal = re.compile(rf"""['"`]{re.escape(name)}['"`]""")
    for site in outline.sites:
        made = is_target(site) and site.key is not None and name in site.key.text.split(".")
        if made and site.key is not None and isinstance(target_base(outline, site, view.facts), Any):
            yield site.key.span
        cls = site.text_class
        if cls not in LANGUAGES or not isinstance(site.node, ScalarNode) or name not in site.node.text:
            continue
        text = make_text(site.node, cls)
        if (found := literal.search(text)) is not None:  # the key of a record that a formula makes, perhaps
            yield text.at(*found.span())
        for one in readings(text, view.facts.scope_at(outline, site), view.facts.functions):
            if one.kind == "field" and one.name == name and isinstance(one.base, Any):
                yield text.at(one.start, one.end)


def _place(span: Span) -> str:
    return f"{span.source.name}:{span.line}"
