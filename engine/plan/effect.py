"""What a flow says of a write beyond what is written: how it is settled, sent on and taken back.

It is data that was checked when the flow was compiled.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from engine.values.value import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoPlan:
    """The operation that takes a write back."""

    connection: str
    operation: str
    given: Callable[[Mapping[str, Value]], Value] | None  # of a scope with `payload` and `receipt`
    fields: frozenset[str] | None = None  # those that the operation takes; None: whatever it is given

    def taken(self, offered: Mapping[str, Value]) -> dict[str, Value]:
        """Of all that could be given, what the operation takes."""
        if self.fields is None:
            return dict(offered)
        return {name: value for name, value in offered.items() if name in self.fields}

    @property
    def name(self) -> str:
        """As a flow writes it: `erp.delete_project`."""
        return f"{self.connection}.{self.operation}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectPlan:
    """How one write is made once, where its faults go, and what takes it back."""

    once: str  # header, natural_key, lookup, none
    undo: UndoPlan | None = None
    irreversible: str | None = None  # why it cannot be taken back
    stands: str | None = None  # why it stays whatever becomes of the rest
    proposes: str | None = None  # why it may set fields that its target owns
    faults: Mapping[str, str] = field(default_factory=dict)  # what becomes of each class of fault
    refusals: frozenset[str] = frozenset()  # the classes by which its target may refuse it: of the manifest
