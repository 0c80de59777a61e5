"""What a place is about, and what it means for others when what is said there changes.

What lives here: one table. The first row that fits decides. A test goes through every key that documents
have and demands a row for each.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from engine.plan.meaning import Place, Said
from engine.preview.meaning.change import BREAKING, FORWARD_ONLY, SAFE

Severe: TypeAlias = Callable[[Said | None, Said | None], str]
"""What it means that something was said before, and something else is said now; None for nothing."""


@dataclass(frozen=True, slots=True)
class Row:
    """Of which kind and place a row is; `*` stands for one name, `**` for any, at the end at least one."""

    kind: str
    place: str
    aspect: str
    severe: Severe

    def fits(self, kind: str, place: Place) -> bool:
        """Whether it is about this place."""
        return self.kind in (kind, "*") and _fits(tuple(self.place.split(".")), place)


def _fits(pattern: Place, place: Place) -> bool:
    if not pattern or not place:
        return not pattern and not place
    if pattern == ("**",):
        return True
    if pattern[0] == "**":
        return any(_fits(pattern[1:], place[number:]) for number in range(len(place) + 1))
    return pattern[0] in ("*", place[0]) and _fits(pattern[1:], place[1:])


def _always(severity: str) -> Severe:
    return lambda _old, _new: severity


def _by(*, added: str = SAFE, removed: str = SAFE, changed: str = SAFE) -> Severe:
    def judged(old: Said | None, new: Said | None) -> str:
        return added if old is None else removed if new is None else changed

    return judged


def _narrower_set(old: Said | None, new: Said | None) -> str:
    """Texts that something may be: fewer of them refuse what was accepted."""
    if old is None or new is None:
        return BREAKING if old is None else SAFE
    before, after = old.value, new.value
    assert isinstance(before, list)
    assert isinstance(after, list)
    return SAFE if all(item in after for item in before) else BREAKING


def _narrower_bound(*, lower: bool) -> Severe:
    """A limit: a tighter one refuses what was accepted."""

    def judged(old: Said | None, new: Said | None) -> str:
        if old is None or new is None:
            return BREAKING if old is None else SAFE
        wider = new.value <= old.value if lower else new.value >= old.value  # type: ignore[operator]
        return SAFE if wider else BREAKING

    return judged


def _demanded(old: Said | None, new: Said | None) -> str:
    """A switch that refuses when it is on: `required`."""
    del old
    return BREAKING if new is not None and new.value is True else SAFE


def _allowed(old: Said | None, new: Said | None) -> str:
    """A switch that refuses when it is off: `nullable`, `open`."""
    del old
    return SAFE if new is not None and new.value is True else BREAKING


safe, forward, breaking = _always(SAFE), _always(FORWARD_ONLY), _always(BREAKING)

TABLE: tuple[Row, ...] = (
    # A document as a whole. What used one that is gone says so itself, or it would not compile.
    Row("flow", "", "flow", _by(removed=BREAKING)),
    Row("event", "", "event", _by(removed=BREAKING)),
    Row("entity", "", "entity", _by(removed=BREAKING)),
    Row("connection", "", "connection", _by(removed=BREAKING)),
    Row("operation", "", "operation", _by(removed=BREAKING)),
    Row("source", "", "source", _by(removed=BREAKING)),
    Row("connector", "", "connector", _by(removed=BREAKING)),
    Row("mapping", "", "mapping", safe),
    Row("policy", "", "policy", safe),
    Row("table", "", "table", safe),
    Row("calendar", "", "calendar", safe),
    Row("system", "", "ownership", safe),
    Row("rule", "", "rule", safe),
    Row("expectation", "", "expectation", safe),
    Row("environment", "", "release rule", safe),
    # What all documents have.
    Row("*", "version", "wording", safe),
    Row("*", "about", "wording", safe),
    Row("*", "owner", "ownership", safe),
    # Flows.
    Row("flow", "trigger.**", "trigger", forward),
    Row("flow", "steps.*.after.*", "edge", forward),
    Row("flow", "steps.*.when", "condition", forward),
    Row("flow", "steps.*.choose.**", "branch", forward),
    Row("flow", "steps.*.check", "check", forward),
    Row("flow", "steps.*.wait.**", "wait", forward),
    Row("flow", "steps.*.for_each.key", "items", breaking),  # another key of items is another effect
    Row("flow", "steps.*.for_each.**", "items", forward),
    Row("flow", "steps.*.for_each", "items", breaking),
    Row("flow", "steps.*.read", "operation", forward),
    Row("flow", "steps.*.write", "operation", breaking),  # the same effect, to somebody else
    Row("flow", "steps.*.emit", "event", forward),
    Row("flow", "steps.*.map", "mapping", safe),
    Row("flow", "steps.*.with.**", "field", safe),
    Row("flow", "steps.*.links.*", "cross reference", safe),
    Row("flow", "steps.*.undo.**", "compensation", safe),
    Row("flow", "steps.*.undo", "compensation", safe),
    Row("flow", "steps.*.irreversible", "compensation", safe),
    Row("flow", "steps.*.stands", "compensation", safe),
    Row("flow", "steps.*.proposes", "ownership", safe),
    Row("flow", "steps.*.faults.**", "faults", safe),
    Row("flow", "steps.*.cache", "read", safe),
    Row("flow", "steps.*.missing", "read", safe),
    Row("flow", "steps.*", "step", forward),
    Row("flow", "compensate", "compensation", forward),
    Row("flow", "faults.**", "faults", safe),
    Row("flow", "retry.**", "patience", safe),
    Row("flow", "order.**", "order", safe),
    Row("flow", "priority", "priority", safe),
    Row("flow", "labels", "priority", safe),
    Row("flow", "slo.**", "objective", safe),
    # Mappings.
    Row("mapping", "inputs.*", "type", forward),
    Row("mapping", "output", "type", breaking),
    Row("mapping", "fields.**.from", "source", safe),
    Row("mapping", "fields.**.each", "source", safe),
    Row("mapping", "fields.**.table", "table", safe),
    Row("mapping", "fields.**.take", "table", safe),
    Row("mapping", "fields.**.on", "table", safe),
    Row("mapping", "fields.**.key.**", "table", safe),
    Row("mapping", "fields.**.xref", "cross reference", safe),
    Row("mapping", "fields.**.id", "cross reference", safe),
    Row("mapping", "fields.**.in", "cross reference", safe),
    Row("mapping", "fields.**.as", "type", safe),
    Row("mapping", "fields.**.rounding", "rounding", safe),
    Row("mapping", "fields.**.values.*", "value map", _by(removed=BREAKING)),
    Row("mapping", "fields.**.required", "presence", safe),
    Row("mapping", "fields.**.default", "presence", safe),
    Row("mapping", "fields.**.omit", "presence", safe),
    Row("mapping", "fields.**.max_length", "length", safe),
    Row("mapping", "fields.**", "field", safe),
    # Policies.
    Row("policy", "inputs.*", "type", forward),
    Row("policy", "when", "condition", safe),
    Row("policy", "then.hold.until.**", "release", forward),
    Row("policy", "then.hold.until", "release", forward),
    Row("policy", "then.hold.amount.**", "hold", safe),
    Row("policy", "then.hold.release.**", "release", safe),
    Row("policy", "then.hold.escalate.**", "escalation", safe),
    Row("policy", "then.hold.expires.**", "release", safe),
    Row("policy", "then.hold", "hold", forward),
    Row("policy", "then.approve.escalate.**", "escalation", safe),
    Row("policy", "then.approve.expires.**", "release", safe),
    Row("policy", "then.approve.**", "hold", safe),
    Row("policy", "then.approve", "hold", forward),
    Row("policy", "then.reject.**", "reject", safe),
    Row("policy", "then.reject", "reject", safe),
    Row("policy", "then.roll.**", "roll", safe),
    Row("policy", "then.roll", "roll", safe),
    Row("policy", "then.route.**", "route", safe),
    Row("policy", "then.route", "route", safe),
    Row("policy", "then.alert.**", "alert", safe),
    Row("policy", "then.alert", "alert", safe),
    Row("policy", "then.set.**", "field", safe),
    Row("policy", "then", "outcome", safe),
    Row("policy", "decide.rows.**", "row", safe),
    Row("policy", "decide.**", "row", safe),
    Row("policy", "decide", "row", safe),
    Row("policy", "reason", "wording", safe),
    Row("policy", "note", "wording", safe),
    # Events and entities.
    Row("event", "data", "type", breaking),
    Row("event", "identity", "identity", breaking),
    Row("event", "order_by", "order", forward),
    Row("event", "at", "source", safe),
    Row("event", "sources.*", "source", _by(removed=BREAKING)),
    Row("event", "sources.*.from", "source", breaking),
    Row("event", "sources.*.schedule.**", "schedule", safe),
    Row("event", "sources.**", "source", safe),
    Row("event", "deprecates.**", "version", forward),
    Row("entity", "key", "identity", breaking),
    Row("entity", "system_of_record", "ownership", safe),
    Row("entity", "keep", "history", safe),
    Row("entity", "open", "type", _allowed),
    Row("entity", "deprecates.**", "version", forward),
    Row("entity", "fields.**.about", "wording", safe),
    Row("entity", "fields.**.system_of_record", "ownership", safe),
    Row("entity", "fields.**.copy_of", "ownership", safe),
    Row("entity", "fields.**.personal", "personal data", safe),
    Row("entity", "fields.**.required", "type", _demanded),
    Row("entity", "fields.**.nullable", "type", _allowed),
    Row("entity", "fields.**.enum", "type", _narrower_set),
    Row("entity", "fields.**.min", "type", _narrower_bound(lower=True)),
    Row("entity", "fields.**.min_length", "type", _narrower_bound(lower=True)),
    Row("entity", "fields.**.max", "type", _narrower_bound(lower=False)),
    Row("entity", "fields.**.max_length", "type", _narrower_bound(lower=False)),
    Row("entity", "fields.**.decimals", "type", _narrower_bound(lower=False)),
    Row("entity", "fields.**.pattern", "type", _by(added=BREAKING, changed=BREAKING)),
    Row("entity", "fields.**.const", "type", _by(added=BREAKING, changed=BREAKING)),
    Row("entity", "fields.**.currency", "type", _by(added=BREAKING, changed=BREAKING)),
    Row("entity", "fields.**.ref", "type", _by(added=BREAKING, changed=BREAKING)),
    Row("entity", "fields.**.type", "type", breaking),
    Row("entity", "fields.**", "field", _by(removed=BREAKING, changed=BREAKING)),
    # Reference data.
    Row("table", "rows.*", "table", _by(removed=BREAKING)),
    Row("table", "rows.**", "table", safe),
    Row("table", "system_of_record", "ownership", safe),
    Row("table", "**", "table", _by(removed=BREAKING, changed=BREAKING)),
    Row("calendar", "cycles.name", "calendar", breaking),  # the name of a cycle is what targets were told
    Row("calendar", "**", "calendar", safe),
    # Systems.
    Row("connection", "connector", "connection", breaking),
    Row("connection", "system", "ownership", safe),
    Row("connection", "faults.**", "faults", safe),
    Row("connection", "retry.**", "patience", safe),
    Row("connection", "**", "connection", safe),
    Row("operation", "once_by.**", "idempotency", forward),
    Row("operation", "once_by", "idempotency", forward),
    Row("operation", "input.**", "type", forward),
    Row("operation", "output.**", "type", forward),
    Row("operation", "does", "operation", breaking),
    Row("operation", "**", "operation", safe),
    Row("source", "output.**", "type", forward),
    Row("source", "**", "source", safe),
    Row("connector", "**", "connector", safe),
    Row("environment", "**", "release rule", safe),
    Row("expectation", "**", "expectation", safe),
    Row("rule", "**", "rule", safe),
    Row("system", "**", "ownership", safe),
)


def row_of(kind: str, place: Place) -> Row:
    """The row that decides about a place; about a thing as a whole, that of what is in it.

    Raises:
        StopIteration: for a place that no document has.

    """
    rows = (row for wanted in (place, (*place, "*")) for row in TABLE if _is_of(row, kind, wanted))
    return next(rows)


def _is_of(row: Row, kind: str, place: Place) -> bool:
    if not row.place:
        return not place and row.kind == kind
    return bool(place) and row.fits(kind, place)


# Places below which what is said belongs together: added and removed as one.
NAMED: frozenset[str] = frozenset(
    {
        "steps",
        "fields",
        "rows",
        "sources",
        "environments",
        "windows",
        "priorities",
        "escalate",
        "rate",
        "faults",
        "settings",
        "auth",
        "parameters",
        "set",
        "by",
        "with",
        "properties",
        "exempt",
    }
)
WHOLE: frozenset[str] = frozenset(
    {
        "for_each",
        "hold",
        "approve",
        "roll",
        "reject",
        "route",
        "alert",
        "decide",
        "undo",
        "slo",
        "retry",
        "order",
        "cycles",
        "limits",
        "breaker",
        "wait",
        "webhook",
        "poll",
        "schedule",
        "until",
        "release",
        "expires",
        "once_by",
        "paging",
        "deprecates",
        "calendar",
        "comes",
        "quiet",
        "then",
    }
)


def groups_of(place: Place) -> list[Place]:
    """The things that a place belongs to, the outermost first; last the place itself."""
    found = [
        place[: number + 1]
        for number, name in enumerate(place[:-1])
        if name in WHOLE or (number > 0 and place[number - 1] in NAMED)
    ]
    return [*found, place]
