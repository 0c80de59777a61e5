"""What came of a test: what was expected and not found, each with its place in the test's file."""

from dataclasses import dataclass, field, replace

from engine.flowtest.yaml_text import flow
from engine.source import Span
from engine.values.value import Value
from engine.workspace.kinds.flow_test import FlowTestDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What to write in place of a range of text, so that what was found is as expected."""

    span: Span
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One reason for which a test fails."""

    message: str  # a sentence; or, of a difference, the path of the field
    span: Span
    expected: str | None = None  # as one would write it, or in words
    found: str | None = None
    help: tuple[str, ...] = ()  # what to write, a line each
    edits: tuple[Edit, ...] = ()  # none when only a person can tell what to expect

    @property
    def place(self) -> str:
        """`flows/billing.test.yaml:12`."""
        return f"{self.span.source.name}:{self.span.line}"

    def under(self, path: str) -> "Failure":
        """The same, of a part of the test."""
        return replace(self, message=f"{path}: {self.message}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one case of a test."""

    document: FlowTestDocument
    case: str | None  # of several examples, the name of this one
    failures: tuple[Failure, ...]
    seconds: float = 0.0
    seen: frozenset[str] = field(default_factory=frozenset)  # what was covered

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.failures

    @property
    def name(self) -> str:
        """The test, and of several examples which."""
        return str(self.document.test) if self.case is None else f"{self.document.test} [{self.case}]"

    @property
    def title(self) -> str:
        """What is tested, and what is shown of it."""
        return f"{self.document.subject}: {self.name}"


class TestError(Exception):
    """A test that cannot be run as it is written, or asks for something that it does not answer."""

    __test__ = False  # its name is no test of pytest's

    def __init__(self, message: str, span: Span, *help_: str) -> None:
        """Say what is wrong, where, and what to write."""
        super().__init__(message)
        self.failure = Failure(message=message, span=span, help=help_)


def shown(value: object) -> str:
    """A value as a person reads and writes it."""
    return flow(value)  # type: ignore[arg-type]
