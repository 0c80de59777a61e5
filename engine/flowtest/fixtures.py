"""Whether a fixture is what a system, or the ledger, could really give."""

from collections.abc import Iterator, Mapping

from engine.problems import did_you_mean
from engine.values.type import Listing, Record, Type, check, describe, path_text
from engine.values.value import Value

Path = tuple[str | int, ...]


def unknown_fields(kind: Type, value: Value, path: Path = ()) -> Iterator[str]:
    """A sentence for each field that the type does not have, at any depth.

    A record that may have others is given a misspelt field only: one that is nearly called like a field
    that is not there.
    """
    if isinstance(kind, Listing) and isinstance(value, list):
        for index, item in enumerate(value):
            yield from unknown_fields(kind.item, item, (*path, index))
    elif isinstance(kind, Record) and isinstance(value, Mapping):
        left = [name for name in kind.fields if name not in value]
        for name, item in value.items():
            field = kind.fields.get(name)
            if field is not None:
                yield from unknown_fields(field.type, item, (*path, name))
            elif near := did_you_mean(name, left if kind.open else kind.fields):
                yield f"{path_text((*path, name))}: {_named(kind)} has no such field; {near[0]}"
            elif not kind.open:
                yield f"{path_text((*path, name))}: {_named(kind)} has no such field"


def _named(kind: Record) -> str:
    return describe(kind)


def misfits(kind: Type, value: Value) -> list[str]:
    """In what a decoded value is not of a type, in sentences."""
    unknown = list(unknown_fields(kind, value))
    others = (str(error) for error in check(kind, value) if "is not a field of" not in error.message)
    return [*unknown, *others]
