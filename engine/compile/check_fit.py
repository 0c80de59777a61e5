"""Whether what an entry makes fits the field that it fills: type, values, and what when it finds nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import cast

from engine.compile import problems
from engine.compile.convert import can_become
from engine.compile.fit import Misfit, misfit, refuses
from engine.language.known import family
from engine.problems import Problem
from engine.source import Span
from engine.values import type as types
from engine.values.type import ANY, Field, Type, describe
from engine.values.value import Value
from engine.workspace.kinds.entry import EntryDocument


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry says its value, and what it fills."""

    span: Span
    path: str  # the field, as a person calls it
    lacking: Sequence[str] = ()  # keys for which the table of the entry has no row


def misfits(
    entry: EntryDocument, place: Place, field: Field, found: Type, *, nullable: bool
) -> Iterator[Problem]:
    """What is wrong with an entry in its field, and nothing that follows from another mistake."""
    wanted, span, path = field.type, place.span, place.path
    wrong = [*_map_values(entry, path, wanted), *_default(entry, path, wanted)]
    if wrong:
        yield from wrong
        return
    if refuses(wanted, found):
        told = describe(wanted), describe(found)
        yield problems.other_value_wanted(span, path, *told, _way_out(wanted, found, entry, path))
        return
    unfit = misfit(wanted, found)
    if unfit is not None:
        yield problems.misfit(span, path, unfit, _ways_out(unfit, wanted))
    elif entry.value is not None and (why := _not_taken(wanted, _made_of(entry))):
        yield problems.other_value_wanted(entry.value.span, path, describe(wanted), why, "")
    elif nullable and wanted != ANY:
        problem = _nothing(entry, place, field)
        if problem is not None:
            yield problem


def _map_values(entry: EntryDocument, path: str, wanted: Type) -> Iterator[Problem]:
    """Values of a value map that the field does not take; a conversion would change them first."""
    if entry.values is None or entry.convert is not None:
        return
    for key, raw in entry.values.items():
        if raw.value != "unmapped" and (why := _not_taken(wanted, raw.value)):
            yield problems.map_makes_other(raw.span, str(key), path, why, wanted, raw.value)


def _default(entry: EntryDocument, path: str, wanted: Type) -> Iterator[Problem]:
    if entry.default is None or entry.default.value is None:
        return
    why = _not_taken(wanted, entry.default.value)
    if why:
        yield problems.other_value_wanted(entry.default.span, path, describe(wanted), why, "")


def _not_taken(wanted: Type, value: Value) -> str:
    """What a value is that a field does not take; nothing where it may be taken."""
    if value is None:
        return ""
    if isinstance(wanted, types.Enum) and isinstance(value, str):
        return "" if value in wanted.values else f"the text '{value}'"
    match value:
        case list():
            kind, told = cast("Type", types.Listing(item=ANY)), "a list"
        case dict():
            kind, told = types.Record(name=""), "a record"
        case _:
            kind = type_of_constant(value)
            told = describe(kind)
    return told if refuses(wanted, kind) else _not_taken_inside(wanted, value)


def _not_taken_inside(wanted: Type, value: Value) -> str:
    """What is wrong with a constant that is of the kind that is wanted."""
    match wanted, value:
        case types.Scalar(name="date" | "datetime"), str():
            return "" if _is_day(wanted, value) else f"the text '{value}'"
        case types.Scalar(name="integer" | "decimal"), Decimal():
            most = 0 if wanted.name == "integer" else wanted.decimals
            return "" if most is None or _decimals(value) <= most else f"{value:f}, with more decimals"
        case types.Listing(item=item), list():
            found = ("" if one is None and wanted.nullable else _part(item, one) for one in value)
            return next((f"a list with {why}" for why in found if why), "")
        case types.Record(), dict():
            return _not_taken_fields(wanted, value)
        case _:
            return ""


def _part(wanted: Type, value: Value) -> str:
    return "null" if value is None and wanted != ANY else _not_taken(wanted, value)


