"""What is PostgreSQL's own: its address, its sessions, what its errors mean, and rows as arrays.

The only module that knows the driver. A session that writes ends by itself when its process stands still in a
transaction, so that a paused machine keeps the others waiting for seconds and not for ever.
"""

import asyncio
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from select import POLLIN, POLLOUT, poll
from struct import Struct
from typing import Any, Self, TypeAlias, TypeVar
from urllib.parse import urlsplit

import psycopg
from psycopg import errors
from psycopg.abc import Buffer, PQGen
from psycopg.adapt import Dumper
from psycopg.pq import Format
from psycopg.types.string import StrDumperUnknown
from psycopg.waiting import Ready, Wait
from sqlalchemy import BigInteger, Integer, LargeBinary
from sqlalchemy.dialects.postgresql import dialect as postgres_dialect
from sqlalchemy.engine.default import DefaultDialect

from engine.errors import (
    ConfigurationError,
    LedgerBusy,
    LedgerConflict,
    LedgerDamaged,
    LedgerError,
    LedgerFull,
    LedgerMissing,
    LedgerOutdated,
    LedgerReadOnly,
    LedgerUnreachable,
)
from engine.ledger.statements import Statement

Cursor: TypeAlias = "psycopg.Cursor[Any]"
T = TypeVar("T")

CONNECT_SECONDS = 5
ANSWER_SECONDS = 12.0  # how long one answer of the server may take; less than anybody waits for a machine
IDLE_MILLISECONDS = 2_500  # a session that stands still in a transaction is ended by the server
LOCK_MILLISECONDS = 5_000

