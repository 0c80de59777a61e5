"""In what two runs of one event differ: how they end, what they write and emit, whom they hold and tell."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from engine.core import EmitCommand, WriteCommand
from engine.preview.behaviour.play import Run
from engine.values.value import Value

OUTCOME, WRITE, EMIT, HOLD, ALERT, CHECK, WORDS = (
    "outcome",
    "write",
    "emit",
    "hold",
    "alert",
    "check",
    "wording",
)
NO_RUN = "no run"


# Told as holds, as the outcome or as a change of words, or evidence of how it came to that.
_TOLD = frozenset({"held", "fired", "released", "failed", "unknown", "facts", "reasons", "skipped", "items"})
Made: TypeAlias = WriteCommand | EmitCommand


class Known(NamedTuple):
    """Of which record a run is, in the words of the business."""

    entity: str  # "time_entry", or the event where its data is no entity
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that a run does otherwise."""

    flow: str
    event: str  # the id of the event
    record: Known
    kind: str  # outcome, write, emit, hold, alert, check, wording
    step: str  # "" for the run as a whole; with its item, where there is one
    field: str  # "" for the thing as a whole
    what: str  # added, removed, changed
    old: Value
    new: Value
    policy: str = ""

    @property
    def about(self) -> tuple[str, str, str, str, str, str]:
        """What it has in common with others that are counted with it."""
        return self.flow, self.kind, self.step.partition("[")[0], self.policy, self.field, self.what


def is_same(old: Run, new: Run) -> bool:
    """Whether two runs do the same, told quickly: most do."""
    return (
        old is new
        or (
            old.status == new.status
            and old.is_behind == new.is_behind
            and _alike(old.writes, new.writes)
            and _alike(old.emits, new.emits)
            and old.alerts == new.alerts
            and old.reason == new.reason
            and _holds(old) == _holds(new)
            and _trace(old) == _trace(new)
        )
    )  # fmt: skip


def differences(old: Run | None, new: Run | None, record: Known) -> Iterator[Difference]:
    """In what the run of one event differs; None where a side has no such run."""
    there = new or old
    assert there is not None
    told = _Teller(there.flow.name, there.event.id, record)
    yield from told.outcome(old, new)
    for kind in (WRITE, EMIT):
        yield from told.made(kind, _made(old, kind), _made(new, kind))
    yield from told.held(old, new)
    yield from told.alerted(old, new)
    yield from told.checked({} if old is None else _trace(old), {} if new is None else _trace(new))


@dataclass(frozen=True, slots=True)
class _Teller:
    flow: str
    event: str
    record: Known

    def say(  # noqa: PLR0913, PLR0917 - the parts of a difference
        self, kind: str, step: str, field: str, what: str, old: Value, new: Value, policy: str = ""
    ) -> Difference:
        return Difference(
            flow=self.flow,
            event=self.event,
            record=self.record,
            kind=kind,
            step=step,
            field=field,
            what=what,
            old=old,
            new=new,
            policy=policy,
        )

    def outcome(self, old: Run | None, new: Run | None) -> Iterator[Difference]:
        before, after = _end(old), _end(new)
        if before != after:
            yield self.say(OUTCOME, "", "", "changed", before, after)
        reasons = None if old is None else old.reason, None if new is None else new.reason
        if None not in reasons and before == after:
            said = [_without_place(str(one)) for one in reasons]
            if said[0] != said[1]:
                yield self.say(WORDS, "", "reason", "changed", *said)

    def made(self, kind: str, old: Mapping[str, Made], new: Mapping[str, Made]) -> Iterator[Difference]:
        for name in dict.fromkeys([*old, *new]):
            before, after = old.get(name), new.get(name)
            if before is None or after is None:
                what = "added" if before is None else "removed"
                pair = [None if one is None else dict(data_of(one)) for one in (before, after)]
                yield self.say(kind, name, "", what, pair[0], pair[1])
                continue
            if _target(before) != _target(after):
                yield self.say(kind, name, "", "changed", _target(before), _target(after))
            for field, one, other in _fields(data_of(before), data_of(after), ""):
                what = "added" if one is _ABSENT else "removed" if other is _ABSENT else "changed"
                yield self.say(kind, name, field, what, _value(one), _value(other))

    def held(self, old: Run | None, new: Run | None) -> Iterator[Difference]:
        before, after = ({} if run is None else _holds(run) for run in (old, new))
        for key in dict.fromkeys([*before, *after]):
            one, other = before.get(key), after.get(key)
            step, _, policy = key.removeprefix("hold:").rpartition(":")
            if one is None or other is None:
                said, what = one or other, "added" if one is None else "removed"
                assert said is not None
                lost, gained = (None, said[0]) if one is None else (said[0], None)
                yield self.say(HOLD, step, "", what, lost, gained, policy)
            else:
                if one[1] != other[1]:
                    yield self.say(HOLD, step, "amount", "changed", one[1], other[1], policy)
                if one[0] != other[0]:
                    yield self.say(WORDS, step, "reason", "changed", one[0], other[0], policy)

    def alerted(self, old: Run | None, new: Run | None) -> Iterator[Difference]:
        before, after = (
            {}
            if run is None
            else {(one.step, one.policy, one.to, one.severity): one.message for one in run.alerts}
            for run in (old, new)
        )
        for key in dict.fromkeys([*before, *after]):
            step, policy, to, severity = key
            if (key in before) != (key in after):
                what = "added" if key in after else "removed"
                said = f"{to} ({severity})"
                lost, gained = (None, said) if what == "added" else (said, None)
                yield self.say(ALERT, step, "", what, lost, gained, policy)
            elif before[key] != after[key]:
                yield self.say(WORDS, step, "message", "changed", before[key], after[key], policy)

    def checked(self, old: Mapping[str, Value], new: Mapping[str, Value]) -> Iterator[Difference]:
        """What checks work out beside holds: routes, cycles, rejections, values that policies set."""
        for step in dict.fromkeys([*old, *new]):
            before, after = old.get(step), new.get(step)
            if not isinstance(before, Mapping) or not isinstance(after, Mapping):
                continue
            for field, one, other in _fields(before, after, ""):
                first = field.partition(".")[0].partition("[")[0]
                if first in _TOLD:
                    continue
                kind = WORDS if first == "notes" else CHECK
                yield self.say(kind, step, field, "changed", _value(one), _value(other))


