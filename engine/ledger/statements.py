"""Statements as SQLAlchemy Core expressions, compiled once per database to the SQL of its driver.

What runs per event is an `INSERT` or `UPDATE` given to the driver's `executemany` with tuples as they are, so
the order of parameters is part of a statement: the columns of an insert, or `number, what is set..., key` of
a change.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Table, and_, bindparam, insert, literal_column, null, update
from sqlalchemy.sql import ClauseElement

from engine.errors import LedgerConflict
from engine.values.json_text import write_json


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Statement:
    """A Core expression and the order in which its parameters are given."""

    core: ClauseElement
    table: Table
    fields: tuple[str, ...]


def adding(
    table: Table,
    fields: Sequence[str],
    fixed: Mapping[str, str] | None = None,
) -> Statement:
    """An insert of `fields`, with the same text or number in the `fixed` columns of every row."""
    values: dict[str, ColumnElement[object]] = {name: bindparam(f"p_{name}") for name in fields}
    values.update({name: literal_column(value) for name, value in (fixed or {}).items()})
    return Statement(core=insert(table).values(values), table=table, fields=tuple(fields))


def changing(
    table: Table,
    number: str | None,
    fields: Sequence[str],
    fixed: Mapping[str, str | None],
    guard: ColumnElement[bool],
) -> Statement:
    """An update of the row whose key is the last of `fields`, where `guard` holds.

    With `number`, the first parameter goes into that column: it is the commit that wrote the change.
    """
    *sets, key = fields
    named = [*([number] if number else []), *sets]
    values: list[tuple[ColumnElement[object], object]] = [
        (table.c[name], bindparam(f"p_{name}")) for name in named
    ]
    values += [
        (table.c[name], null() if text is None else literal_column(text)) for name, text in fixed.items()
    ]
    core = update(table).ordered_values(*values).where(and_(table.c[key] == bindparam(f"p_{key}"), guard))
    return Statement(core=core, table=table, fields=(*named, key))


def asking(table: Table, core: ClauseElement, *fields: str) -> Statement:
    """A question with parameters; the names of the parameters are `p_` and a field."""
    return Statement(core=core, table=table, fields=fields)


def key_list(keys: Iterable[str]) -> str:
    """Any number of keys as the one parameter of a statement.

    Raises:
        LedgerConflict: for a key that no text can be.

    """
    try:
        return write_json([*keys]).decode()
    except TypeError as error:
        raise LedgerConflict(f"an id is not a text that can be stored ({error})") from error
