"""What a workspace says, part by part: the same for all documents that decide alike.

Each document becomes places with what is said there; defaults, shorthand, comments and the order of keys
have gone when it was decoded. Further:

- an expression is its tree (:mod:`engine.compile.meaning_of_text`);
- a name that only its own document sees is replaced by what it stands for: a `let` value by what it is
  worked out of, the event of a flow and the item of a step by a sign;
- a table is its rows, wherever they are written; a JSON file is what it says;
- the edges of a flow and the inputs of its steps are those that were compiled, whether written or inferred.

What lives here: parts of documents. What does not: what a difference is worth
(:mod:`engine.preview.meaning`).
"""

from collections.abc import Iterator, Mapping
from functools import cached_property

from engine.compile.compilation import Compilation
from engine.compile.decision_table import DecisionTable, Row, written
from engine.compile.meaning_of_document import Reading, Signs, said_of_value
from engine.compile.meaning_of_uses import Uses
from engine.connect.connector_spec import ConnectorSpec
from engine.plan.meaning import Meaning, Part, Place, Said
from engine.plan.plan import FlowPlan
from engine.plan.table import Table
from engine.source import Text
from engine.spec.field import Document, PathText
from engine.values.canonical import fingerprint
from engine.values.json_text import write_json
from engine.values.value import Value
from engine.workspace.kinds.entry import EntryDocument
from engine.workspace.kinds.expectation import ExpectationDocument
from engine.workspace.kinds.flow import FlowDocument, StepDocument
from engine.workspace.kinds.flow_test import FlowTestDocument
from engine.workspace.kinds.mapping import MappingDocument
from engine.workspace.kinds.policy import PolicyDocument
from engine.workspace.kinds.reference import TableDocument

EVENT, ITEM = "$event", "$item"


def meaning_of(compilation: Compilation, release: str) -> Meaning:
    """What a workspace without problems says."""
    parts: dict[str, Part] = {}
    for document in compilation.workspace.documents:
        if not isinstance(document, FlowTestDocument):
            for part in _Reader(compilation, document).parts():
                parts[f"{part.kind} {part.name}"] = part
    return Meaning(release=release, parts=parts)


class _Reader:
    """Reads one document."""

    def __init__(self, compilation: Compilation, document: Document) -> None:
        self._compilation = compilation
        self._document = document
        self._uses = Uses(compilation)
        self._reading = Reading(compilation, self._uses)

    def parts(self) -> Iterator[Part]:
        """The document as a part; of a connector, each operation and each source is one of its own."""
        says = {place: said for place, said in self._says() if place != (self._document.kind,)}
        if not isinstance(self._document, ConnectorSpec):
            yield self._part(self._document.kind, self._name, says, frozenset(self._uses.found))
            return
        for group, kind in (("operations", "operation"), ("sources", "source")):
            for name in self._document.operations if group == "operations" else self._document.sources:
                start = (group, str(name))
                inner = {place[2:]: said for place, said in says.items() if place[:2] == start}
                yield self._part(kind, f"{self._name}.{name}", inner, frozenset({f"connector {self._name}"}))
        rest = {place: said for place, said in says.items() if place[0] not in ("operations", "sources")}
        yield self._part("connector", self._name, rest, frozenset())

    def _part(self, kind: str, name: str, says: Mapping[Place, Said], uses: frozenset[str]) -> Part:
        span = self._document.name.span
        return Part(kind=kind, name=name, file=span.source.name, line=span.line, says=says, uses=uses)

    @cached_property
    def _name(self) -> str:
        document = self._document
        return f"{document.name}@{document.version}" if document.versions_coexist else str(document.name)

    def _says(self) -> Iterator[tuple[Place, Said]]:
        match self._document:
            case FlowDocument():
                yield from self._flow(self._document)
            case MappingDocument():
                yield from self._with_let(self._document, self._document.let, told=False)
            case PolicyDocument():
                yield from self._with_let(self._document, self._document.let, told=True)
                yield from self._decided(self._document)
            case TableDocument():
                yield from self._reading.record((), self._document, Signs({}), without=("file", "rows"))
                yield from _rows(self._compilation.tables[self._name])
            case ExpectationDocument(after=after) if after is not None:
                signs = Signs({str(after.name or "event"): EVENT})
                yield from self._without_name(
                    self._reading.record((), self._document, signs), ("after", "as")
                )
            case _:
                yield from self._reading.record((), self._document, Signs({}))

    @staticmethod
    def _without_name(says: Iterator[tuple[Place, Said]], *places: Place) -> Iterator[tuple[Place, Said]]:
        """Without the places that only give a name to something."""
        yield from ((place, said) for place, said in says if place not in places)

    def _with_let(
        self, document: Document, let: Mapping[Text, EntryDocument], *, told: bool
    ) -> Iterator[tuple[Place, Said]]:
        """A mapping or a policy. What people are ``told`` of a policy has the names of its values in it."""
        signs = _let_signs(self._reading, let, told=told)
        yield from self._reading.record((), document, signs, without=("let", "decide"))

    def _decided(self, document: PolicyDocument) -> Iterator[tuple[Place, Said]]:
        """The decision table of a policy, wherever its rows are written."""
        decide = document.decide
        if decide is None:
            return
        signs = _let_signs(self._reading, document.let, told=True)
        yield from self._reading.record(("decide",), decide, signs, without=("rows", "file", "gives"))
        table = self._compilation.decision_tables[self._name]
        for row in table.rows:
            place = ("decide", "rows", _row_name(table, row))
            for name, value in _cells(table, row):
                yield (*place, name), value
            for name in ("then", "reason", "note", "about"):
                yield from self._reading.value((*place, name), getattr(row, name), signs, owner="RowDocument")

    def _flow(self, document: FlowDocument) -> Iterator[tuple[Place, Said]]:
        plan = self._compilation.flows[self._name]
        signs = Signs({plan.input_name: EVENT})
        record = self._reading.record((), document, signs, without=("steps",))
        yield from self._without_name(record, ("trigger", "as"))
        for name, step in document.steps.items():
            yield from self._step(("steps", str(name)), step, plan, str(name), signs)

    def _step(
        self, place: Place, document: StepDocument, plan: FlowPlan, name: str, signs: Signs
    ) -> Iterator[tuple[Place, Said]]:
        step = plan.step(name)
        assert step is not None
        inner = signs if step.for_each is None else signs.including({step.for_each.name: ITEM})
        without = ("needs",) if document.for_each is None else ("needs", "for_each")
        yield from self._reading.record(place, document, inner, without=without)
        if document.for_each is not None:
            each = self._reading.record((*place, "for_each"), document.for_each, inner)
            yield from self._without_name(each, (*place, "for_each", "as"))
        for need in step.needs:
            other = plan.steps[need.step].name + (f".{need.branch}" if need.branch else "")
            yield (*place, "after", other), said_of_value(True)
        for given in self._inputs(document):
            if given not in document.given and given != name:
                text = PathText(given, document.span)
                yield (*place, "with", given, "from"), self._reading.expression(text, inner)

    def _inputs(self, document: StepDocument) -> Iterator[str]:
        """The inputs of the mapping or the policies of a step, which it finds by their names."""
        found = self._compilation
        signatures = [found.mapping_types[str(document.map)]] if document.map is not None else []
        signatures += [found.policy_types[str(name)] for name in document.check]
        yield from dict.fromkeys(name for one in signatures for name in one.inputs)


