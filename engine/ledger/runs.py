"""The life of a run: begun, at rest, going on, finished, reopened; and the answers that it was given.

The only writer of a run's status: one verb a transition.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import count

from sqlalchemy import bindparam, select, true

from engine.errors import LedgerConflict
from engine.ledger.batch import Batch, require_status, why
from engine.ledger.commit import Commit
from engine.ledger.facts import ANSWERS, RUNS, RUNS_FINISHED
from engine.ledger.partitions import partition_of
from engine.ledger.rows import FINISHED_RUNS, OPEN_RUNS, AuditEntry, NewRun, RunFinished, RunReopened
from engine.ledger.statements import adding, asking, changing
from engine.ledger.tables import answers, events, runs

_OPEN = runs.c.finish_commit.is_(None)

ADD_RUN = adding(runs, RUNS.columns, {"status": "'running'"})
ADD_ANSWER = adding(answers, ANSWERS.columns)
PAUSE = changing(runs, None, ("status", "decisions", "reason", "id"), {}, _OPEN)
RESUME = changing(runs, None, ("reason", "id"), {"status": "'running'", "decisions": None}, _OPEN)
FINISH = changing(runs, "finish_commit", ("status", "finished_at", "decisions", "reason", "id"), {}, _OPEN)
REOPEN = changing(
    runs,
    None,
    ("id",),
    {"status": "'running'", "finished_at": None, "decisions": None, "reason": None, "finish_commit": None},
    true(),
)
# Whoever is about to overwrite it lets no other session blank it in between.
FINISHED = asking(
    runs,
    select(*(runs.c[name] for name in RUNS_FINISHED.columns))
    .where(runs.c.id == bindparam("p_id"), runs.c.finish_commit.is_not(None))
    .with_for_update(),
    "id",
)


def begin(batch: Batch, commit: Commit) -> None:
    """Write the runs that begin and the answers that runs were given."""
    if commit.runs:
        _begin(batch, commit.runs)
    if commit.answers:
        run_of = batch.numbers(runs, {answer.run_id for answer in commit.answers})
        tail = (batch.number,)
        batch.put(ANSWERS, ADD_ANSWER, [(run_of[answer[0]], *answer[1:], *tail) for answer in commit.answers])


def _begin(batch: Batch, new: Sequence[NewRun]) -> None:
    event_of = batch.numbers(events, {run.event_id for run in new})
    number, first, among = batch.number, batch.next_seq(runs), batch.partitions
    rows = [
        (run[0], event_of[run[1]], *run[2:], partition_of(run.order_key, run.event_id, among), number, seq)
        for run, seq in zip(new, count(first))
    ]
    batch.put(RUNS, ADD_RUN, rows)
    batch.name(runs, (run.id for run in new), first)


def change(batch: Batch, commit: Commit) -> None:
    """Write what became of runs."""
    for again in commit.runs_reopened:
        _reopen(batch, again)
    batch.move(
        "run",
        RESUME,
        [(row.reason, row.id) for row in commit.runs_resumed],
        [("running", row.at, None, row.reason, None) for row in commit.runs_resumed],
    )
    paused = commit.runs_paused
    require_status({row.status for row in paused}, OPEN_RUNS)
    batch.move(
        "run",
        PAUSE,
        [(row.status, row.decisions, row.reason, row.id) for row in paused],
        [(row.status, row.at, None, row.reason, row.decisions) for row in paused],
    )
    _finish(batch, commit.runs_finished)


def _finish(batch: Batch, finished: Sequence[RunFinished]) -> None:
    counts = Counter(row.status for row in finished)
    require_status(counts.keys(), FINISHED_RUNS)
    batch.end(RUNS_FINISHED, FINISH, finished)
    batch.counts.update({f"runs.{status}": count for status, count in counts.items()})


def _reopen(batch: Batch, again: RunReopened) -> None:
    found = batch.ask(FINISHED, (again.id,))
    if not found:
        raise LedgerConflict(f"the run {again.id!r} is not finished, so it cannot be reopened")
    row = found[0]
    batch.supersede(RUNS_FINISHED, again.id, row)
    batch.move("run", REOPEN, [(again.id,)], [("running", again.at, None, None, None)])
    batch.counts[f"runs.{row[1]}"] -= 1
    batch.entries.append(AuditEntry(again.at, again.by, "run.reopen", again.id, why(again.reason)))
