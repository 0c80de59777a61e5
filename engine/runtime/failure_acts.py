"""What a person may do about work that ended badly, as acts for the control door."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar, cast

from engine.core import run_name
from engine.errors import InputError
from engine.ledger.rows import DISMISSED, AlertMoved, AuditEntry
from engine.runtime.accept import read_line
from engine.runtime.control import Act, Desk, Did, shaped
from engine.runtime.resolve import (
    Applied,
    Following,
    Order,
    Person,
    attempt_again,
    resolve,
    send_again,
    start,
)
from engine.runtime.runner import Runner
from engine.values.json_text import JsonError, read_json, write_json
from engine.values.value import Value

if TYPE_CHECKING:
    from engine.runtime.execute import Executor

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveRequest:
    """What a person found out about an effect in doubt, and what is to be done about it."""

    effect: str
    by: str
    reason: str
    applied: bool
    id: str | None = None  # that the target gave the record
    fields: tuple[str, ...] = ()  # of its receipt: "name=text", or "name:=JSON"
    again: bool = False  # it was not applied, and is to be sent again


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRequest:
    """Which run is to be worked again: its dead letters sent once more, or its event on a release."""

    run: str
    by: str
    reason: str
    release: str | None = None  # without: its dead letters are sent once more
    keep: bool = False  # what was applied stays, whatever would be written now


@dataclass(frozen=True, slots=True, kw_only=True)
class DismissRequest:
    """What needs no work, and why."""

    id: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRequest:
    """What became of a replay or a backfill, to be kept: a record as JSON."""

    name: str
    by: str
    report: str
    of: str = "replay"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRequest:
    """Which flow is to work which event, that it has not worked yet."""

    flow: str
    event: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptRequest:
    """Events that a person hands in, each an envelope in JSON, with the source that they come from."""

    source: str
    events: tuple[str, ...]


async def resolve_effect(desk: Desk, request: ResolveRequest) -> Did:
    """Settle an unknown outcome; the run goes on accordingly."""
    person = Person(by=request.by, reason=request.reason)
    applied = Applied(external_id=request.id, fields=receipt_fields(request.fields))
    if not request.applied and (request.id is not None or request.fields):
        raise InputError("what was not applied has no id and no receipt; leave out --id and --field")
    if request.applied and request.again:
        raise InputError("what was applied is not sent again; leave out --again")
    found = applied if request.applied else None
    await desk.runner.act(resolve(request.effect, person, found, again=request.again))
    await asyncio.sleep(0)
    row = desk.reader.effect(request.effect)
    assert row is not None
    return {"effect": row.key, "status": row.status, "run": row.run_id}


async def replay(desk: Desk, request: ReplayRequest) -> Did:
    """Have a run worked again; what becomes of it is in the ledger when it rests."""
    person = Person(by=request.by, reason=request.reason)
    if request.release is None:
        order: Order = send_again(request.run, person)
    else:
        order = attempt_again(request.run, request.release, person, keep=request.keep)
    await desk.runner.act(order)
    await asyncio.sleep(0)
    run = desk.reader.run(request.run)
    assert run is not None
    latest = desk.reader.attempts(run.flow, run.event_id)[-1]
    return {"run": latest.id, "status": latest.status}


async def dismiss(desk: Desk, request: DismissRequest) -> Did:
    """Take something off the list of what needs work."""
    person = Person(by=request.by, reason=request.reason)

    def order(executor: "Executor") -> Following:
        _require_known(executor, request.id)
        rows, at = executor.commit_rows, executor.at
        rows.entries.append(AuditEntry(at, person.by, DISMISSED, request.id, _why(person)))
        if executor.reader.alert(request.id) is not None:
            rows.alerts_moved.append(AlertMoved("closed", at, request.id))
        effect = executor.reader.effect(request.id)
        executor.let_pass(request.id if effect is None else effect.run_id, person.by, person.reason)
        return Following()

    await desk.runner.act(order)
    return {"id": request.id, "status": "dismissed"}


def _require_known(executor: "Executor", name: str) -> None:
    reader = executor.reader
    known = reader.effect(name) or reader.run(name) or reader.alert(name)
    if known is None and not reader.conflicts(name.rpartition("#")[0]):
        raise InputError(f"nothing in the ledger bears the id {name!r}")
    effect = reader.effect(name)
    if effect is not None and effect.status == "unknown":
        raise InputError(f"{name!r} is in doubt: find out what became of it (`tidegate resolve`)")


def _why(person: Person) -> str:
    return write_json({"reason": person.reason}).decode()


async def keep_report(desk: Desk, request: ReportRequest) -> Did:
    """Keep in the audit what became of a replay or a backfill."""

    def order(executor: "Executor") -> Following:
        entry = AuditEntry(executor.at, request.by, f"{request.of}.report", request.name, request.report)
        executor.commit_rows.entries.append(entry)
        return Following()

    await desk.runner.act(order)
    return {"name": request.name, "status": "kept"}


async def start_run(desk: Desk, request: StartRequest) -> Did:
    """Have a flow work an event that was accepted before there was such a flow."""
    person = Person(by=request.by, reason=request.reason)
    await desk.runner.act(start(request.flow, request.event, person, desk.runner.plan.release))
    await asyncio.sleep(0)
    return {"run": run_name(request.flow, request.event), "status": "running"}


async def accept(desk: Desk, request: AcceptRequest) -> Did:
    """Take events; what became of each stands in their order."""
    now, plan = desk.clock.now(), desk.runner.plan
    offers = []
    for text in request.events:
        made = read_line(plan, text.encode(), None, now)
        offers.append(made._replace(source=request.source))
    return {"became": [*await desk.runner.accept(offers, request.source)]}


class Here:
    """Has runs worked again by the runner of this process."""

    def __init__(self, desk: Desk) -> None:
        """Work at this desk."""
        self._desk = desk

    async def begin(self, request: Mapping[str, Value]) -> str:
        """Order it; the id of the run that works it."""
        if "event" in request:
            begun = shaped(StartRequest, request)
            assert isinstance(begun, StartRequest)
            return str((await start_run(self._desk, begun))["run"])
        asked = shaped(ReplayRequest, request)
        assert isinstance(asked, ReplayRequest)
        return str((await replay(self._desk, asked))["run"])

    async def accept(self, source: str, events: Sequence[str]) -> list[str]:
        """Hand in events; what became of each."""
        did = await accept(self._desk, AcceptRequest(source=source, events=tuple(events)))
        return [str(word) for word in cast("list[Value]", did["became"])]

    async def keep(self, request: Mapping[str, Value]) -> None:
        """Keep what became of a replay."""
        asked = shaped(ReportRequest, request)
        assert isinstance(asked, ReportRequest)
        await keep_report(self._desk, asked)


async def driven(runner: Runner, work: Awaitable[T]) -> T:
    """What comes of some work, while turns are taken for it."""
    doing = asyncio.ensure_future(work)
    try:
        while not doing.done():
            await runner.turn(wait_seconds=TURN_SECONDS)
            runner.raise_failure()
            await asyncio.sleep(0)
    finally:
        doing.cancel()
    return await doing


TURN_SECONDS = 0.02


def receipt_fields(given: tuple[str, ...]) -> Mapping[str, Value]:
    """The fields of a receipt as a person writes them: `number=JE-7` is text, `lines:=3` is JSON.

    Raises:
        InputError: when one is written otherwise.

    """
    found: dict[str, Value] = {}
    for text in given:
        name, mark, value = text.partition("=")
        if not mark or not name.rstrip(":"):
            raise InputError(f"a field is written NAME=TEXT, or NAME:=JSON, and not {text!r}")
        try:
            found[name.rstrip(":")] = read_json(value) if name.endswith(":") else value
        except JsonError as error:
            raise InputError(f"the field {text!r} is not JSON: {error}") from error
    return found


FAILURE_ACTS: Mapping[str, Act] = MappingProxyType(
    {
        "resolve": Act(about="Settle an unknown outcome.", asks=ResolveRequest, do=resolve_effect),
        "replay": Act(about="Work a run again.", asks=ReplayRequest, do=replay),
        "start": Act(about="Have a flow work an earlier event.", asks=StartRequest, do=start_run),
        "accept": Act(about="Take events.", asks=AcceptRequest, do=accept),
        "dismiss": Act(about="Take something off the dead letters.", asks=DismissRequest, do=dismiss),
        "replay_report": Act(about="Keep what became of a replay.", asks=ReportRequest, do=keep_report),
    }
)
