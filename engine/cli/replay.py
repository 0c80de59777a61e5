"""`tidegate replay`."""

import asyncio
import getpass
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from engine.cli import control, options, output
from engine.errors import InputError
from engine.values.value import Value

if TYPE_CHECKING:
    from engine.insight.dead import Wanted
    from engine.runtime.bench import Bench, Choice, Item
    from engine.runtime.bulk import Became, Order, Pace

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
    found = asyncio.run(_done(items, order, Pace(**pace), asked, opening, quiet=form == "json"))
    _show_done(found, form)
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

    session = sessions.load(opening.folder)
    reader = open_reader(opening.ledger_url)
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
            raise InputError(
                f"no effect, run or event is called {error}; `tidegate dead` lists them"
            ) from None
        choice = chosen(choice, reader, runs, session.ready.plan.release)
        bench = Bench(reader, recovery, asking(connections) if ask else None)
        return in_order(await _each(bench, runs, choice))
    finally:
        reader.close()
        await connections.aclose()


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
        f"{_counts([item.verdict.value for item in items])}. Nothing was done; --go does what is safe."
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


# --- doing ------------------------------------------------------------------------------------------


async def _done(
    items: "Sequence[Item]",
    order: "Order",
    pace: "Pace",
    asked: Mapping[str, Value],
    opening: control.Opening,
    *,
    quiet: bool,
) -> "list[Became]":
    from engine.runtime.bulk import Bulk
    from engine.runtime.failure_acts import Here, driven

    with output.progress("done", len(items), quiet=quiet) as shown:
        count = 0

        def told(became: "Became") -> None:
            nonlocal count
            del became
            count += 1
            shown.show(count)

        daemon = control.ask_daemon(opening.ledger_url, "status", {})
        if daemon is not None:
            _require_known(items, str(daemon["release"]), opening)
            return await _through_the_door(items, order, pace, asked, opening, told)
        async with control.desk_here(opening) as desk:
            bulk = Bulk(Here(desk), desk.reader, order, pace, told)
            found = await driven(desk.runner, bulk.work(items))
            await driven(desk.runner, Here(desk).keep(_report_request(found, order, asked)))
            return found


async def _through_the_door(
    items: "Sequence[Item]",
    order: "Order",
    pace: "Pace",
    asked: Mapping[str, Value],
    opening: control.Opening,
    told: "Callable[[Became], None]",
) -> "list[Became]":
    from engine.ledger import open_reader
    from engine.runtime.bulk import Bulk

    reader = open_reader(opening.ledger_url)
    try:
        found = await Bulk(_Door(opening), reader, order, pace, told).work(items)
    finally:
        reader.close()
    _ask("replay_report", _report_request(found, order, asked), opening)
    return found


def _require_known(items: "Sequence[Item]", works: str, opening: control.Opening) -> None:
    """Refuse a release that the daemon cannot have."""
    from engine.ledger import open_reader

    reader = open_reader(opening.ledger_url)
    try:
        unknown = [item.release for item in items if reader.release(item.release) is None]
    finally:
        reader.close()
    if unknown:
        raise InputError(
            f"the daemon works release {works[:12]} and does not know {unknown[0][:12]}, which is this "
            "workspace as it is now: start the daemon with it first, or name another --release"
        )


class _Door:
    """Has the daemon work runs again."""

    def __init__(self, opening: control.Opening) -> None:
        self._opening = opening

    async def begin(self, request: Mapping[str, Value]) -> str:
        return str(_ask("replay", request, self._opening)["run"])


def _ask(name: str, request: Mapping[str, Value], opening: control.Opening) -> Mapping[str, Value]:
    did = control.ask_daemon(opening.ledger_url, name, request)
    if did is None:
        raise InputError("the daemon has ended; what was begun goes on when it is started again")
    return did


def _report_request(
    found: "Sequence[Became]", order: "Order", asked: Mapping[str, Value]
) -> dict[str, Value]:
    from engine.clock import SystemClock
    from engine.runtime.bulk import report
    from engine.values.json_text import write_json

    name = f"replay/{SystemClock().new_id()}"
    return {"name": name, "by": order.by, "report": write_json(report(found, order, asked)).decode()}


def _show_done(found: "Sequence[Became]", form: str) -> None:
    if form == "json":
        output.json(
            [{"run": one.item.run, "worked_by": one.run, "became": one.what, "why": one.why} for one in found]
        )
        return
    for one in found:
        by = f" (as {one.run})" if one.run not in {None, one.item.run} else ""
        output.line(f"{one.item.run}{by}: {one.what}{f': {one.why}' if one.why else ''}")
    output.line(f"{_counts([one.what for one in found])}.")


def _counts(words: Sequence[str]) -> str:
    counted = {word: words.count(word) for word in dict.fromkeys(words)}
    return ", ".join(f"{count} {word}" for word, count in counted.items()) or "Nothing to work again"
