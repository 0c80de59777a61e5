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
LOST_SECONDS = 3.0  # how long a machine that lost its partition, or began it late, may still answer

UNANSWERED = (
    "the machine {worker} began it and gave no answer: nobody knows whether it was done. Look at what it is "
    "about, and ask again if it was not; nothing is done twice"
)
UNSURE = (
    "{error}; nobody knows whether it was done, or will be within {seconds:g} seconds. Look at what it is "
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
        except LedgerUnreachable as error:
            if _is_withdrawn(requests, made.id):
                raise LedgerError(f"{error}; nothing was done") from error
            raise LedgerError(UNSURE.format(error=error, seconds=seconds)) from error
        except KeyboardInterrupt:  # the person does not wait any longer
            _is_withdrawn(requests, made.id)
            raise


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


def _is_withdrawn(requests: "Requests", request_id: str) -> bool:
    """Whether nobody has begun a request, and nobody can any more."""
    try:
        return requests.withdraw(request_id)
    except LedgerError:
        return False


def _answer(requests: "Requests", request_id: str, seconds: float) -> tuple[int, bytes]:
    deadline, begun_at, lost_at = time.monotonic() + seconds, None, None
    while True:
        found = _standing(requests, request_id, deadline)
        if found is None:
            raise LedgerError("somebody took the request away before it was answered; look, and ask again")
        if found.status is not None:
            with suppress(LedgerError):  # it goes by itself later, and the answer is known
                requests.forget(request_id)
            return found.status, (found.answer or "").encode()
        now = time.monotonic()
        if found.worker is None:
            if now > deadline and requests.withdraw(request_id):
                raise LedgerError(
                    f"no machine took it within {seconds:g} seconds, and nothing was done; "
                    "`tidegate status` tells who works"
                )
        else:
            begun_at = begun_at or now
            lost_at = (lost_at or now) if found.owner != found.worker else None
            if now > max(deadline, begun_at + LOST_SECONDS) or (lost_at or now) + LOST_SECONDS < now:
                raise LedgerError(UNANSWERED.format(worker=found.worker))
        time.sleep(LOOK_SECONDS)
