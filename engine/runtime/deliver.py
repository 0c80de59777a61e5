"""Deliveries: attempts at effects through connectors, and what becomes of each attempt.

An effect is in the ledger as `sending` before the first byte goes out. What comes back is a receipt or a
failure; a failure is decided on by :mod:`engine.runtime.retry`, and recorded in the turn after.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias

from engine.clock import Clock
from engine.connect import Fault
from engine.core import Answer, WriteCommand
from engine.effect import Effect, Failure, FaultClass, Receipt
from engine.ledger import Commit
from engine.ledger.instants import instant, read_instant
from engine.ledger.rows import (
    EffectDead,
    EffectDone,
    EffectRetried,
    EffectRow,
    EffectSent,
    EffectUnknown,
    NewXref,
    TransitionRow,
)
from engine.runtime.connections import Connection, Connections
from engine.runtime.gate.gate import Gate, is_unsent
from engine.runtime.retry import Doubt, Next, Once, RetryPolicy, decide
from engine.values.json_text import read_json, write_json
from engine.values.value import Value

NOT_APPLIED = '"resolved":"not applied"'
"""Stands in the history of an effect where a person found that no attempt before was applied."""


@dataclass(slots=True)
class Delivery:
    """One effect on its way."""

    run_id: str
    command: WriteCommand
    attempts: int = 0  # those that were begun by this process
    placed: bool = False  # whether it has one of the places of its connection
    in_doubt: bool = False  # an earlier attempt may have been applied: look before doing it again
    failing_since: datetime | None = None  # when the first of them failed
    looks: bool = False  # whether its flow wants a doubt settled by a look into the target
    sent_at: datetime | None = None  # when the last attempt went out
    doubted_at: datetime | None = None  # when the first attempt went out that may have been applied
    # By what only grows: the clock on the wall may jump, and what is on its way does not jump with it.
    doubted_from: float | None = None
    settled_from: float = 0.0  # from when on a look-up that finds nothing is to be believed
    given_up: bool = False  # it is looked for, and not tried again
    weight: int = 0  # how much it goes before others
    rank: float = 0.0  # who goes first: the lowest
    probe: bool = False  # whether the attempt on its way tries if its system is back
    spared: int = 0  # attempts that count against nobody's patience
    answers: int | None = None  # how often its system had answered when it last failed
    shut_before: float = 0.0  # seconds for which nothing could go before it first failed

    @property
    def connection(self) -> str:
        """Where it goes."""
        return self.command.connection

    @property
    def operation(self) -> str:
        """What is done there."""
        return self.command.operation

    def doubt(self, clock: Clock) -> Doubt:
        """How long it has been in doubt, by the clock that says more."""
        now, elapsed = clock.now(), clock.elapsed_seconds()
        since = self.doubted_at or self.sent_at or now
        here = 0.0 if self.doubted_from is None else elapsed - self.doubted_from
        return Doubt(
            seconds=max((now - since).total_seconds(), here), settling_seconds=self.settled_from - elapsed
        )

    def come_in_doubt(self, clock: Clock, settles_seconds: float) -> None:
        """The attempt that was sent last may have been applied, or may still be."""
        elapsed = clock.elapsed_seconds()
        self.doubted_at = self.doubted_at or self.sent_at or clock.now()
        self.doubted_from = elapsed if self.doubted_from is None else self.doubted_from
        self.settled_from = elapsed + settles_seconds


def taken_up(
    command: WriteCommand, row: EffectRow, steps: Iterable[TransitionRow], once: Once, clock: Clock
) -> Delivery:
    """The delivery of an effect that a process before this one decided, and what is to be doubted of it.

    What is sent is what was decided then, to the byte: a mapping that gives something else by now, with newer
    time zones for example, changes nothing.
    """
    if write_json(command.payload).decode() != row.payload:
        payload = read_json(row.payload)
        assert isinstance(payload, dict)
        command = command._replace(payload=payload)
    delivery = Delivery(row.run_id, command)
    sent = read_instant(row.created_at) if row.began == "sending" else None
    for step in steps:
        if step.status == "sending":
            sent = read_instant(step.at)
        elif step.status == "pending" and (step.detail is None or NOT_APPLIED in step.detail):
            # Reopened, or a person found out: what came before says nothing any more.
            delivery.in_doubt, delivery.doubted_at = False, None
        elif step.detail and '"fault":"unknown"' in step.detail:
            delivery.doubted_at = delivery.doubted_at or sent
            delivery.in_doubt = True
    if row.status == "sending":
        delivery.doubted_at = delivery.doubted_at or sent
        delivery.in_doubt = True
    # What was on its way when that process ended may still come to its end.
    delivery.settled_from = clock.elapsed_seconds() + once.settles_seconds
    return delivery


def due_again(due_at: str, steps: Sequence[TransitionRow], now: datetime) -> datetime:
    """When an effect is due that a process before this one was to try again.

    That process may have had another clock: nothing waits for longer than it was to wait in all.
    """
    due = read_instant(due_at)
    told = next((step.at for step in reversed(steps) if step.due_at == due_at), None)
    return due if told is None else min(due, now + (due - read_instant(told)))


class Attempt(NamedTuple):
    """What came of one attempt."""

    delivery: Delivery
    outcome: Receipt | Failure
    looked: bool = False  # nothing was sent: it was looked for
    answered: bool = False  # the system answered the look-up, though the doubt may stay
    asked: bool = True  # whether anything went to the system; else this says nothing of it


async def attempt(connection: Connection, deliveries: list[Delivery], clock: Clock) -> list[Attempt]:
    """One attempt at each of several effects of one connection. Never raises for an error from outside."""
    doubtful = [item for item in deliveries if item.in_doubt]
    found = [await _look_up(connection, item, clock) for item in doubtful]
    settled = {id(item.delivery) for item in found if item is not None}
    rest = [item for item in deliveries if id(item) not in settled]
    outcomes = await connection.connector.write([_effect(item) for item in rest]) if rest else ()
    made = [_sent(item, outcome) for item, outcome in zip(rest, outcomes, strict=True)]
    return [*(item for item in found if item is not None), *made]


def _sent(delivery: Delivery, outcome: Receipt | Failure) -> Attempt:
    return Attempt(delivery, outcome, asked=isinstance(outcome, Receipt) or not is_unsent(outcome))


async def _look_up(connection: Connection, delivery: Delivery, clock: Clock) -> Attempt | None:
    """Ask the target whether it was applied; None when it may be sent: its key holds, or it is not there."""
    once = connection.once(delivery.command.operation)
    if not (delivery.looks or once.must_look(delivery.doubt(clock).seconds)):
        return None
    if once.how != "lookup" and not once.looks:
        reason = "its key is so old that the target may have forgotten it"
        return Attempt(delivery, _doubtful(reason), looked=True, asked=False)
    try:
        receipt = await connection.connector.look_up(_effect(delivery))
    except Fault as fault:
        # Not knowing is not the same as not applied: the doubt stays, and the question is asked again.
        kept = _doubtful(f"could not be looked up: {fault.failure.reason}", fault.failure)
        return Attempt(delivery, kept, looked=True)
    if receipt is not None:
        return Attempt(delivery, receipt)
    if delivery.doubt(clock).settling_seconds > 0:
        reason = "it is not found yet, and is looked for again"
        return Attempt(delivery, _doubtful(reason), looked=True, answered=True)
    return _surely_not_done(delivery)


def _surely_not_done(delivery: Delivery) -> Attempt | None:
    """The target has settled, and has no trace of it: the doubt is over."""
    delivery.in_doubt, delivery.doubted_at, delivery.doubted_from = False, None, None
    if not delivery.given_up:
        return None
    reason = "it was not done, and had been tried often enough"
    failure = Failure(fault=FaultClass.TRANSIENT, reason=reason)
    return Attempt(delivery, failure, looked=True, answered=True)


def _doubtful(reason: str, cause: Failure | None = None) -> Failure:
    evidence = {} if cause is None else cause.evidence
    return Failure(fault=FaultClass.UNKNOWN, reason=reason, evidence=evidence)


def _effect(delivery: Delivery) -> Effect:
    command = delivery.command
    return Effect(
        command.effect_key, command.connection, command.operation, command.payload, delivery.attempts
    )


Ways: TypeAlias = Callable[[str, WriteCommand], Mapping[str, str]]
"""Where the flow of a run wants each class of fault of a write to go."""


Patience: TypeAlias = Callable[[str, str], RetryPolicy]
"""How patient the flow of a run is with a connection."""


def _failing_for(delivery: Delivery, gate: Gate, now: datetime) -> float:
    """For how long a delivery has failed, not counting the time in which nothing could go."""
    shut = gate.shut_seconds(now)
    if delivery.failing_since is None:
        delivery.failing_since, delivery.shut_before = now, shut
    failing = (now - delivery.failing_since).total_seconds()
    return max(0.0, failing - (shut - delivery.shut_before))


class Settled(NamedTuple):
    """What a turn does with an attempt: answer the run, or try again at an instant."""

    answer: Answer | None
    again_at: datetime | None = None


class Settler:
    """Turns attempts into rows."""

    def __init__(self, connections: Connections, patience: Patience, ways: Ways, clock: Clock) -> None:
        """Decide by the patience and the ways of faults that flows and connections declare."""
        self._connections = connections
        self._ways = ways
        self._clock = clock
        self._patience = patience
        self._written: tuple[datetime | None, str] = (None, "")

    def settle(self, commit: Commit, done: Attempt, now: datetime) -> Settled:
        """Record what came of an attempt."""
        delivery, outcome = done.delivery, done.outcome
        if isinstance(outcome, Receipt):
            return Settled(self._done(commit, delivery.command, outcome, self._text_of(now)))
        connection = self._connections.get(delivery.command.connection)
        once = connection.once(delivery.command.operation)
        key = delivery.command.effect_key
        policy = self._patience(delivery.run_id, delivery.command.connection)
        seconds = _failing_for(delivery, connection.gate, now)
        attempts = max(1, delivery.attempts - delivery.spared)
        if outcome.fault is FaultClass.UNKNOWN and not done.looked:
            delivery.come_in_doubt(self._clock, once.settles_seconds)
            delivery.given_up = policy.exhausted(attempts, seconds)
        way = self._ways(delivery.run_id, delivery.command).get(outcome.fault.value)
        doubt = delivery.doubt(self._clock)
        decision = decide(outcome, attempts, once, key, policy, seconds, doubt, way)
        failure = failure_text(outcome)
        match decision.next:
            case Next.RETRY | Next.LOOK_UP:
                due = now + timedelta(seconds=decision.after_seconds)
                commit.effects_retried.append(EffectRetried(instant(due), failure, instant(now), key))
                # In doubt until a receipt: a clean refusal later says nothing of the first attempt.
                delivery.in_doubt = delivery.in_doubt or outcome.fault is FaultClass.UNKNOWN
                delivery.looks = delivery.looks or decision.next is Next.LOOK_UP
                return Settled(None, due)
            case Next.DEAD if not delivery.in_doubt:
                commit.effects_dead.append(EffectDead(failure, instant(now), key))
                return Settled(Answer(None, outcome.reason, fault=outcome.fault.value))
            case _:  # a refusal now does not prove that the attempt in doubt was not applied
                commit.effects_unknown.append(EffectUnknown(failure, instant(now), key))
                return Settled(Answer(None, outcome.reason, unknown=True, fault=outcome.fault.value))

    def _text_of(self, now: datetime) -> str:
        """An instant as text; the attempts that are settled in one turn share it."""
        if now is not self._written[0]:
            self._written = (now, instant(now))
        return self._written[1]

    @staticmethod
    def _done(commit: Commit, command: WriteCommand, receipt: Receipt, at: str) -> Answer:
        value: dict[str, Value] = {**receipt.body, "id": receipt.external_id}
        text = write_json(value).decode()
        commit.effects_done.append(EffectDone(text, receipt.external_id, at, command.effect_key))
        if receipt.external_id is not None:
            for entity, canonical_id in command.links:
                commit.xrefs.append(
                    NewXref(
                        entity, canonical_id, command.connection, receipt.external_id, command.effect_key, at
                    )
                )
        # The run is told what is on record, so that it goes on alike when it is decided again from there.
        return Answer(read_json(text) if receipt.body else value)

    @staticmethod
    def send(commit: Commit, delivery: Delivery, now: datetime) -> None:
        """Record that an attempt goes out."""
        delivery.attempts += 1
        delivery.sent_at = now
        commit.effects_sent.append(EffectSent(instant(now), delivery.command.effect_key))


def failure_text(failure: Failure) -> str:
    """A failure as the ledger keeps it."""
    return write_json(
        {"fault": failure.fault.value, "reason": failure.reason, "evidence": failure.evidence}
    ).decode()