# An index finds the rows of a batch whatever the statistics say: a table that was empty a minute ago, and
# that nobody has looked at since, is otherwise read as a whole for every batch.
WRITER = (
    "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; "
    "SET enable_mergejoin = off; SET jit = off; SET synchronous_commit = on; "
    f"SET idle_in_transaction_session_timeout = {IDLE_MILLISECONDS}; SET lock_timeout = {LOCK_MILLISECONDS}; "
    "SET tcp_keepalives_idle = 4; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3; "
    "SET tcp_user_timeout = 8000"
)
# The same for those who ask: a server that is killed forgets its statistics.
READER = "SET default_transaction_read_only = on; SET enable_seqscan = off; SET jit = off"
SEES_ONE_MOMENT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The address of a database on a server."""

    url: str

    def __str__(self) -> str:
        # Never the password: this stands in messages.
        parts = urlsplit(self.url)
        port = f":{parts.port}" if parts.port else ""
        return f"postgresql://{parts.hostname or ''}{port}{parts.path}"


def is_postgres(url: str) -> bool:
    """Whether an address names a server of PostgreSQL."""
    return url.startswith(("postgresql://", "postgres://"))


def read_url(url: str) -> Place:
    """The place that `postgresql://user@host/database` names.

    Raises:
        ConfigurationError: when it is none.

    """
    try:
        named = psycopg.conninfo.conninfo_to_dict(url)
        urlsplit(url).port  # noqa: B018 - the driver finds out about it only when it connects
    except (psycopg.ProgrammingError, ValueError) as error:
        raise ConfigurationError(
            f"the ledger address is none of PostgreSQL ({str(error).strip()}); "
            "write postgresql://USER@HOST/DATABASE"
        ) from error
    if not named.get("dbname"):
        raise ConfigurationError(
            "the ledger address names no database; write postgresql://USER@HOST/DATABASE"
        )
    return Place(url=url)


class Session(psycopg.Connection[Any]):
    """A connection that does not wait for ever: a server that is silent for too long counts as gone."""

    answer_seconds = ANSWER_SECONDS

    def wait(self, gen: PQGen[T], interval: float = 0.0, timeout: float | None = None) -> T:
        """Wait for an answer, and give the connection up when none comes."""
        del interval
        deadline = time.monotonic() + (self.answer_seconds if timeout is None else timeout)
        try:
            return _wait(gen, self.pgconn.socket, deadline)
        except TimeoutError as error:
            self.close()
            raise psycopg.OperationalError(
                f"the server gave no answer in {self.answer_seconds:g} seconds"
            ) from error

    @classmethod
    def opened(cls, place: Place, settings: str) -> Self:
        """A session that begins no transaction of its own.

        Raises:
            psycopg.Error: as the driver does; `explain` turns it into one of ours.

        """
        session = cls.connect(
            place.url,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            application_name="tidegate",
            keepalives_idle=4,
            keepalives_interval=2,
            keepalives_count=3,
        )
        for kind, dumper in _DUMPERS.items():
            session.adapters.register_dumper(kind, dumper)
        session.execute(settings)
        return session


class Listener:
    """Hears on channels, inside of a running event loop, and tells of it."""

    def __init__(self, place: Place, told: Mapping[str, Callable[[], None]]) -> None:
        """Who is told, by channel; also when the line is lost, as nobody knows what was missed."""
        self._told = told
        self._closed = False
        self._session = Session.opened(place, READER)
        for channel in told:
            self._session.execute(f'LISTEN "{channel}"')
        self._loop = asyncio.get_running_loop()
        self._socket = self._session.pgconn.socket
        self._loop.add_reader(self._socket, self._hear)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _hear(self) -> None:
        heard: set[str] = set()
        try:
            self._session.pgconn.consume_input()
            while (word := self._session.pgconn.notifies()) is not None:
                heard.add(word.relname.decode())
        except psycopg.Error:
            heard = {*self._told}
            self.close()  # at once: its number may soon be that of another connection
        for channel in heard:
            self._told[channel]()

    def close(self) -> None:
        """Hear no more; closing twice is harmless."""
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._socket)
        with suppress(psycopg.Error):
            self._session.close()


class Pulse:
    """One short question after the other, each in a transaction of its own, on a connection that comes back.

    For one thread at a time. Silence for longer than a few seconds counts as no answer.
    """

    def __init__(self, place: Place, answer_seconds: float) -> None:
        """Nothing is opened until the first question."""
        self._place = place
        self._answer_seconds = answer_seconds
        self._session: Session | None = None

    def ask(self, question: str, given: Sequence[object]) -> tuple[Any, ...] | None:
        """The first row of the answer.

        Raises:
            LedgerError: there was none; the next question is asked on another connection.

        """
        try:
            if self._session is None:
                self._session = Session.opened(self._place, "SET jit = off")
                self._session.answer_seconds = self._answer_seconds
            return self._session.execute(question, given).fetchone()
        except psycopg.Error as error:
            self.close()
            raise explain(error, self._place) from error

    def close(self) -> None:
        """Let the connection go; closing twice is harmless."""
        session, self._session = self._session, None
        if session is not None:
            with suppress(psycopg.Error):
                session.close()


def plain(place: Place) -> "psycopg.Connection[Any]":
    """A connection as the driver makes it, for the library that migrates."""
    return psycopg.connect(place.url, connect_timeout=CONNECT_SECONDS, application_name="tidegate")


def _wait(gen: PQGen[T], socket: int, deadline: float) -> T:
    """Go on with the driver's work whenever its socket is ready for what it wants."""
    ready = poll()
    ready.register(socket)
    try:
        wanted = next(gen)
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            ready.modify(socket, (POLLIN if wanted & Wait.R else 0) | (POLLOUT if wanted & Wait.W else 0))
            found = [event for _, event in ready.poll(left * 1000)]
            wanted = gen.send(_readiness(found[0], wanted) if found else Ready.NONE)
    except StopIteration as stop:
        result: T = stop.value
        return result


def _readiness(event: int, wanted: Wait) -> Ready:
    # A socket that is broken is ready for whatever was wanted: the driver then finds out what is wrong.
    if event & ~(POLLIN | POLLOUT):
        return Ready(int(wanted))
    return Ready((Ready.R if event & POLLIN else 0) | (Ready.W if event & POLLOUT else 0))


# --- rows as arrays ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Texts:
    """A column of a batch, ready to be sent: an array of texts."""

    sent: bytes


class Numbers(Texts):
    """An array of numbers."""

    __slots__ = ()


class Blobs(Texts):
    """An array of bytes."""

    __slots__ = ()


class _Array(Dumper):
    format = Format.BINARY

    def dump(self, obj: Texts) -> bytes:
        return obj.sent


class _TextArray(_Array):
    oid = 1009


class _NumberArray(_Array):
    oid = 1016


class _BlobArray(_Array):
    oid = 1001