def _let_signs(reading: Reading, let: Mapping[Text, EntryDocument], *, told: bool) -> Signs:
    """For each name of a `let` what it stands for, so that what is called otherwise is the same."""
    signs = Signs({}, told=told)
    waiting = dict(let)
    while waiting:
        for name in list(waiting):
            entry = waiting[name]
            if not any(other in reading.names(entry) for other in waiting if other != name):
                says = dict(reading.record((), entry, signs))
                form: list[Value] = [[list(place), said.value] for place, said in sorted(says.items())]
                shown = ", ".join(said.shown for said in says.values())
                signs = signs.including({str(name): f"${fingerprint(form)}"}, {str(name): shown})
                del waiting[name]
                break
        else:  # names that the compiler lets shadow each other: each stands for itself
            break
    return signs


def _rows(table: Table) -> Iterator[tuple[Place, Said]]:
    """The rows of a table by their key, and by their first day where they have one."""
    for key, rows in table.rows.items():
        parts = key if isinstance(key, tuple) else (key,)
        name = ", ".join(_word(part) for part in parts)
        for row in rows:
            start = "" if table.start is None else f" from {_word(row[table.start])}"
            for column, value in row.items():
                if column not in table.key and column != table.start:
                    yield ("rows", f"{name}{start}", column), said_of_value(value)
            if len(row) <= len(parts) + bool(start):
                yield ("rows", f"{name}{start}", ""), said_of_value(True)


def _word(value: object) -> str:
    return value if isinstance(value, str) else write_json(value).decode().strip('"')


def _row_name(table: DecisionTable, row: Row) -> str:
    """A row by its number where the order of rows decides; else by its tests, which no other row has."""
    if table.hit != "unique":
        return str(row.number)
    return (
        ", ".join(f"{table.columns[index].name} {text}" for index, text in table.words(row.number - 1)) or "-"
    )


def _cells(table: DecisionTable, row: Row) -> Iterator[tuple[str, Said]]:
    for column in table.columns:
        cell = row.cells.get(str(column.name))
        tests = column.tests[row.number - 1]
        yield str(column.name), Said(repr(tests), "-" if cell is None else written(cell.value))
