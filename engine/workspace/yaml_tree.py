"""YAML text to a tree of nodes that know their place.

What lives here: reading bytes as text, and the only use of the YAML library. What does not:
what a plain scalar means (:mod:`engine.workspace.traps`) and what a document may say
(:mod:`engine.workspace.decode`). Bad text never raises: it gives problems, and what could be read.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

import yaml

from engine.problems import Collector, Problem
from engine.source import Source, Span
from engine.workspace import problems
from engine.workspace.node import Container, ListNode, MapNode, Node, ScalarNode
from engine.workspace.syntax import explain_syntax
from engine.workspace.traps import MAY_CUT, check_comment, check_flow

MAX_BYTES = 5 * 1024 * 1024
MAX_DEPTH = 64
MAX_NODES = 200_000
MAX_DOCUMENTS = 2_000
MAX_ALIASES = 1_000
MAX_EXPANDED = 100_000
MAX_SCALAR = 1024 * 1024
MAX_RECOVERIES = 20

# What the library hands out; its stubs know less of that than there is.
_Event: TypeAlias = Any

# libyaml where there is one: it is about eight times as fast as the parser in Python.
_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """One YAML document.

    ``whole`` is false when reading it stopped midway, ``sound`` when something in it is not what its
    author meant; both are reported.
    """

    root: Node
    whole: bool
    sound: bool = True


def source_of(name: str, data: bytes, collector: Collector) -> Source | None:
    """The text of a file: UTF-8, a mark at its beginning skipped, line ends as line feeds."""
    if len(data) > MAX_BYTES:
        collector.add(problems.file_too_large(name, MAX_BYTES))
        return None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        collector.add(problems.not_utf8(Span(Source(name, ""), 0, 0), "it is saved as UTF-16"))
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        collector.add(_undecodable(name, data, error))
        return None
    return Source(name, text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text)


def _undecodable(name: str, data: bytes, error: UnicodeDecodeError) -> Problem:
    before = data.decode("utf-8-sig", errors="replace") if error.start else ""
    offset = len(data[: error.start].decode("utf-8-sig", errors="ignore"))
    byte = error.object[error.start]
    return problems.not_utf8(
        Span(Source(name, before), offset, offset + 1), f"the byte 0x{byte:02x} begins no character"
    )


# What YAML calls printable, without the characters that YAML 1.1 takes for line ends and 1.2 does not.
_FORBIDDEN = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_PRINTABLE = b"\t\n\r" + bytes(range(0x20, 0x7F))
# What makes a text read otherwise than it stands there; marks of single letters are none of these.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_DIRECTIVE = re.compile(r"^%(?:YAML|TAG)\b[^\n]*", re.MULTILINE)
_NEXT_DOCUMENT = re.compile(r"^---(?=\s|$)", re.MULTILINE)


def read_yaml(source: Source, collector: Collector) -> tuple[Tree, ...]:
    """The documents of a file. After a mistake, reading goes on at the next `---`."""
    if not _acceptable(source, collector):
        return ()
    trees: list[Tree] = []
    begin = 0
    for _ in range(MAX_RECOVERIES):
        reader = _Reader(source, begin, collector)
        reader.read()
        trees.extend(reader.trees)
        following = (
            _NEXT_DOCUMENT.search(source.text, max(reader.reached, begin + 1)) if reader.failed else None
        )
        if following is None:
            break
        begin = following.start()
    return tuple(trees)


def _acceptable(source: Source, collector: Collector) -> bool:
    text = source.text
    if len(text) > MAX_BYTES:
        collector.add(problems.file_too_large(source.name, MAX_BYTES))
        return False
    # Most texts are plain: a table of bytes tells in a fifth of the time that there is nothing to look for.
    plain = text.isascii() and not text.encode("ascii").translate(None, _PRINTABLE)
    if not plain and (found := _FORBIDDEN.search(text)):
        collector.add(problems.forbidden_character(Span(source, *found.span()), found.group()))
        return False
    if not text.isascii() and (found := _TURNING.search(text)):
        collector.add(problems.turning_character(Span(source, *found.span()), found.group()))
        return False
    if "%" in text and (found := _DIRECTIVE.search(text)):
        collector.add(problems.directive(Span(source, *found.span())))
        return False
    return True


@dataclass(slots=True, eq=False)
class _Frame:
    """A container that is being read."""

    node: Container
    anchor: str | None
    nodes_before: int
    parts: list[Node]  # of a record: keys and values in turn
    height: int = 1
    bare: bool = False  # something in it is not there, such as the value of a key

    @property
    def at_key(self) -> bool:
        """Whether what comes next is the key of a record."""
        return isinstance(self.node, MapNode) and len(self.parts) % 2 == 0


@dataclass(slots=True, eq=False)
class _Anchor:
    """What an alias stands for; `node` is None while it is being read."""

    node: Node | None
    nodes: int = 1
    height: int = 0


class _StopReading(Exception):
    """A bound was reached, or nothing sensible can follow; it was reported."""


class _Reader:
    """Builds trees from the events of the YAML library, from one place of a source onwards."""

    def __init__(self, source: Source, begin: int, collector: Collector) -> None:
        self.trees: list[Tree] = []
        self.failed = False
        self.reached = begin
        self._source = source
        self._text = source.text
        self._begin = begin
        self._collector = collector
        self._stack: list[_Frame] = []
        self._root: Node | None = None
        self._sound = True
        self._anchors: dict[str, _Anchor] = {}
        self._nodes = 0
        self._documents = 0
        self._aliases = 0
        self._expanded = 0

    def read(self) -> None:
        """Read up to the end, or to the first place where no more can be read."""
        parser = _PARSER(self._text[self._begin :] if self._begin else self._text)
        try:
            self._events(parser.get_event)
        except yaml.YAMLError as error:
            self._collector.add(explain_syntax(self._source, self._begin, error, self._open_places()))
            self._give_up()
        except _StopReading:
            self._give_up()
        finally:
            parser.dispose()

    def _events(self, get_event: Callable[[], _Event]) -> None:
        handlers, stack = self._handlers(), self._stack
        source, begin, whole = self._source, self._begin, self._text
        scalar_event, end_event = yaml.ScalarEvent, yaml.StreamEndEvent
        while True:
            event = get_event()
            kind = type(event)
            if kind is not scalar_event:
                if kind is end_event:
                    return
                handlers[kind](event)
                continue
            # Six of seven are scalars, and nearly all have nothing about them that takes another look.
            text, style, end = event.value, event.style or "", event.end_mark.index + begin
            if (
                (style in _QUOTES if style else text and whole[end : end + 1] != " ")
                and event.anchor is event.tag is None
                and len(text) <= MAX_SCALAR
                and stack
            ):
                node = ScalarNode(source, event.start_mark.index + begin, end, text, style)
                stack[-1].parts.append(node)
                self._nodes += 1
                if self._nodes > MAX_NODES:
                    self._count(node)
            else:
                self._scalar(event)

    def _handlers(self) -> Mapping[type, Callable[[_Event], None]]:
        return {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._start_map,
            yaml.SequenceStartEvent: self._start_list,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._alias,
            yaml.StreamStartEvent: self._skip,
            yaml.DocumentStartEvent: self._start_document,
            yaml.DocumentEndEvent: self._end_document,
        }

    def _skip(self, event: _Event) -> None:
        pass

    def _start_document(self, event: _Event) -> None:
        self._root = None
        self._sound = True
        self._anchors = {}
        self._documents += 1
        if self._documents > MAX_DOCUMENTS:
            place = event.start_mark.index + self._begin
            self._refuse(problems.too_many_documents(Span(self._source, place, place + 3), MAX_DOCUMENTS))

    def _end_document(self, event: _Event) -> None:
        self.reached = self._begin + event.end_mark.index
        if self._root is not None:
            self.trees.append(Tree(root=self._root, whole=True, sound=self._sound))
        self._root = None

    def _scalar(self, event: _Event) -> None:
        begin, source = self._begin, self._source
        start, end = event.start_mark.index + begin, event.end_mark.index + begin
        text, style, anchor = event.value, event.style or "", event.anchor
        if anchor is not None or event.tag is not None:
            start = self._after_properties(event, start)
        if len(text) > MAX_SCALAR:
            self._collector.add(problems.text_too_long(Span(source, start, start + 1), MAX_SCALAR))
            text = text[:MAX_SCALAR]
        if not style:
            if self._stack and not text:
                self._stack[-1].bare = True
            if self._text[end : end + 1] == " ":
                check_comment(source, start, end, self._collector)
        elif style in "|>":
            end = start + len(self._text[start:end].rstrip())
        node = ScalarNode(source, start, end, text, style)
        if anchor is not None:
            self._anchors[anchor] = _Anchor(node)
        self._attach(node, 0)

    def _start_map(self, event: _Event) -> None:
        self._start(event, MapNode(self._source, 0, 0, bool(event.flow_style), []), [])

    def _start_list(self, event: _Event) -> None:
        items: list[Node] = []
        self._start(event, ListNode(self._source, 0, 0, bool(event.flow_style), items), items)

    def _start(self, event: _Event, node: Container, parts: list[Node]) -> None:
        start, anchor = event.start_mark.index + self._begin, event.anchor
        if event.tag is not None or anchor is not None:
            start = self._after_properties(event, start)
        self.reached = start
        if len(self._stack) >= MAX_DEPTH:
            self._refuse(problems.too_deep(Span(self._source, start, start + 1), MAX_DEPTH))
        if anchor is not None:
            self._anchors[anchor] = _Anchor(None)
        node.start = node.end = start
        self._stack.append(_Frame(node, anchor, self._nodes, parts))

    def _end(self, event: _Event) -> None:
        frame = self._stack.pop()
        node = frame.node
        self._fill(frame)
        if node.flow:
            node.end = event.end_mark.index + self._begin
            if self._stack and self._stack[-1].node.flow:
                self._check_template(node, self._stack[-1])
            if frame.bare or MAY_CUT.search(self._text, node.start, node.end):
                self._sound &= not check_flow(node, self._collector)
        elif frame.parts:  # the library counts what follows a block up to the next token as its part
            node.end = max(part.end for part in frame.parts[-2:])
        if frame.anchor is not None:
            self._anchors[frame.anchor] = _Anchor(node, self._nodes - frame.nodes_before + 1, frame.height)
        self._attach(node, frame.height)

    def _alias(self, event: _Event) -> None:
        span = Span(self._source, event.start_mark.index + self._begin, event.end_mark.index + self._begin)
        target = self._anchors.get(event.anchor)
        if target is None or target.node is None:
            self._refuse(problems.unknown_alias(span, event.anchor, inside=target is not None))
        self._aliases += 1
        self._expanded += target.nodes
        if self._aliases > MAX_ALIASES or self._expanded > MAX_EXPANDED:
            self._refuse(problems.too_many_aliases(span, MAX_ALIASES, MAX_EXPANDED))
        if len(self._stack) + target.height > MAX_DEPTH:
            self._refuse(problems.too_deep(span, MAX_DEPTH))
        self._nodes += target.nodes - 1
        self._attach(target.node, target.height)

    def _attach(self, node: Node, height: int) -> None:
        """Put a finished node where it belongs; most scalars go the same way by themselves."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._count(node)
        if not self._stack:
            self._root = node
            return
        frame = self._stack[-1]
        if height >= frame.height:
            frame.height = height + 1
        frame.parts.append(self._text_of_key(node) if height and frame.at_key else node)

    def _text_of_key(self, node: Node) -> Node:
        """A list or a record that is a key is reported, and stands there as its own text."""
        if isinstance(node, ScalarNode):
            return node
        self._collector.add(problems.key_not_text(node.span))
        return ScalarNode(node.source, node.start, node.end, self._text[node.start : node.end], '"')

    def _fill(self, frame: _Frame) -> None:
        """Give a record its parts; a list has them."""
        node, parts = frame.node, frame.parts
        if isinstance(node, ListNode):
            return
        keys: list[Any] = parts[::2]  # scalars, all of them
        texts = {key.text for key in keys}
        node.pairs = list(zip(keys, parts[1::2], strict=False))
        if len(texts) < len(keys) or "" in texts or "<<" in texts:
            node.pairs = self._sound_pairs(keys, node.pairs)

    def _sound_pairs(
        self, keys: Sequence[ScalarNode], pairs: Sequence[tuple[ScalarNode, Node]]
    ) -> list[tuple[ScalarNode, Node]]:
        """Report the keys that are none, and those that are there twice; each with its first value."""
        for key in keys:
            if key.text == "<<" and not key.style:
                self._collector.add(problems.merge_key(key.span))
            elif not key.text and not key.style:
                self._collector.add(problems.empty_key(key.span))
        seen: dict[str, tuple[ScalarNode, Node]] = {}
        for key, value in pairs:
            first = seen.setdefault(key.text, (key, value))[0]
            if first is not key:
                self._collector.add(problems.duplicate_key(key.span, key.text, first.span))
        return list(seen.values())

    def _count(self, node: Node) -> None:
        """Refuse more values than are read; those that aliases stand for have a bound of their own."""
        if self._nodes - self._expanded > MAX_NODES:
            place = Span(self._source, node.start, node.start + 1)
            self._refuse(problems.too_many_values(place, MAX_NODES))

    def _check_template(self, node: Container, outer: _Frame) -> None:
        """A record that is the key of another, and begins right behind its brace, is a template."""
        if isinstance(node, MapNode) and outer.at_key and outer.node.start == node.start - 1:
            self._refuse(problems.bare_template(Span(self._source, outer.node.start, node.end)))

    def _after_properties(self, event: _Event, start: int) -> int:
        """Where the value begins behind its tag and anchor; a tag is reported."""
        found = _PROPERTIES.match(self._text, start)
        end = found.end() if found else start
        if event.tag is not None:
            tag = _TAG.search(self._text, start, max(end, start + 1))
            place = tag.span() if tag else (start, start + 1)
            self._collector.add(problems.tag(Span(self._source, *place)))
        return end

    def _open_places(self) -> tuple[Container, ...]:
        return tuple(frame.node for frame in self._stack)

    def _refuse(self, problem: Problem) -> NoReturn:
        self._collector.add(problem)
        raise _StopReading

    def _give_up(self) -> None:
        """Close what is open, so that at least the name of the document can be read."""
        self.failed = True
        while self._stack:
            frame = self._stack.pop()
            self._fill(frame)
            self._root = frame.node
            parent = self._stack[-1] if self._stack else None
            if parent is not None and isinstance(parent.node, MapNode) and not parent.at_key:
                parent.parts.append(frame.node)
        if self._root is not None:
            self.trees.append(Tree(root=self._root, whole=False, sound=False))


_QUOTES = frozenset("'\"")
_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*(?:\s+(?:#[^\n]*\n\s*)*|(?=[,\[\]{}])|$))*")
_TAG = re.compile(r"![^\s,\[\]{}]*")
