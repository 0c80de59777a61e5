"""`mapping`: a typed function from named inputs to one output, field by field."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from engine.source import Text
from engine.spec.field import NAME, TYPE_NAME, Document, note
from engine.workspace.kinds.entry import EntryDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingDocument(Document):
    """A typed function: named inputs to one output, field by field."""

    kind: ClassVar[str] = "mapping"

    mapping: Text = note("The name of the mapping.", pattern=NAME)
    inputs: Mapping[Text, Text] = note("The type of each input, by the name that expressions use.")
    output: Text = note("The type of what it makes.", pattern=TYPE_NAME)
    let: Mapping[Text, EntryDocument] = note(
        "Values named once, used below; computed only when used.", default={}
    )
    fields: Mapping[Text, EntryDocument] = note("The fields of the output; a dotted name nests.")