def _end(run: Run | None) -> str:
    """How a run ends; one whose order key another run stops does so when somebody lets it go on."""
    if run is None:
        return NO_RUN
    return f"stopped (then {run.status})" if run.is_behind else str(run.status)


def made_by(run: Run) -> list[Made]:
    """All that a run writes and emits; what it emits first, since that is said in the firm's own words."""
    return [*run.emits, *run.writes]


def record_of(run: Run, entity: str | None, key: str) -> Known:
    """Which record a run is about."""
    found = run.event.data.get(key) if entity is not None else None
    return Known(entity or run.event.type, run.event.id.partition(":")[2] if found is None else str(found))


_ABSENT = object()


def _value(value: object) -> Value:
    return None if value is _ABSENT else value  # type: ignore[return-value]


def _made(run: Run | None, kind: str) -> dict[str, Made]:
    """What a run writes or emits, by step and item; what it asked for again after a refusal, the last."""
    if run is None:
        return {}
    commands: Sequence[Made] = run.writes if kind == WRITE else run.emits
    return {one.effect_key.removeprefix(f"{run.id}/"): one for one in commands}


def _target(made: Made) -> str:
    return f"{made.connection}.{made.operation}" if isinstance(made, WriteCommand) else made.event


def data_of(made: Made) -> Mapping[str, Value]:
    """What is written or emitted."""
    return made.payload if isinstance(made, WriteCommand) else made.data


def _holds(run: Run) -> dict[str, tuple[str, Value]]:
    return {key: (hold.reason, hold.amount) for key, hold in run.holds.items()} if run.holds else {}


def _trace(run: Run) -> Mapping[str, Value]:
    return {} if run.state is None else run.state.trace


def _fields(old: object, new: object, place: str) -> Iterator[tuple[str, object, object]]:
    """The places at which two values differ, each with what stands there."""
    if type(old) is dict and type(new) is dict:
        for name in old if old.keys() == new.keys() else dict.fromkeys([*old, *new]):
            one, other = old.get(name, _ABSENT), new.get(name, _ABSENT)
            if one is not other and _differ(one, other):
                yield from _fields(one, other, f"{place}.{name}" if place else str(name))
    elif type(old) is list and type(new) is list:
        for number in range(max(len(old), len(new))):
            one = old[number] if number < len(old) else _ABSENT
            other = new[number] if number < len(new) else _ABSENT
            if one is not other and _differ(one, other):
                yield from _fields(one, other, f"{place}[{number}]")
    else:
        yield place, old, new


def _alike(old: Sequence[Made], new: Sequence[Made]) -> bool:
    return old == new and all(
        _same_kinds(data_of(one), data_of(other)) for one, other in zip(old, new, strict=True)
    )


def _same_kinds(old: object, new: object) -> bool:
    """Whether values that are equal are so in their kinds as well: to Python, true is 1."""
    if old is new:
        return True
    if type(old) is dict and type(new) is dict:
        kinds = list(map(type, old.values()))
        if kinds != list(map(type, map(new.__getitem__, old))):
            return all(_same_kinds(value, new[key]) for key, value in old.items())
        if dict not in kinds and list not in kinds:
            return True
        return all(_same_kinds(value, new[key]) for key, value in old.items() if type(value) in _CONTAINERS)
    if type(old) is list and type(new) is list:
        return all(map(_same_kinds, old, new))
    return (type(old) is bool) == (type(new) is bool)


_CONTAINERS = (dict, list)


def _differ(old: object, new: object) -> bool:
    """Whether two values are not the same: 1.50 and 1.5 are, and true and 1 are not."""
    return old != new or not _same_kinds(old, new)


# Where a failed expression stands, and how it is written: another line is no other reason.
_PLACE = re.compile(r"[^\s:]+\.ya?ml:\d+:\d+: | \(in `.*`\)", re.DOTALL)


def _without_place(text: str) -> str:
    return _PLACE.sub("", text)
