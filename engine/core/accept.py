"""What comes in, to an event: known by its identity, checked against its entity. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from engine.event import Event
from engine.language.compiled import EvaluationError
from engine.plan.plan import EarlierPlan, EventPlan, Plan
from engine.values.canonical import text_hash
from engine.values.json_text import read_json, write_json
from engine.values.type import DecodeError
from engine.values.value import Value, kind_of


class NotAnEventError(ValueError):
    """What was handed in is no event of this plan; the message is a sentence."""


class Offer(NamedTuple):
    """An event about to be accepted. Complaints say why no flow can work it; it is kept all the same."""

    event: Event
    plan: EventPlan
    body_hash: str
    complaints: list[str]
    source: str | None


def offer(  # noqa: PLR0913 - the parts of an event
    plan: Plan,
    name: str,
    data: Value,
    text: bytes,
    now: datetime,
    *,
    source: str | None = None,
    cause: str | None = None,
    depth: int = 0,
) -> Offer:
    """An event of data that was read from `text`.

    A name may say a version, as in "deal.won@1". What comes as the earlier version is an event of the newer
    from here on: the text that is kept is that of the newer, and the source says what it came as.

    Raises:
        NotAnEventError: when no such event is known, the data is no record, or no newer version can be made.

    """
    found = plan.events.get(name)
    if found is None:
        found, earlier = _versioned(plan, name)
        if earlier is not None:
            data, text = _raised(earlier, data)
            came = f"as {earlier.name} by {earlier.up}"
            source = came if source is None else f"{source} {came}"
        name = found.name
    if not isinstance(data, Mapping):
        raise NotAnEventError(f"the data of {name} is {kind_of(data)}, not a record")
    complaints = found.complaints(data)
    if not complaints and found.decode is not None:
        data, complaints = _decoded(found, data)
    body_hash = text_hash(text)
    event_id, order_key, at, more = _facts(found, data, body_hash)
    event = Event(event_id, name, data, text, order_key, at or now, now, cause, depth)
    return Offer(event, found, body_hash, complaints + more if more else complaints, source)


def _versioned(plan: Plan, name: str) -> tuple[EventPlan, EarlierPlan | None]:
    """The event that a name with a version means, and that version where it is the earlier one."""
    called, _, version = name.partition("@")
    found = plan.events.get(called)
    if found is None or not version:
        raise NotAnEventError(f"no event is called {name!r}")
    if version == str(found.version):
        return found, None
    if found.earlier is None or version != str(found.earlier.version):
        taken = f"{called}@{found.version}" + ("" if found.earlier is None else f" and {found.earlier.name}")
        raise NotAnEventError(f"no event is called {name!r}; taken: {taken}")
    return found, found.earlier


def _raised(earlier: EarlierPlan, data: Value) -> tuple[Value, bytes]:
    """The data of the newer version as JSON, and its text."""
    if not isinstance(data, Mapping):
        raise NotAnEventError(f"the data of {earlier.name} is {kind_of(data)}, not a record")
    try:
        text = write_json(earlier.raised(data))
    except EvaluationError as error:
        raise NotAnEventError(f"{earlier.name} cannot be taken: {error}") from error
    return read_json(text), text


def restore(plan: Plan, kept: Event, version: int) -> Event:
    """An event that was accepted as a version, without data, with the data that its text holds.

    Where a mapping leads from that version to the one of the plan, the data is what it makes of the text.
    """
    data, _ = kept_data(plan.events[kept.type], read_json(kept.text), version)
    assert isinstance(data, Mapping)
    return kept._replace(data=data)


def kept_data(plan: EventPlan, data: Value, version: int) -> tuple[Value, list[str]]:
    """The JSON data of an event that was accepted as a version, as a plan reads it, and why it does not fit.

    What does not fit is given as it is; empty complaints say that it can be worked.
    """
    data, found = of_version(plan, data, version)
    found = found or plan.complaints(data)
    if found or plan.decode is None or not isinstance(data, Mapping):
        return data, found
    return _decoded(plan, data)


def of_version(plan: EventPlan, data: Value, version: int) -> tuple[Value, list[str]]:
    """JSON data that was accepted as a version, as that of the plan's, and why that cannot be made of it."""
    if version == plan.version:
        return data, []
    if plan.earlier is None or plan.earlier.version != version:
        came, wanted = f"{plan.name}@{version}", f"{plan.name}@{plan.version}"
        return data, [f"it was accepted as {came}, and no mapping makes {wanted} of that"]
    try:
        return _raised(plan.earlier, data)[0], []
    except NotAnEventError as error:
        return data, [str(error)]


def _decoded(plan: EventPlan, data: Mapping[str, Value]) -> tuple[Mapping[str, Value], list[str]]:
    assert plan.decode is not None
    try:
        decoded = plan.decode(data)
    except DecodeError as error:
        return data, [str(error)]
    assert isinstance(decoded, Mapping)
    return decoded, []


def _facts(
    plan: EventPlan, data: Mapping[str, Value], body_hash: str
) -> tuple[str, str | None, datetime | None, list[str]]:
    """Identity, order key and business time; of data that lacks them, an identity made of its bytes."""
    try:
        return plan.identity(data), plan.order_key(data), plan.at(data), []
    except EvaluationError as error:
        return f"{plan.name}:sha256:{body_hash}", None, None, [str(error)]
