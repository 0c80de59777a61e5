"""Values of a test, with fixtures and columns filled in: `{$file: fixtures/x.json, field: $(column)}`.

A value knows where its parts stand, also when they come from a row of `examples`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.flowtest.result import TestError
from engine.source import Span, Text
from engine.spec.field import Raw
from engine.values.json_text import JsonError, read_json
from engine.values.value import Value, kind_of
from engine.workspace.files import Files, FileUnreadable

FILE = "$file"

Path = tuple[str | int, ...]

_COLUMN = re.compile(r"\$\(([a-z][a-z0-9_]*)\)")


@dataclass(frozen=True, slots=True)
class Written:
    """A value as a test writes it down, and where its parts stand."""

    value: Value
    raw: Raw
    base: Path = ()  # the part of `raw` that this is
    cells: Mapping[Path, "Written"] = field(default_factory=dict)  # parts that stand in a row of `examples`

    def place(self, path: Path = ()) -> Span:
        """Where a part stands; that of the nearest part around it when it comes from a fixture."""
        full = (*self.base, *path)
        for length in range(len(full), -1, -1):
            cell = self.cells.get(full[:length])
            if cell is not None:
                return cell.place(full[length:])
            found = self.raw.places.get(full[:length])
            if found is not None:
                return found
        return self.raw.span

    def own_place(self, path: Path = ()) -> Span | None:
        """Where exactly this part is written; None when it comes from a fixture, or is made of others."""
        full = (*self.base, *path)
        for length in range(len(full) + 1):
            cell = self.cells.get(full[:length])
            if cell is not None:
                return cell.own_place(full[length:])
        said = _part(self.raw.value, full)
        if isinstance(said, str) and _COLUMN.search(said):
            return None
        return self.raw.places.get(full)

    def part(self, key: str | int) -> "Written":
        """A member of a record, or an item of a list."""
        inner = self.value[key]  # type: ignore[index]
        return Written(inner, self.raw, (*self.base, key), self.cells)

    def without(self, *keys: str) -> "Written":
        """The record without some of its fields."""
        assert isinstance(self.value, Mapping)
        left = {key: value for key, value in self.value.items() if key not in keys}
        return Written(left, self.raw, self.base, self.cells)


def _part(value: Value, path: Path) -> Value:
    for step in path:
        if isinstance(value, Mapping) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


@dataclass(frozen=True, slots=True)
class Filling:
    """What the values of one case are filled with: fixtures, and the columns of its row."""

    files: Files
    columns: Mapping[str, Written] = field(default_factory=dict)

    def written(self, raw: Raw) -> Written:
        """A value with its fixtures and columns read.

        Raises:
            TestError: when a fixture cannot be read, or is no record though fields of it are replaced.

        """
        cells: dict[Path, Written] = {}
        whole = Written(raw.value, raw)
        return Written(self._filled(raw.value, whole, (), cells), raw, (), cells)

    def text(self, text: Text) -> tuple[str, Span]:
        """A text with its columns filled in, and where it is said."""
        alone = _COLUMN.fullmatch(text)
        if alone is not None:
            cell = self._column(alone[1], text.span)
            return _as_text(cell.value), cell.place()
        return self._mixed(text, text.span), text.span

    def _filled(self, value: Value, whole: Written, path: Path, cells: dict[Path, Written]) -> Value:
        if isinstance(value, str):
            return self._replaced(value, whole, path, cells)
        if isinstance(value, list):
            return [self._filled(item, whole, (*path, index), cells) for index, item in enumerate(value)]
        if not isinstance(value, Mapping):
            return value
        filled = {
            key: self._filled(item, whole, (*path, key), cells) for key, item in value.items() if key != FILE
        }
        if FILE not in value:
            return filled
        place = whole.place((*path, FILE))
        return self._fixture(self._mixed(str(value[FILE]), place), filled, place)

    def _replaced(self, text: str, whole: Written, path: Path, cells: dict[Path, Written]) -> Value:
        """A text, or the value of the column that it stands for."""
        if "$(" not in text:
            return text
        alone = _COLUMN.fullmatch(text)
        if alone is None:
            return self._mixed(text, whole.place(path))
        cells[path] = self._column(alone[1], whole.place(path))
        return cells[path].value

    def _mixed(self, text: str, span: Span) -> str:
        return _COLUMN.sub(lambda found: _as_text(self._column(found[1], span).value), text)

    def _column(self, name: str, span: Span) -> Written:
        found = self.columns.get(name)
        if found is None:  # the compiler refuses it
            raise TestError(f"no example has a column {name}", span)
        return found

    def _fixture(self, name: str, replaced: Mapping[str, Value], span: Span) -> Value:
        found = fixture(self.files, name, span)
        if not replaced:
            return found
        if not isinstance(found, Mapping):
            raise TestError(
                f"the fixture `{name}` is {kind_of(found)}: only fields of a record are replaced", span
            )
        return _merged(found, replaced)


def fixture(files: Files, name: str, span: Span) -> Value:
    """The content of a JSON file beside a test.

    Raises:
        TestError: when it cannot be read.

    """
    try:
        return read_json(files.read_bytes(name, beside=span.source))
    except FileUnreadable as error:
        raise TestError(f"the fixture cannot be used: {error}", span) from error
    except JsonError as error:
        raise TestError(f"the fixture `{name}` is not JSON: {error}", span) from error


def _as_text(value: Value) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _merged(base: Mapping[str, Value], over: Mapping[str, Value]) -> dict[str, Value]:
    """The one record with fields of the other in it; records inside are merged, all else is replaced."""
    result = dict(base)
    for key, value in over.items():
        before = result.get(key)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        result[key] = _merged(before, value) if both else value  # type: ignore[arg-type]
    return result
