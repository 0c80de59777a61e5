"""Generated code that fails in plain words: the guard round the fast form of a formula or template."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import DivisionByZero, InvalidOperation, Overflow
from typing import Any, Protocol

from engine.language.compiled import EvaluationError
from engine.language.formula_syntax import FormulaTree
from engine.language.formula_types import Typing
from engine.language.generate import Emitter
from engine.language.scope import Mistake, TypeScope
from engine.values.type import ANY
from engine.values.value import Value


class Write(Protocol):
    """Emits what an expression needs onto an emitter and returns the Python expression of its value."""

    def __call__(self, onto: Emitter, *, careful: bool) -> str:
        """Write the fast form, or the careful one that knows the author's text."""
        ...


def emit_guarded(emitter: Emitter, tree: FormulaTree, write: Write) -> str:
    """Emit the fast form; when it raises, the careful form says what was wrong, as an EvaluationError."""
    result = emitter.temp()
    with emitter.block("try:"):
        emitter.line(f"{result} = {write(emitter, careful=False)}")
    explain = emitter.constant(_Explanation(tree, write))
    names = ", ".join(f"{name!r}: {emitter.scope[name]}" for name in sorted(tree.names))
    with emitter.block("except Exception as error:"):
        emitter.line(f"raise {explain}({{{names}}}, error) from error")
    return result


def untyped(emitter: Emitter) -> TypeScope:
    """The names of an emitter, of whose values nothing is known."""
    return TypeScope(names=dict.fromkeys(emitter.scope, ANY))


def unusable(typing: Typing) -> Mistake | None:
    """The first mistake that no data can make right; others are for the checks to report."""
    for mistake in typing.mistakes:
        if mistake.fatal:
            near = ", ".join(f"`{one}`" for one in mistake.near)
            return replace(mistake, help=mistake.help or (f"near it: {near}" if near else ""))
    return None


class _Explanation:
    """Says why an expression failed: runs its careful form on the same data, compiled when first needed."""

    __slots__ = ("_careful", "_tree", "_write")

    def __init__(self, tree: FormulaTree, write: Write) -> None:
        self._tree = tree
        self._write = write
        self._careful: Callable[..., Value] | None = None

    def __call__(self, scope: Mapping[str, Any], error: Exception) -> EvaluationError:
        try:
            self._compiled()(scope)
        except EvaluationError as found:
            message = found.message
        except Exception as found:  # noqa: BLE001 - whatever it is, the author is told one sentence
            message = _plain(found)
        else:
            message = error.message if isinstance(error, EvaluationError) else _plain(error)
        return EvaluationError(message, text=str(self._tree.text), place=self._tree.place)

    def _compiled(self) -> Callable[..., Value]:
        if self._careful is None:
            emitter = Emitter(sorted(self._tree.names))
            self._careful = emitter.build("carefully", self._write(emitter, careful=True))[0]
        return self._careful


def _plain(error: Exception) -> str:
    if isinstance(error, DivisionByZero | ZeroDivisionError):
        return "divided by 0"
    if isinstance(error, Overflow | InvalidOperation | OverflowError):
        return "the numbers are too large, or too far apart, for an exact result"
    if isinstance(error, RecursionError | MemoryError):
        return "the data is nested too deeply or is too large"
    return "cannot be evaluated on this data"
