"""Nodes to documents: frozen instances of the described dataclasses, every mistake of shape reported.

A decoder is compiled once for each dataclass, from its type hints and notes. What it returns satisfies
its description in full; where something does not, the mistake is reported and the document is left out,
so that later stages need not guess. An unknown or repeated key is reported and otherwise ignored.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias

from engine.problems import Collector, Problem, near_names
from engine.source import Span, Text
from engine.spec.field import Described, Document, Duration, FormulaText, Note, PathText, Raw
from engine.spec.shape import (
    FieldShape,
    ListShape,
    NamedShape,
    PlainShape,
    RecordShape,
    Shape,
    TextShape,
    fields_of,
)
from engine.workspace import problems
from engine.workspace.node import ListNode, MapNode, Node, ScalarNode
from engine.workspace.offsets import offsets_of
from engine.workspace.raw import read_raw
from engine.workspace.traps import find_trap, is_null, is_surely_text, plain_value
from engine.workspace.yaml_tree import Tree

MAX_UNKNOWN = 100
"""So many unknown keys of one record are reported; near names take their time."""


class _Broken:
    """What stands for a value that could not be decoded, and was reported."""

    __slots__ = ()


BROKEN: Final = _Broken()

Decode: TypeAlias = Callable[[Node, ScalarNode, Collector], object]
"""(what is written, the key that holds it, where to report) to the value, or BROKEN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What became of one document; `document` is None when it cannot be used."""

    kind: str
    name: str
    document: Document | None


class Decoder:
    """Decodes documents of the kinds that it is given."""

    def __init__(
        self,
        kinds: Sequence[type[Document]],
        collector: Collector,
        records: "dict[type[Described], _RecordDecoder] | None" = None,
    ) -> None:
        """Compile nothing yet: each record is compiled when it first occurs."""
        self._kinds = {cls.kind: cls for cls in kinds}
        self._collector = collector
        self._records: dict[type[Described], _RecordDecoder] = {} if records is None else records

    def reporting_to(self, collector: Collector) -> "Decoder":
        """The same decoder, with what it has compiled, for problems of another file."""
        return Decoder(tuple(self._kinds.values()), collector, self._records)

    def decode(self, tree: Tree) -> Decoded | None:
        """One YAML document; None when there is not even a kind and a name."""
        root = tree.root
        if not isinstance(root, MapNode) or not root.pairs:
            if tree.whole and not is_null(root):
                self._collector.add(problems.not_a_document(_first_line(root), found_name(root)))
            return None
        found = self._kind_of(root, report=tree.whole)
        if found is None:
            return None
        key, value = found
        document = (
            self.record(self._kinds[key.text]).decode(root, key, self._collector) if tree.whole else BROKEN
        )
        name = value.text if isinstance(value, ScalarNode) else ""
        if not tree.sound:
            document = BROKEN
        return Decoded(
            kind=key.text, name=name, document=document if isinstance(document, Document) else None
        )

    def _kind_of(self, root: MapNode, *, report: bool) -> tuple[ScalarNode, Node] | None:
        """The key that says the kind: the first one, or, reported, the first that could be."""
        first = root.pairs[0][0]
        for key, value in root.pairs:
            if key.text in self._kinds:
                if key is not first and report:
                    self._collector.add(problems.kind_not_first(key.span, key.text, first.span))
                return key, value
        if report:
            self._collector.add(problems.unknown_kind(first.span, first.text, tuple(self._kinds)))
        return None

    def record(self, cls: type[Described]) -> "_RecordDecoder":
        """The decoder of a record, compiled when first asked for."""
        found = self._records.get(cls)
        if found is None:
            # It is known before its fields are compiled, for a record may hold its like.
            found = self._records[cls] = _RecordDecoder(cls, self._kinds)
            fields = fields_of(cls)
            found.learn(
                {field.key: self._field(field) for field in fields if field.name != cls.extra},
                next((self._items(field) for field in fields if field.name == cls.extra), None),
            )
        return found

    def _field(self, field: FieldShape) -> "_FieldDecoder":
        return _FieldDecoder(
            name=field.name,
            note=field.note,
            required=field.required,
            named=isinstance(field.shape, NamedShape) and isinstance(field.shape.item, RecordShape),
            decode=self._shape(field.shape, field.note),
        )

    def _items(self, field: FieldShape) -> Decode:
        assert isinstance(field.shape, NamedShape)
        return self._shape(field.shape.item, field.note)

    def _shape(self, shape: Shape, note: Note) -> Decode:
        if isinstance(shape, TextShape):
            return _text_decoder(shape.cls, note)
        if isinstance(shape, ListShape):
            return _list_decoder(self._shape(shape.item, note), many=note.many)
        if isinstance(shape, NamedShape):
            return _named_decoder(self._shape(shape.item, note))
        if isinstance(shape, RecordShape):
            return self.record(shape.cls).decode
        return _plain_decoder(shape, note)


class Keys(Mapping[str, Span]):
    """The place of each key of a record, looked up in its node when asked for."""

    __slots__ = ("_node",)

    def __init__(self, node: MapNode) -> None:
        """The keys that are written there."""
        self._node = node

    def __getitem__(self, name: str) -> Span:
        for key, _ in self._node.pairs:
            if key.text == name:
                return key.span
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (key.text for key, _ in self._node.pairs)

    def __len__(self) -> int:
        return len(self._node.pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class _FieldDecoder:
    name: str
    note: Note
    required: bool
    named: bool  # a section of entries that the author names
    decode: Decode


class _RecordDecoder:
    """Decodes one described dataclass."""

    def __init__(self, cls: type[Described], kinds: Iterable[str]) -> None:
        self._kinds = frozenset(kinds) if issubclass(cls, Document) else frozenset[str]()
        self.fields: Mapping[str, _FieldDecoder] = {}
        self.others: Decode | None = None
        self._cls = cls
        self._alternatives = tuple(frozenset(frozenset(one.split()) for one in group) for group in cls.one_of)
        self._members = tuple(frozenset[str]().union(*group) for group in self._alternatives)
        self._required: frozenset[str] = frozenset()
        self._shorthand_field: _FieldDecoder | None = None
        self._complete_ones: set[tuple[str, ...]] = set()  # the keys of records that were complete

    def learn(self, fields: Mapping[str, _FieldDecoder], others: Decode | None) -> None:
        """Take the decoders of the fields, which may need this one, and that of all other keys."""
        self.fields, self.others = fields, others
        self._required = frozenset(key for key, field in fields.items() if field.required)
        self._shorthand_field = next(
            (field for field in fields.values() if field.name == self._cls.shorthand), None
        )

    def decode(self, node: Node, key: ScalarNode, collector: Collector) -> object:
        if not isinstance(node, MapNode):
            return self._shorthand(node, key, collector)
        values: dict[str, Any] = {}
        others: dict[Text, object] = {}
        fields, sound = self.fields, True
        for inner, value in node.pairs:
            field = fields.get(inner.text)
            if field is not None:
                made = values[field.name] = field.decode(value, inner, collector)
            elif self.others is not None:
                made = others[make_text(inner)] = self.others(value, inner, collector)
            else:
                continue
            if made is BROKEN:
                sound = False
        if others and self._cls.extra:
            values[self._cls.extra] = others
        if not (self._is_complete(node) or self._complete(node, key, values, collector)) or not sound:
            return BROKEN
        return self._cls(span=Span(node.source, node.start, node.end), keys=Keys(node), **values)

    def _shorthand(self, node: Node, key: ScalarNode, collector: Collector) -> object:
        """A record that is written as the one value that stands for it."""
        field = self._shorthand_field
        if field is None or is_null(node):
            collector.add(_wrong(node, key, "a record", tuple(self.fields)))
            return BROKEN
        if "value" in self.fields and isinstance(node, ScalarNode) and not isinstance(plain_value(node), str):
            collector.add(problems.bare_constant(node.span, node.text))
            return BROKEN
        value: Any = field.decode(node, key, collector)
        return BROKEN if value is BROKEN else self._cls(span=node.span, **{field.name: value})

    def _is_complete(self, node: MapNode) -> bool:
        """Whether nothing needs a second look: all keys are known, and those that must be there are."""
        said = tuple([inner.text for inner, _ in node.pairs])
        if said in self._complete_ones:  # most have the keys of one before them
            return True
        written = frozenset(said)
        complete = self._required <= written and all(
            members & written in group
            for members, group in zip(self._members, self._alternatives, strict=True)
        )
        if self.others is not None or not complete:
            return complete
        if self.fields.keys() >= written:
            self._complete_ones.add(said)
            return True
        return False

    def _complete(
        self, node: MapNode, key: ScalarNode, values: Mapping[str, Any], collector: Collector
    ) -> bool:
        """Whether all that must be there is, and nothing that excludes it."""
        written = {inner.text: inner for inner, _ in node.pairs}
        meant = self._unknown(node, written, key, collector) if self.others is None else set()
        missing = [name for name, field in self.fields.items() if field.required and field.name not in values]
        for name in missing:
            # A key that was misspelt is reported where it stands, and not as missing too.
            if name not in meant:
                about = self.fields[name].note.about
                collector.add(problems.missing_key(key.span, name, self._called(key), about))
        chosen = [self._exclusive(group, written, key, collector) for group in self._alternatives]
        return not missing and all(chosen)

    def _unknown(
        self, node: MapNode, written: Mapping[str, ScalarNode], key: ScalarNode, collector: Collector
    ) -> set[str]:
        """Report the keys that there are not; the names that may have been meant."""
        meant: set[str] = set()
        unknown = [name for name in written if name not in self.fields]
        for name in unknown[:MAX_UNKNOWN]:
            near = near_names(name, self.fields)
            called, place = self._called(key), written[name].span
            way_out = "" if near and name not in self._kinds else self._way_out(node, name)
            collector.add(problems.unknown_key(place, name, called, near, self.fields, way_out))
            meant.update(near[:1])
        return meant

    def _way_out(self, node: MapNode, name: str) -> str:
        """What may have been meant by a key of a document that it does not have."""
        if name in self._kinds:
            return problems.begins_a_document(name)
        section = ""
        for key, value in node.pairs:
            if key.text == name:
                return problems.belongs_further_in(name, section) if section and is_record(value) else ""
            field = self.fields.get(key.text)
            section = (key.text if field.named and is_record(value) else "") if field else section
        return ""

    def _exclusive(
        self,
        group: frozenset[frozenset[str]],
        written: Mapping[str, ScalarNode],
        key: ScalarNode,
        collector: Collector,
    ) -> bool:
        names = list(dict.fromkeys(name for one in self._cls.one_of for part in one for name in part.split()))
        there = [name for name in names if name in written and any(name in one for one in group)]
        if frozenset(there) in group:
            return True
        if not there:
            wanted = [name for name in names if frozenset({name}) in group]
            collector.add(problems.none_of(key.span, self._called(key), wanted))
            return False
        spans = [written[name].span for name in there]
        collector.add(problems.several_of(spans[-1], self._called(key), there, spans[:-1]))
        return False

    def _called(self, key: ScalarNode) -> str:
        """How the record is named to a person."""
        if issubclass(self._cls, Document):
            return f"{'an' if self._cls.kind[:1] in 'aeiou' else 'a'} {self._cls.kind}"
        return f"`{key.text}`"


def is_record(node: Node) -> bool:
    """Whether a node has keys."""
    return isinstance(node, MapNode)


def make_text(node: ScalarNode, cls: type[Text] = Text) -> Text:
    """The text of a scalar, with its place."""
    start, end, text = node.start, node.end, node.text
    plain = not node.style and end - start == len(text)
    return cls(text, Span(node.source, start, end), None if plain else offsets_of(node))


def found_name(node: Node) -> str:
    """What a node is, as it is named to a person: `a list`, `the number 5`."""
    if isinstance(node, MapNode):
        return "a record"
    if not isinstance(node, ScalarNode):
        return "a list"
    value = plain_value(node)
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"`{node.text}`"
    return "a number" if isinstance(value, int | Decimal) else "a text"


def _wrong(node: Node, key: ScalarNode, expected: str, keys: Sequence[str] = ()) -> Problem:
    if is_null(node):
        return problems.no_value(key.span, key.text)
    return problems.wrong_shape(_first_line(node), f"`{key.text}`", expected, found_name(node), keys)


def _no_path(node: Node, key: ScalarNode) -> Problem:
    """A list or a record where an entry says where its value is."""
    if not isinstance(node, ListNode):
        return _wrong(node, key, "a path")
    return problems.written_list(_first_line(node), f"`{key.text}`")


def _first_line(node: Node) -> Span:
    """The part of a node that fits on one line."""
    end = node.source.text.find("\n", node.start, node.end)
    return Span(node.source, node.start, node.end if end < 0 else end)


_EXPECTED_TEXT: Mapping[type[Text], str] = {PathText: "a path", FormulaText: "an expression"}


def _text_decoder(cls: type[Text], note: Note) -> Decode:
    expected = _EXPECTED_TEXT.get(cls, "a text")
    check = _text_check(note)

    def decode(node: Node, key: ScalarNode, collector: Collector) -> object:
        if not isinstance(node, ScalarNode):
            collector.add(_wrong(node, key, expected) if cls is not PathText else _no_path(node, key))
            return BROKEN
        problem = None
        if not is_surely_text(node) and node.text not in note.choices:
            problem = _text_problem(node, key, cls, expected)
        if problem is None and check is not None:
            problem = check(node, key)
        if problem is not None:
            collector.add(problem)
            return BROKEN
        return make_text(node, cls)

    return decode


def _text_problem(node: ScalarNode, key: ScalarNode, cls: type[Text], expected: str) -> Problem | None:
    """What a text cannot be. A number is taken as it is written, but for a path, where it is a mistake."""
    if not node.text.strip():
        return problems.empty_text(node.span, f"`{key.text}`") if node.style else _wrong(node, key, expected)
    if node.style:
        return None
    value = plain_value(node)
    if value is None or (isinstance(value, bool) and cls is not FormulaText):
        return _wrong(node, key, expected)
    if cls is PathText and not isinstance(value, str):
        return _wrong(node, key, expected)
    trap = find_trap(node)
    return trap if trap is not None and trap.code == problems.YES_NO else None


def _text_check(note: Note) -> Callable[[ScalarNode, ScalarNode], Problem | None] | None:
    if note.choices:
        return _choice_check(note.choices)
    if note.pattern is not None:
        return _pattern_check(note)
    return None


def _choice_check(choices: Sequence[str]) -> Callable[[ScalarNode, ScalarNode], Problem | None]:
    def check(node: ScalarNode, key: ScalarNode) -> Problem | None:
        if node.text in choices:
            return None
        return problems.wrong_choice(node.span, f"`{key.text}`", node.text, choices)

    return check


def _pattern_check(note: Note) -> Callable[[ScalarNode, ScalarNode], Problem | None]:
    assert note.pattern is not None
    matches = re.compile(note.pattern).fullmatch

    def check(node: ScalarNode, key: ScalarNode) -> Problem | None:
        if matches(node.text):
            return None
        return problems.wrong_pattern(node.span, f"`{key.text}`", node.text, note)

    return check


def _list_decoder(decode_item: Decode, *, many: bool) -> Decode:
    def decode(node: Node, key: ScalarNode, collector: Collector) -> object:
        if isinstance(node, MapNode | ScalarNode):
            if not many or is_null(node):
                collector.add(_wrong(node, key, "a list"))
                return BROKEN
            item = decode_item(node, key, collector)
            return BROKEN if item is BROKEN else (item,)
        assert isinstance(node, ListNode)
        items = tuple([decode_item(item, _item_key(item, key), collector) for item in node.items])
        return BROKEN if any(item is BROKEN for item in items) else items

    return decode


def _item_key(item: Node, key: ScalarNode) -> ScalarNode:
    """What stands for the key of an item: the list's name, at the item's place."""
    place = _first_line(item)
    return ScalarNode(item.source, place.start, place.end, key.text, "")


def _named_decoder(decode_item: Decode) -> Decode:
    def decode(node: Node, key: ScalarNode, collector: Collector) -> object:
        if not isinstance(node, MapNode):
            collector.add(_wrong(node, key, "a record of named entries"))
            return BROKEN
        items = {make_text(inner): decode_item(value, inner, collector) for inner, value in node.pairs}
        return BROKEN if any(item is BROKEN for item in items.values()) else items

    return decode


def _plain_decoder(shape: PlainShape, note: Note) -> Decode:
    if shape.cls is Raw:
        return _decode_raw
    if shape.cls is int or shape.cls is Decimal:
        return _number_decoder(shape.cls, note)
    return {bool: _decode_bool, date: _decode_date, datetime: _decode_datetime, Duration: _decode_duration}[
        shape.cls
    ]


def _decode_raw(node: Node, key: ScalarNode, collector: Collector) -> object:  # noqa: ARG001 - all decoders are called alike
    return read_raw(node, collector)


def _number_decoder(cls: type[int] | type[Decimal], note: Note) -> Decode:
    expected = "a whole number" if cls is int else "a number"
    accepted: tuple[type, ...] = (int,) if cls is int else (int, Decimal)

    def decode(node: Node, key: ScalarNode, collector: Collector) -> object:
        value = plain_value(node) if isinstance(node, ScalarNode) else None
        if not isinstance(value, accepted) or isinstance(value, bool):
            return _report_plain(node, key, expected, collector)
        assert isinstance(value, int | Decimal)
        if bound := _bound_broken(value, note):
            collector.add(problems.out_of_bounds(node.span, f"`{key.text}`", bound))
            return BROKEN
        return cls(value)

    return decode


def _bound_broken(value: int | Decimal, note: Note) -> str:
    if note.minimum is not None and value < note.minimum:
        return f"at least {note.minimum:,}"
    if note.maximum is not None and value > note.maximum:
        return f"at most {note.maximum:,}"
    return ""


def _report_plain(node: Node, key: ScalarNode, expected: str, collector: Collector) -> _Broken:
    """Report a wrong plain value; a word that other tools misread says so itself."""
    trap = find_trap(node) if isinstance(node, ScalarNode) else None
    collector.add(trap or _wrong(node, key, expected))
    return BROKEN


def _decode_bool(node: Node, key: ScalarNode, collector: Collector) -> object:
    value = plain_value(node) if isinstance(node, ScalarNode) else None
    return value if isinstance(value, bool) else _report_plain(node, key, "true or false", collector)


_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[-+][0-9]{2}:[0-9]{2})"
)


def _decode_date(node: Node, key: ScalarNode, collector: Collector) -> object:
    if isinstance(node, ScalarNode) and _DATE.fullmatch(node.text):
        try:
            return date.fromisoformat(node.text)
        except ValueError:
            pass
    collector.add(_wrong_text(node, key, "a date", problems.not_a_date))
    return BROKEN


def _decode_datetime(node: Node, key: ScalarNode, collector: Collector) -> object:
    if isinstance(node, ScalarNode) and _INSTANT.fullmatch(node.text):
        try:
            return datetime.fromisoformat(node.text)
        except ValueError:
            pass
    collector.add(_wrong_text(node, key, "an instant", problems.not_an_instant))
    return BROKEN


LONGEST_SECONDS = 100 * 366 * 86_400  # counted from any day of work, that is still a day of the calendar
_SHORT_DURATION = re.compile(r"([0-9]{1,9})\s?(s|m|h|d|w)")
_LONG_DURATION = re.compile(r"([0-9]{1,9}) (?:(second|minute|hour|day|week)s?|business (hour|day)s?)")
_UNITS = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week"}


def _decode_duration(node: Node, key: ScalarNode, collector: Collector) -> object:
    if isinstance(node, ScalarNode):
        length = _duration(node)
        if length is not None and length.seconds <= LONGEST_SECONDS:
            return length
        if length is not None:
            collector.add(problems.too_long_a_time(node.span, f"`{key.text}`"))
            return BROKEN
    collector.add(_wrong_text(node, key, "a length of time", problems.not_a_duration))
    return BROKEN


def _duration(node: ScalarNode) -> Duration | None:
    if found := _SHORT_DURATION.fullmatch(node.text):
        return Duration(amount=int(found[1]), unit=_UNITS[found[2]], business=False, span=node.span)
    if found := _LONG_DURATION.fullmatch(node.text):
        unit, business = found[2] or found[3], found[3] is not None
        return Duration(amount=int(found[1]), unit=unit, business=business, span=node.span)
    return None


def _wrong_text(
    node: Node, key: ScalarNode, expected: str, wording: Callable[[Span, str], Problem]
) -> Problem:
    """A text that is not of the kind, in its own words; anything else as a wrong shape."""
    if isinstance(node, ScalarNode) and not is_null(node):
        return wording(node.span, f"`{key.text}`")
    return _wrong(node, key, expected)
