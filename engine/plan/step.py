"""The steps of a flow, one dataclass a verb."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from engine.language.compiled import Compiled, Scope
from engine.plan.delay import Delay, Match
from engine.plan.effect import EffectPlan
from engine.plan.policy import PolicyPlan
from engine.values.value import Value

Make: TypeAlias = Callable[[Scope], Value]

ENTITY = "entity"  # the connection that stands for the ledger's own entity store


@dataclass(frozen=True, slots=True)
class Need:
    """An edge: a step that comes first, and the branch that it must have chosen, if any."""

    step: int  # its index in the flow
    branch: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForEach:
    """A step done once for each item of a list."""

    items: Compiled
    name: str  # of the item in the scope
    key: Compiled | None  # what tells one item from another; its place in the list when None
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What all steps have in common."""

    index: int  # its place in an order in which every step follows what it needs
    name: str
    needs: tuple[Need, ...]
    when: Compiled | None
    for_each: ForEach | None
    key: str = field(init=False, repr=False)  # of its commands, but for the item

    def __post_init__(self) -> None:
        """Put the key together once for all runs."""
        verb = type(self).__name__.removesuffix("Step").lower()
        object.__setattr__(self, "key", f"{verb}:{self.name}")

    @property
    def is_plain(self) -> bool:
        """Whether it is done once, and as soon as what it needs is done, whatever was chosen there."""
        return self.when is None and self.for_each is None and all(one.branch is None for one in self.needs)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadStep(Step):
    """Ask a system, or the ledger's own entity store (connection `entity`)."""

    connection: str
    operation: str
    parameters: Make  # the record of parameters
    missing_is_null: bool
    cache_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MapStep(Step):
    """Make a value of others."""

    make: Make
    mapping: str | None  # its name, for the trace


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckStep(Step):
    """Put policies to their inputs."""

    policies: tuple[PolicyPlan, ...]
    decide: Callable[
        [Scope], tuple[list[int], dict[str, Value]]
    ]  # places of those that apply and hold or alert; the check's value
    reads: tuple[int, ...]  # the reads behind the inputs, done afresh when a hold is checked again


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteStep(Step):
    """Write to a system, once."""

    connection: str
    operation: str
    make: Make  # the record to write
    mapping: str | None
    effect: EffectPlan
    links: "tuple[Link, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The cross reference that a receipt establishes: this canonical id has that id in the target."""

    entity: str
    canonical_id: Make


@dataclass(frozen=True, slots=True, kw_only=True)
class EmitStep(Step):
    """Say that something happened."""

    event: str
    make: Make  # the data of the event
    mapping: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitStep(Step):
    """Wait for an event."""

    event: str
    where: Compiled | None
    match: Match
    timeout: Delay | None
    on_timeout: str  # fail, skip, null
    look_back_seconds: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChooseStep(Step):
    """Take the first branch whose condition is true."""

    branches: tuple[tuple[str, Compiled | None], ...]  # None: otherwise


AnyStep: TypeAlias = ReadStep | MapStep | CheckStep | WriteStep | EmitStep | WaitStep | ChooseStep


def verb_of(step: AnyStep) -> str:
    """The verb as written in YAML."""
    return step.key.partition(":")[0]


Parameters: TypeAlias = Mapping[str, Value]
