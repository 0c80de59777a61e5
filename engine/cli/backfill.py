"""`tidegate backfill`."""

import asyncio
import getpass
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, cast

import click

from engine.cli import control, options, output
from engine.cli.replaying import Task, counted, show_became, work
from engine.errors import InputError
from engine.values.value import Value

if TYPE_CHECKING:
    from engine.runtime.backfill import Backfill, Days, Found
    from engine.runtime.bench import Item
    from engine.session import Session

_DAY = click.DateTime(formats=["%Y-%m-%d"])
_RANGE = (
    click.option("--from", "first", type=_DAY, required=True, help="The first day, which is included."),
    click.option("--to", "last", type=_DAY, required=True, help="The last day, which is included."),
    click.option("--zone", help="The time zone of the days, as Europe/Berlin."),
    click.option("--calendar", help="The calendar whose time zone the days are in."),
)
_ORDER = (
    click.option("--reason", help="Why it is done; it is kept in the audit."),
    click.option("--by", default=getpass.getuser, show_default="you", help="Who has it done."),
    click.option("--rate", type=options.Rate(), help="No more than so many: 10/s, 30/m."),
)


@click.command("backfill")
@click.argument("source", required=False)
@click.option("--events", is_flag=True, help="Rather than a source: the events that the ledger has.")
@click.option("--flow", help="With --events: the flow that is to work them.")
@options.gathered("days", _RANGE)
@click.option("--go", is_flag=True, help="Do it. Without this, nothing is taken.")
@options.gathered("said", _ORDER)
@options.output_format()
@control.acting
def command(
    *,
    source: str | None,
    events: bool,
    flow: str | None,
    days: Mapping[str, Any],
    go: bool,
    said: Mapping[str, Any],
    form: str,
    opening: control.Opening,
) -> None:
    """Ask SOURCE, as CONNECTION.NAME, for the days of a range, and take what is not known yet.

    With `--events --flow FLOW`: have FLOW work the events of those days that were accepted before there was
    such a flow. Days are those of the business time of events; both ends are included. It can be given again
    at any time: what is known is not taken twice. The exit code is 0 when nothing has to be looked at.
    """
    if (source is None) is not events or (flow is None) is events:
        raise click.UsageError("Name a source; or say --events, and the --flow that is to work them.")
    if go and not (said["reason"] or "").strip():
        raise click.UsageError("Say why it is done, with --reason.")
    if source is not None:
        found = asyncio.run(_of_source(source, days, said if go else None, opening, quiet=form == "json"))
        _show(found, form, go=go)
        sys.exit(0 if found.ok else 1)
    sys.exit(asyncio.run(_of_events(str(flow), days, said if go else None, form, opening)))


def _range(session: "Session", days: Mapping[str, Any]) -> "Days":
    """The days, in the zone that was named, or that of the calendar, or UTC."""
    from engine.runtime.backfill import Days
    from engine.session import zone_of

    zone = zone_of(session, days["zone"], days["calendar"])
    return Days(_day(days["first"]), _day(days["last"]), zone)


def _day(given: datetime) -> date:
    return given.date()


# --- a source ---------------------------------------------------------------------------------------


async def _of_source(
    source: str,
    days: Mapping[str, Any],
    said: Mapping[str, Any] | None,
    opening: control.Opening,
    *,
    quiet: bool,
) -> "Found":
    from engine import session as sessions
    from engine.clock import SystemClock
    from engine.ledger import open_reader
    from engine.runtime.backfill import Backfill
    from engine.runtime.triggers.triggers import asked_source

    clock = SystemClock()
    with closing(open_reader(opening.ledger_url)) as reader:
        session = sessions.at_work(opening.folder, reader)
        wanted = _range(session, days)
        connections = sessions.open_connections(
            session, opening.environment, clock, opening.simulators, only=source.partition(".")[0]
        )
        try:
            with output.progress("records", quiet=quiet) as shown:
                plan, now = session.ready.plan, clock.now()
                asked = asked_source(plan, connections, source)
                backfill = Backfill(asked, plan, reader, now, lambda found: shown.show(found.records))
                if said is None:
                    return await backfill.look(wanted)
                return await _take(source, backfill, wanted, said, opening)
        finally:
            await connections.aclose()


