"""Statements as SQLAlchemy Core expressions, compiled once per database to the SQL of its driver.

What runs per event is an `INSERT` or `UPDATE` given to the driver's `executemany` with tuples as they are, so
the order of parameters is part of a statement: the columns of an insert, or `number, what is set..., key` of
a change.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    insert,
    literal_column,
    null,
    select,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ClauseElement, column
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import TypeEngine

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
    return Statement(core=insert(table).inline().values(values), table=table, fields=tuple(fields))


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


def insert_unless_known(table: Table, *key: str) -> sqlite.Insert:
    """An insert that leaves a row with the same key as it is; every database has the same words for it."""
    core = (
        sqlite.insert(table).inline().on_conflict_do_nothing(index_elements=[table.c[name] for name in key])
    )
    # What PostgreSQL asks for besides. Its own dialect takes long to import, and not every ledger needs it.
    core._post_values_clause.constraint_target = None  # type: ignore[union-attr]  # noqa: SLF001
    return core


class _Items(GenericFunction[str]):
    """The items of a JSON list, which each database calls otherwise."""

    type: TypeEngine[str] = Text()
    inherit_cache = True


@compiles(_Items, "sqlite")
def _items_of_sqlite(element: _Items, compiler: SQLCompiler, **given: Any) -> str:  # noqa: ANN401
    return f"json_each{compiler.function_argspec(element, **given)}"


@compiles(_Items, "postgresql")
def _items_of_postgres(element: _Items, compiler: SQLCompiler, **given: Any) -> str:  # noqa: ANN401
    return f"jsonb_array_elements_text({compiler.process(element.clauses, **given)}::jsonb)"


def listed(parameter: ColumnElement[str]) -> Select[tuple[str]]:
    """The texts of a JSON list, given as one parameter: any number of keys in one statement."""
    items = _Items(parameter).table_valued(column("value"))
    return select(items.c.value)


def listed_numbers(parameter: ColumnElement[str]) -> Select[tuple[int]]:
    """The whole numbers of a JSON list, given as one parameter."""
    items = _Items(parameter).table_valued(column("value"))
    return select(cast(items.c.value, BigInteger))


def key_list(keys: Iterable[str]) -> str:
    """Any number of keys as the one parameter of a statement.

    Raises:
        LedgerConflict: for a key that no text can be.

    """
    try:
        said = [*keys]
        found = write_json(said)
        if b"\\u0000" in found:
            # Databases read no NUL in a list, or nothing behind it; what a ledger keeps as a key has none.
            found = write_json([key.replace("\0", "\ufffd") for key in said])
        return found.decode()
    except TypeError as error:
        raise LedgerConflict(f"an id is not a text that can be stored ({error})") from error
