"""Where a person is typing: found in text that is hardly ever whole.

A mark is put at the cursor and the text is read with it, first as it is, then with what is most likely still
missing: a colon, a closing quote or bracket; without what follows; at last with nothing but the lines that
the cursor lies within. Where the mark is found in the tree, there is the cursor, in whatever style of YAML.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from engine.editor.outline import Kinds, Outline, Site, outlines
from engine.source import Source, Span
from engine.workspace.node import ListNode, MapNode, ScalarNode

MARK = "\ue000"  # of the private use area: nobody writes it, and YAML takes it for a letter

_SEPARATOR = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_WORD_AFTER = re.compile(r"[\w-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where somebody types: in a key or in a value, and what is written around it there."""

    outline: Outline | None  # None where not even the kind of the document is known
    site: Site | None
    in_key: bool
    before: str  # of the key or value, up to the cursor
    after: str
    partial: bool  # the document could only be read in part
    source: Source
    offset: int
    flow: bool = False  # inside of braces or brackets

    def word(self, more: str = "-") -> Span:
        """The word at the cursor, in the text as it is; `more` are characters that belong to words here."""
        text, start, end = self.source.text, self.offset, self.offset
        while start > 0 and (text[start - 1].isalnum() or text[start - 1] in f"_${more}"):
            start -= 1
        while end < len(text) and (text[end].isalnum() or text[end] in f"_{more}"):
            end += 1
        return Span(self.source, start, end)


def cursor_at(source: Source, offset: int, kinds: Kinds) -> Cursor | None:
    """The cursor; None where nothing can be said, as in a comment."""
    begin, end = _document(source.text, offset)
    text, at = source.text[begin:end], offset - begin
    if not _beyond_kind(text, at):
        return Cursor(
            outline=None,
            site=None,
            in_key=True,
            before=text[:at],
            after="",
            partial=True,
            source=source,
            offset=offset,
        )
    for number, candidate in enumerate(_candidates(text, at)):
        for outline in outlines(Source(source.name, candidate), kinds):
            found = _marked(outline)
            if found is not None:
                site, in_key = found
                node = site.key if in_key else site.node
                assert isinstance(node, ScalarNode)
                before, _, after = node.text.partition(MARK)
                return Cursor(
                    outline=outline,
                    site=site,
                    in_key=in_key,
                    before=before,
                    after=after,
                    partial=number > 1,
                    source=source,
                    offset=offset,
                    flow=_in_flow(site),
                )
    return None


def _document(text: str, offset: int) -> tuple[int, int]:
    """The bounds of the document that an offset lies in."""
    begin, end = 0, len(text)
    for found in _SEPARATOR.finditer(text):
        if found.end() <= offset:
            begin = found.end()
        else:
            end = found.start()
            break
    return begin, end


def _beyond_kind(text: str, at: int) -> bool:
    """Whether the first key, which says the kind, is written before the cursor."""
    lines = [line for line in text[:at].split("\n") if line.strip() and not line.lstrip().startswith("#")]
    return bool(lines) and ":" in lines[0]


def _candidates(text: str, at: int) -> Iterator[str]:
    """The text with the mark, from the likeliest to the poorest."""
    before, after = text[:at], text[at:]
    word = _WORD_AFTER.match(after)
    tail = word.group() if word else ""
    rest_of_line, newline, below = after.partition("\n")
    closers = _closers(before[before.rfind("\n") + 1 :] + rest_of_line)
    yield before + MARK + after
    yield f"{before}{MARK}{tail}: {after[len(tail) :]}"
    yield before + MARK + rest_of_line + closers + newline + below
    yield before + MARK + _closers(before[before.rfind("\n") + 1 :]) + newline + below
    yield before + MARK + _closers(before)
    yield f"{before}{MARK}:"
    skeleton = _skeleton(before)
    yield skeleton + MARK + _closers(skeleton)
    yield f"{skeleton}{MARK}: "


_OPENING = {"{": "}", "[": "]"}


def _closers(text: str) -> str:
    """What is open at the end of a text, closed: quotes first, then brackets from the inside out."""
    open_brackets: list[str] = []
    quote, at_start, skip = "", True, False
    for index, character in enumerate(text):
        if skip:
            skip = False
        elif quote:
            skip = quote == '"' and character == "\\"
            quote = "" if character == quote else quote
        elif character in "'\"" and at_start:
            quote = character
        elif character == "#" and text[index - 1 : index] in {" ", "\n", ""}:
            return "".join(reversed(open_brackets))
        elif character in _OPENING and (at_start or open_brackets):
            open_brackets.append(_OPENING[character])
        elif open_brackets and character == open_brackets[-1]:
            open_brackets.pop()
        if not character.isspace():
            at_start = not quote and character in ",[{:-"
        elif character == "\n" and not quote:
            at_start = True
    return quote + "".join(reversed(open_brackets))


_KEY = re.compile(r"(?P<lead>[ ]*(?:- +)*)(?P<key>[\w.$-]+):(?P<value>[ ].*)?$")


def _skeleton(before: str) -> str:
    """The first line, the lines that the cursor lies within, and its own line up to it."""
    lines = before.split("\n")
    current = lines.pop()
    deep = len(current) - len(current.lstrip(" "))
    first = next((line for line in lines if _KEY.match(line)), "")
    kept: list[str] = []
    for line in reversed(lines):
        indent = len(line) - len(line.lstrip(" "))
        found = _KEY.match(line)
        if indent < deep and found and line is not first:
            value = (found["value"] or "").strip()
            keeps = not value or value[0] in "|>#"
            kept.append(line if keeps else f"{found['lead']}{found['key']}:")
            deep = indent
    return "\n".join([first, *reversed(kept), current])


def _marked(outline: Outline) -> tuple[Site, bool] | None:
    """The site with the mark, the innermost, and whether it is in its key."""
    found: tuple[Site, bool] | None = None
    for site in outline.sites:
        if site.key is not None and MARK in site.key.text:
            found = (site, True)
        elif isinstance(site.node, ScalarNode) and MARK in site.node.text:
            found = (site, False)
    return found


def _in_flow(site: Site) -> bool:
    return any(isinstance(one.node, MapNode | ListNode) and one.node.flow for one in site.upward())
