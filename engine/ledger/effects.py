"""The life of an effect: intended, sent, retried, settled; in doubt, resolved by a person, reopened.

The only writer of an effect's status: one verb a transition. The intent is in the ledger before the first
byte goes out, and an effect that was `sending` when the process died is in doubt, not failed.
"""

from sqlalchemy import bindparam, literal_column, select

from engine.errors import LedgerConflict
from engine.ledger.batch import Batch, require_status, why
from engine.ledger.commit import Commit
from engine.ledger.facts import EFFECTS, EFFECTS_CANCELLED, EFFECTS_DEAD, EFFECTS_DONE
from engine.ledger.rows import SETTLED_EFFECTS, AuditEntry, EffectReopened, EffectResolved
from engine.ledger.statements import adding, asking, changing
from engine.ledger.tables import effects, runs

_OPEN = effects.c.settle_commit.is_(None)
# What is on the wire cannot be called back.
_NOT_SENT = effects.c.status.in_((literal_column("'pending'"), literal_column("'unknown'")))

_LOST = effects.c.status.in_((literal_column("'dead'"), literal_column("'cancelled'")))

ADD_PENDING = adding(effects, EFFECTS.columns, {"status": "'pending'", "attempts": "0"})
ADD_SENDING = adding(effects, EFFECTS.columns, {"status": "'sending'", "attempts": "1"})
SEND = changing(
    effects,
    None,
    ("key",),
    {"status": "'sending'", "attempts": "attempts + 1", "due_at": None, "failure": None},
    _OPEN,
)
RETRY = changing(effects, None, ("due_at", "failure", "key"), {"status": "'pending'"}, _OPEN)
DOUBT = changing(effects, None, ("failure", "key"), {"status": "'unknown'", "due_at": None}, _OPEN)
DONE = changing(
    effects,
    "settle_commit",
    ("receipt", "external_id", "settled_at", "key"),
    {"status": "'done'", "due_at": None, "failure": None},
    _OPEN,
)
DEAD = changing(
    effects, "settle_commit", ("failure", "settled_at", "key"), {"status": "'dead'", "due_at": None}, _OPEN
)
CANCEL = changing(
    effects,
    "settle_commit",
    ("failure", "settled_at", "key"),
    {"status": "'cancelled'", "due_at": None},
    _NOT_SENT,
)
REOPEN = changing(
    effects,
    None,
    ("key",),
    {"status": "'pending'", "due_at": None, "failure": None, "settled_at": None, "settle_commit": None},
    _LOST,
)
STATUS = asking(effects, select(effects.c.status).where(effects.c.key == bindparam("p_key")), "key")
ENDED = asking(
    effects,
    select(effects.c.status, *(effects.c[name] for name in EFFECTS_DEAD.columns)).where(
        effects.c.key == bindparam("p_key"), _LOST
    ),
    "key",
)


def intend(batch: Batch, commit: Commit) -> None:
    """Write the effects that were decided."""
    for new, began, statement in (
        (commit.effects, "pending", ADD_PENDING),
        (commit.sends, "sending", ADD_SENDING),
    ):
        if new:
            run_of = batch.numbers(runs, {effect.run_id for effect in new})
            tail = (began, batch.number)
            batch.put(EFFECTS, statement, [(one[0], run_of[one[1]], *one[2:], *tail) for one in new])


def change(batch: Batch, commit: Commit) -> None:
    """Write what became of effects."""
    for again in commit.effects_reopened:
        _reopen(batch, again)
    _attempt(batch, commit)
    for decision in commit.effects_resolved:
        _resolve(batch, decision)
    batch.end(EFFECTS_DONE, DONE, commit.effects_done)
    batch.end(EFFECTS_DEAD, DEAD, commit.effects_dead)
    batch.end(EFFECTS_CANCELLED, CANCEL, commit.effects_cancelled)
    batch.counts["effects.done"] += len(commit.effects_done)
    batch.counts["effects.dead"] += len(commit.effects_dead)
    batch.counts["effects.cancelled"] += len(commit.effects_cancelled)


def _attempt(batch: Batch, commit: Commit) -> None:
    sent, retried, unknown = commit.effects_sent, commit.effects_retried, commit.effects_unknown
    # What failed and is due at once goes out again with the same commit; what goes out fails in a later one.
    batch.move(
        "effect",
        RETRY,
        [(row.due_at, row.failure, row.key) for row in retried],
        [("pending", row.at, row.due_at, None, row.failure) for row in retried],
    )
    batch.move(
        "effect", SEND, [(row.key,) for row in sent], [("sending", row.at, None, None, None) for row in sent]
    )
    batch.move(
        "effect",
        DOUBT,
        [(row.failure, row.key) for row in unknown],
        [("unknown", row.at, None, None, row.failure) for row in unknown],
    )


def _resolve(batch: Batch, decision: EffectResolved) -> None:
    key = decision.key
    require_status((decision.status,), SETTLED_EFFECTS)
    if batch.ask(STATUS, (key,)) != [("unknown",)]:
        raise LedgerConflict(f"the effect {key!r} is not in doubt, so there is nothing to resolve")
    failed = (decision.failure or "{}", decision.settled_at, key)
    match decision.status:
        case "done":
            batch.end(
                EFFECTS_DONE,
                DONE,
                [(decision.receipt or "{}", decision.external_id, decision.settled_at, key)],
            )
        case "dead":
            batch.end(EFFECTS_DEAD, DEAD, [failed])
        case _:
            batch.end(EFFECTS_CANCELLED, CANCEL, [failed])
    batch.counts[f"effects.{decision.status}"] += 1
    batch.entries.append(
        AuditEntry(decision.settled_at, decision.by, "effect.resolve", key, why(decision.reason))
    )


def _reopen(batch: Batch, again: EffectReopened) -> None:
    found = batch.ask(ENDED, (again.key,))
    if not found:
        raise LedgerConflict(
            f"the effect {again.key!r} is neither dead nor cancelled, so it cannot be reopened"
        )
    status, *row = found[0]
    batch.supersede(EFFECTS_DEAD if status == "dead" else EFFECTS_CANCELLED, again.key, tuple(row))
    batch.move("effect", REOPEN, [(again.key,)], [("pending", again.at, None, None, None)])
    batch.counts[f"effects.{status}"] -= 1
    batch.entries.append(AuditEntry(again.at, again.by, "effect.reopen", again.key, why(again.reason)))
