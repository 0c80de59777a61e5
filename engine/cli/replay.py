"""`tidegate replay`."""

import asyncio
import getpass
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from engine.cli import control, options, output
from engine.cli.replaying import Task, counted, show_became, work
from engine.errors import InputError
from engine.values.value import Value

if TYPE_CHECKING:
    from engine.insight.dead import Wanted
    from engine.ledger import LedgerReader
    from engine.runtime.bench import Bench, Choice, Item

MOST = 100_000  # items of one replay


_HOW = (
    click.option("--release", metavar="same|current|RELEASE", help="The rules by which it is worked."),
    click.option("--afresh", is_flag=True, help="Work it from the beginning, where sending again would do."),
    click.option("--keep-applied", "keep", is_flag=True, help="One item: what was applied stays as it is."),
    click.option("--out-of-order", is_flag=True, help="One item: also if later ones of its key were worked."),
)
_PACE = (
    click.option("--rate", "per_second", type=options.Rate(), help="No more than so many: 10/s, 30/m."),
    click.option("--limit", type=click.IntRange(1), help="No more than so many in all."),
    click.option("--stop-after", type=click.IntRange(1), metavar="N", help="Begin no more after N failures."),
    click.option("--stop-at", type=options.Percent(), metavar="P%", help="... after so many of a hundred."),
    click.option(
        "--wait",
        "wait_seconds",
        type=click.FloatRange(0),
        default=600.0,
        show_default=True,
        metavar="SECONDS",
        help="How long to wait for one item.",
    ),
)
_ORDER = (
    click.option("--reason", help="Why it is done; it is kept in the audit."),
    click.option("--by", default=getpass.getuser, show_default="you", help="Who has it done."),
)


@click.command("replay")
@click.argument("names", nargs=-1, metavar="[ID]...")
@options.dead_letters
@click.option("--all", "all_", is_flag=True, help="Everything that ended badly and can be worked again.")
@options.gathered("how", _HOW)
@click.option("--ask", is_flag=True, help="Dry run: read from the systems, for a better forecast.")
@click.option("--go", is_flag=True, help="Do it. Without this, nothing is done anywhere.")
@options.gathered("said", _ORDER)
@options.gathered("pace", _PACE)
@options.output_format()
@control.acting
def command(
    *,
    names: tuple[str, ...],
    narrowed: Mapping[str, Any],
    all_: bool,
    how: Mapping[str, Any],
    ask: bool,
    go: bool,
    said: Mapping[str, Any],
    pace: Mapping[str, Any],
    form: str,
    opening: control.Opening,
) -> None:
    """Work again what ended badly: say first what would come of it, and with `--go` do it.

    ID is that of an effect, a run or an event. Each item is decided again by its release, on what was read
    before, and marked: already applied, safe, or needs a person. Only what is safe is done. What was applied
    is never done again. The exit code with `--go` is 0 when every item is applied.
    """
    from engine.insight.dead import Wanted
    from engine.runtime.bench import Choice
    from engine.runtime.bulk import Order, Pace

    wanted, choice = Wanted(**narrowed), Choice(**how)
    if not names and wanted == Wanted() and not all_:
        raise click.UsageError("Name what is to be worked again, narrow it down, or say --all.")
    if (choice.keep or choice.out_of_order) and len(names) != 1:
        raise click.UsageError("--keep-applied and --out-of-order are decided item by item; name one.")
    if go and not (said["reason"] or "").strip():
        raise click.UsageError("Say why it is done, with --reason.")
    if go and ask:
        raise click.UsageError("--ask is for the dry run; what is done reads afresh anyway.")
    items = asyncio.run(_judged(names, wanted, choice, opening, ask=ask))
    if not go:
        _show_judged(items, form)
        return
    order = Order(by=said["by"], reason=said["reason"], keep=choice.keep)
    asked: dict[str, Value] = {"ids": list(names), "release": choice.release or "same", "all": all_}
    task = Task(items=items, order=order, pace=Pace(**pace), asked=asked)
    found = asyncio.run(work(task, opening, quiet=form == "json"))
    show_became(found, form)
    sys.exit(0 if all(one.ok for one in found) else 1)


# --- judging ----------------------------------------------------------------------------------------


async def _judged(
    names: Sequence[str], wanted: "Wanted", choice: "Choice", opening: control.Opening, *, ask: bool
) -> "list[Item]":
    from engine import session as sessions
    from engine.clock import SystemClock
    from engine.insight.dead import replayable
    from engine.ledger import open_reader
    from engine.runtime.bench import Bench, asking
    from engine.runtime.bulk import in_order
    from engine.runtime.recover import Recovery
    from engine.runtime.release_choice import chosen

    with closing(open_reader(opening.ledger_url)) as reader:
        session = sessions.at_work(opening.folder, reader)
        connections = (
            sessions.open_connections(session, opening.environment, SystemClock(), opening.simulators)
            if ask
            else sessions.described_connections(session, opening.environment)
        )
        try:
            recovery = Recovery(reader, sessions.plans_in(session, reader), connections)
            try:
                runs = replayable(reader, names, wanted, MOST)
            except KeyError as error:
                raise InputError(_no_run(reader, str(error.args[0]))) from None
            choice = chosen(choice, reader, runs, session.ready.plan.release)
            bench = Bench(reader, recovery, asking(connections) if ask else None)
            return in_order(await _each(bench, runs, choice))
        finally:
            await connections.aclose()


def _no_run(reader: "LedgerReader", name: str) -> str:
    """Why nothing can be worked again by a name."""
    from engine.insight.dead_detail import dead_letter

    if dead_letter(reader, name) is None:
        return f"no effect, run or event is called {name!r}; `tidegate dead` lists them"
    return (
        f"{name!r} was never taken, so it cannot be worked again; `tidegate dead show` says what can be done"
    )


async def _each(bench: "Bench", runs: Sequence[str], choice: "Choice") -> "list[Item]":
    items: dict[str, Item] = {}
    with output.progress("judged", len(runs)) as shown:
        for run in runs:
            item = await bench.judge(run, choice)
            items[item.run] = item
            shown.show(len(items))
    return list(items.values())


def _show_judged(items: "Sequence[Item]", form: str) -> None:
    if form == "json":
        output.json([_as_json(item) for item in items])
        return
    for item in items:
        output.raw(output.styled(output.clean(item.run), bold=True) + f"  {item.verdict.value}")
        about = "is sent again" if item.way.value == "send again" else "is worked from the beginning"
        output.line(f"  {about}, by release {item.release[:12]}")
        for why in item.reasons:
            output.line(f"  ! {why}")
        for write in item.writes:
            output.line(f"  {write.step} ({write.target}) {write.fate}")
            for path, before, after in write.changes:
                output.line(f"    {path}: {_shown(before)} -> {_shown(after)}")
        for note in item.notes:
            output.line(f"  - {note}")
    output.line(
        f"{counted([item.verdict.value for item in items])}. Nothing was done; --go does what is safe."
    )


def _shown(value: Value) -> str:
    from engine.values.json_text import write_json

    return write_json(value).decode()


def _as_json(item: "Item") -> dict[str, Value]:
    told = asdict(item)
    for write in told["writes"]:
        write["changes"] = [
            {"path": path, "before": before, "after": after} for path, before, after in write["changes"]
        ]
    return told
