"""`tidegate eval`."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

import click

from engine.cli import options, output
from engine.errors import InputError
from engine.values.value import Value


@click.command("eval")
@click.option("--path", help="A path (JMESPath).")
@click.option("--expr", help="A formula (safe Python expression).")
@click.option("--template", help="A template (Jinja2).")
@click.option("--input", "source", type=click.File("rb"), help="The data, as JSON; - for standard input.")
@click.option(
    "--cases", type=click.File("rb"), help='Lines of {"path"|"expr"|"template": TEXT, "input": DATA}.'
)
@options.workspace
def command(
    path: str | None,
    expr: str | None,
    template: str | None,
    source: BinaryIO | None,
    cases: BinaryIO | None,
    folder: Path | None,
) -> None:
    """Evaluate a path, a formula or a template on a record, and print the value as JSON.

    In formulas and templates the fields of the record are names; a path starts at the record itself.
    """
    from engine.session import Evaluator

    evaluator = Evaluator.of(folder)
    if evaluator.lacks:
        output.line(f"note: {evaluator.lacks}", error=True)
    if cases is not None:
        if any((path, expr, template, source)):
            raise click.UsageError("--cases stands alone")
        sys.exit(_answer_all(evaluator.evaluate, cases))
    given = {"path": path, "expr": expr, "template": template}
    chosen = [(kind, text) for kind, text in given.items() if text is not None]
    if len(chosen) != 1:
        raise click.UsageError("give one of --path, --expr, --template; or --cases FILE")
    kind, text = chosen[0]
    data = _read(source)
    answer = evaluator.evaluate(kind, text, data)
    if "problem" in answer:
        output.line(str(answer["rendered"]), error=True)
        sys.exit(1)
    output.json(answer["value"])


def _read(source: BinaryIO | None) -> Value:
    from engine.values.json_text import JsonError, read_json

    if source is None:
        return {}
    try:
        return read_json(source.read())
    except JsonError as error:
        raise InputError(f"{source.name} is not JSON: {error}") from error


def _answer_all(evaluate: Callable[[str, str, Value], Mapping[str, Value]], cases: BinaryIO) -> int:
    """One line of answer for each line of the file; the exit code says whether each line was a case."""
    from engine.values.json_text import JsonError, read_json

    good = True
    for number, line in enumerate(cases, start=1):
        if not line.strip():
            continue
        try:
            case = read_json(line)
        except JsonError as error:
            case = None
            why = str(error)
        else:
            why = 'a case is written {"path": TEXT, "input": DATA}'
        kinds = (
            []
            if not isinstance(case, Mapping)
            else [kind for kind in ("path", "expr", "template") if kind in case]
        )
        if not isinstance(case, Mapping) or len(kinds) != 1 or not isinstance(case[kinds[0]], str):
            good = False
            output.json(
                {"problem": {"code": "input", "message": f"{cases.name}:{number}: {why}"}}, indent=False
            )
            continue
        answer = evaluate(kinds[0], str(case[kinds[0]]), case.get("input"))
        output.json({key: value for key, value in answer.items() if key != "rendered"}, indent=False)
    return 0 if good else 1
