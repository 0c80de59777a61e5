"""Which machines work on a ledger on PostgreSQL at this moment, as its server knows it.

A machine keeps two locks for as long as it is connected: one that all share, and one of its name. So one that
died is not counted, and what it had waits for another, though its name stands there until then.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import BigInteger, cast, column, func, select, table

from engine.ledger.postgres_schema import NAMED, WRITING, name_key
from engine.ledger.reader import LedgerReader
from engine.ledger.tables import partitions

_LOCKS = table("pg_locks", *map(column, ("locktype", "classid", "objid", "mode", "granted", "database")))
_DATABASES = table("pg_database", column("oid"), column("datname"))


@dataclass(frozen=True, slots=True, kw_only=True)
class AtWork:
    """Who works on a ledger: so many machines together, or one process by itself."""

    machines: int
    alone: bool
    partitions: Mapping[str | None, int]  # by machine; under None those of which no machine lives


def at_work(reader: LedgerReader) -> AtWork:
    """Who works on a ledger that many machines may work on."""
    here = select(_DATABASES.c.oid).where(_DATABASES.c.datname == func.current_database())
    locks = select(cast(_LOCKS.c.classid, BigInteger), cast(_LOCKS.c.objid, BigInteger), _LOCKS.c.mode).where(
        _LOCKS.c.locktype == "advisory",
        _LOCKS.c.granted,
        _LOCKS.c.database == here.scalar_subquery(),
    )
    owned = select(partitions.c.worker, func.count()).group_by(partitions.c.worker)
    with reader.snapshot() as ask:
        held = [tuple(lock) for lock in ask(locks)]
        shares = [(name, int(count)) for name, count in ask(owned)]
    modes = [mode for kind, key, mode in held if (kind, key) == (0, WRITING)]
    living = {key for kind, key, _ in held if kind == NAMED}
    found: Counter[str | None] = Counter()
    for name, count in shares:
        found[name if name is not None and name_key(name) in living else None] += count
    return AtWork(
        machines=modes.count("ShareLock"),
        alone="ExclusiveLock" in modes,
        partitions=dict(sorted(found.items(), key=lambda one: one[0] or "")),
    )
