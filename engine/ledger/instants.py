"""Instants as the ledger keeps them: RFC 3339 text in UTC, fixed in width, so text order is time order."""

from datetime import UTC, datetime


def instant(value: datetime) -> str:
    """The text of an instant: "2026-03-31T12:00:00.000000Z".

    Raises:
        ValueError: for an instant without a zone.

    """
    if value.tzinfo is not UTC:
        if value.tzinfo is None:
            raise ValueError("an instant without a time zone cannot be recorded")
        value = value.astimezone(UTC)
    return value.isoformat(timespec="microseconds")[:26] + "Z"


def read_instant(text: str) -> datetime:
    """The instant that a text of the ledger means, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)
