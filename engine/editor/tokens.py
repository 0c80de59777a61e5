"""The words of expressions inside of YAML, coloured: names, fields, functions."""

from collections.abc import Iterator

from engine.editor.position import Width, position_of
from engine.editor.reading import LANGUAGES, Reading, readings
from engine.editor.view import View
from engine.source import Source, Span
from engine.workspace.decode import make_text
from engine.workspace.node import ScalarNode

KINDS_OF_TOKENS = ("variable", "property", "function", "parameter")
_KIND_OF = {"name": 0, "field": 1, "function": 2, "text": 3}


def tokens(view: View, source: Source, width: Width) -> list[int]:
    """The tokens of a file as the protocol packs them: each by its distance from the one before."""
    packed: list[int] = []
    line = column = 0
    for span, kind in sorted(_found(view, source), key=lambda one: one[0].start):
        start, end = position_of(source, span.start, width), position_of(source, span.end, width)
        if start.line != end.line:
            continue
        packed += [
            start.line - line,
            start.character - (column if start.line == line else 0),
            end.character - start.character,
            kind,
            0,
        ]
        line, column = start
    return packed


def _found(view: View, source: Source) -> Iterator[tuple[Span, int]]:
    for outline in view.file(source).outlines:
        for site in outline.sites:
            if site.text_class in LANGUAGES and isinstance(site.node, ScalarNode):
                text = make_text(site.node, site.text_class)
                scope = view.facts.scope_at(outline, site)
                for one in readings(text, scope, view.facts.functions):
                    yield text.at(one.start, one.end), _kind(one)


def _kind(one: Reading) -> int:
    return 3 if one.bound else _KIND_OF[one.kind]