async def _take(
    source: str, backfill: "Backfill", days: "Days", said: Mapping[str, Any], opening: control.Opening
) -> "Found":
    from engine.clock import SystemClock
    from engine.runtime.failure_acts import Here, driven
    from engine.values.json_text import write_json

    def report(found: "Found") -> dict[str, Value]:
        asked = {"source": source, "from": str(days.first), "to": str(days.last), "zone": days.zone}
        told = write_json({**asked, "reason": said["reason"], "found": asdict(found)}).decode()
        name = f"backfill/{SystemClock().new_id()}"
        return {"name": name, "by": said["by"], "report": told, "of": "backfill"}

    if control.ask_daemon(opening.ledger_url, "status", {}) is not None:
        found = await backfill.take(days, _Door(opening), said["rate"])
        control.ask_daemon(opening.ledger_url, "replay_report", report(found))
        return found
    async with control.desk_here(opening) as desk:
        here = Here(desk)
        found = await driven(desk.runner, backfill.take(days, here, said["rate"]))
        await driven(desk.runner, here.keep(report(found)))
        await desk.runner.until_rest()
        return found


class _Door:
    """Hands events to the daemon."""

    def __init__(self, opening: control.Opening) -> None:
        self._opening = opening

    async def accept(self, source: str, events: Sequence[str]) -> list[str]:
        request: dict[str, Value] = {"source": source, "events": list(events)}
        did = control.ask_daemon(self._opening.ledger_url, "accept", request)
        if did is None:
            raise InputError("the daemon has ended; give the command again when it runs, or without it")
        return cast("list[str]", did["became"])


def _show(found: "Found", form: str, *, go: bool) -> None:
    if form == "json":
        output.json({**asdict(found), "taken": go})
        return
    output.line(
        f"{found.records:,} records: {found.new:,} events {'taken' if go else 'new'}, {found.known:,} known, "
        f"{found.conflicts:,} known with another content, {found.outside:,} of other days"
    )
    if found.undated:
        output.line(f"  {found.undated:,} have no time of their own: all since the first day are meant")
    for name in found.names:
        output.line(f"  ! {name} is known with another content")
    if found.unfit:
        output.line(f"  ! {found.unfit:,} records cannot be used:")
    for why in found.reasons:
        output.line(f"    {why}")
    if not go:
        output.line("Nothing was taken; --go takes what is new.")


# --- events that the ledger has ---------------------------------------------------------------------


async def _of_events(
    flow: str,
    days: Mapping[str, Any],
    said: Mapping[str, Any] | None,
    form: str,
    opening: control.Opening,
) -> int:
    from engine import session as sessions
    from engine.ledger import open_reader
    from engine.runtime.backfill import earlier
    from engine.runtime.bulk import Order, Pace
    from engine.runtime.recover import Recovery

    with closing(open_reader(opening.ledger_url)) as reader:
        session = sessions.at_work(opening.folder, reader)
        connections = sessions.described_connections(session, opening.environment)
        recovery = Recovery(reader, sessions.plans_in(session, reader), connections)
        release = session.ready.plan.release
        items = list(earlier(reader, recovery, release, flow, _range(session, days)))
    if said is None:
        _show_earlier(items, flow, form)
        return 0
    order = Order(by=said["by"], reason=said["reason"])
    asked: dict[str, Value] = {"flow": flow, "from": str(_day(days["first"])), "to": str(_day(days["last"]))}
    pace = Pace(per_second=said["rate"])
    task = Task(items=items, order=order, pace=pace, asked=asked, of="backfill")
    found = await work(task, opening, quiet=form == "json")
    show_became(found, form)
    return 0 if all(one.ok for one in found) else 1


def _show_earlier(items: "Sequence[Item]", flow: str, form: str) -> None:
    if form == "json":
        output.json(
            [{"event": item.event, "verdict": item.verdict, "why": list(item.reasons)} for item in items]
        )
        return
    for item in items:
        for why in item.reasons:
            output.line(f"{item.event}: {why}")
    said = counted([item.verdict.value for item in items])
    output.line(f"{said}. Nothing was done; --go has {flow} work what is safe.")
