"""What a person orders about work that ended badly: a doubt resolved, an effect sent again, one more attempt.

Each order checks, in the turn in which it is taken, that it may be done, and writes what was ordered. What
follows is taken up from the ledger after the commit, in the way in which it would be after a crash.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from engine.core import WITHDRAWN, Answer, EvaluationError, WriteCommand, run_name, starts
from engine.core.accept import kept_data
from engine.errors import InputError
from engine.ledger import LedgerReader, is_pruned
from engine.ledger.rows import (
    OPEN_RUNS,
    AuditEntry,
    EffectReopened,
    EffectResolved,
    EffectRetried,
    EffectRow,
    EventRow,
    NewAnswer,
    NewRun,
    NewXref,
    RunReopened,
    RunResumed,
    RunRow,
)
from engine.plan.plan import Plan
from engine.runtime.recover import ORDERED, Recovery
from engine.values.actors import ENGINE, same_person
from engine.values.json_text import read_json, write_json
from engine.values.value import Value

if TYPE_CHECKING:
    from engine.runtime.execute import Executor


class Following(NamedTuple):
    """What an order leads to once it is committed."""

    runs: tuple[str, ...] = ()  # that go on as the ledger has them
    writes: tuple[tuple[str, WriteCommand], ...] = ()  # sent once more, with the runs, which are in memory


Order: TypeAlias = "Callable[[Executor], Following | None]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who orders something, and why."""

    by: str
    reason: str

    def __post_init__(self) -> None:
        """Refuse nobody, and no reason.

        Raises:
            InputError: when either is missing.

        """
        if same_person(self.by) in {"", ENGINE}:
            raise InputError("it is ordered by a person, who has to be named; say it with --by")
        if not self.reason.strip():
            raise InputError("it is ordered with a reason only; say it with --reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a person found: the target has it, under this id, with these further fields of its receipt."""

    external_id: str | None
    fields: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))


def resolve(key: str, person: Person, applied: Applied | None, *, again: bool = False) -> Order:
    """Settle an unknown outcome: it was applied; or it was not, and is sent again, or given up."""

    def order(executor: "Executor") -> Following:
        row = _in_doubt(executor, key)
        command = _command(executor, row)
        if applied is not None:
            _was_applied(executor, row, command, person, applied)
        elif again:
            return _sent_again(executor, row, command, person)
        else:
            _given_up(executor, row, command, person)
        return Following()

    return order


def _in_doubt(executor: "Executor", key: str) -> EffectRow:
    row = executor.reader.effect(key)
    if row is None:
        raise InputError(f"there is no effect {key!r}; `tidegate dead` lists what is in doubt")
    if row.status != "unknown":
        raise InputError(f"the effect {key!r} is {row.status} and not in doubt, so nothing is to be resolved")
    return row


def _command(executor: "Executor", row: EffectRow) -> WriteCommand:
    """The write of an effect, decided again: the ledger does not keep which ids its receipt establishes."""
    run = executor.reader.run(row.run_id)
    assert run is not None, row.run_id
    return executor.recovery.run(run).writes[row.key]


def _was_applied(
    executor: "Executor", row: EffectRow, command: WriteCommand, person: Person, applied: Applied
) -> None:
    wanted = set(executor.recovery.returns(command))
    given = {**applied.fields, **({} if applied.external_id is None else {"id": applied.external_id})}
    if missing := sorted(wanted - given.keys()):
        raise InputError(
            f"the receipt of {row.connection}.{row.operation} also has {', '.join(missing)}: give "
            + " ".join("--id ID" if name == "id" else f"--field {name}=VALUE" for name in missing)
        )
    text = write_json({**applied.fields, "id": applied.external_id}).decode()
    rows, at = executor.commit_rows, executor.at
    rows.effects_resolved.append(
        EffectResolved("done", text, applied.external_id, None, at, person.by, person.reason, row.key)
    )
    if applied.external_id is not None:
        for entity, canonical_id in command.links:
            xref = NewXref(entity, canonical_id, row.connection, applied.external_id, row.key, at)
            rows.xrefs.append(xref)
            executor.look_ups.keep_xref(xref)
    executor.answer(row.run_id, command.key, Answer(read_json(text)))


def _given_up(executor: "Executor", row: EffectRow, command: WriteCommand, person: Person) -> None:
    why = f"{person.by} found that it was not applied, and gave it up: {person.reason}"
    failure = write_json({"fault": "permanent", "reason": why, "evidence": {}}).decode()
    executor.commit_rows.effects_resolved.append(
        EffectResolved("dead", None, None, failure, executor.at, person.by, person.reason, row.key)
    )
    executor.answer(row.run_id, command.key, Answer(None, why))


def _sent_again(executor: "Executor", row: EffectRow, command: WriteCommand, person: Person) -> Following:
    why = f"{person.by} found that it was not applied: {person.reason}"
    said = {"fault": "transient", "reason": why, "evidence": {}, "resolved": "not applied"}
    rows, at = executor.commit_rows, executor.at
    rows.effects_retried.append(EffectRetried(at, write_json(said).decode(), at, row.key))
    detail = write_json({"reason": person.reason, "found": "not applied", "sent": "again"}).decode()
    rows.entries.append(AuditEntry(at, person.by, "effect.resolve", row.key, detail))
    executor.answer(row.run_id, command.key, WITHDRAWN)
    return Following(writes=((row.run_id, command),))


