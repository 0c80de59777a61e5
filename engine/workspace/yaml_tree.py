"""YAML text to a tree of nodes that know their place.

What lives here: reading bytes as text, and the only use of the YAML library. What does not:
what a plain scalar means (:mod:`engine.workspace.traps`) and what a document may say
(:mod:`engine.workspace.decode`). Bad text never raises: it gives problems, and what could be read.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias

import yaml

from engine.problems import Collector, Problem
from engine.source import Source, Span
from engine.workspace import problems
from engine.workspace.node import Container, ListNode, MapNode, Node, ScalarNode
from engine.workspace.syntax import explain_syntax
from engine.workspace.traps import check_comment, check_flow

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
    return Source(name, text.replace("\r\n", "\n").replace("\r", "\n"))


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
    if found := _FORBIDDEN.search(text):
        collector.add(problems.forbidden_character(Span(source, *found.span()), found.group()))
        return False
    if not text.isascii() and (found := _TURNING.search(text)):
        collector.add(problems.turning_character(Span(source, *found.span()), found.group()))
        return False
    if found := _DIRECTIVE.search(text):
        collector.add(problems.directive(Span(source, *found.span())))
        return False
    return True


@dataclass(slots=True, eq=False)
class _Frame:
    """A container that is being read."""

    node: Any  # a Container; which one is asked of its class
    anchor: str | None
    nodes_before: int
    height: int = 1
    key: ScalarNode | None = None
    seen: dict[str, ScalarNode] = field(default_factory=dict)


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
        handlers = self._handlers()
        scalar, scalar_event, end_event = self._scalar, yaml.ScalarEvent, yaml.StreamEndEvent
        while True:
            event = get_event()
            kind = type(event)
            if kind is scalar_event:  # six of seven are
                scalar(event)
            elif kind is end_event:
                return
            else:
                handlers[kind](event)

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
            if self._text[end : end + 1] == " ":
                check_comment(source, start, end, self._collector)
        elif style in "|>":
            end = start + len(self._text[start:end].rstrip())
        node = ScalarNode(source, start, end, text, style)
        if anchor is not None:
            self._anchors[anchor] = _Anchor(node)
        self._attach(node, 0)

    def _start_map(self, event: _Event) -> None:
        self._start(event, MapNode(self._source, 0, 0, bool(event.flow_style)))

    def _start_list(self, event: _Event) -> None:
        self._start(event, ListNode(self._source, 0, 0, bool(event.flow_style)))

    def _start(self, event: _Event, node: Container) -> None:
        node.start = node.end = event.start_mark.index + self._begin
        if event.tag is not None or event.anchor is not None:
            node.start = self._after_properties(event, node.start)
        self.reached = node.start
        if len(self._stack) >= MAX_DEPTH:
            self._refuse(problems.too_deep(Span(self._source, node.start, node.start + 1), MAX_DEPTH))
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchor(None)
        self._stack.append(_Frame(node, event.anchor, self._nodes))

    def _end(self, event: _Event) -> None:
        frame = self._stack.pop()
        node = frame.node
        node.end = self._end_of(node, event)
        if node.flow:
            self._check_template(node)
            self._sound &= not check_flow(node, self._collector)
        if frame.anchor is not None:
            self._anchors[frame.anchor] = _Anchor(node, self._nodes - frame.nodes_before + 1, frame.height)
        self._attach(node, frame.height)

    def _end_of(self, node: Container, event: _Event) -> int:
        """Where it ends; the library counts what follows a block up to the next token as its part."""
        if node.flow:
            return int(event.end_mark.index) + self._begin
        if isinstance(node, MapNode):
            return max((max(key.end, value.end) for key, value in node.pairs[-1:]), default=node.start)
        return max((item.end for item in node.items[-1:]), default=node.start)

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
        """Put a finished node where it belongs."""
        self._nodes += 1
        if self._nodes - self._expanded > MAX_NODES:
            self._refuse(problems.too_many_values(Span(self._source, node.start, node.start + 1), MAX_NODES))
        if not self._stack:
            self._root = node
            return
        frame = self._stack[-1]
        if height >= frame.height:
            frame.height = height + 1
        container, key = frame.node, frame.key
        if container.__class__ is ListNode:
            container.items.append(node)
        elif key is None:
            frame.key = self._key(node)
        else:
            frame.key = None
            if frame.seen.setdefault(key.text, key) is key:
                container.pairs.append((key, node))
            else:
                first = frame.seen[key.text]
                self._collector.add(problems.duplicate_key(key.span, key.text, first.span))

    def _key(self, node: Node) -> ScalarNode:
        """A key; what cannot be one is reported, and stands there as its own text."""
        if isinstance(node, ScalarNode):
            if node.text and node.text != "<<":
                return node
            if node.text == "<<" and not node.style:
                self._collector.add(problems.merge_key(node.span))
            elif not node.text and not node.style:
                self._collector.add(problems.empty_key(node.span))
            return node
        self._collector.add(problems.key_not_text(node.span))
        return ScalarNode(node.source, node.start, node.end, self._text[node.start : node.end], '"')

    def _check_template(self, node: Container) -> None:
        """A record that is the key of another, and begins right behind its brace, is a template."""
        outer = self._stack[-1] if self._stack else None
        if outer is None or outer.key is not None or not isinstance(outer.node, MapNode):
            return
        if isinstance(node, MapNode) and outer.node.flow and outer.node.start == node.start - 1:
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
            self._root = frame.node
            if self._stack and self._stack[-1].key is not None:
                parent = self._stack[-1]
                if isinstance(parent.node, MapNode) and parent.key is not None:
                    parent.node.pairs.append((parent.key, frame.node))
        if self._root is not None:
            self.trees.append(Tree(root=self._root, whole=False, sound=False))


_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*(?:\s+(?:#[^\n]*\n\s*)*|(?=[,\[\]{}])|$))*")
_TAG = re.compile(r"![^\s,\[\]{}]*")
