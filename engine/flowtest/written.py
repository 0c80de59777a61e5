"""Values of a test, with fixtures filled in: `{$file: fixtures/x.json, field: other}`."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.flowtest.result import TestError
from engine.source import Span
from engine.spec.field import Raw
from engine.values.json_text import JsonError, read_json
from engine.values.value import Value, kind_of
from engine.workspace.files import Files, FileUnreadable

FILE = "$file"
FAIL = "$fail"


@dataclass(frozen=True, slots=True)
class Written:
    """A value as a test writes it down, and where its parts stand."""

    value: Value
    raw: Raw
    base: tuple[str | int, ...] = ()  # the part of `raw` that this is

    def place(self, path: tuple[str | int, ...] = ()) -> Span:
        """Where a part stands; that of the nearest part around it when it comes from a fixture."""
        full = (*self.base, *path)
        for length in range(len(full), -1, -1):
            found = self.raw.places.get(full[:length])
            if found is not None:
                return found
        return self.raw.span

    def part(self, key: str | int) -> "Written":
        """A member of a record, or an item of a list."""
        inner = self.value[key]  # type: ignore[index]
        return Written(inner, self.raw, (*self.base, key))


def written(files: Files, raw: Raw) -> Written:
    """A value with its fixtures read.

    Raises:
        TestError: when a fixture cannot be read, or is no record though fields of it are replaced.

    """
    return Written(_filled(files, raw.value, Written(raw.value, raw), ()), raw)


def _filled(files: Files, value: Value, whole: Written, path: tuple[str | int, ...]) -> Value:
    if isinstance(value, list):
        return [_filled(files, item, whole, (*path, index)) for index, item in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    filled = {key: _filled(files, item, whole, (*path, key)) for key, item in value.items() if key != FILE}
    if FILE not in value:
        unknown = [key for key in filled if key.startswith("$") and key != FAIL]
        if unknown:
            raise TestError(
                f"{unknown[0]!r} means nothing here: there are $file and $fail", whole.place(path)
            )
        return filled
    return _fixture(files, str(value[FILE]), filled, whole.place((*path, FILE)))


def _fixture(files: Files, name: str, replaced: Mapping[str, Value], span: Span) -> Value:
    try:
        found = read_json(files.read_bytes(name, beside=span.source))
    except FileUnreadable as error:
        raise TestError(f"the fixture cannot be used: {error}", span) from error
    except JsonError as error:
        raise TestError(f"the fixture `{name}` is not JSON: {error}", span) from error
    if not replaced:
        return found
    if not isinstance(found, Mapping):
        raise TestError(
            f"the fixture `{name}` is {kind_of(found)}: only fields of a record are replaced", span
        )
    return _merged(found, replaced)


def _merged(base: Mapping[str, Value], over: Mapping[str, Value]) -> dict[str, Value]:
    """The one record with fields of the other in it; records inside are merged, all else is replaced."""
    result = dict(base)
    for key, value in over.items():
        before = result.get(key)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        result[key] = _merged(before, value) if both else value  # type: ignore[arg-type]
    return result
