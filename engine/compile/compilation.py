"""The growing table that the stages of the compiler fill, and the problems that they find."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from engine.connect.connector_plan import ConnectorPlan, OperationPlan
from engine.language.functions import STANDARD_FUNCTIONS, FunctionTable
from engine.plan.plan import EventPlan, FlowPlan, MappingPlan, SourcePlan
from engine.plan.policy import PolicyPlan
from engine.plan.table import Table
from engine.problems.collector import Collector
from engine.problems.problem import Problem
from engine.source import Text
from engine.spec.field import Document
from engine.values.schema import CheckedSchema
from engine.values.type import Type
from engine.workspace.workspace import Workspace

D = TypeVar("D", bound=Document)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityModel:
    """An entity as the compiler knows it."""

    name: str
    version: int
    type: Type
    schema: CheckedSchema
    key: str
    keep: str


@dataclass(slots=True)
class Compilation:
    """What is known so far. A stage reads what earlier stages put here, and adds its own."""

    workspace: Workspace
    collector: Collector
    functions: FunctionTable = STANDARD_FUNCTIONS
    connectors: dict[str, ConnectorPlan] = field(default_factory=dict)
    types: dict[str, Type] = field(default_factory=dict)  # by "canonical/time_entry@2"
    entities: dict[str, EntityModel] = field(default_factory=dict)  # by the same name
    tables: dict[str, Table] = field(default_factory=dict)
    table_types: dict[str, Mapping[str, Type]] = field(default_factory=dict)  # of each column
    operations: dict[str, OperationPlan] = field(default_factory=dict)  # by "erp.time_bill"
    events: dict[str, EventPlan] = field(default_factory=dict)
    event_types: dict[str, Type] = field(default_factory=dict)
    mappings: dict[str, MappingPlan] = field(default_factory=dict)
    mapping_types: dict[str, "Signature"] = field(default_factory=dict)
    policies: dict[str, PolicyPlan] = field(default_factory=dict)
    policy_types: dict[str, "Signature"] = field(default_factory=dict)
    flows: dict[str, FlowPlan] = field(default_factory=dict)
    sources: list[SourcePlan] = field(default_factory=list)

    def report(self, problem: Problem) -> None:
        """Add a problem."""
        self.collector.add(problem)

    def documents(self, kind: type[D]) -> Mapping[str, D]:
        """The documents of a kind by name."""
        return self.workspace.documents(kind)

    def text_of(self, beside: Text, name: str, complain: Callable[[str], Problem]) -> str | None:
        """The text of a file named in a document; None, and a problem, when it cannot be read."""
        found = self.workspace.read_beside(Path(beside.span.source.name), name)
        if isinstance(found, str):
            return found
        self.report(complain(found.why))
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a mapping or a policy takes and gives."""

    inputs: Mapping[str, Type]
    output: Type
