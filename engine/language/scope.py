"""Names and their types at one place of a document."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from engine.language.known import NO_FACTS, Facts, Known, both
from engine.values.type import Type


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeScope:
    """What an expression may read, and of which type it is.

    A name in ``nullable`` may be null: reading a field of it is only safe after a test; of one in ``unsure``
    nobody knows whether it may. ``facts`` are
    what tests have shown before the expression is reached: the guard of a step, the condition of a policy.
    """

    names: Mapping[str, Type] = field(default_factory=dict)
    nullable: frozenset[str] = frozenset()
    unsure: frozenset[str] = frozenset()
    facts: Facts = field(default_factory=lambda: NO_FACTS)

    def type_of(self, name: str) -> "Type | None":
        """The type of a name; None when there is no such name."""
        return self.names.get(name)

    def known(self, name: str) -> Known | None:
        """What is known of a name; None when there is no such name."""
        kind = self.names.get(name)
        return (
            None
            if kind is None
            else Known(type=kind, nullable=name in self.nullable, unsure=name in self.unsure)
        )

    def including(
        self,
        names: Mapping[str, Type],
        nullable: frozenset[str] = frozenset(),
        unsure: frozenset[str] = frozenset(),
    ) -> Self:
        """This scope with more names; a new one hides an old one."""
        return type(self)(
            names={**self.names, **names},
            nullable=(self.nullable - names.keys()) | nullable,
            unsure=(self.unsure - names.keys()) | unsure,
            facts={place: known for place, known in self.facts.items() if place[0] not in names},
        )

    def after(self, facts: Facts) -> Self:
        """This scope where something more was shown."""
        return replace(self, facts=both(self.facts, facts)) if facts else self


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """Something in an expression that cannot be right, with its place in the text of the expression.

    ``kind`` is one of unknown_name, unknown_field, no_fields, unknown_function, arguments, shadowed,
    unknown_value, operands, not_a_list, literal (an argument that must be written out), nullable (what may
    be null is used as if it were there), dates (a date beside something else), currencies (two of them),
    misspelt (a field that the record may have, called nearly like one that it has).
    """

    kind: str
    message: str  # one plain sentence without an end point
    start: int
    end: int
    name: str = ""  # the guilty name, where there is one
    near: tuple[str, ...] = ()  # at most three names that the author may have meant
    help: str = ""
    fatal: bool = False  # no data can make it right, so it does not compile
