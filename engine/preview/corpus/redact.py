"""A recorded event with pseudonyms in place of what is personal, and of all that was said of it as well.

A personal value is looked for in everything that was recorded with the event: what flows asked for by it, and
what they were answered, goes on to fit. Amounts, days, states and ids stay as they are where nobody marked
them.
"""

import re
import unicodedata
from collections.abc import Mapping

from engine.preview.corpus.personal import NOTHING_KNOWN, Kind, Personal
from engine.preview.corpus.pseudonyms import NO_BOUNDS, Pseudonyms
from engine.values.actors import ENGINE
from engine.values.type import ANY, Enum, Listing, Type, member
from engine.values.value import Value

TELLING = 6  # a word of so many characters is looked for in any case
LEAST = 100_000  # a number below is looked for nowhere else
SHORTEST = 3  # a value of fewer characters is in too many words to be looked for

_EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)*\.\w+")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def redacted(line: Mapping[str, Value], personal: Personal, pseudonyms: Pseudonyms) -> dict[str, Value]:
    """The line of an event without what is personal in it.

    The line is as :func:`engine.preview.recorded.recorded_lines` gives it, and so is what is returned.
    """
    return _Redaction(personal, pseudonyms).line(line)


class _Redaction:
    """One event being redacted."""

    def __init__(self, personal: Personal, pseudonyms: Pseudonyms) -> None:
        self._personal = personal
        self._pseudonyms = pseudonyms
        self._found: dict[str, str] = {}  # the pseudonyms of the personal texts that this event has
        self._folded: dict[str, str] = {}  # the same, however they are written
        self._numbers: dict[int, Value] = {}
        self._anywhere: re.Pattern[str] | None = None

    def line(self, line: Mapping[str, Value]) -> dict[str, Value]:
        parts = _parts(line, self._personal)
        for value, kind in parts:
            self._look(value, kind, kind.type, "", told=False)
        if self._found:
            longest_first = sorted(self._found, key=len, reverse=True)
            self._folded = {_folded(one): self._found[one] for one in longest_first}
            self._anywhere = re.compile(rf"(?<!\w)(?:{'|'.join(map(_pattern, longest_first))})(?!\w)")
        recorded = line.get("recorded")
        made = {**line, "data": self._value(*parts[0])}
        if isinstance(recorded, Mapping):
            made["recorded"] = {
                name: [self._entry(name, one) for one in entries] for name, entries in _lists(recorded)
            }
        return made

    def _entry(self, name: str, entry: Mapping[str, Value]) -> Value:
        """One thing that was recorded: a read, a cross reference, a write, or the end of a hold."""
        made = dict(self._plain(entry, entry.keys() - {"gives", "read", "fault", "at"}))
        if "gives" in entry:
            made["gives"] = self._value(entry["gives"], _kind_of(name, entry, self._personal))
        return {key: made.get(key, value) for key, value in entry.items()}

    def _plain(self, entry: Mapping[str, Value], names: set[str]) -> Mapping[str, Value]:
        return {name: self._value(entry[name], NOTHING_KNOWN) for name in names}

    # --- what is personal -----------------------------------------------------------------------

    def _look(self, value: Value, kind: Kind, type_: Type, place: str, *, told: bool) -> None:
        """Take down the personal texts of a record."""
        told = told or (bool(place) and self._personal.is_so(kind, place))
        if isinstance(value, Mapping):
            for name, inner in value.items():
                self._look(inner, kind, _within(type_, name), f"{place}.{name}".lstrip("."), told=told)
        elif isinstance(value, list):
            for inner in value:
                self._look(inner, kind, _item(type_), place, told=told)
        elif told and isinstance(value, str) and not isinstance(type_, Enum) and _is_telling(value):
            self._found[value] = self._pseudonyms.text(value, kind.bounds.get(place, NO_BOUNDS))
        elif told and type(value) is int and abs(value) >= LEAST:
            made = self._numbers[value] = self._pseudonyms.of(value)
            self._found[str(value)] = str(made)

    # --- what takes its place -------------------------------------------------------------------

    def _value(self, value: Value, kind: Kind) -> Value:
        return self._within(value, kind, kind.type, "", told=False)

    def _within(self, value: Value, kind: Kind, type_: Type, place: str, *, told: bool) -> Value:
        told = told or (bool(place) and self._personal.is_so(kind, place))
        if isinstance(value, Mapping):
            return {
                self._key(name, type_): self._within(
                    inner, kind, _within(type_, name), f"{place}.{name}".lstrip("."), told=told
                )
                for name, inner in value.items()
            }
        if isinstance(value, list):
            return [self._within(inner, kind, _item(type_), place, told=told) for inner in value]
        if self._personal.is_kept(place):
            return value
        if isinstance(type_, Enum):
            return self._pseudonyms.one_of(value, type_.values) if told and isinstance(value, str) else value
        if told and value != ENGINE:
            return self._pseudonyms.of(value, kind.bounds.get(place, NO_BOUNDS))
        if type(value) is int:
            return self._numbers.get(value, value)
        return self._text(value) if isinstance(value, str) else value

    def _key(self, name: str, type_: Type) -> str:
        """The name of a field, which in a record that nobody described may be that of a person."""
        if type_ != ANY and member(type_, name) is not None:
            return name
        return self._found.get(name) or _EMAIL.sub(lambda one: self._pseudonyms.text(one.group()), name)

    def _text(self, text: str) -> str:
        """A text in which personal values may stand among others."""
        if text in self._found:
            return self._found[text]
        if "@" in text:
            text = _EMAIL.sub(lambda one: self._pseudonyms.text(one.group()), text)
        if self._anywhere is not None:
            text = self._anywhere.sub(self._instead, text)
            composed = unicodedata.normalize("NFC", text)
            if composed != text and self._anywhere.search(composed):
                text = self._anywhere.sub(self._instead, composed)
        return text

    def _instead(self, found: re.Match[str]) -> str:
        text = found.group()
        return self._found.get(text) or self._folded.get(_folded(text)) or self._pseudonyms.text(text)


