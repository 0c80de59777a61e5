"""Runs that rested and were woken: what the ledger says of those whose turn under their order key is to come.

Such a run takes in what woke it, and decides nothing before its turn: what it reads then is as whoever was at
work before it has left it. Its turn is an answer like any other, so that deciding again needs no line.
Who may go on is decided by :mod:`engine.runtime.dispatch`.
"""

from collections.abc import Iterable

from engine.core import RunState
from engine.ledger.rows import LeftRun

LATER = "later"  # in what an answer says: it was taken in, and the run went on when its turn came
TURN = "turn"  # the kind of the answer that the turn of a run has come
IN_LINE = "woken, and waits for its turn under its order key"
AT_WORK = "woken, and at work under its order key"


def turn_key(state: RunState) -> str:
    """The key of the answer that it is the turn of a run, which may have several in its life."""
    return f"{TURN}#{sum(key.startswith(f'{TURN}#') for key in state.answers) + 1}"


def in_line(rows: Iterable[LeftRun]) -> list[LeftRun]:
    """Runs in the order in which they take their places at a start; they come in that of their beginning.

    Who was woken and at work passed others then, and does so now. Who was woken and waited for whoever was
    at work waits for the same one.
    """
    return sorted(rows, key=lambda row: _RANKS.get(row.reason or "", 1))


def is_woken(row: LeftRun) -> bool:
    """Whether a run had its turn before, and does not stand with those who have not begun."""
    return row.reason in _RANKS


_RANKS = {AT_WORK: 0, IN_LINE: 2}
