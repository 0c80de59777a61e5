"""What of a payload may be the id of a record in another system, and of which kind of record it speaks.

Systems number their records, and small numbers are many things: a quantity, a line, the seventh of something
else. Such a one is an id of a record only where the name under which it stands, or what the event is about,
is what the record was made as. Other texts are ids by themselves.
"""

import re
from collections.abc import Iterable, Mapping

from engine.insight.trace_nodes import LONGEST_REFERENCE
from engine.values.value import Value

SMALL = 6  # digits; a number with fewer is no id by itself

_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W\d_]+")
_SAY_NOTHING = frozenset({"id", "number", "no", "nr", "key", "ref", "reference", "internal", "external"})


def words(*names: str) -> frozenset[str]:
    """The words that names are made of, in the singular, without those that say nothing of a kind."""
    found = (part.lower() for name in names for part in _PARTS.findall(name))
    return frozenset(part.removesuffix("s") for part in found) - _SAY_NOTHING


def references(value: Value, about: str, most: int) -> dict[str, frozenset[str]]:
    """The texts and whole numbers inside of a value that may be ids, with the words of where they stand.

    `about` is what the value as a whole is called. There are at most so many.
    """
    found: dict[str, frozenset[str]] = {}
    left: list[tuple[Value, frozenset[str]]] = [(value, words(about))]
    while left and len(found) < most:
        item, said = left.pop(0)
        if isinstance(item, Mapping):
            left.extend((inner, words(name) or said) for name, inner in item.items())
        elif isinstance(item, list):
            left.extend((inner, said) for inner in item)
        elif isinstance(item, str) and 0 < len(item) <= LONGEST_REFERENCE:
            found[item] = found.get(item, frozenset()) | said
        elif isinstance(item, int) and not isinstance(item, bool):
            found[str(item)] = found.get(str(item), frozenset()) | said
    return found


def is_small(text: str) -> bool:
    """Whether a text is a number that may be many things."""
    return text.isdecimal() and len(text) < SMALL


def speaks_of(text: str, said: frozenset[str], names: Iterable[str]) -> bool:
    """Whether a text, with the words of where it stands, can mean a record that goes by these names."""
    return not is_small(text) or not said.isdisjoint(words(*names))
