"""What a test has the systems answer: one for good, one after the other, or by what is asked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from engine.connect import OperationPlan
from engine.core import Answer
from engine.flowtest import paste
from engine.flowtest.compare import as_shown, differences
from engine.flowtest.fixtures import misfits, unknown_fields
from engine.flowtest.result import TestError, shown
from engine.flowtest.written import Written
from engine.source import Span
from engine.values.json_text import read_json, write_json
from engine.values.type import DecodeError, Decoder, Listing, Type, decoder
from engine.values.value import Value

FAIL = "$fail"
FOR = "$for"
ANSWER = "$answer"
FAULTS = ("permanent", "closed_period", "transient", "unknown")


@dataclass(slots=True)
class Answers:
    """Answers to the calls that fit: the only one as often as asked for, several one after the other."""

    fits: Written | None  # the parameters, in part; None for any
    answers: list[Written]
    successive: bool
    given: int = 0

    @property
    def spent(self) -> bool:
        """Whether all were given."""
        return self.successive and self.given >= len(self.answers)

    @property
    def more(self) -> bool:
        """Whether another one follows that was not given."""
        return self.successive and self.given < len(self.answers)

    def take(self) -> Written:
        """The next answer."""
        found = self.answers[self.given if self.successive else 0]
        self.given += 1
        return found

    def fit(self, asked: Value) -> bool:
        """Whether they are answers to a call with these parameters."""
        return self.fits is None or not any(differences(self.fits.value, asked))


@dataclass(slots=True)
class Stub:
    """The answers of one operation."""

    name: str
    written: Written
    answers: list[Answers]

    def choose(self, asked: Value) -> Answers:
        """The answers to a call.

        Raises:
            TestError: when there are none, or all were given.

        """
        fitting = [one for one in self.answers if one.fit(asked)]
        found = next((one for one in fitting if not one.spent), None)
        if found is not None:
            return found
        if not fitting:
            help_ = f"add to it: - {{{FOR}: {shown(as_shown(asked))}, ...}}"
            message = f"{self.name} is called with {shown(as_shown(asked))}, and no `{FOR}` fits"
            raise TestError(message, self.written.place(), help_)
        times = fitting[-1].given
        said = "once" if times == 1 else f"{times} times"
        raise TestError(f"{self.name} is answered {said}, and is called once more", self.written.place())


@dataclass(slots=True)
class Failing:
    """`{$fail: permanent, reason: ...}`."""

    fault: str
    reason: str


@dataclass(slots=True)
class Stubs:
    """All answers of a test, by operation; an act may replace some."""

    by_name: dict[str, Stub]
    operations: Mapping[str, OperationPlan]
    entities: Mapping[str, Type]  # what the ledger keeps
    at: Span  # where stubs are written
    expected: frozenset[str] = field(default_factory=frozenset)  # writes that the test speaks of
    recording: bool = False  # every write is fine: it is taken down

    def read(self, name: str, asked: Mapping[str, Value], decode: Decoder | None) -> Answer:
        """The answer to a read, checked against its schema as that of a system would be.

        Raises:
            TestError: when there is none, or the system could not have given it.

        """
        stub = self.by_name.get(name)
        if stub is None:
            help_ = f"add to `given`: {paste.to_answer(name, self._kind(name))}"
            asking = f"it is asked with {shown(as_shown(asked))}"
            raise TestError(f"{name} is read, and `given` has no answer of it", self.at, asking, help_)
        return self._read(stub, asked, decode)

    def _read(self, stub: Stub, asked: Mapping[str, Value], decode: Decoder | None) -> Answer:
        answers = stub.choose(asked)
        answer = answers.take()
        failing = _failing(answer)
        if failing is None:
            return Answer(self._checked(stub.name, answer, decode))
        if failing.fault == "unknown":
            raise TestError(
                f"{stub.name} is a read: asking again is harmless, so it is never unknown", answer.place()
            )
        if failing.fault == "transient" and answers.more:
            return self._read(stub, asked, decode)
        return Answer(None, failing.reason)

    def _kind(self, name: str) -> Type:
        operation = self.operations.get(name)
        return self.entities[name.partition(".")[2]] if operation is None else operation.gives

    def _checked(self, name: str, answer: Written, decode: Decoder | None) -> Value:
        value = read_json(write_json(answer.value))
        if value is None:
            return None
        wrong = list(unknown_fields(self._kind(name), value)) or list(self._complaints(name, value))
        if wrong:
            raise TestError(f"{name} cannot answer this: {'; '.join(wrong)}", answer.place())
        try:
            decoded = value if decode is None else decode(value)
        except DecodeError as error:
            raise TestError(f"{name} cannot answer this: {error}", answer.place()) from error
        if name not in self.operations and (wrong := misfits(self._kind(name), decoded)):
            raise TestError(f"{name} cannot answer this: {'; '.join(wrong)}", answer.place())
        return decoded

    def _complaints(self, name: str, value: Value) -> Iterator[str]:
        operation = self.operations.get(name)
        if operation is None or operation.output is None:
            return
        several = isinstance(operation.gives, Listing) and isinstance(value, list)
        for item in value if several else [value]:  # type: ignore[union-attr]
            yield from operation.output.complaints(item)

    def write(self, name: str, number: int, payload: Mapping[str, Value]) -> Answer:
        """The answer to a write: what is given, or a receipt made up for a write that the test speaks of.

        Raises:
            TestError: when the test says nothing of this write.

        """
        stub = self.by_name.get(name)
        if stub is None and name not in self.expected and not self.recording:
            raise TestError(
                f"{name} is written, and the test neither expects nor answers it",
                self.at,
                f"add to `expect.writes`: {paste.to_expect(name, as_shown(payload))}",
                f"or only to `given`: {paste.to_answer(name, self._kind(name))}",
            )
        operation = self.operations.get(name)
        wrong = operation.input.complaints(payload) if operation is not None and operation.input else []
        if wrong:  # as the connector refuses it
            return Answer(None, f"{name}: {'; '.join(wrong)}")
        return Answer(self._receipt(name, number)) if stub is None else self._written(stub, number, payload)

    def _written(self, stub: Stub, number: int, payload: Mapping[str, Value]) -> Answer:
        answers = stub.choose(payload)
        answer = answers.take()
        failing = _failing(answer)
        if failing is None:
            given = answer.value
            if not isinstance(given, Mapping):
                raise TestError(
                    f"the receipt of {stub.name} is a record, such as {{id: ...}}", answer.place()
                )
            wrong = list(unknown_fields(self._kind(stub.name), given))
            if wrong:
                raise TestError(f"{stub.name} cannot return this: {'; '.join(wrong)}", answer.place())
            return Answer({**self._receipt(stub.name, number), **given})
        if failing.fault == "transient" and answers.more:
            return self._written(stub, number, payload)
        return Answer(None, failing.reason, unknown=failing.fault == "unknown", fault=failing.fault)

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
    if not isinstance(value, list) or (lists and not (value and all(map(_is_answer, value)))):
        return Stub(name, given, [Answers(*_answer(given), successive=False)])
    parts = [_answer(given.part(index)) for index in range(len(value))]
    if all(fits is None for fits, _ in parts):
        return Stub(name, given, [Answers(None, [answer[0] for _, answer in parts], successive=True)])
    return Stub(name, given, _grouped(parts))


def _grouped(parts: list[tuple[Written | None, list[Written]]]) -> list[Answers]:
    """Those for particular calls first, those for any call last; answers for the same calls together."""
    found: list[Answers] = []
    for fits, answers in sorted(parts, key=lambda part: part[0] is None):
        wanted = None if fits is None else fits.value
        known = next((one for one in found if (one.fits.value if one.fits else None) == wanted), None)
        if known is None:
            found.append(Answers(fits, answers, successive=False))
        else:
            known.answers += answers
            known.successive = True
    return found


def _answer(given: Written) -> tuple[Written | None, list[Written]]:
    """The parameters that an answer is for, and the answer."""
    value = given.value
    if not isinstance(value, Mapping) or FOR not in value:
        return None, [given]
    fits = given.part(FOR)
    if not isinstance(fits.value, Mapping):
        raise TestError(f"`{FOR}` is a record of parameters, such as {{id: A}}", fits.place())
    others = [key for key in value if key not in (FOR, ANSWER)]
    if ANSWER in value and others:
        raise TestError(f"beside `{ANSWER}` stands nothing but `{FOR}`", given.place((others[0],)))
    return fits, [given.part(ANSWER) if ANSWER in value else given.without(FOR)]


def _is_answer(value: Value) -> bool:
    return isinstance(value, list) or (isinstance(value, Mapping) and (FAIL in value or FOR in value))


def _failing(answer: Written) -> Failing | None:
    value = answer.value
    if not isinstance(value, Mapping) or FAIL not in value:
        return None
    fault = value[FAIL]
    others = [key for key in value if key not in (FAIL, "reason")]
    if fault not in FAULTS or others:
        raise TestError(f"a failure is written {{$fail: {'|'.join(FAULTS)}, reason: ...}}", answer.place())
    return Failing(str(fault), str(value.get("reason") or f"the test answers that it fails ({fault})"))
