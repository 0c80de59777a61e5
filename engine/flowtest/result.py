"""What came of a test: what was expected and not found, each with its place in the test's file."""

from dataclasses import dataclass

from engine.source import Span
from engine.values.json_text import write_json
from engine.workspace.kinds.flow_test import FlowTestDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One reason for which a test fails."""

    message: str  # a sentence; or, of a difference, the path of the field
    span: Span
    expected: str | None = None  # as JSON
    found: str | None = None  # as JSON, or in words

    @property
    def place(self) -> str:
        """`flows/billing.test.yaml:12`."""
        return f"{self.span.source.name}:{self.span.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one test."""

    document: FlowTestDocument
    failures: tuple[Failure, ...]
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.failures


class TestError(Exception):
    """A test that cannot be run as it is written, or asks for something that it does not answer."""

    __test__ = False  # its name is no test of pytest's

    def __init__(self, message: str, span: Span) -> None:
        """Say what is wrong, and where."""
        super().__init__(message)
        self.failure = Failure(message=message, span=span)


def shown(value: object) -> str:
    """A value as a person reads it."""
    return write_json(value).decode()
