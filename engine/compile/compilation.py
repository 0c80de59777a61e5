"""The growing table that the stages of the compiler fill, and the problems that they find."""

import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from engine.compile import problems
from engine.compile.memo import Memo
from engine.compile.probe import Probe
from engine.connect.connection_plan import ConnectionPlan
from engine.connect.connector_plan import ConnectorPlan, OperationPlan
from engine.language.calendar import Calendar
from engine.language.functions.spec import FunctionTable
from engine.language.functions.standard import STANDARD
from engine.language.generate import Emitter, Unwritten
from engine.language.scope import TypeScope
from engine.plan.expectation import ExpectationPlan
from engine.plan.ownership import FieldOwner
from engine.plan.plan import (
    BoostPlan,
    EarlierPlan,
    EventPlan,
    FlowPlan,
    MappingPlan,
    SchedulePlan,
    SourcePlan,
)
from engine.plan.policy import PolicyPlan
from engine.plan.table import Table
from engine.problems.collector import Collector
from engine.problems.problem import Problem
from engine.source import Text
from engine.spec.field import Document
from engine.values.canonical import text_hash
from engine.values.schema import CheckedSchema
from engine.values.type import SCALARS, Type
from engine.workspace.files import FileUnreadable
from engine.workspace.kinds.model import EarlierDocument
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.compile.decision_table import DecisionTable
    from engine.compile.expressions import Parsed

D = TypeVar("D", bound=Document)

