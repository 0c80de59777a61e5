"""How work is divided among machines: by the order key, so that what has to keep its order has one owner."""

from zlib import crc32

PARTITIONS = 64
"""Of a ledger whose maker did not ask for another number. It cannot be changed later."""

DUTIES = 0
"""Whoever has this partition asks sources, keeps schedules, and does what belongs to no other."""


def partition_of(order_key: str | None, event_id: str, among: int) -> int:
    """Where an event and its runs belong: by its order key, and without one by its identity."""
    if among == 1:
        return 0
    key = event_id if order_key is None else order_key
    return crc32(key.encode("utf-8", "surrogatepass")) % among
