"""The kinds of documents, each described once."""

from engine.spec.field import Document
from engine.workspace.kinds.environment import EnvironmentDocument
from engine.workspace.kinds.expectation import ExpectationDocument
from engine.workspace.kinds.flow import FlowDocument
from engine.workspace.kinds.flow_test import FlowTestDocument
from engine.workspace.kinds.mapping import MappingDocument
from engine.workspace.kinds.model import EntityDocument, EventDocument
from engine.workspace.kinds.policy import PolicyDocument
from engine.workspace.kinds.reference import (
    CalendarDocument,
    ConnectionDocument,
    SystemDocument,
    TableDocument,
)
from engine.workspace.kinds.rule import RuleDocument

KINDS: tuple[type[Document], ...] = (
    FlowDocument,
    MappingDocument,
    PolicyDocument,
    EventDocument,
    EntityDocument,
    TableDocument,
    CalendarDocument,
    ConnectionDocument,
    SystemDocument,
    RuleDocument,
    ExpectationDocument,
    EnvironmentDocument,
    FlowTestDocument,
)
