"""What a trace tells of each thing: rows of the ledger to nodes, in the words of a person who checks them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from engine.ledger.rows import (
    ActivationRow,
    AlertRow,
    AnswerRow,
    AuditRow,
    EffectRow,
    EventRow,
    HoldRow,
    ReleaseRow,
    RunRow,
    TransitionRow,
)
from engine.values.json_text import JsonError, read_json
from engine.values.value import Value

SHORT = 12  # of a fingerprint, so much is shown to a person
LONGEST_REFERENCE = 200  # characters of a value that may be an id


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One thing in a trace."""

    id: str  # its kind, a colon, and its own id
    kind: str  # event, run, answer, decision, hold, alert, effect, record, release
    title: str  # what it is, in a few words
    at: str | None  # when, as RFC 3339 text in UTC
    details: Mapping[str, Value] = field(default_factory=dict)  # nothing in it is null


def event_node(row: EventRow) -> Node:
    """Something that came in, with its data."""
    return _node(
        f"event:{row.id}",
        "event",
        row.type,
        row.accepted_at,
        id=row.id,
        version=row.version,
        happened_at=row.at,
        source=row.source,
        order_key=row.order_key,
        cause=row.cause,
        data=_read(row.body),
        body_hash=row.body_hash,
        commit=row.commit,
    )


def run_node(row: RunRow) -> Node:
    """A flow at work on an event."""
    versions = _versions(row.decisions)
    return _node(
        f"run:{row.id}",
        "run",
        f"{row.flow} {row.status}",
        row.now,
        id=row.id,
        flow=row.flow,
        flow_version=versions.get("flow"),
        event_version=versions.get("event"),
        release=row.release[:SHORT],
        status=row.status,
        reason=row.reason,
        finished_at=row.finished_at,
        commit=row.commit,
        finish_commit=row.finish_commit,
    )


def answer_nodes(rows: Iterable[AnswerRow]) -> Iterator[Node]:
    """What a run asked, and what it was told."""
    for row in rows:
        body = cast("Mapping[str, Value]", _read(row.body))
        yield _node(
            f"answer:{row.run_id} {row.key}",
            "answer",
            f"{row.kind} {row.key.partition(':')[2]}",
            row.at,
            answer=body.get("value"),
            failure=body.get("failure"),
            event=body.get("event"),
            commit=row.commit,
        )


def decision_nodes(row: RunRow, history: Sequence[TransitionRow]) -> Iterator[Node]:
    """The policies that applied, then and in the end, with what followed and what was said."""
    said: dict[str, tuple[str | None, int, Mapping[str, Value]]] = {}
    for past in history:
        if past.detail is not None and past.kind == "run":
            said[past.detail] = (past.at, past.commit, _record(past.detail))
    if row.decisions is not None:
        said[row.decisions] = (row.finished_at, row.finish_commit or row.commit, _record(row.decisions))
    told: set[tuple[str, str, str]] = set()
    for at, commit, decisions in said.values():
        for step, item, facts in _checks(decisions):
            for policy in cast("Sequence[str]", facts["fired"]):
                node = _decision(row, at, commit, (step, item, policy), facts, _policies(decisions))
                if (step + item, policy, node.title) not in told:
                    told.add((step + item, policy, node.title))
                    yield node


def _checks(decisions: Mapping[str, Value]) -> Iterator[tuple[str, str, Mapping[str, Value]]]:
    """Each check with what it found: step, item, facts."""
    for step, facts in decisions.items():
        if not isinstance(facts, Mapping):
            continue
        if "fired" in facts:
            yield step, "", facts
        for item, inner in cast("Mapping[str, Value]", facts.get("items", {})).items():
            if isinstance(inner, Mapping) and "fired" in inner:
                yield step, f"[{item}]", inner


def _decision(
    row: RunRow,
    at: str | None,
    commit: int,
    place: tuple[str, str, str],
    facts: Mapping[str, Value],
    versions: Mapping[str, Value],
) -> Node:
    step, item, policy = place
    outcomes = [
        word for word in ("rejected", "held", "released", "rolled") if policy in _names(facts.get(word))
    ]
    reasons = cast("Mapping[str, Value]", facts.get("reasons", {}))
    return _node(
        f"decision:{row.id} {step}{item} {policy} {commit}",
        "decision",
        f"{policy}: {', '.join(outcomes) or 'applies'}",
        at,
        step=f"{step}{item}",
        policy=policy,
        policy_version=versions.get(policy),
        outcomes=cast("Value", outcomes) or None,
        reason=reasons.get(policy),
        facts=cast("Mapping[str, Value]", facts.get("facts", {})).get(policy),
        notes=facts.get("notes") or None,
        cycle=facts.get("cycle") if "rolled" in outcomes else None,
        route=facts.get("route"),
        commit=commit,
    )


