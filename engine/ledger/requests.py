"""What persons ask of the machines that work on a ledger on PostgreSQL, and what came of it.

A request is addressed to a partition, so that whoever may write what it is about does it. It is no fact: what
was done stands in the ledger itself, and the request is gone when the person has heard of it. Each is begun
at most once: nobody knows whether a machine that died had done it.
"""

from collections.abc import Collection
from typing import NamedTuple

from engine.ledger import postgres

CHANNEL = "tidegate_requests"  # on which machines hear that there is one
ANSWER_SECONDS = 5.0

# What nobody asked about any more for a day goes as well.
ASK = (
    "WITH old AS (DELETE FROM requests WHERE until < clock_timestamp() - interval '1 day'), "
    "told AS (SELECT pg_notify(%s, '')) "
    "INSERT INTO requests (id, partition, act, body, until) "
    "SELECT %s, %s, %s, %s, clock_timestamp() + make_interval(secs => %s) FROM told RETURNING id"
)
TAKE = (
    "UPDATE requests SET worker = %s WHERE id = ("
    "SELECT id FROM requests WHERE worker IS NULL AND until > clock_timestamp() "
    "AND partition = ANY(%b::bigint[]) ORDER BY until, id LIMIT 1 FOR UPDATE SKIP LOCKED"
    ") RETURNING id, act, body"
)
ANSWER = "UPDATE requests SET status = %s, answer = %s WHERE id = %s AND worker = %s RETURNING id"
PUT_BACK = "UPDATE requests SET worker = NULL WHERE id = %s AND worker = %s AND status IS NULL RETURNING id"
LOOK = (
    "SELECT worker, status, answer, "
    "(SELECT owner.worker FROM partitions AS owner WHERE owner.id = requests.partition) "
    "FROM requests WHERE id = %s"
)
WITHDRAW = "DELETE FROM requests WHERE id = %s AND worker IS NULL RETURNING id"
FORGET = "DELETE FROM requests WHERE id = %s RETURNING id"


class Request(NamedTuple):
    """An act that a person asks for; the body is JSON."""

    id: str
    act: str
    body: str


class Standing(NamedTuple):
    """How a request stands: who has begun it, what came of it, and who has its partition now."""

    worker: str | None
    status: int | None
    answer: str | None
    owner: str | None


class Requests:
    """The requests of a ledger, for those who ask and for those who do. For one thread at a time."""

    def __init__(self, url: str) -> None:
        """Nothing is opened until something is asked."""
        self._pulse = postgres.Pulse(postgres.read_url(url), ANSWER_SECONDS)

    def ask(self, request: Request, partition: int, seconds: float) -> None:
        """Address a request to a partition; for so long it may be begun.

        Raises:
            LedgerError: the server gave no answer. The request may stand.

        """
        self._pulse.ask(ASK, (CHANNEL, request.id, partition, request.act, request.body, seconds))

    def standing(self, request_id: str) -> Standing | None:
        """How a request stands; None when there is none."""
        row = self._pulse.ask(LOOK, (request_id,))
        return None if row is None else Standing._make(row)

    def withdraw(self, request_id: str) -> bool:
        """Take a request back; False when somebody has begun it."""
        return self._pulse.ask(WITHDRAW, (request_id,)) is not None

    def forget(self, request_id: str) -> None:
        """Take away a request whose answer has been heard."""
        self._pulse.ask(FORGET, (request_id,))

    def take(self, worker: str, partitions: Collection[int]) -> Request | None:
        """Begin the oldest request to one of these partitions; None when there is none.

        Raises:
            LedgerError: the server gave no answer. One may have been begun, which then nobody does.

        """
        row = self._pulse.ask(TAKE, (worker, postgres.numbers(sorted(partitions))))
        return None if row is None else Request._make(row)

    def answer(self, request_id: str, worker: str, status: int, answer: str) -> None:
        """Say what came of a request.

        Raises:
            LedgerError: the server gave no answer.

        """
        self._pulse.ask(ANSWER, (status, postgres.storable(answer), request_id, worker))

    def put_back(self, request_id: str, worker: str) -> None:
        """Leave a request that was begun, and of which nothing was done, to others.

        Raises:
            LedgerError: the server gave no answer.

        """
        self._pulse.ask(PUT_BACK, (request_id, worker))

    def close(self) -> None:
        """Let the connection go; closing twice is harmless."""
        self._pulse.close()