class _Text(StrDumperUnknown):
    """A text as the server can keep it: what is asked for has the form of what was written."""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(storable(obj))


_DUMPERS: dict[type, type[Dumper]] = {
    str: _Text,
    Texts: _TextArray,
    Numbers: _NumberArray,
    Blobs: _BlobArray,
}
_HEADER = Struct("!iiIii").pack  # dimensions, whether there are nulls, type of the items, how many, the first
_LENGTH = Struct("!i").pack
_NUMBER = Struct("!iq").pack
_NULL = b"\xff\xff\xff\xff"


def texts(column: Sequence[str | None]) -> Texts:
    """A column of texts."""
    parts = [_HEADER(1, 1, 25, len(column), 1)]
    add = parts.append
    for value in column:
        if value is None:
            add(_NULL)
        else:
            sent = value.encode()
            add(_LENGTH(len(sent)))
            add(sent)
    return Texts(b"".join(parts))


def numbers(column: Sequence[int | None]) -> Numbers:
    """A column of whole numbers."""
    sent = [_NULL if value is None else _NUMBER(8, value) for value in column]
    return Numbers(_HEADER(1, 1, 20, len(column), 1) + b"".join(sent))


def blobs(column: Sequence[bytes]) -> Blobs:
    """A column of bytes."""
    sent = [part for value in column for part in (_LENGTH(len(value)), value)]
    return Blobs(_HEADER(1, 1, 17, len(column), 1) + b"".join(sent))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """A statement for all rows of a batch at once, and what makes an array of each column."""

    sql: str
    columns: tuple[Callable[[Any], Texts], ...]
    numbered: bool  # whether the first parameter is the number before that of the first row

    def values(self, rows: Sequence[tuple[Any, ...]]) -> list[object]:
        """The arrays.

        Raises:
            LedgerConflict: for a value that its column cannot hold.

        """
        try:
            return [make(column) for make, column in zip(self.columns, zip(*rows, strict=True), strict=True)]
        except (AttributeError, TypeError, OverflowError, ValueError) as error:
            raise LedgerConflict(
                f"a row holds what cannot be stored ({error}); nothing of the commit was written"
            ) from error


_INSERT = re.compile(r"INSERT INTO (\S+) \((.*?)\) VALUES \((.*?)\)( ON CONFLICT \((.*?)\) .*)?$", re.DOTALL)
_PARAMETER = re.compile(r":(p_\w+)")


def bulk(statement: Statement) -> Bulk:
    """A statement for one row, as one for many: its parameters are the columns of arrays."""
    core = statement.core.compile(dialect=_dialect("named"))
    sql = _PARAMETER.sub(r"u.\1", str(core)).replace("%", "%%")
    kinds = [statement.table.c[name].type for name in statement.fields]
    makes, types = zip(*map(_array, kinds), strict=True)
    names = ", ".join(f"p_{name}" for name in statement.fields)
    source = f"unnest({', '.join(f'%b::{one}[]' for one in types)}) WITH ORDINALITY AS u({names}, n)"
    found = _INSERT.match(sql)
    if found is None:
        assert sql.startswith("UPDATE "), sql
        before, where, test = sql.partition(" WHERE ")
        key, both, guard = test.partition(" AND ")
        # Open work is next to nothing in a large table, so that a plan would begin with the index on it and
        # compare each of its rows with each of ours. Behind CASE the planner sees no more than a question.
        opaque = f"{key}{both}CASE WHEN {guard} THEN true ELSE false END" if guard else test
        text = f"{before} FROM {source}{where}{opaque}"
        return Bulk(sql=text, columns=makes, numbered=False)
    table, columns, values, conflict, key = found.groups()
    numbered = "seq" in statement.table.c and "seq" not in statement.fields
    into, given = (f"{columns}, seq", f"{values}, %b::bigint + u.n") if numbered else (columns, values)
    # In the order of the key, two that write the same rows wait for each other, and never in a circle.
    names = ", ".join(f"u.p_{name.strip()}" for name in (key or "").split(","))
    order = f" ORDER BY {names}" if key else ""
    text = f"INSERT INTO {table} ({into}) SELECT {given} FROM {source}{order}{conflict or ''}"  # noqa: S608
    return Bulk(sql=text, columns=makes, numbered=numbered)


