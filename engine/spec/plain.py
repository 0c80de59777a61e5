"""A document as a plain value, without its places: what fingerprints and comparisons are made of."""

import dataclasses
from collections.abc import Mapping
from datetime import date

from engine.spec.field import Described, Duration, Raw
from engine.values.value import Value

_PLACES = {"span", "keys"}


def plain(written: object) -> Value:
    """The same document, formatted or commented or ordered in another way, gives the same value.

    What was left out does not appear, so that a new optional key changes no fingerprint.
    """
    if isinstance(written, Raw):
        return written.value
    if isinstance(written, Duration):
        return f"{written.amount} {'business ' if written.business else ''}{written.unit}"
    if isinstance(written, Described):
        return _record(written)
    if isinstance(written, Mapping):
        return {str(key): plain(item) for key, item in written.items()}
    if isinstance(written, tuple):
        return [plain(item) for item in written]
    if isinstance(written, str):
        return str(written)
    assert written is None or isinstance(written, bool | int | date) or hasattr(written, "as_tuple"), written
    return written  # type: ignore[return-value]


def _record(written: Described) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for entry in dataclasses.fields(written):
        value = getattr(written, entry.name)
        if entry.name not in _PLACES and not _is_default(entry, value):
            ordered = isinstance(value, Mapping) and entry.metadata["note"].ordered
            values[entry.name] = (
                [[str(key), plain(item)] for key, item in value.items()] if ordered else plain(value)
            )
    return values


def _is_default(entry: dataclasses.Field[object], value: object) -> bool:
    return value == entry.default or (value == {} and entry.default_factory is not dataclasses.MISSING)