Seen: TypeAlias = Callable[[Text, TypeScope, FunctionTable], None]
"""Takes an expression, the names that it may read with their types, and the functions that it may call.

One expression may be told of several times, as it is compiled for several places.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityModel:
    """An entity as the compiler knows it."""

    name: str
    version: int
    type: Type
    schema: CheckedSchema
    key: str
    keep: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierModel:
    """The earlier version of an event as the compiler knows it."""

    document: EarlierDocument
    type: Type
    plan: EarlierPlan


@dataclass(slots=True)
class Compilation:
    """What is known so far. A stage reads what earlier stages put here, and adds its own."""

    workspace: Workspace
    collector: Collector
    memo: Memo = field(default_factory=Memo)
    parsed: dict[str, dict[int, object]] = field(default_factory=dict)  # by purpose and id of text
    # The same by what is written.
    trees: "dict[str, dict[tuple[type[Text], str], Parsed]]" = field(default_factory=dict)
    checks_only: bool = False  # nothing will be run, so no code is written
    today: date | None = None  # the day on which it is checked; None where that is of no account
    functions: FunctionTable = field(default_factory=lambda: STANDARD)
    connectors: dict[str, ConnectorPlan] = field(default_factory=dict)
    connections: dict[str, ConnectionPlan] = field(default_factory=dict)
    calendars: Mapping[str, Callable[[str | None], Calendar]] = field(default_factory=dict)
    boosts: list[BoostPlan] = field(default_factory=list)
    types: dict[str, Type] = field(default_factory=dict)  # by "canonical/time_entry@2"
    entities: dict[str, EntityModel] = field(default_factory=dict)  # by the same name
    tables: dict[str, Table] = field(default_factory=dict)
    table_types: dict[str, Mapping[str, Type]] = field(default_factory=dict)  # of each column
    full_columns: dict[str, frozenset[str]] = field(default_factory=dict)  # of a table: without an empty cell
    partial_tables: set[str] = field(default_factory=set)  # rows of which could not be read
    calendar_keys: dict[str, str] = field(
        default_factory=dict
    )  # a formula, by the calendar that differs by it
    calendar_tables: dict[str, str] = field(default_factory=dict)  # of every calendar that differs by a key
    operations: dict[str, OperationPlan] = field(default_factory=dict)  # by "erp.time_bill"
    events: dict[str, EventPlan] = field(default_factory=dict)
    event_types: dict[str, Type] = field(default_factory=dict)
    earlier: dict[str, EarlierModel] = field(default_factory=dict)  # by "deal.won@1"
    mappings: dict[str, MappingPlan] = field(default_factory=dict)
    mapping_types: dict[str, "Signature"] = field(default_factory=dict)
    policies: dict[str, PolicyPlan] = field(default_factory=dict)
    variants: dict[str, tuple[PolicyPlan, ...]] = field(default_factory=dict)  # of rows of tables that act
    decision_tables: dict[str, "DecisionTable"] = field(default_factory=dict)  # by the name of the policy
    policy_types: dict[str, "Signature"] = field(default_factory=dict)
    flows: dict[str, FlowPlan] = field(default_factory=dict)
    owners: tuple[FieldOwner, ...] = ()
    sources: list[SourcePlan] = field(default_factory=list)
    schedules: list[SchedulePlan] = field(default_factory=list)
    expectations: list[ExpectationPlan] = field(default_factory=list)
    file_hashes: dict[str, str] = field(default_factory=dict)  # of the files that documents name
    seen: "Seen | None" = None  # told of each expression that is checked
    probe: Probe | None = None  # told by generated code of what it comes by, in tests
    spoiled: set[tuple[str, str]] = field(default_factory=set)  # kind and name of what is there and no use

    def emitter(self, names: Sequence[str] = ()) -> Emitter:
        """What takes the statements of one function whose expressions may read `names`."""
        return Unwritten(names) if self.checks_only else Emitter(names)

    def report(self, problem: Problem) -> None:
        """Add a problem."""
        self.collector.add(problem)

    def unknown(
        self, kind: str, text: Text, known: Iterable[str], *, of: str = "", name: str = "", offset: int = 0
    ) -> None:
        """Report a name that nothing has, unless its document is there and broken: that was reported.

        `name` is the guilty part of the text, which begins at `offset`.
        """
        behind = _document_behind(kind, str(text), name or str(text))
        if behind not in self.workspace.broken and behind not in self.spoiled:
            self.report(problems.unknown(kind, text, known, of=of, name=name, offset=offset))

    def knows_type(self, text: Text) -> bool:
        """Whether a type is there and sound; of another, what follows from it is not worth telling."""
        return str(text) in self.types or text in SCALARS or text in ("check", "receipt", "record")

    def documents(self, kind: type[D]) -> Mapping[str, D]:
        """The documents of a kind by name, the newest version of each."""
        return self.workspace.of(kind)

    def versions(self, kind: type[D]) -> list[D]:
        """All documents of a kind, every version."""
        return self.workspace.every(kind)

    def read(self, beside: Text, name: str) -> bytes:
        """A file named in a document, by its path from there.

        Raises:
            FileUnreadable: when it is not there, too large, or outside of the workspace.

        """
        content = self.workspace.files.read_bytes(name, beside=beside.span.source)
        folder = beside.span.source.name.rpartition("/")[0]
        self.file_hashes[posixpath.normpath(f"{folder}/{name}")] = text_hash(content)
        return content

    def read_or_report(self, file: Text) -> str | None:
        """The text of a file that a document names; None, and a problem, when it cannot be used."""
        try:
            return self.read(file, str(file)).decode("utf-8-sig")
        except FileUnreadable as error:
            self.report(problems.unreadable(file, str(error)))
        except UnicodeDecodeError as error:
            self.report(problems.unreadable(file, f"`{file}` is not UTF-8 (byte {error.start:,})"))
        return None


def _document_behind(kind: str, text: str, name: str) -> tuple[str, str]:
    """Kind and name of the document that would have to be there for a name to be known."""
    if kind in ("operation", "source"):
        return "connection", text.partition(".")[0]
    if kind == "type":
        system, _, record = text.partition("/")
        return ("entity", record.split("@")[0]) if system == "canonical" else ("connector", system)
    return kind, name


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a mapping or a policy takes and gives."""

    inputs: Mapping[str, Type]
    output: Type
    nullable: frozenset[str] = frozenset()  # inputs that may be null: it asks whether they are
