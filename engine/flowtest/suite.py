"""Tests run: each case on its own, none sees what another did."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.connect import ConnectorPlan
from engine.flowtest.alone import PolicyAlone, Single, play_mapping, play_policy
from engine.flowtest.case import Case, Known, case, operations, rows
from engine.flowtest.coverage import seen_in
from engine.flowtest.expect import failures, failures_of_single
from engine.flowtest.result import Failure, Result, TestError
from engine.flowtest.world import World, together
from engine.plan.plan import Plan
from engine.spec.field import Raw
from engine.values.type import Type
from engine.workspace.coverable import Covered
from engine.workspace.kinds.flow_test import FlowTestDocument
from engine.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is tested: a plan, and what a test needs to know beside it."""

    plan: Plan
    connectors: Mapping[str, ConnectorPlan]
    types: Mapping[str, Type]  # by "canonical/time_entry@2"
    inputs: Mapping[tuple[str, str], Mapping[str, Type]]  # of mappings and policies, by kind and name
    policy: Callable[[str], PolicyAlone]  # a policy by itself
    covered: Covered | None = None  # what generated code takes down, where it does


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How tests are run."""

    at: datetime | None = None  # instead of the `now` of each
    recording: bool = False  # writes of which a test says nothing are taken down


@dataclass(frozen=True, slots=True, kw_only=True)
class One:
    """One case, still to be run."""

    document: FlowTestDocument
    case: str | None  # of several examples, the name of this one
    row: Raw | None


class Suite:
    """The tests of a workspace, ready to be run."""

    def __init__(self, workspace: Workspace, subject: Subject, options: Options | None = None) -> None:
        """Collect what tests may speak of."""
        self._subject = subject
        self._options = options or Options()
        self._known = Known(
            flows=subject.plan.flows,
            operations=operations(workspace, subject.connectors),
            entities=_entities(subject.types),
            files=workspace.files,
        )
        self._policies: dict[str, PolicyAlone] = {}

    def run(self, one: One, seconds: Callable[[], float]) -> Result:
        """The result of one case. `seconds` is read before and after it."""
        begun = seconds()
        covered = self._subject.covered
        seen: set[str] = set() if covered is None else covered.seen
        seen.clear()
        try:
            found = tuple(self._failures(one, seen))
        except TestError as error:
            found = (error.failure,)
        return Result(
            document=one.document,
            case=one.case,
            failures=found,
            seconds=seconds() - begun,
            seen=frozenset() if covered is None else frozenset(seen),
        )

    def _failures(self, one: One, seen: set[str]) -> Iterator[Failure]:
        recording = self._options.recording
        made = case(one.document, one.case, one.row, self._known, at=self._options.at, recording=recording)
        if not made.flows:
            yield from failures_of_single(made, self._single(made))
            return
        world = World(made, self._subject.plan)
        try:
            chapters = world.play()
        finally:
            seen.update(seen_in(world.stands()), world.stayed)
        for chapter in chapters:
            seen.update(seen_in(chapter.stands))
        yield from failures(made, chapters, together(chapters))

    def _single(self, made: Case) -> Single:
        document = made.document
        name = str(document.subject)
        if document.mapping is not None:
            return play_mapping(
                made, self._subject.plan.mappings[name], self._subject.inputs["mapping", name]
            )
        policy = self._policies.get(name)
        if policy is None:
            policy = self._policies[name] = self._subject.policy(name)
        return play_policy(made, policy, self._subject.inputs["policy", name])


def left_out(one: One) -> Result:
    """The result of a case that cannot be run, as its test or what it needs has problems."""
    why = "cannot be run: the test, or something that it needs, has problems; `tidegate validate` lists them"
    failure = Failure(message=why, span=one.document.test.span)
    return Result(document=one.document, case=one.case, failures=(failure,))


def cases(chosen: Iterable[FlowTestDocument], containing: str | None = None) -> list[One]:
    """The cases of some tests, in their order: all, or those whose name, or their test's, contains a text."""
    every = [
        One(document=document, case=name, row=row) for document in chosen for name, row in rows(document)
    ]
    return every if containing is None else [one for one in every if _contains(one, containing.lower())]


def _contains(one: One, part: str) -> bool:
    names = (str(one.document.test), str(one.document.subject), one.case or "")
    return any(part in name.lower() for name in names)


def run_tests(
    workspace: Workspace,
    subject: Subject,
    chosen: Sequence[One],
    seconds: Callable[[], float],
    options: Options | None = None,
) -> Iterator[Result]:
    """The results of cases, one after the other, in this process."""
    suite = Suite(workspace, subject, options)
    yield from (suite.run(one, seconds) for one in chosen)


def _entities(types: Mapping[str, Type]) -> dict[str, Type]:
    """The newest version of each entity, by its name."""
    found: dict[str, tuple[int, Type]] = {}
    for name, kind in types.items():
        system, _, rest = name.partition("/")
        entity, _, version = rest.partition("@")
        if system == "canonical" and version.isdigit():
            found[entity] = max(found.get(entity, (0, kind)), (int(version), kind), key=lambda one: one[0])
    return {name: kind for name, (_, kind) in found.items()}
