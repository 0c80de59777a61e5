"""Having many items worked, for the commands that do: through the daemon, or on the ledger opened here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.cli import control, output
from engine.errors import InputError
from engine.values.value import Value

if TYPE_CHECKING:
    from engine.runtime.bench import Item
    from engine.runtime.bulk import Became, Order, Pace


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Items to be worked: who has it done and how fast, and what was asked for."""

    items: "Sequence[Item]"
    order: "Order"
    pace: "Pace"
    asked: Mapping[str, Value]
    of: str = "replay"  # or backfill: under what it is kept in the audit

    def report(self, found: "Sequence[Became]") -> dict[str, Value]:
        """The request by which it is kept what became of them."""
        from engine.clock import SystemClock
        from engine.runtime.bulk import report
        from engine.values.json_text import write_json

        told = write_json(report(found, self.order, self.asked)).decode()
        name = f"{self.of}/{SystemClock().new_id()}"
        return {"name": name, "by": self.order.by, "report": told, "of": self.of}


async def work(task: Task, opening: control.Opening, *, quiet: bool) -> "list[Became]":
    """Have items worked, by the daemon or here, and keep what became of them."""
    from engine.runtime.bulk import Bulk
    from engine.runtime.failure_acts import Here, driven

    with output.progress("done", len(task.items), quiet=quiet) as shown:
        done: list[Became] = []

        def told(became: "Became") -> None:
            done.append(became)
            shown.show(len(done))

        daemon = control.ask_daemon(opening.ledger_url, "status", {})
        if daemon is not None:
            _require_known(task.items, str(daemon["release"]), opening)
            found = await _through_the_door(task, opening, told)
            _ask("replay_report", task.report(found), opening)
            return found
        async with control.desk_here(opening) as desk:
            bulk = Bulk(Here(desk), desk.reader, task.order, task.pace, told)
            found = await driven(desk.runner, bulk.work(task.items))
            await driven(desk.runner, Here(desk).keep(task.report(found)))
            return found


async def _through_the_door(
    task: Task, opening: control.Opening, told: "Callable[[Became], None]"
) -> "list[Became]":
    from engine.ledger import open_reader
    from engine.runtime.bulk import Bulk

    reader = open_reader(opening.ledger_url)
    try:
        return await Bulk(_Door(opening), reader, task.order, task.pace, told).work(task.items)
    finally:
        reader.close()


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
    """Has the daemon work runs again, or for the first time."""

    def __init__(self, opening: control.Opening) -> None:
        self._opening = opening

    async def begin(self, request: Mapping[str, Value]) -> str:
        act = "start" if "event" in request else "replay"
        return str(_ask(act, request, self._opening)["run"])


def _ask(name: str, request: Mapping[str, Value], opening: control.Opening) -> Mapping[str, Value]:
    did = control.ask_daemon(opening.ledger_url, name, request)
    if did is None:
        raise InputError("the daemon has ended; what was begun goes on when it is started again")
    return did


def show_became(found: "Sequence[Became]", form: str) -> None:
    """What became of each."""
    if form == "json":
        output.json(
            [{"run": one.item.run, "worked_by": one.run, "became": one.what, "why": one.why} for one in found]
        )
        return
    for one in found:
        by = f" (as {one.run})" if one.run not in {None, one.item.run} else ""
        output.line(f"{one.item.run}{by}: {one.what}{f': {one.why}' if one.why else ''}")
    output.line(f"{counted([one.what for one in found])}.")


def counted(words: Sequence[str]) -> str:
    """How many of each word."""
    numbers = {word: words.count(word) for word in dict.fromkeys(words)}
    return ", ".join(f"{count} {word}" for word, count in numbers.items()) or "Nothing to work"
