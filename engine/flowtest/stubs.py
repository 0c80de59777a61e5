"""What a test has the systems answer: one answer for good, or several one after the other."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.connect import OperationPlan
from engine.core import Answer
from engine.flowtest.result import TestError
from engine.flowtest.written import FAIL, Written
from engine.source import Span
from engine.values.json_text import read_json, write_json
from engine.values.type import DecodeError, Decoder, Listing, decoder
from engine.values.value import Value

FAULTS = ("permanent", "closed_period", "transient", "unknown")


@dataclass(slots=True)
class Stub:
    """The answers of one operation, in order; a single one is given as often as it is asked for."""

    name: str
    written: Written
    answers: list[Written]
    successive: bool
    given: int = 0

    def take(self) -> Written:
        """The next answer.

        Raises:
            TestError: when all were given.

        """
        if self.successive and self.given >= len(self.answers):
            times = "once" if self.given == 1 else f"{self.given} times"
            raise TestError(f"{self.name} is answered {times}, and is called once more", self.written.place())
        found = self.answers[self.given if self.successive else 0]
        self.given += 1
        return found


@dataclass(slots=True)
class Failing:
    """`{$fail: permanent, reason: ...}`."""

    fault: str
    reason: str


@dataclass(slots=True)
class Stubs:
    """All answers of a test, by operation."""

    by_name: Mapping[str, Stub]
    operations: Mapping[str, OperationPlan]
    at: Span  # where stubs are written
    expected: frozenset[str] = field(default_factory=frozenset)  # writes that the test speaks of

    def read(self, name: str, decode: Decoder | None) -> Answer:
        """The answer to a read, checked against its schema as that of a system would be.

        Raises:
            TestError: when there is none, or the system could not have given it.

        """
        stub = self.by_name.get(name)
        if stub is None:
            raise TestError(f"{name} is read, and `given` has no answer of it", self.at)
        answer = stub.take()
        failing = _failing(answer)
        if failing is None:
            return Answer(self._checked(name, answer, decode))
        if failing.fault == "unknown":
            raise TestError(
                f"{name} is a read: asking again is harmless, so it is never unknown", answer.place()
            )
        if failing.fault == "transient" and stub.successive and stub.given < len(stub.answers):
            return self.read(name, decode)
        return Answer(None, failing.reason)

    def _checked(self, name: str, answer: Written, decode: Decoder | None) -> Value:
        value = read_json(write_json(answer.value))
        operation = self.operations.get(name)
        if operation is not None and operation.output is not None and value is not None:
            items = value if isinstance(operation.gives, Listing) and isinstance(value, list) else [value]
            complaints = [complaint for item in items for complaint in operation.output.complaints(item)]
            if complaints:
                raise TestError(f"{name} cannot answer this: {'; '.join(complaints)}", answer.place())
        try:
            return value if decode is None else decode(value)
        except DecodeError as error:
            raise TestError(f"{name} cannot answer this: {error}", answer.place()) from error

    def write(self, name: str, number: int) -> Answer:
        """The answer to a write: what is given, or a receipt made up for a write that the test speaks of.

        Raises:
            TestError: when the test says nothing of this write.

        """
        stub = self.by_name.get(name)
        if stub is None:
            if name not in self.expected:
                raise TestError(f"{name} is written, and the test neither expects nor answers it", self.at)
            return Answer(self._receipt(name, number))
        answer = stub.take()
        failing = _failing(answer)
        if failing is None:
            given = answer.value
            if not isinstance(given, Mapping):
                raise TestError(f"the receipt of {name} is a record, such as {{id: ...}}", answer.place())
            return Answer({**self._receipt(name, number), **given})
        if failing.fault == "transient" and stub.successive and stub.given < len(stub.answers):
            return self.write(name, number)
        return Answer(None, failing.reason, unknown=failing.fault == "unknown")

    def _receipt(self, name: str, number: int) -> dict[str, Value]:
        """A receipt that nobody takes for a real one."""
        operation = self.operations.get(name)
        returned = () if operation is None else tuple(operation.returns)
        return {field: f"<{field} of {name} {number}>" for field in dict.fromkeys((*returned, "id"))}


def read_decoder(operation: OperationPlan | None) -> Decoder | None:
    """What gives the answer of an operation its dates."""
    return None if operation is None else decoder(operation.gives)


def stub(name: str, given: Written, operation: OperationPlan | None) -> Stub:
    """What a test has one operation answer. A list is one answer after the other.

    Of an operation that answers with a list, a list is the answer itself, unless its items are answers.
    """
    value = given.value
    lists = operation is not None and not operation.writes and isinstance(operation.gives, Listing)
    successive = isinstance(value, list) and (not lists or (bool(value) and all(map(_is_answer, value))))
    answers = (
        [given.part(index) for index in range(len(value))]
        if isinstance(value, list) and successive
        else [given]
    )
    return Stub(name, given, answers, successive)


def _is_answer(value: Value) -> bool:
    return isinstance(value, list) or (isinstance(value, Mapping) and FAIL in value)


def _failing(answer: Written) -> Failing | None:
    value = answer.value
    if not isinstance(value, Mapping) or FAIL not in value:
        return None
    fault = value[FAIL]
    others = [key for key in value if key not in (FAIL, "reason")]
    if fault not in FAULTS or others:
        raise TestError(f"a failure is written {{$fail: {'|'.join(FAULTS)}, reason: ...}}", answer.place())
    return Failing(str(fault), str(value.get("reason") or f"the test answers that it fails ({fault})"))