def hold_node(row: HoldRow, audit: Iterable[AuditRow]) -> Node:
    """What a policy held, and who or what released it."""
    people = [
        {"who": entry.actor, "did": entry.action, "at": entry.at, "why": _record(entry.detail or "{}")}
        for entry in audit
    ]
    return _node(
        f"hold:{row.id}",
        "hold",
        f"held by {row.policy}, {row.status}",
        row.opened_at,
        id=row.id,
        step=row.step,
        policy=row.policy,
        owner=row.owner or None,
        reason=row.reason,
        status=row.status,
        released_at=row.released_at,
        released_by=row.released_by,
        release_reason=row.release_reason,
        release_event=row.release_event,
        audit=cast("Value", people) or None,
        commit=row.commit,
        release_commit=row.release_commit,
    )


def alert_node(row: AlertRow) -> Node:
    """Somebody who was told."""
    return _node(
        f"alert:{row.id}",
        "alert",
        f"{row.severity} to {row.to}",
        row.at,
        message=row.said,
        policy=row.policy,
        status=row.status,
        commit=row.commit,
    )


def effect_node(row: EffectRow, history: Iterable[TransitionRow]) -> Node:
    """A write to another system, with what was sent and what came back."""
    failures = [_record(past.detail).get("reason") for past in history if past.detail]
    return _node(
        f"effect:{row.key}",
        "effect",
        f"{row.connection}.{row.operation} {row.status}",
        row.created_at,
        key=row.key,
        step=row.step,
        item=row.item,
        status=row.status,
        attempts=row.attempts,
        sent=_read(row.payload),
        receipt=None if row.receipt is None else _read(row.receipt),
        external_id=row.external_id,
        failure=None if row.failure is None else _read(row.failure),
        earlier_failures=cast("Value", failures) or None,
        settled_at=row.settled_at,
        commit=row.commit,
        settle_commit=row.settle_commit,
    )


def record_node(connection: str, external_id: str) -> Node:
    """A record in another system."""
    return _node(
        f"record:{connection}:{external_id}",
        "record",
        f"{connection} {external_id}",
        None,
        system=connection,
        external_id=external_id,
    )


def release_node(row: ReleaseRow, activations: Iterable[ActivationRow]) -> Node:
    """A release, and when it was active."""
    active = [
        {"at": one.at, "by": one.actor, "why": one.reason, "commit": one.commit}
        for one in activations
        if one.fingerprint == row.fingerprint
    ]
    return _node(
        f"release:{row.fingerprint}",
        "release",
        f"release {row.fingerprint[:SHORT]}",
        row.created_at,
        fingerprint=row.fingerprint,
        note=row.note or None,
        activated=cast("Value", active) or None,
        commit=row.commit,
    )


def scalars(value: Value, most: int) -> list[str]:
    """The texts and whole numbers inside of a value that may be ids, each once, at most so many."""
    found: dict[str, None] = {}
    left = [value]
    while left and len(found) < most:
        item = left.pop(0)
        if isinstance(item, Mapping):
            left.extend(item.values())
        elif isinstance(item, list):
            left.extend(item)
        elif isinstance(item, str) and 0 < len(item) <= LONGEST_REFERENCE:
            found[item] = None
        elif isinstance(item, int) and not isinstance(item, bool):
            found[str(item)] = None
    return list(found)


def _node(name: str, kind: str, title: str, at: str | None, **details: Value) -> Node:
    kept = {key: value for key, value in details.items() if value is not None}
    return Node(id=name, kind=kind, title=title, at=at, details=kept)


def _read(text: bytes | str) -> Value:
    """JSON as it was recorded; what is no JSON, as an event's body may be, is shown as text."""
    try:
        return read_json(text)
    except JsonError:
        return text if isinstance(text, str) else text.decode("utf-8", "replace")


def _record(text: str) -> Mapping[str, Value]:
    value = _read(text)
    return value if isinstance(value, Mapping) else {}


def _names(value: Value) -> Sequence[str]:
    return cast("Sequence[str]", value) if isinstance(value, list) else ()


def _versions(decisions: str | None) -> Mapping[str, Value]:
    found = None if decisions is None else _record(decisions).get("$versions")
    return found if isinstance(found, Mapping) else {}


def _policies(decisions: Mapping[str, Value]) -> Mapping[str, Value]:
    versions = decisions.get("$versions")
    found = versions.get("policies") if isinstance(versions, Mapping) else None
    return found if isinstance(found, Mapping) else {}
