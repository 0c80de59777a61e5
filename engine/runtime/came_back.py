"""What came back from outside: of a write or a read, what it says of the system, and what the run is told.

How it went out is in `sending.py`; what an outcome of a write means is in `deliver.py`.
"""

from datetime import datetime, timedelta

from engine.clock import Clock
from engine.effect import Failure, FaultClass, Receipt
from engine.runtime.connections import Connections
from engine.runtime.deliver import Attempt, Delivery, Settler
from engine.runtime.execute import Executor
from engine.runtime.gate.gate import is_away, is_throttled
from engine.runtime.gate.rank import rank
from engine.runtime.outages import Outages
from engine.runtime.outbox import Outbox
from engine.runtime.reading import Asked, ReadCame, Reads
from engine.runtime.retry import RetryPolicy, wait


class CameBack:
    """Takes outcomes into the turns of an executor."""

    def __init__(  # noqa: PLR0913 - what was opened elsewhere, each by its name
        self,
        *,
        executor: Executor,
        connections: Connections,
        outbox: Outbox,
        reads: Reads,
        outages: Outages,
        policy: RetryPolicy,
        clock: Clock,
    ) -> None:
        """Be as patient as `policy` says where neither a flow nor a connection says otherwise."""
        self._executor = executor
        self._connections = connections
        self._outbox = outbox
        self._reads = reads
        self._outages = outages
        self._policy = policy
        self._settler = Settler(connections, self.patience, executor.ways, clock)

    def settle(self, done: Attempt, now: datetime) -> None:
        """Take what came of a write: the run is told, or it goes out again."""
        delivery = done.delivery
        self._outbox.give_back(delivery)
        self._reads.written(delivery.connection)
        failure = None if done.answered or isinstance(done.outcome, Receipt) else done.outcome
        if done.asked:
            self._came(delivery, failure, now)
        else:
            self._came_to_nothing(delivery)
        rows = self._executor.commit_rows
        known = len(rows.xrefs)
        settled = self._settler.settle(rows, done, now)
        # What runs on in this turn may ask for an id that it has just been given.
        for row in rows.xrefs[known:]:
            self._executor.look_ups.keep_xref(row)
        if settled.answer is not None:
            self._executor.answer(delivery.run_id, delivery.command.key, settled.answer)
        else:
            assert settled.again_at is not None
            self._executor.tally.retries += 1
            self._outbox.again(delivery, settled.again_at)

    def _came(self, item: Delivery | Asked, failure: Failure | None, now: datetime) -> None:
        """What an attempt says of its system: whether it is there, and whether it wants to be left alone."""
        gate = self._connections.get(item.connection).gate
        if failure is not None and is_away(failure) and item.answers not in {None, gate.answers}:
            # It failed before, and others were answered since: that is its own, and not the system.
            self._came_to_nothing(item)
            item.answers = gate.answers
            item.rank = max(item.rank, rank(now.timestamp(), 0))
            return
        turned = gate.came(now, failure, probe=item.probe)
        if failure is not None and (is_throttled(failure) or (item.probe and item.answers == gate.answers)):
            item.spared += 1  # unless others were answered since it last failed: then it is not the system
        item.answers = gate.answers
        if item.probe and failure is not None:
            item.rank = max(item.rank, rank(now.timestamp(), 0))  # another one is to try next
        item.probe = False
        if turned is not None:
            self._outages.turned(self._executor.commit_rows, gate, turned, now)

    def _came_to_nothing(self, item: Delivery | Asked) -> None:
        """What was on its way said nothing of its system; another one is to try whether it is back."""
        self._connections.get(item.connection).gate.came_to_nothing(probe=item.probe)
        item.probe = False

    def read_came(self, came: ReadCame, now: datetime) -> None:
        """Take what came of a read: its runs are told, or it is asked again."""
        asked, failure = came.asked, came.failure
        if asked.placed:
            self._outbox.give_back(asked)
            self._came(asked, failure, now)
        if failure is None:
            self._reads.came(asked, came.value)
        elif failure.fault is FaultClass.TRANSIENT and not self._is_given_up(asked, now):
            policy = self.patience(asked.runs[0][0], asked.connection)
            pause = wait(failure, max(1, asked.attempts - asked.spared), asked.name, policy)
            self._executor.tally.retries += 1
            self._outbox.again(asked, now + timedelta(seconds=pause))
            return
        self._reads.forget(asked)
        reason, transient = None, False
        if failure is not None:
            reason, transient = failure.reason, failure.fault is FaultClass.TRANSIENT
        for run_id, key in asked.runs:
            self._executor.answered(run_id, key, came.value, reason, transient=transient)

    def _is_given_up(self, asked: Asked, now: datetime) -> bool:
        """Whether a question was asked often and long enough."""
        gate = self._connections.get(asked.connection).gate
        shut = gate.shut_seconds(now)
        if asked.failing_since is None:
            asked.failing_since, asked.shut_before = now, shut
        failing = (now - asked.failing_since).total_seconds()
        seconds = max(0.0, failing - (shut - asked.shut_before))
        policy = self.patience(asked.runs[0][0], asked.connection)
        return policy.exhausted(max(1, asked.attempts - asked.spared), seconds)

    def patience(self, run_id: str, connection: str) -> RetryPolicy:
        """How patient the flow of a run is with a connection."""
        gate = self._connections.get(connection).gate
        return self._policy.told(gate.use.retry, self._executor.flow_of(run_id).retry)
