"""What a function of the language is: its name, parameters, result, and examples that tests run.

A table of functions is a value that is passed in; nothing registers itself by being imported.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any as Anything
from typing import TypeAlias

from engine.language.known import Known, family
from engine.values.type import Type, describe


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One argument of a function."""

    name: str
    type: Type
    optional: bool = False  # left out, the function uses its own default
    repeated: bool = False  # the last one: any number of arguments of this type
    literal: bool = False  # must be written out as text, so that it can be checked before running
    nullable: bool = False  # null is a sensible argument
    choices: tuple[str, ...] | None = None  # of a literal: the texts that it may be
    others: tuple[Type, ...] = ()  # types beside the first that it takes as well
    items_present: bool = False  # of a list: no item may be null

    def accepts(self, kind: Type) -> bool:
        """Whether some value of a type can be the argument; true where little is known."""
        families = {family(one) for one in (self.type, *self.others)}
        found = family(kind)
        return "any" in (*families, found) or found in families

    @property
    def described(self) -> str:
        """What it takes, as said to a person."""
        return " or ".join(describe(one) for one in (self.type, *self.others))


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why arguments that each are of their type cannot go together; ``kind`` is that of the mistake."""

    kind: str
    message: str
    help: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSpec:
    """A function of the language.

    ``call`` takes positional arguments and raises EvaluationError, or one of Python's errors when
    an argument is of the wrong kind; it never accepts a wrong kind in silence.
    """

    name: str
    family: str
    parameters: tuple[Parameter, ...]
    result: Type
    summary: str
    call: Callable[..., Anything]
    examples: tuple[tuple[str, str], ...] = ()  # a formula, and one that gives the same value; tests run both
    aliases: tuple[str, ...] = ()  # other names, for those who know them from Jinja
    result_of: Callable[[Sequence[Known]], Known] | None = None  # a result that depends on the arguments
    refuses: Callable[[Sequence[Known]], Unfit | None] | None = None  # arguments of which no call succeeds
    pure: bool = True  # the same arguments always give the same result

    @property
    def least(self) -> int:
        """The number of arguments that must be given."""
        return sum(1 for one in self.parameters if not (one.optional or one.repeated))

    @property
    def most(self) -> int | None:
        """The number of arguments that may be given; None when there is no limit."""
        return None if any(one.repeated for one in self.parameters) else len(self.parameters)

    def parameter(self, index: int) -> Parameter | None:
        """The parameter that the argument at `index` belongs to."""
        if index < len(self.parameters):
            return self.parameters[index]
        last = self.parameters[-1] if self.parameters else None
        return last if last is not None and last.repeated else None

    @property
    def signature(self) -> str:
        """How it is written down for a person: `round(number, [decimals])`."""
        return f"{self.name}({', '.join(_shown(one) for one in self.parameters)})"


def _shown(parameter: Parameter) -> str:
    text = f"{parameter.name}, ..." if parameter.repeated else parameter.name
    return f"[{text}]" if parameter.optional else text


FunctionTable: TypeAlias = Mapping[str, FunctionSpec]


def function_table(*families: Sequence[FunctionSpec]) -> FunctionTable:
    """An immutable table by name and alias; a name that is given twice is a broken promise of ours."""
    table: dict[str, FunctionSpec] = {}
    for spec in (spec for group in families for spec in group):
        for name in (spec.name, *spec.aliases):
            assert name not in table, f"two functions are called {name}"
            table[name] = spec
    return MappingProxyType(table)


def joined(*tables: FunctionTable) -> FunctionTable:
    """The functions of several tables in one; a later one wins."""
    return MappingProxyType({name: spec for table in tables for name, spec in table.items()})