def _array(kind: Any) -> tuple[Callable[[Any], Texts], str]:  # noqa: ANN401
    if isinstance(kind, LargeBinary):
        return blobs, "bytea"
    return (numbers, "bigint") if isinstance(kind, BigInteger | Integer) else (texts, "text")


def driver_dialect() -> DefaultDialect:
    """What compiles Core expressions to the driver's SQL."""
    return _dialect("format")


def _dialect(style: str) -> DefaultDialect:
    made: DefaultDialect = postgres_dialect(paramstyle=style)  # type: ignore[no-untyped-call]
    return made


def storable(text: str) -> str:
    """The text with the mark for what cannot be shown in the place of NUL, which no server keeps."""
    return text.replace("\0", "\ufffd") if "\0" in text else text


# --- errors -----------------------------------------------------------------------------------------


def is_error(error: BaseException) -> bool:
    """Whether an exception is the driver's."""
    return isinstance(error, psycopg.Error)


def is_passing(error: BaseException) -> bool:
    """Whether two sessions met, nothing of this one was written, and the same may be done at once again."""
    return isinstance(error, errors.SerializationFailure | errors.DeadlockDetected)


def is_there_already(error: BaseException, table: str) -> bool:
    """Whether a row of a table was refused since another session has written one of its name."""
    return isinstance(error, errors.UniqueViolation) and error.diag.table_name == table


def is_unstorable(error: BaseException) -> bool:
    """Whether a text was refused that has to be made :func:`storable` before."""
    return isinstance(error, errors.CharacterNotInRepertoire)


def explain(error: BaseException, place: Place) -> LedgerError:
    """What an error of the driver means, in a sentence."""
    state = getattr(error, "sqlstate", None)
    said = " ".join(str(error).split())
    if state is None and 'FATAL: database "' in said:  # the driver gives no code of what ends a greeting
        state = "3D000"
    if state is None:
        return LedgerUnreachable(f"the ledger {place} cannot be reached: {said or type(error).__name__}")
    for start, (kind, sentence) in _MEANINGS.items():
        if state.startswith(start):
            return kind(sentence.format(place=place, error=said))
    return LedgerError(f"the ledger {place} cannot be used: {said}")


_AWAY = "the ledger {place} cannot be reached: {error}"
_AGAINST = "the commit contradicts the ledger ({error}); nothing of it was written"
_MEANINGS: dict[str, tuple[type[LedgerError], str]] = {
    "08": (LedgerUnreachable, _AWAY),
    "57P": (LedgerUnreachable, _AWAY),
    "57014": (LedgerUnreachable, _AWAY),
    "25P": (LedgerUnreachable, _AWAY),
    "53300": (
        LedgerUnreachable,
        "the server of the ledger {place} takes no more connections; raise its max_connections",
    ),
    "53100": (LedgerFull, "the disk has no room for the ledger {place}; the commit was not written"),
    "53": (LedgerUnreachable, _AWAY),
    "25006": (LedgerReadOnly, "the ledger {place} may only be read: its server is a standby, or set so"),
    "42501": (
        LedgerReadOnly,
        "the ledger {place} may not be written: {error}; see to the rights of its user",
    ),
    "42P01": (LedgerOutdated, "the ledger {place} is not of this release; run `tidegate ledger upgrade`"),
    "42703": (LedgerOutdated, "the ledger {place} is not of this release; run `tidegate ledger upgrade`"),
    "3D": (
        LedgerMissing,
        "there is no database at {place}; make it with createdb, and then the ledger in it",
    ),
    "28": (LedgerReadOnly, "the server of the ledger {place} refuses the user: {error}"),
    "55P03": (LedgerBusy, "another process keeps the ledger {place} locked; try again when it has ended"),
    "40": (LedgerBusy, "another process wrote the same in the ledger {place} at the same time; try again"),
    "22": (LedgerConflict, "a row holds what cannot be stored ({error}); nothing of the commit was written"),
    "23": (LedgerConflict, _AGAINST),
    "54": (LedgerConflict, "a row is larger than the ledger can hold ({error}); nothing of it was written"),
    "XX001": (LedgerDamaged, "the ledger {place} is damaged ({error}); restore it from a backup"),
    "XX002": (LedgerDamaged, "the ledger {place} is damaged ({error}); restore it from a backup"),
}
