"""What has a name in a workspace, and which keys of documents name it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from engine.connect.connector_spec import ConnectorSpec, OnceSpec, OperationSpec
from engine.spec.field import Described
from engine.workspace.kinds.entry import EntryDocument, KeyDocument
from engine.workspace.kinds.flow import (
    FlowDocument,
    StepDocument,
    TriggerDocument,
    UndoDocument,
    WaitDocument,
)
from engine.workspace.kinds.flow_test import (
    ActDocument,
    ExpectDocument,
    FlowTestDocument,
    GivenDocument,
)
from engine.workspace.kinds.mapping import MappingDocument
from engine.workspace.kinds.model import (
    DeprecatesDocument,
    EarlierDocument,
    EntityDocument,
    EventDocument,
    FieldDocument,
    SourceDocument,
)
from engine.workspace.kinds.policy import PolicyDocument, UntilDocument
from engine.workspace.kinds.reference import ByDocument, ConnectionDocument, EffectiveDocument, TableDocument


class Symbol(NamedTuple):
    """Something with a name.

    ``kind`` is the kind of a document, or one of operation, source, step, branch, local, item, column,
    parameter, field, record; ``within`` is what the name is unique in.
    """

    kind: str
    within: str
    name: str


_Place = tuple[type[Described], str]

# The values of these fields name something.
NAMED_BY_VALUE: Mapping[_Place, str] = MappingProxyType(
    {
        (TriggerDocument, "event"): "event",
        (WaitDocument, "event"): "event",
        (UntilDocument, "event"): "event",
        (StepDocument, "read"): "operation",
        (StepDocument, "write"): "operation",
        (UndoDocument, "call"): "operation",
        (StepDocument, "emit"): "event",
        (StepDocument, "check"): "policy",
        (StepDocument, "map"): "mapping",
        (StepDocument, "needs"): "step",
        (EntryDocument, "table"): "table",
        (EntryDocument, "take"): "column",
        (EntryDocument, "xref"): "entity",
        (EntryDocument, "system"): "connection",
        (MappingDocument, "inputs"): "type",
        (MappingDocument, "output"): "type",
        (PolicyDocument, "inputs"): "type",
        (EventDocument, "data"): "type",
        (SourceDocument, "origin"): "source",
        (SourceDocument, "map"): "mapping",
        (DeprecatesDocument, "up"): "mapping",
        (EarlierDocument, "data"): "type",
        (EarlierDocument, "up"): "mapping",
        (EarlierDocument, "down"): "mapping",
        (EntityDocument, "key"): "field",
        (EntityDocument, "system_of_record"): "system",
        (FieldDocument, "system_of_record"): "system",
        (TableDocument, "system_of_record"): "system",
        (ConnectionDocument, "system"): "system",
        (FieldDocument, "ref"): "entity",
        (FieldDocument, "copy_of"): "entity field",
        (ByDocument, "table"): "table",
        (ByDocument, "time_zone"): "column",
        (ByDocument, "holidays"): "column",
        (EffectiveDocument, "start"): "column",
        (EffectiveDocument, "end"): "column",
        (ConnectionDocument, "connector"): "connector",
        (FlowTestDocument, "flow"): "flow",
        (GivenDocument, "release"): "policy",
        (ExpectDocument, "no_writes"): "operation",
        (FlowTestDocument, "mapping"): "mapping",
        (FlowTestDocument, "policy"): "policy",
        (ActDocument, "event"): "event",
        (ActDocument, "release"): "policy",
        (ActDocument, "propose"): "policy",
        (ActDocument, "agree"): "policy",
        (ActDocument, "refuse"): "policy",
        (OperationSpec, "undo"): "own operation",
        (OnceSpec, "look_up"): "own operation",
    }
)

# So do the keys that stand under these, which their author chose.
NAMED_BY_KEY: Mapping[_Place, str] = MappingProxyType(
    {
        (GivenDocument, "stubs"): "stub",
        (ActDocument, "given"): "stub",
        (ExpectDocument, "runs"): "flow",
        (ExpectDocument, "writes"): "operation",
        (ExpectDocument, "emits"): "event",
        (ExpectDocument, "steps"): "step",
        (StepDocument, "links"): "entity",
        (StepDocument, "given"): "parameter",
        (KeyDocument, "columns"): "column",
        (MappingDocument, "fields"): "target",
        (EntryDocument, "fields"): "target",
    }
)

# And the keys that stand under these are where something gets its name.
DEFINED_BY_KEY: Mapping[_Place, str] = MappingProxyType(
    {
        (FlowDocument, "steps"): "step",
        (StepDocument, "choose"): "branch",
        (MappingDocument, "inputs"): "local",
        (MappingDocument, "let"): "local",
        (PolicyDocument, "inputs"): "local",
        (PolicyDocument, "let"): "local",
        (EntityDocument, "fields"): "field",
        (FieldDocument, "fields"): "field",
        (TableDocument, "key"): "column",
        (TableDocument, "columns"): "column",
        (ConnectorSpec, "operations"): "operation",
        (ConnectorSpec, "sources"): "source",
        (OperationSpec, "parameters"): "parameter",
    }
)
