"""The Plan: everything that a release decides with.

A plan is data and compiled callables. The same documents give the same fingerprint, which is the
name of the release.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from engine.language.compiled import Compiled
from engine.plan.expectation import ExpectationPlan
from engine.plan.lineage import Lineage
from engine.plan.ownership import FieldOwner
from engine.plan.step import AnyStep, verb_of
from engine.values.value import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierPlan:
    """The version of an event that a newer one replaces, and the ways between the two."""

    name: str  # "deal.won@1"
    version: int
    raised: Callable[[Value], Value]  # from its data in JSON to that of the newer; raises EvaluationError
    lowered: Callable[[Value], Value] | None  # from data of the newer, with its dates; raises EvaluationError
    up: str  # the mappings that do it
    down: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPlan:
    """A canonical event: how one is known again, ordered, checked and kept."""

    name: str
    version: int
    identity: Callable[[Value], str]  # raises EvaluationError when a part is missing
    order_key: Callable[[Value], str | None]
    at: Callable[[Value], datetime | None]
    complaints: Callable[[Value], list[str]]  # in what JSON data does not fit the entity; empty when it does
    decode: Callable[[Value], Value] | None  # dates and instants as such; None when there are none
    entity: str | None  # of which the data is a snapshot
    entity_key: str  # the field of its id
    keep: str  # history, latest, none
    earlier: EarlierPlan | None = None  # the version before it, while that is still taken and given


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityPlan:
    """An entity of which the ledger keeps snapshots."""

    name: str
    key: str
    decode: Callable[[Value], Value] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePlan:
    """A native record of a connection becomes a canonical event."""

    connection: str
    source: str
    event: str
    make: Callable[[Mapping[str, Value]], Value]  # from a scope with the native record as `record`
    when: Compiled | None
    mapping: str
    earlier: str | None = None  # "deal.won@1", where that is what the mapping makes


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulePlan:
    """An event that comes by itself, when it is due."""

    name: str
    source: SourcePlan  # what is made of the record of an instant
    rule: str  # as it was written: another rule begins anew
    zone: str
    due: Callable[[datetime], datetime | None]  # the first instant after the one given; None when never
    missed: str  # skip, once, all
    limit: int


# Index and name of a step, the indexes of those that it needs, its verb, whether it is plain, and the step.
Stage: TypeAlias = tuple[int, str, tuple[int, ...], str, bool, AnyStep]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPlan:
    """How patient deliveries and reads are; what is None is left to whoever runs them."""

    attempts: int | None = None
    patience_seconds: float | None = None
    longest_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoostPlan:
    """A time in which flows of some labels go before others."""

    labels: frozenset[str]
    more: int
    holds: Callable[[datetime], bool]


BLOCKING = frozenset({"failed", "unknown"})
"""The statuses of a run at rest that stop its order key, unless its flow says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowPlan:
    """A flow, its steps in an order in which each follows what it needs."""

    name: str
    version: int
    owner: str | None
    event: str
    input_name: str  # the event's data in the scope
    where: Compiled | None
    steps: tuple[AnyStep, ...]
    complete_within_seconds: int | None = None
    compensates: bool = False  # whether what was written is taken back when a step was refused or failed
    weight: int = 0  # how much it goes before others, in minutes of waiting
    labels: frozenset[str] = frozenset()
    retry: RetryPlan = RetryPlan()
    earlier: EarlierPlan | None = None  # the version of the event that it works, where not the newest
    stops_key: frozenset[str] = BLOCKING  # the statuses in which a run that rests stops its order key
    stages: tuple[Stage, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Lay out what every pass asks of every step: a tuple is read quicker than seven kinds of steps."""
        stages = tuple(
            (one.index, one.name, tuple(need.step for need in one.needs), verb_of(one), one.is_plain, one)
            for one in self.steps
        )
        object.__setattr__(self, "stages", stages)

    def step(self, name: str) -> AnyStep | None:
        """The step of that name."""
        return next((step for step in self.steps if step.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All flows of one release."""

    release: str  # SHA-256 over the canonical form of every document and file it was compiled from
    flows: Mapping[str, FlowPlan]
    events: Mapping[str, EventPlan]
    entities: Mapping[str, EntityPlan]  # in their latest version
    sources: tuple[SourcePlan, ...]
    starts: Mapping[str, tuple[FlowPlan, ...]]  # by event
    rechecked_by: frozenset[str]  # events that may release a hold
    waited_for: frozenset[str]  # events that may end a wait
    mappings: Mapping[str, "MappingPlan"] = field(default_factory=dict)
    boosts: tuple[BoostPlan, ...] = ()
    schedules: tuple[SchedulePlan, ...] = ()
    owners: tuple[FieldOwner, ...] = ()  # every field of every entity, in its latest version
    expectations: tuple[ExpectationPlan, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingPlan:
    """A typed function from named inputs to one output."""

    name: str
    version: int
    inputs: tuple[str, ...]
    make: Callable[[Mapping[str, Value]], Value]  # raises EvaluationError
    source: str  # the generated Python
    decode: Mapping[str, Callable[[Value], Value]]  # of the inputs that have dates
    lineage: Lineage = field(default_factory=dict)  # by field of the output; roots are names of inputs
