"""Asking the machines that work on a ledger on PostgreSQL: by requests that lie in it until one answers."""

import time
from collections.abc import Mapping
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from engine.errors import LedgerError, LedgerUnreachable
from engine.values.value import Value

if TYPE_CHECKING:
    from engine.ledger.requests import Requests, Standing

LOOK_SECONDS = 0.05
AWAY_SECONDS = 0.5
LOST_SECONDS = 3.0  # how long a machine that lost its partition may still answer

UNANSWERED = (
    "the machine {worker} began it and gave no answer: nobody knows whether it was done. Look at what it is "
    "about, and ask again if it was not; nothing is done twice"
)


def ask_machines(
    ledger_url: str, act: str, request: Mapping[str, Value], seconds: float
) -> tuple[int, bytes] | None:
    """Have an act done by the machine whose work it is about; its answer, as at a control door.

    None when no machine works on the ledger, or the act is none for machines.

    Raises:
        LedgerError: no machine took it, or the one that did gave no answer; the sentence says which.

    """
    from engine.clock import SystemClock
    from engine.ledger.requests import Request, Requests
    from engine.values.json_text import write_json

    partition = _partition(ledger_url, act, request)
    if partition is None:
        return None
    made = Request(SystemClock().new_id(), act, write_json(request).decode())
    with closing(Requests(ledger_url)) as requests:
        try:
            requests.ask(made, partition, seconds)
            return _answer(requests, made.id, seconds)
        finally:
            with suppress(LedgerError):  # also when the person does not wait any longer
                requests.withdraw(made.id)


def _partition(ledger_url: str, act: str, request: Mapping[str, Value]) -> int | None:
    """To which partition an act is addressed; None where no machine does it."""
    from engine.ledger import open_reader
    from engine.ledger.at_work import at_work
    from engine.runtime.addressed import partition_for

    with closing(open_reader(ledger_url)) as reader:
        found = at_work(reader)
        return partition_for(act, request, reader, sum(found.partitions.values())) if found.machines else None


def _standing(requests: "Requests", request_id: str, deadline: float) -> "Standing | None":
    """How a request stands, also when the server is away for a while."""
    while True:
        try:
            return requests.standing(request_id)
        except LedgerUnreachable:
            if time.monotonic() > deadline:
                raise
            time.sleep(AWAY_SECONDS)


def _answer(requests: "Requests", request_id: str, seconds: float) -> tuple[int, bytes]:
    deadline, lost_at = time.monotonic() + seconds, None
    while True:
        found = _standing(requests, request_id, deadline)
        if found is None:
            raise LedgerError("somebody took the request away before it was answered; look, and ask again")
        if found.status is not None:
            requests.forget(request_id)
            return found.status, (found.answer or "").encode()
        now = time.monotonic()
        is_lost = found.worker is not None and found.owner != found.worker
        lost_at = (lost_at or now) if is_lost else None
        if now > deadline or (lost_at is not None and now - lost_at > LOST_SECONDS):
            if requests.withdraw(request_id):
                raise LedgerError(
                    f"no machine took it within {seconds:g} seconds, and nothing was done; "
                    "`tidegate status` tells who works"
                )
            raise LedgerError(UNANSWERED.format(worker=found.worker))
        time.sleep(LOOK_SECONDS)
