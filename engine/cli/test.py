"""`tidegate test`."""

import sys
from pathlib import Path
from time import perf_counter

import click

from engine.cli import options, output


@click.command("test")
@click.argument("wanted", nargs=-1, metavar="[FLOW|TEST|PATH]...")
@options.workspace
@options.output_format("junit")
@click.option(
    "-k", "containing", metavar="TEXT", help="Only tests whose name, or whose flow's name, contains TEXT."
)
def command(wanted: tuple[str, ...], folder: Path | None, form: str, containing: str | None) -> None:
    """Run the tests that stand beside flows: no network, no ledger, a clock that stands still.

    The very code that runs in production decides; the test answers what it asks. A call that a test does
    not answer fails it. The exit code is 1 when a test fails.
    """
    from engine import flowtest
    from engine.session import load

    session = load(folder)
    ready = session.ready
    try:
        chosen = flowtest.choose(session.workspace, wanted, containing)
    except flowtest.NothingChosenError as error:
        raise click.UsageError(str(error)) from error
    results = [
        *flowtest.run_tests(session.workspace, ready.plan, ready.connectors, chosen, perf_counter),
    ]
    match form:
        case "json":
            output.raw(flowtest.render_json(results))
        case "junit":
            output.raw(flowtest.render_junit(results))
        case _:
            output.raw(flowtest.render_text(results, _paint))
    sys.exit(0 if all(result.passed for result in results) else 1)


def _paint(style: str, text: str) -> str:
    given: dict[str, dict[str, bool | str]] = {
        "good": {"fg": "green"},
        "bad": {"fg": "red", "bold": True},
        "bold": {"bold": True},
        "dim": {"dim": True},
    }
    return output.styled(output.clean(text), **given[style])
