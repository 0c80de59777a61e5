"""A decoded document as places with what is said there, whatever its kind is.

Every key of every described dataclass is read, so that a key which is added is compared from its first day.
"""

import dataclasses
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from engine.compile.compilation import Compilation
from engine.compile.meaning_of_text import meaning_of_text, names_in
from engine.compile.meaning_of_uses import Uses
from engine.plan.meaning import Place, Said
from engine.source import Text
from engine.spec.field import Described, Duration, FormulaText, PathText, Raw, TemplateText
from engine.values.canonical import text_hash
from engine.values.json_text import JsonError, read_json, write_json
from engine.values.value import Value

_PLACES = frozenset({"span", "keys"})

# Lists whose order says nothing.
_SETS = frozenset({"labels", "enum", "days_off", "business_days", "omit", "raises", "scopes"})

# What people read, and nothing decides by.
_WORDS = frozenset({"about", "reason", "note", "message", "says", "why", "docs", "version"})
_NOT_WORDS = frozenset({("ReleaseDocument", "reason"), ("FaultSpec", "reason"), ("WebhookSpec", "message")})

# Reasons of which only matters that there is one.
_REASONS = frozenset({"irreversible", "stands", "proposes"})

# Where the value of an entry comes from: one of them stands there.
_ORIGINS = frozenset({"path", "expr", "template", "value"})

_SAID_IN_SCHEMAS = frozenset({"description", "title", "$comment", "examples", "$id", "$schema"})


@dataclass(frozen=True, slots=True)
class Signs:
    """What local names stand for. Where people are ``told`` of them, their own names are words."""

    by_name: Mapping[str, str]
    shown: Mapping[str, str] = field(default_factory=dict)
    told: bool = False

    def including(self, more: Mapping[str, str], shown: Mapping[str, str] | None = None) -> "Signs":
        """With more names."""
        return replace(self, by_name={**self.by_name, **more}, shown={**self.shown, **(shown or {})})


class Reading:
    """Reads what one document says, and what it uses."""

    def __init__(self, compilation: Compilation, uses: Uses) -> None:
        """For a document of a workspace without problems."""
        self._compilation = compilation
        self._uses = uses

    def record(
        self, place: Place, written: Described, signs: Signs, *, without: tuple[str, ...] = ()
    ) -> Iterator[tuple[Place, Said]]:
        """What a described record says beside its defaults, key by key."""
        owner = type(written).__name__
        for entry in dataclasses.fields(written):
            value = getattr(written, entry.name)
            if entry.name in _PLACES or _is_default(entry, value):
                continue
            note = entry.metadata["note"]
            key = note.key or entry.name
            if key in without or entry.name in without:
                continue
            if entry.name == type(written).extra:
                yield from self.value(place, value, signs, owner=owner, key=key)
            elif note.ordered:
                yield from self._in_order((*place, key), value, signs, owner)
            elif owner == "EntryDocument" and key in _ORIGINS:
                yield from self.value((*place, "from"), value, signs, owner=owner, key=key)
            else:
                yield from self.value((*place, key), value, signs, owner=owner, key=key)

    def value(
        self, place: Place, written: object, signs: Signs, *, owner: str, key: str = ""
    ) -> Iterator[tuple[Place, Said]]:
        """What stands at one place; nothing where it is left out."""
        key = key or place[-1]
        match written:
            case None:
                pass
            case Described():
                yield from self.record(place, written, signs)
            case Mapping():
                for name, inner in written.items():
                    yield from self.value((*place, str(name)), inner, signs, owner=owner, key=key)
            case tuple():
                yield from self._list(place, written, signs, owner, key)
            case Raw():
                yield from _raw(place, written.value)
            case Text():
                yield from self._text(place, written, signs, owner, key)
            case _:
                said = _duration(written) if isinstance(written, Duration) else said_of_value(written)
                yield place, _as_words(said) if _is_words(owner, key) else said

    def expression(self, text: Text, signs: Signs) -> Said:
        """A path, formula or template."""
        self._uses.expression(text)
        value = meaning_of_text(text, signs.by_name)
        known = sorted(names_in(text) & signs.shown.keys())
        where = "; ".join(f"{name}: {signs.shown[name]}" for name in known)
        shown = f"{_line(text)} (with {where})" if where else _line(text)
        return Said(value, shown, meaning_of_text(text, {}) if signs.told else None)

    def names(self, written: Described) -> frozenset[str]:
        """The names that the expressions of an entry read."""
        found: set[str] = set()
        for entry in dataclasses.fields(written):
            waiting: list[object] = [getattr(written, entry.name)]
            while waiting:
                match waiting.pop():
                    case Text() as text:
                        found |= names_in(text)
                    case Described() as inner:
                        found |= self.names(inner)
                    case Mapping() as inner:
                        waiting.extend(inner.values())
                    case _:
                        pass
        return frozenset(found)

    def _in_order(
        self, place: Place, written: Mapping[str, object], signs: Signs, owner: str
    ) -> Iterator[tuple[Place, Said]]:
        """Named things whose order decides: what each says, and which is first."""
        yield from self.value(place, written, signs, owner=owner)
        names: list[Value] = [str(name) for name in written]
        yield (*place, "in order"), Said(names, ", ".join(map(str, names)))

    def _list(
        self, place: Place, written: tuple[object, ...], signs: Signs, owner: str, key: str
    ) -> Iterator[tuple[Place, Said]]:
        if any(isinstance(item, Described) for item in written):
            names = _names_of(written)
            for name, item in zip(names, written, strict=True):
                yield from self.value((*place, name), item, signs, owner=owner, key=key)
            return
        found = [said for item in written for _, said in self.value(place, item, signs, owner=owner, key=key)]
        if key in _SETS:
            found.sort(key=lambda said: write_json(said.value))
        values: list[Value] = [said.value for said in found]
        yield place, Said(values, ", ".join(said.shown for said in found))

    def _text(
        self, place: Place, text: Text, signs: Signs, owner: str, key: str
    ) -> Iterator[tuple[Place, Said]]:
        self._uses.named(owner, key, str(text))
        if isinstance(text, PathText | FormulaText | TemplateText):
            said = self.expression(text, signs)
        elif key in _REASONS:
            said = Said(True, _line(text), str(text))
        else:
            file = self._file(text)
            if file is not None and not _is_words(owner, key):
                yield from _content(place, text, file)
                return
            said = Said(str(text), _line(text))
        yield place, _as_words(said) if _is_words(owner, key) else said

    def _file(self, text: Text) -> bytes | None:
        """The content of the file that a text names; None when it names none that was read."""
        source = text.span.source
        name = posixpath.normpath(f"{source.name.rpartition('/')[0]}/{text}")
        if name not in self._compilation.file_hashes:
            return None
        return self._compilation.workspace.files.read_bytes(str(text), beside=source)