def _not_taken_fields(wanted: types.Record, value: Mapping[str, Value]) -> str:
    for name, field in wanted.fields.items():
        if name not in value:
            if field.required:
                return f"a record without `{name}`"
        elif not (value[name] is None and field.nullable) and (why := _part(field.type, value[name])):
            return f"a record whose `{name}` is {why}"
    more = [name for name in value if name not in wanted.fields]
    # Records inside of an entity take fields that nobody described; they have no name.
    return f"a record with `{more[0]}`" if more and wanted.name and not wanted.open else ""


def _is_day(wanted: Type, text: str) -> bool:
    decode = types.decoder(wanted)
    try:
        return decode is None or decode(text) is not None
    except types.DecodeError:
        return False


def _decimals(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _made_of(entry: EntryDocument) -> Value:
    """The constant that an entry is; null where something is done to it first."""
    changed = entry.values is not None or entry.convert is not None or entry.max_length is not None
    return None if entry.value is None or changed else entry.value.value


def type_of_constant(value: Value) -> Type:
    """The type of a value that is written out."""
    match value:
        case bool():
            return types.BOOLEAN
        case int():
            return types.INTEGER
        case str():
            return types.Enum(values=(value,))
        case None:
            return types.NULL
        case list() | dict():
            return ANY
        case _:
            return types.DECIMAL


def _way_out(wanted: Type, found: Type, entry: EntryDocument, path: str) -> str:
    """What to write when a value is of another type than its field."""
    if isinstance(wanted, types.Record) and isinstance(found, types.Scalar | types.Enum):
        return _of_a_record(wanted, found, entry, path)
    said = "" if entry.path is None else str(entry.path)
    if isinstance(found, types.Record) and found.name == "money" and said and family(wanted) == "number":
        return f"write `{said}.amount`"
    names = ("string", "integer", "decimal", "boolean")
    kind = wanted.name if isinstance(wanted, types.Scalar) else ""
    if kind == "date" and said and isinstance(found, types.Scalar) and found.name == "datetime":
        return f"write {{expr: \"date({said}, 'Europe/Berlin')\"}}, the day in a time zone"
    if entry.convert is not None or kind not in names or not can_become(found, kind):
        return ""
    return f"add `as: {kind}`"


def _of_a_record(wanted: types.Record, found: Type, entry: EntryDocument, path: str) -> str:
    """How a field that is a record is made of a single value."""
    if wanted.name == "money":
        is_number = entry.path is not None and family(found) == "number"
        return f"write {{expr: \"money({entry.path}, 'EUR')\"}}, with its currency" if is_number else ""
    inner = next((name for name in ("id", *wanted.fields) if name in wanted.fields), "")
    return f"fill one of its fields: `{path}.{inner}: ...`" if inner else ""


def _ways_out(unfit: Misfit, wanted: Type) -> str:
    """What to write when some values do not fit."""
    inside = bool(unfit.path)
    match unfit.kind, wanted:
        case "values", types.Enum():
            return "add `values:` with what each becomes"
        case "long", types.Scalar(longest=longest) if not inside:
            return f"add `max_length: {longest}`, which cuts it"
        case "decimals", types.Scalar(name="integer") if not inside:
            return "add `as: integer`, which refuses a fraction, or round it: round(...)"
        case "decimals", types.Scalar(decimals=decimals) if not inside:
            return f"add `as: decimal({decimals})`, which rounds it"
        case "currencies", _:
            return "turn it into the other currency: convert(money, rate, 'EUR')"
        case _:
            return (
                "make it field by field, with `fields:` or `each:`"
                if inside or unfit.kind == "record"
                else ""
            )


def _nothing(entry: EntryDocument, place: Place, field: Field) -> Problem | None:
    """A value that may be null in a field that takes none, where the entry does not say what happens then."""
    if field.nullable and entry.omit is None:
        return None
    if entry.omit is not None:
        return problems.left_out(entry.keys["omit"], place.path) if field.required else None
    if entry.required is True or (entry.default is not None and entry.default.value is not None):
        return None
    rows = "" if entry.table is None or not place.lacking else _rows(str(entry.table), place.lacking)
    can_be_left_out = not field.required
    return problems.may_find_nothing(place.span, place.path, can_be_left_out=can_be_left_out, rows=rows)


def _rows(table: str, lacking: Sequence[str]) -> str:
    """Which rows a table lacks."""
    more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
    return f"table `{table}` has no row for `{lacking[0]}`{more}: add it"
