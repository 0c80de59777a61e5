"""As much SOQL as the simulator answers: fields of parents, one level of children, ANDed conditions."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from engine.connect import Value


class SoqlError(ValueError):
    """The query is none that is understood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """`field operator literal`."""

    field: str
    operator: str
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query, read."""

    fields: tuple[str, ...]
    children: tuple["Query", ...]
    source: str
    conditions: tuple[Condition, ...]
    order: tuple[str, ...]


_QUERY = re.compile(
    r"SELECT (?P<fields>.+) FROM (?P<source>\w+)"
    r"(?: WHERE (?P<where>.+?))?(?: ORDER BY (?P<order>[\w., ]+))?(?: LIMIT \d+)?",
    re.IGNORECASE | re.DOTALL,
)
_CHILD = re.compile(r"\((SELECT [^()]+)\)", re.IGNORECASE)
_CONDITION = re.compile(
    r"(?P<field>[\w.]+) (?P<operator>=|!=|>=|<=|>|<) (?P<literal>'(?:[^'\\]|\\.)*'|[^'\s]\S*)(?: AND |$)"
)


def parse(text: str) -> Query:
    """Read a query.

    Raises:
        SoqlError: when it is not understood.

    """
    children = tuple(parse(match.group(1)) for match in _CHILD.finditer(text))
    found = _QUERY.fullmatch(_CHILD.sub("", text).strip())
    if found is None:
        raise SoqlError(f"unexpected token in: {text[:80]}")
    fields = tuple(name.strip() for name in found.group("fields").split(",") if name.strip())
    order = tuple(name.split()[0] for name in (found.group("order") or "").split(",") if name.strip())
    return Query(
        fields=fields,
        children=children,
        source=found.group("source"),
        conditions=_conditions(found.group("where") or ""),
        order=order,
    )


def _conditions(where: str) -> tuple[Condition, ...]:
    """Conditions joined by AND, read from left to right: what is inside quotes joins nothing."""
    found: list[Condition] = []
    rest = where.strip()
    while rest:
        match = _CONDITION.match(rest)
        if match is None:
            raise SoqlError(f"unexpected token in: {rest[:80]}")
        value = _literal(match.group("literal"))
        found.append(Condition(field=match.group("field"), operator=match.group("operator"), value=value))
        rest = rest[match.end() :]
    return tuple(found)


def _literal(text: str) -> Value:
    if text.startswith("'"):
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    if text.lower() in {"true", "false", "null"}:
        return {"true": True, "false": False, "null": None}[text.lower()]
    # Dates and instants compare as text: all are written in UTC and to the same number of digits.
    return Decimal(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else text.replace("Z", "")


def holds(query: Query, read: Callable[[str], Value]) -> bool:
    """Whether a record fulfils all conditions; `read` finds a field by its path."""
    return all(_compare(read(each.field), each) for each in query.conditions)


def _compare(found: Value, condition: Condition) -> bool:
    wanted = condition.value
    if condition.operator in {"=", "!="}:
        return (found == wanted) is (condition.operator == "=")
    if found is None or wanted is None:
        return False
    left, right = str(found).replace(".000+0000", ""), str(wanted)
    return {">": left > right, ">=": left >= right, "<": left < right, "<=": left <= right}[
        condition.operator
    ]


def sort_key(query: Query, record: Mapping[str, Value]) -> list[str]:
    """What the records of an answer are ordered by."""
    return [str(record.get(name)) for name in query.order]
