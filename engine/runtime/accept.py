"""What comes in, to an event about to be accepted, and to its row; :mod:`engine.core.accept` judges it."""

from collections.abc import Mapping
from datetime import datetime

from engine.core.accept import NotAnEventError, Offer, of_version
from engine.core.accept import offer as judged
from engine.errors import InputError
from engine.ledger.instants import instant, read_instant
from engine.ledger.pruned import is_pruned
from engine.ledger.rows import EventRow, NewEvent
from engine.plan.plan import Plan
from engine.values.canonical import text_hash
from engine.values.json_text import JsonError, read_json, write_json
from engine.values.value import Value


def read_line(plan: Plan, line: bytes, as_event: str | None, now: datetime) -> Offer:
    """An event from one line of JSON: its data when `as_event` names the event, else an envelope.

    The envelope is that of CloudEvents 1.0 in JSON: `type` is the name of the event, `data` its data;
    other members are not looked at.

    Raises:
        InputError: when the line is not JSON, is no envelope, or names an event that is not known.

    """
    try:
        value = read_json(line)
    except JsonError as error:
        raise InputError(f"not JSON: {error}") from error
    if as_event is not None:
        try:
            return judged(plan, as_event, value, line, now)
        except NotAnEventError as error:
            raise InputError(str(error)) from error
    if not isinstance(value, Mapping) or not isinstance(value.get("type"), str) or "data" not in value:
        raise InputError('an event is written {"type": NAME, "data": {...}}')
    source = value.get("source")
    data = value["data"]
    return offer(
        plan, str(value["type"]), data, write_json(data), now, source if isinstance(source, str) else None
    )


def offer(  # noqa: PLR0913, PLR0917 - the parts of an event
    plan: Plan,
    name: str,
    data: Value,
    text: bytes,
    now: datetime,
    source: str | None,
    cause: str | None = None,
    depth: int = 0,
) -> Offer:
    """An event of data that was read from `text`.

    Raises:
        InputError: when no such event is known, or the data is no record.

    """
    try:
        return judged(plan, name, data, text, now, source=source, cause=cause, depth=depth)
    except NotAnEventError as error:
        raise InputError(str(error)) from error


def offered_again(plan: Plan, row: EventRow) -> Offer:
    """An accepted event as a plan judges it, under the identity and order key that it was accepted with.

    Of an earlier version the plan's is made; the text stays that which was accepted.
    """
    data, why = of_version(plan.events[row.type], read_json(row.body), row.version)
    found = judged(
        plan,
        row.type,
        data,
        row.body,
        read_instant(row.accepted_at),
        source=row.source,
        cause=row.cause,
        depth=row.depth,
    )
    event = found.event._replace(id=row.id, order_key=row.order_key, at=read_instant(row.at))
    return found._replace(event=event, complaints=why or found.complaints)


def is_same_event(found: Offer, row: EventRow | None) -> bool:
    """Whether an event that was accepted as an earlier version is what is offered now, in the newer."""
    if row is None or row.version == found.plan.version or is_pruned(row.body):
        return False
    data, why = of_version(found.plan, read_json(row.body), row.version)
    return not why and text_hash(write_json(data)) == found.body_hash


def event_row(found: Offer, accepted_at: str) -> NewEvent:
    """The event as the ledger keeps it, given the text of when it was accepted."""
    event = found.event
    return NewEvent(
        event.id,
        event.type,
        event.order_key,
        accepted_at if event.at is event.accepted_at else instant(event.at),
        accepted_at,
        found.source,
        event.cause,
        event.depth,
        found.plan.version,
        found.body_hash,
        event.text,
    )
