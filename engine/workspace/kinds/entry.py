"""How a value is found or made: the entries of mappings, of `with:` and of `set:`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from engine.source import Text
from engine.spec.field import Described, FormulaText, PathText, Raw, TemplateText, note


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDocument(Described):
    """One value: where it is, how it is computed, or what it is. A bare text is a path."""

    one_of: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("path", "expr", "template", "value", "table", "xref", "fields", "each fields"),
    )
    shorthand: ClassVar[str | None] = "path"

    path: PathText | None = note("Where the value is: a JMESPath over the inputs.", default=None)
    expr: FormulaText | None = note("How the value is computed: a formula over the inputs.", default=None)
    template: TemplateText | None = note("Text for people: a template over the inputs.", default=None)
    value: Raw | None = note("The value itself.", default=None)

    table: Text | None = note("A table in which the value is looked up.", default=None)
    key: "KeyDocument | None" = note(
        "The key of the row: one entry, or one for each key column.", default=None
    )
    on: PathText | None = note("The day on which the row must be in effect.", default=None)
    take: Text | None = note("The column to take; the whole row when left out.", default=None)

    xref: Text | None = note("An entity whose id in another system is looked up.", default=None)
    id: PathText | None = note("The canonical id.", default=None)
    system: Text | None = note("The connection whose id is wanted.", default=None, key="in")

    each: PathText | None = note("A list; one record is made of each item.", default=None)
    fields: "Mapping[Text, EntryDocument] | None" = note("The fields of a record.", default=None)

    convert: Text | None = note(
        "What it becomes: string, integer, decimal(2), date, datetime, boolean, money; with `each`, the name "
        "of an item.",
        default=None,
        key="as",
        examples=("decimal(2)", "string"),
    )
    rounding: Text | None = note(
        "How a decimal is rounded.",
        default=None,
        choices=("half_even", "half_up", "down", "up", "floor", "ceiling"),
    )
    values: "Mapping[Text, Raw] | None" = note(
        "A value map: what each value becomes; `unmapped` refuses one.", default=None
    )
    default: Raw | None = note("What stands there when nothing is found.", default=None)
    required: bool | None = note("Whether finding nothing is an error.", default=None)
    omit: Text | None = note(
        "Leave the field out when it is null, or empty.", default=None, choices=("null", "empty")
    )
    max_length: int | None = note("Text is cut to so many characters.", default=None, minimum=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDocument(Described):
    """The key of a table's row: a bare path for a table with one key column, else an entry for each."""

    shorthand: ClassVar[str | None] = "only"
    extra: ClassVar[str | None] = "columns"

    only: PathText | None = note("The value of the only key column.", default=None)
    columns: Mapping[Text, EntryDocument] = note("An entry for each key column.", default={})
