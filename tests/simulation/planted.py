"""Planted bugs: the simulation itself is tried. Each breaks one promise, and has to be found within some seeds."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Any
from unittest.mock import patch

from engine.effect import FaultClass
from engine.errors import LedgerError
from engine.ledger import Commit, CommitResult, Ledger, audit, sqlite
from engine.ledger.reader import LedgerReader
from engine.runtime import deliver, holding, retry
from engine.runtime.came_back import CameBack
from engine.runtime.deliver import Settler
from engine.runtime.dispatch import OrderKeys
from engine.runtime.ended_badly import EndedBadly
from engine.runtime.execute import Executor
from engine.runtime.recall import Recall
from engine.runtime.retry import Next, Once, RetryDecision
from engine.runtime.runner import Runner
from engine.runtime.unsettled import Unsettled

Patches = list[tuple[Any, str, Any]]


def acknowledged_before_the_commit() -> Patches:
    """A sender is told before what it sent is safe."""
    take = Runner._take

    def hasty(runner: Runner, item: Any, now: Any, after: list[Callable[[], None]]) -> None:
        take(runner, item, now, after)
        while after:
            after.pop()()

    return [(Runner, "_take", hasty)]


def key_reused_by_the_items_of_a_step() -> Patches:
    """All items of one step go out under one key."""
    effect = deliver._effect
    return [(deliver, "_effect", lambda one: effect(one)._replace(key=effect(one).key.partition("[")[0]))]


def no_intent_before_the_send() -> Patches:
    """The ledger does not say that an effect went out."""
    write = Ledger.commit

    def forgetful(ledger: Ledger, commit: Commit, *more: Any) -> CommitResult:
        commit.effects += commit.sends
        commit.sends, commit.effects_sent = [], []
        return write(ledger, commit, *more)

    return [(Ledger, "commit", forgetful)]


def doubt_tried_again_without_a_look() -> Patches:
    """What has to be looked up is sent again blindly."""

    async def blind(*_: Any) -> None:
        return None

    return [(deliver, "_look_up", blind)]


def look_believed_before_the_target_has_settled() -> Patches:
    """What is not found is written again at once."""
    begin = Once.__init__

    def hasty(once: Once, **given: Any) -> None:
        begin(once, **{**given, "settles_seconds": 0.0})

    return [(Once, "__init__", hasty)]


def doubt_called_dead() -> Patches:
    """A doubt that nobody can settle is said not to have happened."""

    def dead(*given: Any, **more: Any) -> RetryDecision:
        decision = decide(*given, **more)
        return RetryDecision(Next.DEAD) if decision.next is Next.UNKNOWN else decision

    decide = retry.decide
    return [(deliver, "decide", dead)]


def blind_retry() -> Patches:
    """Every doubt is taken for a clean refusal."""
    settle = Settler.settle

    def blind(settler: Settler, commit: Any, done: Any, now: Any) -> Any:
        outcome = done.outcome
        if getattr(outcome, "fault", None) is FaultClass.UNKNOWN:
            from dataclasses import replace

            done = done._replace(outcome=replace(outcome, fault=FaultClass.TRANSIENT))
        return settle(settler, commit, done, now)

    return [(Settler, "settle", blind)]


def line_of_an_order_key_lost() -> Patches:
    """Nobody waits for those before."""
    return [(OrderKeys, "enter", lambda *_: True)]


def order_lost_when_taken_up() -> Patches:
    """After a restart the last comes first."""
    find = Recall.find
    return [(Recall, "find", lambda recall, rows: find(recall, list(reversed(list(rows)))))]


def receipt_dropped() -> Patches:
    """Now and then nobody hears of an answer."""
    settle, numbers = CameBack.settle, count(1)

    def deaf(came_back: CameBack, done: Any, now: Any) -> None:
        if next(numbers) % 30:
            settle(came_back, done, now)

    return [(CameBack, "settle", deaf)]


def open_runs_not_taken_up() -> Patches:
    """After a restart one open run is overlooked."""
    ask = LedgerReader.left_runs
    return [(LedgerReader, "left_runs", lambda *given, **more: ask(*given, **more)[:-1])]


def link_of_the_chain_skipped() -> Patches:
    """Now and then a link is not bound to the one before it."""
    close, numbers = audit.close, count(1)

    def careless(*given: Any) -> Any:
        head = close(*given)
        return head if next(numbers) % 40 else head._replace(hash="0" * 64)

    return [(audit, "close", careless)]


def failed_commit_ignored() -> Patches:
    """When the disk is full one goes on as if it were not."""
    write = Ledger.commit

    def careless(*given: Any) -> CommitResult:
        try:
            return write(*given)
        except LedgerError:
            return CommitResult(number=None)

    return [(Ledger, "commit", careless)]


def commit_in_two_parts() -> Patches:
    """Events are committed before what they started."""
    write = Ledger.commit

    def halves(ledger: Ledger, commit: Commit, *more: Any) -> CommitResult:
        if commit.events:
            first = Commit(events=commit.events)
            commit.events = []
            write(ledger, first)
        return write(ledger, commit, *more)

    return [(Ledger, "commit", halves)]


def commit_not_synced() -> Patches:
    """The disk is not asked to keep a commit before it is acknowledged."""
    lazy = tuple("synchronous=OFF" if "synchronous" in one else one for one in sqlite.WRITER_PRAGMAS)
    return [(sqlite, "WRITER_PRAGMAS", lazy)]


def release_not_recorded() -> Patches:
    """A person is told that a hold is released, and the ledger is not."""

    async def forgetful(runner: Runner, hold_id: str, release: Any) -> None:
        del runner, hold_id, release

    return [(Runner, "release", forgetful)]


def release_applied_twice() -> Patches:
    """A hold is released, and released again."""
    end = holding._end_released

    def twice(*given: Any) -> None:
        end(*given)
        end(*given)

    return [(holding, "_end_released", twice)]


def event_does_not_wake() -> Patches:
    """What waits for an event is not told of it."""
    return [(Executor, "wake", lambda *_: None)]


def nobody_told_of_a_failed_run() -> Patches:
    """A run that fails, and stops no order key, is in the list of the dead, and nobody looks there."""
    return [(EndedBadly, "rested", lambda *_: None)]


def alert_closed_with_work_left() -> Patches:
    """The alert of a flow is closed as soon as anything of it is settled."""
    return [(Unsettled, "has_run", lambda *_: False)]


BUGS: Mapping[str, Callable[[], Patches]] = {
    bug.__name__.replace("_", " "): bug
    for bug in (
        acknowledged_before_the_commit,
        key_reused_by_the_items_of_a_step,
        no_intent_before_the_send,
        doubt_tried_again_without_a_look,
        look_believed_before_the_target_has_settled,
        doubt_called_dead,
        blind_retry,
        line_of_an_order_key_lost,
        order_lost_when_taken_up,
        receipt_dropped,
        open_runs_not_taken_up,
        link_of_the_chain_skipped,
        failed_commit_ignored,
        commit_in_two_parts,
        commit_not_synced,
        release_not_recorded,
        release_applied_twice,
        event_does_not_wake,
        nobody_told_of_a_failed_run,
        alert_closed_with_work_left,
    )
}


@contextmanager
def planted(name: str) -> Iterator[None]:
    """With one bug in place."""
    patches = [patch.object(*one) for one in BUGS[name]()]
    for one in patches:
        one.start()
    try:
        yield
    finally:
        for one in patches:
            one.stop()


def found_at(name: str, within: int) -> tuple[int, str] | None:
    """The first seed, counted from 1, that finds a bug, and what it says; None when none of so many does."""
    from tests.simulation.history import deployed, history

    deployed()
    with planted(name):
        for seed in range(1, within + 1):
            wrong = history(seed).wrong
            if wrong:
                return seed, wrong[0]
    return None
