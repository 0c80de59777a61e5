"""`tidegate repl`: expressions tried one after the other, on a record at hand."""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import click

from engine.cli import options, output
from engine.errors import InputError
from engine.values.value import Value, kind_of

LANGUAGES = ("expr", "path", "template")

_HELP = """\
  an expression      its value on the present record
  NAME = EXPRESSION  keep a value under a name
  :expr :path :template   change the language (or write `path: lines[0].id` for one line)
  :names             what expressions can read here, with its kind
  :show              the present record
  :next              the next record of the file
  :load FILE         other records: JSON, or JSON lines
  :quit              leave"""


@click.command("repl")
@click.option(
    "--input",
    "source",
    type=click.File("rb"),
    help="Records to work on: JSON, or JSON lines, one after the other with `:next`.",
)
@click.option("--as", "language", type=click.Choice(LANGUAGES), default="expr", show_default=True)
@options.workspace
def command(source: BinaryIO | None, language: str, folder: Path | None) -> None:
    """Try formulas, paths and templates on sample records, one line after the other.

    The fields of the record are names; `data` is the whole record. Calendars of the workspace are there.
    """
    from engine.session import Evaluator

    evaluator = Evaluator.of(folder)
    if evaluator.lacks:
        output.line(f"note: {evaluator.lacks}", error=True)
    bench = Bench(evaluate=evaluator.evaluate, language=language)
    if source is not None:
        bench.load(source.name, source.read())
    shown = sys.stdin.isatty()
    if shown:
        output.line("`:help` says what can be written here; Ctrl-D ends.")
        _complete(bench)
    for line in _lines(bench, prompt=shown):
        answer = bench.answer(line)
        if answer:
            output.line(answer)
        if bench.over:
            return


def _lines(bench: "Bench", *, prompt: bool) -> Iterator[str]:
    while True:
        try:
            yield input(f"{bench.language}> " if prompt else "")
        except EOFError:
            return
        except KeyboardInterrupt:
            output.line()


def _complete(bench: "Bench") -> None:
    """Tab completes names, and fields after a dot, where the terminal can do it."""
    try:
        import readline
    except ImportError:
        return
    readline.set_completer_delims(" \t\n()[]{},+-*/%=<>!:|'\"")
    readline.set_completer(lambda text, state: [*bench.completions(text), None][state])
    readline.parse_and_bind("tab: complete")


@dataclass(slots=True)
class Bench:
    """The records, the names kept, and the language of the next line."""

    evaluate: Callable[[str, str, Value], Mapping[str, Value]]
    language: str = "expr"
    over: bool = False
    records: list[Value] = field(default_factory=list)
    place: int = 0
    kept: dict[str, Value] = field(default_factory=dict)

    def load(self, name: str, content: bytes) -> None:
        """Take records from a file; the `data` of lines that are events.

        Raises:
            InputError: when it is neither JSON nor JSON lines.

        """
        from engine.values.json_text import JsonError, read_json

        try:
            try:
                found = [read_json(content)]
            except JsonError:
                found = [read_json(line) for line in content.splitlines() if line.strip()]
        except JsonError as error:
            raise InputError(f"{name} is neither JSON nor JSON lines: {error}") from error
        self.records = [_data(record) for record in found]
        self.place = 0

    @property
    def data(self) -> Value:
        """What expressions read: the present record, and the names kept."""
        record = self.records[self.place] if self.records else {}
        if isinstance(record, Mapping):
            return {**record, **self.kept}
        return {"data": record, **self.kept} if self.kept else record

    def answer(self, line: str) -> str:
        """What is printed for a line."""
        text = line.strip()
        if not text or text.startswith("#"):
            return ""
        if text.startswith(":"):
            word, _, rest = text[1:].partition(" ")
            return self._command(word, rest.strip())
        name, separator, rest = text.partition("=")
        if separator and name.strip().isidentifier() and not rest.startswith("="):
            return self._keep(name.strip(), rest.strip())
        language, separator, rest = text.partition(": ")
        if separator and language in LANGUAGES:
            return self._value(language, rest)
        return self._value(self.language, text)

    def _command(self, word: str, rest: str) -> str:
        if word in LANGUAGES:
            self.language = word
            return ""
        match word:
            case "quit" | "q" | "exit":
                self.over = True
                return ""
            case "names":
                return self._names()
            case "show":
                return _written(self.data)
            case "next":
                return self._next()
            case "load":
                return self._load(rest)
            case "help" | "h" | "?":
                return _HELP
            case _:
                return f"there is no `:{word}`; `:help` says what there is"

    def _load(self, name: str) -> str:
        try:
            self.load(name, Path(name).read_bytes())
        except (OSError, InputError) as error:
            return str(error)
        return f"{len(self.records)} record{'s' if len(self.records) != 1 else ''}"

    def _next(self) -> str:
        if self.place + 1 >= len(self.records):
            return "that was the last record"
        self.place += 1
        return f"record {self.place + 1} of {len(self.records)}"

    def _names(self) -> str:
        data = self.data
        if not isinstance(data, Mapping):
            return f"data  {kind_of(data)}"
        width = max(map(len, data), default=0)
        return "\n".join(f"{name:{width}}  {kind_of(value)}" for name, value in data.items())

    def _keep(self, name: str, text: str) -> str:
        answer = self.evaluate(self.language, text, self.data)
        if "problem" in answer:
            return str(answer["rendered"])
        self.kept[name] = answer["value"]
        return ""

    def _value(self, language: str, text: str) -> str:
        answer = self.evaluate(language, text, self.data)
        return str(answer["rendered"]) if "problem" in answer else _written(answer["value"])

    def completions(self, text: str) -> list[str]:
        """The names that go on from a text, and the fields when it ends in a path."""
        parents, dot, start = text.rpartition(".")
        found: Value = self.data
        for name in parents.split(".") if dot else ():
            found = found.get(name) if isinstance(found, Mapping) else None
        names = sorted(found) if isinstance(found, Mapping) else []
        return [f"{parents}{dot}{name}" for name in names if name.startswith(start)]


def _data(record: Value) -> Value:
    """The record that an event carries; anything else as it is."""
    if (
        isinstance(record, Mapping)
        and set(record) >= {"type", "data"}
        and isinstance(record["data"], Mapping)
    ):
        return record["data"]
    return record


def _written(value: Value) -> str:
    from engine.values.json_text import write_json

    return write_json(value, indent=True).decode()