def said_of_value(value: object) -> Said:
    """A plain value."""
    if isinstance(value, Decimal | date | bool | int | str) or value is None:
        return Said(value, value if isinstance(value, str) else write_json(value).decode().strip('"'))
    return Said(_jsonable(value), write_json(value).decode())


def _jsonable(value: object) -> Value:
    return read_json(write_json(value))


def _is_words(owner: str, key: str) -> bool:
    return key in _WORDS and (owner, key) not in _NOT_WORDS


def _as_words(said: Said) -> Said:
    return Said(None, said.shown, [said.value, said.words])


def _duration(length: Duration) -> Said:
    """A length of time: 60m is as long as 1h, and is only called otherwise."""
    text = f"{length.amount} {'business ' if length.business else ''}{length.unit}"
    shown = text if length.amount == 1 else f"{text}s"
    return Said(text if length.business else length.seconds, shown, text)


def _names_of(written: tuple[object, ...]) -> list[str]:
    """What the items of a list are called: by what they are of, or by their place."""
    named = [str(getattr(item, "origin", None) or number + 1) for number, item in enumerate(written)]
    return named if len(set(named)) == len(named) else [str(number + 1) for number in range(len(written))]


def _raw(place: Place, value: Value) -> Iterator[tuple[Place, Said]]:
    """A value as it was written; what a record says, key by key."""
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _raw((*place, str(name)), inner)
    else:
        yield place, said_of_value(value)


def _content(place: Place, text: Text, content: bytes) -> Iterator[tuple[Place, Said]]:
    """What a file says. One that is not JSON is what its bytes are."""
    try:
        value = read_json(content)
    except JsonError:
        yield place, Said(text_hash(content), str(text))
        return
    yield from _schema(place, value)


def _schema(place: Place, value: Value) -> Iterator[tuple[Place, Said]]:
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            if str(name) in _SAID_IN_SCHEMAS and not isinstance(inner, Mapping):
                yield (*place, str(name)), _as_words(said_of_value(inner))
            else:
                yield from _schema((*place, str(name)), inner)
    elif isinstance(value, list) and place[-1] in ("required", "enum", "type"):
        found = sorted(value, key=write_json)
        yield place, said_of_value(found)
    else:
        yield place, said_of_value(value)


def _line(text: str) -> str:
    return " ".join(text.split())


def _is_default(entry: "dataclasses.Field[object]", value: object) -> bool:
    return value == entry.default or (value == {} and entry.default_factory is not dataclasses.MISSING)
