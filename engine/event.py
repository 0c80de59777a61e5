"""What came in: a canonical business event, as accepted."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from engine.values.value import Value


class Event(NamedTuple):
    """One accepted event. The same identity twice is the same event."""

    id: str  # type and identity, computed from the event and never drawn: "time_entry.approved:te-1"
    type: str  # "time_entry.approved"
    data: Mapping[str, Value]  # dates already dates, where the entity says so
    text: bytes  # the JSON of the data as it was received, kept as evidence
    order_key: str | None  # events that share it are worked in order
    at: datetime  # when it happened in the business
    accepted_at: datetime  # when it became ours; the `now` of every run that it starts
    cause: str | None = None  # the key of the effect that emitted it, when a flow did
    depth: int = 0  # how many events before it caused each other; 0 when it came from outside