def _folded(text: str) -> str:
    """A text as it is looked for, in whatever case and with whatever space between its words."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _pattern(text: str) -> str:
    """What finds a personal text among others. One short word is found as it is: `Bill` is not `bill`."""
    words = unicodedata.normalize("NFC", text).split()
    found = r"\s+".join(map(re.escape, words))
    return f"(?i:{found})" if len(words) > 1 or len(text) >= TELLING else found


def _parts(line: Mapping[str, Value], personal: Personal) -> list[tuple[Value, Kind]]:
    """Every record in which personal values may be marked: that of the event first."""
    parts = [(line["data"], personal.events.get(str(line["type"]), NOTHING_KNOWN))]
    recorded = line.get("recorded")
    for name, entries in _lists(recorded) if isinstance(recorded, Mapping) else ():
        parts += [(entry.get("gives"), _kind_of(name, entry, personal)) for entry in entries]
    return parts


def _lists(recorded: Mapping[str, Value]) -> list[tuple[str, list[Mapping[str, Value]]]]:
    return [
        (name, [one for one in entries if isinstance(one, Mapping)])
        for name, entries in recorded.items()
        if isinstance(entries, list)
    ]


_BY_A_PERSON = Kind(places=frozenset({"by", "reason"}))


def _kind_of(name: str, entry: Mapping[str, Value], personal: Personal) -> Kind:
    if name == "holds":
        return _BY_A_PERSON
    return personal.reads.get(str(entry.get("read")), NOTHING_KNOWN)


def _within(kind: Type, name: str) -> Type:
    found = member(kind, name)
    return ANY if found is None else found.type


def _item(kind: Type) -> Type:
    return kind.item if isinstance(kind, Listing) else ANY


def _is_telling(value: str) -> bool:
    """Whether a text says who is meant wherever it stands; a day or a few digits do not."""
    return (
        len(value.strip()) >= SHORTEST
        and value != ENGINE
        and _DAY.match(value) is None
        and not (value.isdigit() and len(value) < 6)
    )
