"""Values as YAML that a person would write: on one line, or a line a field where that is too long."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal

from engine.values.json_text import instant_text, write_json
from engine.values.value import Value

WIDTH = 100

_PLAIN = re.compile(r"[A-Za-z$<][A-Za-z0-9_@/<>-]*(?:[ .][A-Za-z0-9_@/<>-]+)*\.?")
# What JSON leaves as it is, and YAML has to have escaped.
_NOT_PRINTED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_WORDS = frozenset("null true false yes no on off y n".split())


def flow(value: Value) -> str:
    """A value on one line."""
    match value:
        case Mapping():
            return "{" + ", ".join(f"{_text(str(key))}: {flow(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(flow(item) for item in value) + "]"
        case str():
            return _text(value)
        case bool() | None:
            return {None: "null", True: "true", False: "false"}[value]
        case Decimal():
            return format(value, "f")
        case datetime():
            return f'"{instant_text(value)}"'
        case date():
            return f'"{value.isoformat()}"'
        case _:
            return str(value)


def _text(text: str) -> str:
    """A text, in quotes unless every reader takes it for one."""
    if _PLAIN.fullmatch(text) and text.casefold() not in _WORDS and not text.startswith(("$$", "<")):
        return text
    return _NOT_PRINTED.sub(lambda found: f"\\u{ord(found[0]):04x}", write_json(text).decode())


def block(name: str, value: Value, indent: int) -> Iterator[str]:
    """A field: on one line when it is short, else its parts below it."""
    start = " " * indent + _text(name) + ":"
    line = f"{start} {flow(value)}"
    if len(line) <= WIDTH or not isinstance(value, Mapping | list) or not value:
        yield line
    elif isinstance(value, Mapping):
        yield start
        for key, item in value.items():
            yield from block(str(key), item, indent + 2)
    else:
        yield start
        yield from (f"{' ' * (indent + 2)}- {flow(item)}" for item in value)
