"""Generated Python: lines, temporaries and constants of one function, built and kept for tracebacks.

Each language turns its checked tree into statements on an :class:`Emitter` and returns the *atom*
(a local variable or a literal) that holds the result; a mapping of eighteen fields thereby becomes
one function without calls between its fields. Only the languages and the mapping compiler emit.
"""

import linecache
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from itertools import count
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, NoReturn, cast

from engine.values.value import Value


class Emitter:
    """Collects the body of one function.

    ``scope`` maps each name that expressions may use to the local variable that holds it.
    """

    def __init__(self, names: Sequence[str] = ()) -> None:
        """Start a function whose expressions may read `names`."""
        self.scope: dict[str, str] = {name: f"n_{name}" for name in names}
        self.used: set[str] = set()
        self._lines: list[str] = []
        self._fast: dict[int, str] = {}  # what may stand for a line where the data is as its types say
        self._indent = 1
        self._numbers = count()
        self._constants: dict[str, object] = {}
        self._constant_names: dict[tuple[int, str], str] = {}
        self._known: list[dict[tuple[str, str], str]] = [{}]  # what was computed, a table per open block

    @property
    def depth(self) -> int:
        """How many levels the next statement is indented; Python allows a hundred."""
        return self._indent

    def remember(self, atom: str, step: str, local: str) -> None:
        """Note that `local` holds what `step` makes of `atom`, for the rest of the present block."""
        self._known[-1][atom, step] = local

    def recall(self, atom: str, step: str) -> str | None:
        """The local that surely holds what `step` makes of `atom` here, if there is one."""
        key = (atom, step)
        return next((known[key] for known in reversed(self._known) if key in known), None)

    def line(self, text: str, fast: str | None = None) -> None:
        """Add one statement at the present depth.

        `fast` does the same where the data is as its types say, and raises where it is not; the function is
        then done again without any such statement.
        """
        if fast is not None:
            self._fast[len(self._lines)] = "    " * self._indent + fast
        self._lines.append("    " * self._indent + text)

    def temp(self, prefix: str = "t") -> str:
        """A local variable that nothing else uses."""
        return f"{prefix}{next(self._numbers)}"

    def assign(self, expression: str, fast: str | None = None) -> str:
        """Put an expression into a new local variable and return its name; `fast` as in `line`."""
        name = self.temp()
        self.line(f"{name} = {expression}", None if fast is None else f"{name} = {fast}")
        return name

    def constant(self, value: object, prefix: str = "c") -> str:
        """The name under which the function sees a Python object (not a local: a global of the function)."""
        known = (id(value), prefix)
        if known not in self._constant_names:
            name = f"{prefix}{next(self._numbers)}"
            self._constants[name] = value
            self._constant_names[known] = name
        return self._constant_names[known]

    def name(self, name: str) -> str | None:
        """The local variable that holds a name of the scope, or None when there is no such name."""
        local = self.scope.get(name)
        if local is not None:
            self.used.add(name)
        return local

    @contextmanager
    def block(self, header: str) -> Iterator[None]:
        """The statements added inside stand under `header` (`if x:`, `for a in b:`)."""
        self.line(header)
        self._indent += 1
        self._known.append({})
        try:
            yield
        finally:
            self._known.pop()
            self._indent -= 1

    def build(self, title: str, result: str, first: Sequence[str] = ()) -> tuple[Callable[..., Value], str]:
        """The function of one argument `scope` (a mapping by name), and its source.

        Names that expressions read are fetched from the scope once, at the top, where the statements
        in `first` stand as well.
        """
        read = [name for name in sorted(self.used) if self.scope.get(name) == f"n_{name}"]
        fetch = [f"    n_{name} = scope[{name!r}]" for name in read]
        start = [*fetch, *(f"    {line}" for line in first)]
        end = f"    return {result}"
        head = f"def {_identifier(title)}(scope):"
        body = "\n".join([head, *start, *self._lines, end, ""])
        if self._fast:
            careful = self.compile(f"{title}, carefully", body, _identifier(title))
            lines = [self._fast.get(number, line) for number, line in enumerate(self._lines)]
            again = f"    return {self.constant(careful, 'carefully')}(scope)"
            tried = [f"    {line}" for line in (*start, *lines, end)]
            guard = ("    except Exception:", "        pass", again, "")
            body = "\n".join([head, "    try:", *tried, *guard])
        return self.compile(title, body, _identifier(title)), body

    def compile(self, title: str, body: str, entry: str) -> Callable[..., Value]:
        """The function `entry` of a module text that sees this emitter's constants.

        Python reads the text when the function is first called: who only checks a workspace calls none.
        """
        module: dict[str, object] = {"__builtins__": _BUILTINS, **self._constants}
        function = FunctionType(_UNREAD, module, entry)

        def read() -> Callable[..., Value]:
            function.__code__ = _code(title, body, module, entry)
            return function

        module[_READ] = read
        return function


class Unwritten(Emitter):
    """Takes the statements of a function that nobody will call, and writes none: for checking."""

    def line(self, text: str, fast: str | None = None) -> None:
        """Drop a statement."""

    def assign(self, expression: str, fast: str | None = None) -> str:
        """The name of a local variable that is never made."""
        del expression, fast
        return self.temp()

    def constant(self, value: object, prefix: str = "c") -> str:
        """A name for a Python object that nothing will see."""
        del value
        return prefix

    @contextmanager
    def block(self, header: str) -> Iterator[None]:
        """What is added inside is dropped as well."""
        del header
        yield

    def build(self, title: str, result: str, first: Sequence[str] = ()) -> tuple[Callable[..., Value], str]:
        """A function that refuses to be called, and no source."""
        del title, result, first
        return _unwritten, ""


def _unwritten(scope: object) -> NoReturn:
    del scope
    raise AssertionError("this workspace was compiled to be checked, not to be run")


def _code(title: str, body: str, module: dict[str, object], entry: str) -> CodeType:
    """The code of a function of generated text, whose lines tracebacks will find."""
    # Same text, same file name: linecache holds one entry however often a workspace is compiled.
    filename = f"<tidegate {title} {sha256(body.encode()).hexdigest()[:12]}>"
    linecache.cache[filename] = (len(body), None, body.splitlines(keepends=True), filename)
    with warnings.catch_warnings():
        # Of a mapping with mistakes, which nobody runs, Python might say that `None[0]` looks strange.
        warnings.simplefilter("ignore", SyntaxWarning)
        code = compile(body, filename, "exec")
    exec(code, module)  # noqa: S102 - text made by the generators alone
    return cast("FunctionType", module[entry]).__code__


# Nothing that a generator makes has this name.
_READ = "read_the_text"

if TYPE_CHECKING:
    read_the_text: Callable[[], Callable[..., Value]]


def _unread(scope: object) -> Value:
    """Stands for a function whose text was not read yet. Its globals are those of the text."""
    return read_the_text()(scope)  # noqa: F821 - each function has it among its globals


_UNREAD = _unread.__code__


# What generated code may call by itself; everything else is handed in as a constant.
_BUILTINS: dict[str, object] = {
    "bool": bool,
    "dict": dict,
    "int": int,
    "isinstance": isinstance,
    "len": len,
    "list": list,
    "str": str,
    "type": type,
    "Exception": Exception,
    "KeyError": KeyError,
    "TypeError": TypeError,
    "ValueError": ValueError,
    "ArithmeticError": ArithmeticError,
}


def _identifier(title: str) -> str:
    return "f_" + "".join(char if char.isalnum() and char.isascii() else "_" for char in title)
