"""What must be true at the end of every history, whatever happened: read from the ledger's file and the systems.

Nothing of the engine judges here but `verify_chain`; the rest is plain SQL and plain Python.
"""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.effect import Effect
from engine.ledger import open_reader, verify_chain
from tests.simulation.targets import Target, amount_of, text_of

BERLIN = ZoneInfo("Europe/Berlin")
FATES = frozenset({"completed", "rejected", "failed"})  # after a rest in which nothing is missing
STARTS = {
    "time.approved": ("bill-time",),
    "time.billed": ("recognise",),
    "invoice.issued": ("post-invoice",),
    "order.placed": ("take-order",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the senders and people of a history were told."""

    acknowledged: Mapping[str, str]  # hash of the body, by event id, of all that was said to be accepted
    released: Mapping[str, str]  # who, by hold id, of all that was said to be released
    approved: Mapping[
        str, Mapping[str, object]
    ]  # what the feed of the desk had said of an entry, each version


@dataclass(slots=True)
class Books:
    """The rows of a ledger that was closed."""

    path: Path
    events: dict[str, sqlite3.Row] = field(default_factory=dict)
    runs: dict[str, sqlite3.Row] = field(default_factory=dict)
    effects: dict[str, sqlite3.Row] = field(default_factory=dict)
    holds: dict[str, sqlite3.Row] = field(default_factory=dict)
    alerts: dict[str, sqlite3.Row] = field(default_factory=dict)
    rested: set[str] = field(default_factory=set)  # runs that stood still for a while
    digest: str = ""

    def read(self) -> "Books":
        """Read them, and what is in them as one hash."""
        connection = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)
        connection.row_factory = sqlite3.Row
        tables = [
            row[0]
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
        ]
        found = sha256()
        for table in tables:
            for row in connection.execute(f"SELECT * FROM {table} ORDER BY rowid"):  # noqa: S608
                found.update(repr(tuple(row)).encode())
        self.digest = found.hexdigest()
        self.events = {row["id"]: row for row in connection.execute("SELECT * FROM events ORDER BY seq")}
        runs = "SELECT r.*, e.id AS event_id, e.type AS event_type FROM runs r JOIN events e ON e.seq = r.event_seq"
        self.runs = {row["id"]: row for row in connection.execute(f"{runs} ORDER BY r.seq")}
        effects = (
            "SELECT f.*, r.id AS run_id FROM effects f JOIN runs r ON r.seq = f.run_seq ORDER BY f.rowid"
        )
        self.effects = {row["key"]: row for row in connection.execute(effects)}
        holds = "SELECT * FROM holds"
        self.holds = {row["id"]: row for row in connection.execute(holds)}
        self.alerts = {row["id"]: row for row in connection.execute("SELECT * FROM alerts ORDER BY seq")}
        rests = "SELECT DISTINCT subject FROM transitions WHERE kind = 'run'"
        self.rested = {row[0] for row in connection.execute(rests)}
        connection.close()
        return self


def judge(path: Path, targets: Mapping[str, Target], told: Told) -> tuple[list[str], str]:
    """What is wrong, and the hash of all that was written anywhere."""
    books = Books(path).read()
    wrong = [
        *_chain(path),
        *_acknowledged(books, told),
        *_fates(books),
        *_effects(books, targets),
        *_order(books, targets),
        *_money(books, targets),
        *_holds(books, told),
        *_alerts(books),
        *_bills(books, targets["erp"]),
    ]
    trace = sha256(books.digest.encode())
    for target in targets.values():
        trace.update(repr([post[1:] for post in target.journal]).encode())
    return wrong, trace.hexdigest()


def _chain(path: Path) -> Iterator[str]:
    reader = open_reader(str(path))
    try:
        for broken in verify_chain(reader):
            yield f"chain: {broken}"
    finally:
        reader.close()


def _acknowledged(books: Books, told: Told) -> Iterator[str]:
    """What was acknowledged is there, with the body that was sent."""
    for event_id, body_hash in told.acknowledged.items():
        row = books.events.get(event_id)
        if row is None:
            yield f"lost: {event_id} was acknowledged, and the ledger does not have it"
        elif row["body_hash"] != body_hash:
            yield f"lost: {event_id} was acknowledged with another body"


def _fates(books: Books) -> Iterator[str]:
    """Every event has its runs, and every run has come to exactly one end."""
    by_event: dict[str, Counter[str]] = defaultdict(Counter)
    for row in books.runs.values():
        by_event[row["event_id"]][row["flow"]] += 1
        if row["status"] not in FATES:
            yield f"fate: {row['id']} is {row['status']}, though all can go on"
        if row["status"] != "completed" and not row["reason"]:
            yield f"fate: {row['id']} is {row['status']} without a reason"
    for event_id, row in books.events.items():
        expected = Counter(STARTS.get(row["type"], ()))
        if by_event[event_id] != expected:
            yield f"fate: {event_id} has the runs {dict(by_event[event_id])}, not {dict(expected)}"


def _effects(books: Books, targets: Mapping[str, Target]) -> Iterator[str]:
    """Done is there once, dead is not there, unknown is there at most once; nothing else is there."""
    unsettled = {"pending", "sending"}
    for key, row in books.effects.items():
        there = targets[row["connection"]].records.get(key, [])
        yield from _applied(row, there)
        if row["status"] in unsettled:
            yield f"effect: {key} is {row['status']}, though all can go on"
        if row["status"] == "unknown" and books.runs[row["run_id"]]["status"] != "unknown":
            yield f"effect: {key} is unknown, and its run is {books.runs[row['run_id']]['status']}"
    for target in targets.values():
        for post in target.journal:
            if post.key not in books.effects:
                yield f"effect: {target.name} was sent {post.key}, and the ledger does not know it"


def _applied(row: sqlite3.Row, there: list[tuple[float, Effect]]) -> Iterator[str]:
    key, status = row["key"], row["status"]
    if len(there) > 1:
        yield f"twice: {key} ({status}) was applied {len(there)} times"
    if status == "done" and not there:
        yield f"lost: {key} is done, and its system does not have it"
    if status in {"dead", "cancelled"} and there:
        yield f"effect: {key} is {status}, and its system has it"
    for _, effect in there:
        if text_of(effect) != row["payload"]:
            yield f"body: {key} was applied as {text_of(effect)}, and decided as {row['payload']}"


def _order(books: Books, targets: Mapping[str, Target]) -> Iterator[str]:
    """Of events that share an order key the earlier comes first in every system, unless its run stood still."""
    place = {event_id: number for number, event_id in enumerate(books.events)}
    for target in targets.values():
        last: dict[tuple[str, str], tuple[int, str]] = {}
        for key in target.order:
            row = books.effects.get(key)
            run = None if row is None else books.runs[row["run_id"]]
            if run is None or run["order_key"] is None or run["id"] in books.rested:
                continue
            line = (run["flow"], run["order_key"])
            before = last.get(line)
            mine = place[run["event_id"]]
            if before is not None and mine < before[0]:
                yield f"order: {key} was applied after {before[1]}, which came later"
            last[line] = max(last.get(line, (mine, key)), (mine, key))


def _money(books: Books, targets: Mapping[str, Target]) -> Iterator[str]:
    """The sum at each system is the sum of what was decided and done."""
    for target in targets.values():
        have = sum((amount_of(one) for all_of in target.records.values() for _, one in all_of), Decimal())
        due = Decimal()
        for key, row in books.effects.items():
            if row["connection"] == target.name and (row["status"] == "done" or _there(row, target, key)):
                due += Decimal(str(json.loads(row["payload"], parse_float=Decimal).get("amount", 0)))
        if have != due:
            yield f"money: {target.name} has {have}, and {due} was decided"


def _there(row: sqlite3.Row, target: Target, key: str) -> bool:
    return row["status"] == "unknown" and key in target.records


def _holds(books: Books, told: Told) -> Iterator[str]:
    """A hold that a person was told is released is released by that person, once; none is left open."""
    for hold_id, by in told.released.items():
        row = books.holds.get(hold_id)
        if row is None or row["released_by"] != by:
            yield f"hold: {hold_id} was released by {by}, and the ledger says {None if row is None else row['released_by']}"
    for hold_id, row in books.holds.items():
        if row["status"] == "open":
            yield f"hold: {hold_id} is open, though every project is"


def _alerts(books: Books) -> Iterator[str]:
    """Of every run that failed somebody was told: of itself, or by the one open alert of its flow."""
    opened = Counter(
        books.runs[row["run_id"]]["flow"]
        for name, row in books.alerts.items()
        if name.startswith("dead/") and row["status"] == "open"
    )
    for flow, number in opened.items():
        if number > 1:
            yield f"alert: {number} alerts of {flow} are open"
    told = {row["run_id"] for row in books.alerts.values() if row["severity"] == "error"}
    told |= {row["run_id"] for name, row in books.alerts.items() if name.startswith("parked/")}
    for run_id, row in books.runs.items():
        if row["status"] in {"failed", "unknown"} and run_id not in told and not opened[row["flow"]]:
            yield f"alert: {run_id} is {row['status']}, and nobody was told"


def _bills(books: Books, erp: Target) -> Iterator[str]:
    """Day and cycle of each bill, worked out here by another way."""
    for key, all_of in erp.records.items():
        row = books.effects.get(key)
        if row is None:
            continue
        entry = json.loads(books.events[books.runs[row["run_id"]]["event_id"]]["body"])
        approved = datetime.fromisoformat(entry["approved_at"])
        worked = date.fromisoformat(entry["worked_on"])
        for _, effect in all_of:
            day, cycle = str(effect.payload["day"]), effect.payload["cycle"]
            if day != approved.astimezone(BERLIN).date().isoformat():
                yield f"calendar: {key} is of {day}, and was approved {approved}"
            if cycle != _cycle(worked, approved):
                yield f"calendar: {key} is in {cycle}, worked {worked}, approved {approved}"


def _cycle(worked: date, approved: datetime) -> str:
    monday = worked - timedelta(days=worked.weekday())
    sunday = monday + timedelta(days=6)
    local = datetime(sunday.year, sunday.month, sunday.day, 2, 30, tzinfo=BERLIN)
    cutoff = local.astimezone(UTC)
    if cutoff.astimezone(BERLIN).replace(tzinfo=None) != local.replace(tzinfo=None):  # 02:30 is skipped
        cutoff = datetime(sunday.year, sunday.month, sunday.day, 1, tzinfo=UTC)
    week = sunday + timedelta(days=7) if approved > cutoff else sunday
    return f"{week:%G-W%V}"