def send_again(run_id: str, person: Person) -> Order:
    """Send the dead letters of a run once more, under their keys and with their bodies; the run goes on."""

    def order(executor: "Executor") -> Following:
        run = _at_rest(executor, run_id)
        dead = executor.reader.dead_letters(run_id)
        if not dead:
            raise InputError(f"the run {run_id!r} has no dead letter that could be sent again")
        rows, at = executor.commit_rows, executor.at
        for row in dead:
            rows.effects_reopened.append(EffectReopened(at, person.by, person.reason, row.key))
        if run.status in OPEN_RUNS:
            rows.runs_resumed.append(RunResumed(at, run_id))
        else:
            rows.runs_reopened.append(RunReopened(at, person.by, person.reason, run_id))
        return Following(runs=(run_id,))

    return order


def _at_rest(executor: "Executor", run_id: str) -> RunRow:
    run = executor.reader.run(run_id)
    if run is None:
        raise InputError(f"there is no run {run_id!r}")
    if run_id in executor.live or run.status == "running":
        raise InputError(f"the run {run_id!r} is on its way; wait until it rests")
    latest = executor.reader.attempts(run.flow, run.event_id)[-1]
    if latest.id != run_id:
        raise InputError(f"{latest.id!r} is a later attempt than {run_id!r}; act on that one")
    return run


def attempt_again(run_id: str, release: str, person: Person, *, keep: bool = False) -> Order:
    """Have the event of a finished run worked once more, by the rules of a release.

    With `keep`, what was applied before stays as it is, also where another body would be written now.
    """

    def order(executor: "Executor") -> Following:
        run = _at_rest(executor, run_id)
        if run.status in OPEN_RUNS:
            raise InputError(f"the run {run_id!r} is {run.status}, and goes on by itself; {WAYS[run.status]}")
        if why := unfit(release, run, executor.reader, executor.recovery):
            raise InputError(f"{run_id!r} cannot be worked on release {release[:12]}: {why}")
        number = len(executor.reader.attempts(run.flow, run.event_id)) + 1
        name = run_name(run.flow, run.event_id, number)
        rows, at = executor.commit_rows, executor.at
        rows.runs.append(NewRun(name, run.event_id, run.flow, release, run.order_key, run.now))
        detail = {"by": person.by, "reason": person.reason, "release": release, "keep": keep, "after": run_id}
        text = write_json(detail).decode()
        rows.answers.append(NewAnswer(name, ORDERED, ORDERED, at, text))
        rows.entries.append(AuditEntry(at, person.by, "run.replay", name, text))
        return Following(runs=(name,))

    return order


def start(flow: str, event_id: str, person: Person, release: str) -> Order:
    """Have a flow work an event that was accepted before there was such a flow."""

    def order(executor: "Executor") -> Following:
        event = executor.reader.event(event_id)
        if event is None:
            raise InputError(f"there is no event {event_id!r}")
        if runs := executor.reader.attempts(flow, event_id):
            raise InputError(f"{flow} has worked {event_id} already, as {runs[-1].id}")
        if why := unfit_event(release, flow, event, executor.recovery):
            raise InputError(f"{flow} cannot work {event_id}: {why}")
        name = run_name(flow, event_id)
        rows, at = executor.commit_rows, executor.at
        rows.runs.append(NewRun(name, event_id, flow, release, event.order_key, event.accepted_at))
        detail = write_json({"reason": person.reason, "release": release}).decode()
        rows.entries.append(AuditEntry(at, person.by, "run.backfill", name, detail))
        return Following(runs=(name,))

    return order


WAYS: Mapping[str, str] = MappingProxyType(
    {
        "held": "release its hold (`tidegate holds list`)",
        "waiting": "it waits for an event",
        "unknown": "resolve what is in doubt (`tidegate resolve`)",
        "running": "wait until it rests",
    }
)
"""What to do about a run that is open, by its status."""


def unfit(release: str, run: RunRow, reader: LedgerReader, recovery: Recovery) -> str:
    """Why a release cannot work the event of a run, in words; nothing when it can.

    Raises:
        InputError: when there is no such release.

    """
    row = reader.event(run.event_id)
    assert row is not None, run.event_id
    return unfit_event(release, run.flow, row, recovery)


def unfit_event(release: str, name: str, row: EventRow, recovery: Recovery) -> str:
    """Why a flow of a release cannot work an event, in words; nothing when it can."""
    plan = recovery.plan(release)
    flow = plan.flows.get(name)
    if flow is not None and (closed := recovery.closed(flow)) is not None:
        return f"the connection {closed} is not set up in this environment"
    return unfit_by(plan, name, row)


def unfit_by(plan: Plan, name: str, row: EventRow) -> str:
    """The same by a plan, wherever its connections are set up."""
    flow = plan.flows.get(name)
    if flow is None:
        return f"it has no flow {name}"
    if flow.event != row.type:
        return f"its flow {name} is started by {flow.event}, and not by {row.type}"
    if is_pruned(row.body):
        return f"what the event {row.id} said was pruned"
    if wrong := kept_data(plan.events[row.type], read_json(row.body), row.version)[1]:
        return "the data does not fit: " + "; ".join(wrong)
    try:
        wanted = starts(flow, Recovery.restored(row, plan))
    except EvaluationError as error:
        return str(error)
    return "" if wanted else f"the condition of {name} does not hold for it"
