"""The durable record of everything that came in, was decided and was done; the only place with SQL.

It knows no plan and no connector: it stores fingerprints, and JSON as text. The state of a run is not stored
but derived from what is: its event, its release and the answers that it was given.
"""

from engine.ledger.audit import Head
from engine.ledger.backup import back_up, file_breaks
from engine.ledger.chain import verify_chain
from engine.ledger.commit import Commit, CommitResult
from engine.ledger.instants import instant, read_instant
from engine.ledger.ledger import (
    Ledger,
    accept_restored,
    is_shared,
    open_ledger,
    open_reader,
    shown_address,
    upgrade_ledger,
)
from engine.ledger.prune import prunable
from engine.ledger.pruned import is_pruned
from engine.ledger.reader import LedgerReader
from engine.ledger.sqlite import control_path
from engine.ledger.standing import Break

__all__ = [
    "Break",
    "Commit",
    "CommitResult",
    "Head",
    "Ledger",
    "LedgerReader",
    "accept_restored",
    "back_up",
    "control_path",
    "file_breaks",
    "instant",
    "is_pruned",
    "is_shared",
    "open_ledger",
    "open_reader",
    "prunable",
    "read_instant",
    "shown_address",
    "upgrade_ledger",
    "verify_chain",
]
