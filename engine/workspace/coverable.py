"""What of documents tests can cover, by names that the compiler and the reports of tests have in common.

A name is made of the place at which something is written. What lives here: the names, and what there is of
mappings and policies. What does not: steps of flows, of which the plan knows more than the documents.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from engine.source import Span, Text
from engine.workspace.kinds.entry import EntryDocument
from engine.workspace.kinds.mapping import MappingDocument
from engine.workspace.kinds.policy import PolicyDocument

MADE = "made"
TAKEN = "default taken"
NEEDLESS = "default not taken"
OMITTED = "left out"
KEPT = "not left out"
APPLIES = "applies"
PASSES = "does not apply"
STARTS = "starts"
STAYS = "does not start"


def name_of(span: Span, what: str) -> str:
    """The name of something that can be covered, by its place."""
    return f"{span.source.name}:{span.start}:{what}"


def name_of_flow(flow: str, what: str) -> str:
    """The name of something in a flow."""
    return f"flow/{flow}:{what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Something that a test can cover."""

    name: str
    kind: str  # field, value, default, omission, policy, row, start, step, when, branch, edge, fault
    document: str  # "mapping entry-to-line"
    label: str  # "hours", "rate: default taken"
    span: Span


@dataclass(frozen=True, slots=True)
class Covered:
    """What generated code came by, and the rows of tables that there are; filled as they are used."""

    seen: set[str] = field(default_factory=set)
    rows: dict[str, Item] = field(default_factory=dict)


def of_mapping(document: MappingDocument) -> Iterator[Item]:
    """Each field of a mapping, and what can become of it."""
    of = f"mapping {document.name}"
    for name, entry in (*document.let.items(), *document.fields.items()):
        yield from _of_entry(of, str(name), name, entry)


def _of_entry(of: str, path: str, key: Text, entry: EntryDocument) -> Iterator[Item]:
    def item(kind: str, what: str, label: str, span: Span) -> Item:
        return Item(name=name_of(entry.span, what), kind=kind, document=of, label=label, span=span)

    yield item("field", MADE, path, key.span)
    for value in entry.values or ():
        name = name_of(value.span, MADE)
        yield Item(name=name, kind="value", document=of, label=f"{path}: {value}", span=value.span)
    if entry.default is not None:
        for what in (TAKEN, NEEDLESS):
            yield item("default", what, f"{path}: {what}", entry.default.span)
    if entry.omit is not None:
        for what in (OMITTED, KEPT):
            yield item("omission", what, f"{path}: {what}", entry.omit.span)
    inner: Mapping[Text, EntryDocument] = entry.fields or {}
    for name_, one in inner.items():
        yield from _of_entry(of, f"{path}{'[]' if entry.each is not None else ''}.{name_}", name_, one)


def of_policy(document: PolicyDocument) -> Iterator[Item]:
    """Whether a policy applies and whether it does not; rows of tables are known when they are compiled."""
    if document.when is not None:
        for what in (APPLIES, PASSES):
            name = name_of(document.when.span, what)
            of = f"policy {document.name}"
            yield Item(name=name, kind="policy", document=of, label=what, span=document.when.span)


def of_row(policy: str, number: int, span: Span) -> Item:
    """A row of a decision table."""
    name = name_of(span, APPLIES)
    return Item(name=name, kind="row", document=f"policy {policy}", label=f"row {number} applies", span=span)
