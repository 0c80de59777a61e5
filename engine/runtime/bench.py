"""The replay bench: what would come of working a run again, decided by the pure core before anything is done.

A run is decided on the chosen release with what was read before, and with what the ledger knows now. Nothing
is asked of any system, unless the caller hands in a way to ask; what cannot be foreseen without asking is
said, and the same rules hold again when it is done.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, TypeAlias, cast

from engine.connect import Fault
from engine.core import (
    Answer,
    Command,
    EmitCommand,
    HoldCommand,
    LookUpCommand,
    ReadCommand,
    RunState,
    RunStatus,
    WaitCommand,
    WriteCommand,
    advance,
    begin,
    reason,
)
from engine.core.accept import NotAnEventError, offer
from engine.core.compensate import UNDO
from engine.core.turn import suffix
from engine.errors import InputError, TidegateError
from engine.ledger import LedgerReader
from engine.ledger.rows import OPEN_RUNS, EffectRow, RunRow
from engine.plan.plan import Plan
from engine.runtime.accept import is_same_event
from engine.runtime.attempts import Attempts, Former, judged, left_behind, said_of
from engine.runtime.broken import is_broken, is_fatal, told_of
from engine.runtime.connections import Connections
from engine.runtime.look_up import LookUps
from engine.runtime.recover import Recovery
from engine.runtime.resolve import WAYS, unfit
from engine.values.canonical import fingerprint
from engine.values.json_text import read_json, write_json
from engine.values.value import Value

Ask: TypeAlias = Callable[[ReadCommand], Awaitable[Answer]]


class Verdict(StrEnum):
    """What a person is told of one item."""

    APPLIED = "already applied"
    SAFE = "safe"
    PERSON = "needs a person"


class Way(StrEnum):
    """How an item is worked again."""

    SEND_AGAIN = "send again"  # its dead letters, under their keys and with their bodies
    ATTEMPT = "attempt"  # its event, from the beginning
    START = "start"  # its event, which the flow has not worked yet


class Change(NamedTuple):
    """One place at which a body differs from the one of an earlier attempt."""

    path: str
    before: Value
    after: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """One write, and what becomes of it."""

    step: str
    target: str  # "erp.time_bill"
    fate: str
    changes: tuple[Change, ...] = ()  # against the last time that it was sent
    is_new: bool = False  # it was never sent before


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One run that is to be worked again, as it was judged."""

    run: str
    flow: str
    event: str
    order_key: str | None
    place: int  # of its event among all events
    release: str
    way: Way
    verdict: Verdict
    reasons: tuple[str, ...] = ()  # why a person is needed
    writes: tuple[Foreseen, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """How runs are to be worked again, as a person says it."""

    release: str | None = None  # None: the one that each began on
    afresh: bool = False  # from the beginning, where sending again would do
    keep: bool = False  # what was applied stays, whatever would be written now
    out_of_order: bool = False  # also when later events of its order key were worked


@dataclass(slots=True, kw_only=True)
class _Play:
    """What was found out so far."""

    reasons: list[str] = field(default_factory=list)
    writes: list[Foreseen] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    met: set[str] = field(default_factory=set)  # keys of effects that stand, and are wanted
    sends: bool = False
    open: bool = False  # something could not be foreseen


class Bench:
    """Judges runs, one by one."""

    def __init__(self, reader: LedgerReader, recovery: Recovery, ask: Ask | None = None) -> None:
        """Read from this ledger; `ask` reads from systems, where the person wants that."""
        self._reader = reader
        self._recovery = recovery
        self._attempts = Attempts(reader, recovery)
        self._ask = ask

    async def judge(self, run_id: str, choice: Choice) -> Item:
        """What would come of working a run again.

        Raises:
            InputError: when there is no such run.

        """
        first = self._reader.run(run_id)
        if first is None:
            raise InputError(f"there is no run {run_id!r}")
        runs = self._reader.attempts(first.flow, first.event_id)
        run = runs[-1]
        release = choice.release or run.release
        dead = self._reader.dead_letters(run.id)
        sends = bool(dead) and release == run.release and not (choice.afresh or choice.keep)
        play = _Play()
        play.reasons += self._stands(run, sends=sends)
        if not choice.out_of_order:
            play.reasons += self._overtaken(runs[0])
        if sends:
            _sent_again(play, dead)
        elif not play.reasons or run.status not in OPEN_RUNS:
            await self._attempt(play, runs, release, keep=choice.keep)
        return self._item(run, release, Way.SEND_AGAIN if sends else Way.ATTEMPT, play)

    def _item(self, run: RunRow, release: str, way: Way, play: _Play) -> Item:
        event = self._reader.event(run.event_id)
        assert event is not None, run.event_id
        verdict = Verdict.SAFE if play.sends or play.open else Verdict.APPLIED
        return Item(
            run=run.id,
            flow=run.flow,
            event=run.event_id,
            order_key=run.order_key,
            place=event.seq,
            release=release,
            way=way,
            verdict=Verdict.PERSON if play.reasons else verdict,
            reasons=tuple(dict.fromkeys(play.reasons)),
            writes=tuple(play.writes),
            notes=tuple(dict.fromkeys(play.notes)),
        )

    def _stands(self, run: RunRow, *, sends: bool) -> Iterator[str]:
        """What has to be done first about the run itself."""
        if run.status == "running" or (run.status in OPEN_RUNS and not sends):
            yield f"the run is {run.status}: {WAYS[run.status]}"
        for hold in self._reader.holds_of_run(run.id):
            if hold.status == "open":
                yield f"its hold {hold.id} is open: {hold.reason}"
        for row in self._reader.effects(run.id):
            if row.status == "unknown":
                yield f"{row.key} may have been applied: `tidegate resolve` it first"

    def _overtaken(self, run: RunRow) -> Iterator[str]:
        """Whether later events of its order key were worked already."""
        later = self._reader.later_completed(run)
        if later:
            said = "1 later event was" if len(later) == 1 else f"{len(later)} later events were"
            yield f"{said} worked already under its order key {run.order_key}"

    # --- deciding again ---------------------------------------------------------------------------

    async def _attempt(self, play: _Play, runs: Sequence[RunRow], release: str, *, keep: bool) -> None:
        """Decide the event of a run on a release, as far as it can be foreseen."""
        try:
            why = unfit(release, runs[-1], self._reader, self._recovery)
        except InputError as error:
            why = f"its release cannot be loaded: {error}"
        if why:
            play.reasons.append(why)
            return
        rows = self._reader.effects_of([run.id for run in runs])
        told = _Told(self._recovery.plan(release), Former.of(rows, keep=keep), rows, self._read_before(runs))
        try:
            state = await self._decide(play, told, runs[-1], len(runs) + 1)
        except Exception as error:
            if is_fatal(error) or isinstance(error, TidegateError):
                raise
            play.reasons.append(f"it would end by {told_of(error)}")
            return
        _conclude(play, state, told.former)

    def _read_before(self, runs: Sequence[RunRow]) -> dict[str, Answer]:
        """What former attempts read, by what they asked for; the last one says it."""
        found: dict[str, Answer] = {}
        for run in runs:
            if '"refused"' in (run.decisions or ""):
                continue
            try:
                recovered = self._recovery.run(run)
            except InputError:
                continue  # its release is not there any more: what it read is of no use
            except Exception as error:
                if is_fatal(error) or not is_broken(run):
                    raise
                continue  # the error that ended it is there still
            for command in recovered.given:
                answer = (
                    recovered.state.answers.get(command.key) if isinstance(command, ReadCommand) else None
                )
                if isinstance(command, ReadCommand) and answer is not None and answer.failure is None:
                    found[_asked(command)] = answer
        return found

    async def _decide(self, play: _Play, told: "_Told", run: RunRow, number: int) -> RunState:
        plan = told.plan
        event = self._recovery.event(run, plan)
        state, commands = begin(plan.flows[run.flow], event, number)
        left = deque(commands)
        while left:
            command = left.popleft()
            answer = await self._answer(play, told, state, command)
            if answer is not None:
                state, more = advance(state, {cast("WaitCommand", command).key: answer})
                left.extend(more)
        return state

    async def _answer(self, play: _Play, told: "_Told", state: RunState, command: Command) -> Answer | None:
        """What a command is answered; None when that cannot be foreseen, or there is nothing to answer."""
        match command:
            case LookUpCommand() | ReadCommand(connection="entity"):
                return Answer(LookUps(self._reader, told.plan).answer(command)[1])
            case ReadCommand():
                return await self._read(play, told, command)
            case WriteCommand():
                return _write(play, told, state, command)
            case WaitCommand():
                known = self._attempts.came(state, command, told.plan)
                if known is None:
                    play.open = True
                    play.notes.append(f"{command.step} waits for {command.event}")
                return None if known is None else known.answer
            case HoldCommand():
                play.open = True
                play.notes.append(f"{command.policy} would hold it: {command.reason}")
            case EmitCommand():
                self._emit(play, told.plan, state, command)
            case _:
                pass  # nothing that would speak against it
        return None

    async def _read(self, play: _Play, told: "_Told", command: ReadCommand) -> Answer | None:
        known = told.read.get(_asked(command))
        if known is not None and self._ask is None:
            return known
        if self._ask is not None:
            return await self._ask(command)
        play.open = True
        play.notes.append(
            f"{command.step} asks {command.connection}.{command.operation}, which was not answered before: "
            "what comes after it is not foreseen"
        )
        return None

    def _emit(self, play: _Play, plan: Plan, state: RunState, command: EmitCommand) -> None:
        """An event that was said before with another content is not worked, so a person has to see it."""
        text = write_json(command.data)
        try:
            made = offer(plan, command.event, read_json(text), text, state.event.accepted_at)
        except NotAnEventError as error:
            play.reasons.append(f"{command.step}: {error}")
            return
        known = self._reader.known_events([made.event.id]).get(made.event.id)
        if known is None:
            play.sends = True
            play.notes.append(f"{command.step} would say {made.event.id}")
        elif known != made.body_hash and not is_same_event(made, self._reader.event(made.event.id)):
            play.reasons.append(f"{command.step} would say {made.event.id} again, with another content")


@dataclass(frozen=True, slots=True)
class _Told:
    """What a run is decided with."""

    plan: Plan
    former: Former
    rows: Sequence[EffectRow]
    read: Mapping[str, Answer]


def _asked(command: ReadCommand) -> str:
    return f"{command.connection}.{command.operation} {fingerprint(command.parameters)}"


def _sent_again(play: _Play, dead: Sequence[EffectRow]) -> None:
    play.sends = True
    for row in dead:
        play.writes.append(
            Foreseen(
                step=f"{row.step}{suffix(row.item)}",
                target=f"{row.connection}.{row.operation}",
                fate=f"is sent again under its key {row.key}",
            )
        )


def _write(play: _Play, told: _Told, state: RunState, command: WriteCommand) -> Answer | None:
    found = judged(state, command, told.former)
    before = _last_body(told.rows, command)
    changes = () if before is None else tuple(differences(before, read_json(write_json(command.payload))))
    if command.key.startswith(UNDO):
        fate = "would be taken back"
        play.sends = True
    elif found.why_not:
        fate = "is not sent"
        play.reasons.append(found.why_not)
    elif found.row is not None:
        play.met.add(found.row.key)
        fate = f"stands as {found.row.external_id or found.row.key}" + (", and is kept" if found.kept else "")
    else:
        fate = "is sent"
        play.sends = True
    name = f"{command.step}{suffix(command.item)}"
    target = f"{command.connection}.{command.operation}"
    is_new = before is None
    play.writes.append(Foreseen(step=name, target=target, fate=fate, changes=changes, is_new=is_new))
    return None if found.row is None else Answer(read_json(found.row.receipt or "{}"))


def _last_body(rows: Sequence[EffectRow], command: WriteCommand) -> Value:
    """What was sent last for the same step and item."""
    found = [row for row in rows if (row.step, row.item, row.operation) == _place(command)]
    return read_json(found[-1].payload) if found else None


def _place(command: WriteCommand) -> tuple[str, str | None, str]:
    return (command.step, command.item, command.operation)


def _conclude(play: _Play, state: RunState, former: Former) -> None:
    """What the end of the run, as far as it was foreseen, says about it."""
    left = None if former.keep else left_behind(state, former)
    if left is not None:
        play.reasons.append(said_of(left))
    for row in former.rows:
        if row.status != "done":
            play.reasons.append(f"{row.key} may have been applied: `tidegate resolve` it first")
        elif row.key not in play.met and not play.reasons:
            play.open = True
            play.notes.append(
                f"not foreseen whether {row.step}, applied as {row.external_id}, is wanted again"
            )
    if not play.reasons and state.status in {RunStatus.FAILED, RunStatus.REJECTED}:
        fate = "fail" if state.status is RunStatus.FAILED else "be rejected"
        play.reasons.append(f"it would {fate} again: {reason(state)}")


def asking(connections: Connections) -> Ask:
    """Reads from systems, once each; that there is no answer is an answer."""

    async def ask(command: ReadCommand) -> Answer:
        try:
            connector = connections.get(command.connection).connector
            return Answer(await connector.read(command.operation, command.parameters))
        except Fault as fault:
            return Answer(None, fault.failure.reason)

    return ask


def differences(before: Value, after: Value, path: str = "") -> Iterator[Change]:
    """Where two bodies differ, by path."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys([*before, *after]):
            inner = f"{path}.{name}" if path else name
            yield from differences(before.get(name), after.get(name), inner)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, f"{path}[{number}]")
    elif before != after:
        yield Change(path, before, after)
