"""Whether a ledger is the one that was last written in its place, or an older copy of it.

An older copy does not know what was done since: it would do it again. So it is not written until a person
has said that it was restored on purpose.
"""

from engine.errors import LedgerRestored
from engine.ledger.reader import LedgerReader


def require_newest(reader: LedgerReader, noted: tuple[int, str] | None, place: object) -> None:
    """Refuse a ledger whose chain does not go through the row that was `noted` last, by number and hash.

    Raises:
        LedgerRestored: it does not.

    """
    if noted is not None and not goes_through(reader, noted):
        raise older(reader.head().seq, noted[0], place)


def older(end: int, noted: int, place: object) -> LedgerRestored:
    """A ledger whose chain has so many rows, and had others when it was last written here."""
    return LedgerRestored(
        f"the ledger {place} is an older copy, or another one: its chain has {end:,} rows, and had "
        f"{noted:,} when it was last written here. What was done since would be done again. Put the newer "
        "one back; or see to what was sent since, and say so with `tidegate ledger restored`"
    )


def goes_through(reader: LedgerReader, noted: tuple[int, str]) -> bool:
    """Whether a row of this number is in the chain, with this hash."""
    seq, link = noted
    found = next(reader.audit(after=seq - 1), None)
    return found is not None and (found.seq, found.hash) == (seq, link)
