"""Which machines work on a ledger on PostgreSQL at this moment, as its server knows it.

A machine keeps a lock for as long as it is connected, so one that died is not counted. What a machine has is
told by the partitions, which those of a dead one leave only when another takes them over.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import BigInteger, cast, column, func, select, table

from engine.ledger.postgres_schema import WRITING
from engine.ledger.reader import LedgerReader
from engine.ledger.tables import partitions

_LOCKS = table("pg_locks", *map(column, ("locktype", "objid", "mode", "granted", "database")))
_DATABASES = table("pg_database", column("oid"), column("datname"))


@dataclass(frozen=True, slots=True, kw_only=True)
class AtWork:
    """Who works on a ledger: so many machines together, or one process by itself."""

    machines: int
    alone: bool
    partitions: Mapping[str | None, int]  # by the name of the machine; None for those that nobody has


def at_work(reader: LedgerReader) -> AtWork:
    """Who works on a ledger that many machines may work on."""
    here = select(_DATABASES.c.oid).where(_DATABASES.c.datname == func.current_database())
    locks = select(_LOCKS.c.mode).where(
        _LOCKS.c.locktype == "advisory",
        _LOCKS.c.granted,
        cast(_LOCKS.c.objid, BigInteger) == WRITING,
        _LOCKS.c.database == here.scalar_subquery(),
    )
    owned = select(partitions.c.worker, func.count()).group_by(partitions.c.worker)
    with reader.snapshot() as ask:
        modes = [mode for (mode,) in ask(locks)]
        shares = {name: int(count) for name, count in ask(owned)}
    return AtWork(
        machines=modes.count("ShareLock"),
        alone="ExclusiveLock" in modes,
        partitions=dict(sorted(shares.items(), key=lambda one: one[0] or "")),
    )
