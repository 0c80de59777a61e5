"""Personal data in what is told of a difference: hidden, and the change still seen.

What entities call `personal` is shown as a sign: in one report the same value has the same sign, another has
another. Signs are numbers in the order in which values are met, so nobody finds a value by trying. What is
hidden is found by the name of its field, by what a mapping makes it of, and in texts for people by the values
that the event has.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from engine.plan.meaning import Meaning, Place
from engine.plan.plan import Plan
from engine.plan.step import EmitStep, WriteStep
from engine.preview.behaviour.outcome import EMIT, WRITE, Difference
from engine.preview.behaviour.play import Run
from engine.values.canonical import fingerprint
from engine.values.value import Value

SHORTEST = 3  # a value of fewer characters is in too many words to be looked for in texts

Places: TypeAlias = frozenset[str]  # dotted names of fields, elements of lists left out


@dataclass(frozen=True, slots=True)
class Mask:
    """Hides what is personal, by the two releases that are compared."""

    events: Mapping[str, Places] = field(default_factory=dict)  # what is personal in the data of an event
    made: Mapping[tuple[str, str], Places] = field(
        default_factory=dict
    )  # in what a step makes, by flow and step
    _numbers: dict[str, int] = field(default_factory=dict)  # the sign of each value met so far, by its hash

    @classmethod
    def of(cls, *releases: tuple[Plan, Meaning]) -> "Mask":
        """What either of the releases calls personal."""
        events: dict[str, Places] = {}
        made: dict[tuple[str, str], Places] = {}
        for plan, meaning in releases:
            personal = dict(personal_places(meaning))
            for name in plan.events:
                found = personal.get(said_at(meaning, f"event {name}", ("data",)), frozenset())
                events[name] = events.get(name, frozenset()) | found
            for flow in plan.flows.values():
                for step in flow.steps:
                    if isinstance(step, WriteStep | EmitStep):
                        key = flow.name, step.name
                        found = _made_of(plan, meaning, step.mapping, personal)
                        found |= (
                            events.get(step.event, frozenset()) if isinstance(step, EmitStep) else frozenset()
                        )
                        made[key] = made.get(key, frozenset()) | found
        return cls(
            {name: one for name, one in events.items() if one}, {key: one for key, one in made.items() if one}
        )

    def hidden(self, difference: Difference, run: Run) -> Difference:
        """The difference as it may be shown."""
        if not self.events and not self.made:
            return difference
        if difference.kind in (WRITE, EMIT):
            places = self.made.get((difference.flow, difference.step.partition("[")[0]), frozenset())
            start = _LIST.sub("", difference.field)
            old, new = (self._within(one, start, places) for one in (difference.old, difference.new))
            difference = replace(difference, old=old, new=new)
        known = self._known(run)
        step, bracket, item = difference.step.partition("[")
        return replace(
            difference,
            event=self.text(difference.event, run),
            step=f"{step}{bracket}{self.text(item, run)}",
            old=self._without(difference.old, known),
            new=self._without(difference.new, known),
        )

    def text(self, text: str, run: Run) -> str:
        """A text about a run without what is personal in its event: the id of a record, what a side lacks."""
        return str(self._without(text, self._known(run)))

    def sorted_under(self, by: Sequence[str], values: Sequence[str], run: Run) -> tuple[str, ...]:
        """What a record of a run is sorted under, by each of these fields; "" stays what it is."""
        if not self.events and not self.made:
            return tuple(values)
        places = self.events.get(run.event.type, frozenset()).union(
            *(found for (flow, _), found in self.made.items() if flow == run.flow.name)
        )
        return tuple(
            [
                str(self._sign(value))
                if value and any(is_within(name, one) for one in places)
                else self.text(value, run)
                for name, value in zip(by, values, strict=True)
            ]
        )

    def _known(self, run: Run) -> list[str]:
        """The personal values of the event of a run, the longest first."""
        places = self.events.get(run.event.type)
        if not places:
            return []
        return sorted({*_values(dict(run.event.data), "", places)}, key=len, reverse=True)

    def _within(self, value: Value, place: str, places: Places) -> Value:
        """A value whose personal parts are signs."""
        if place and any(is_within(place, one) for one in places):
            return self._sign(value)
        if isinstance(value, Mapping):
            return {
                name: self._within(inner, f"{place}.{name}".lstrip("."), places)
                for name, inner in value.items()
            }
        if isinstance(value, list):
            return [self._within(item, place, places) for item in value]
        return value

    def _without(self, value: Value, personal: list[str]) -> Value:
        """A value in whose texts signs stand for what is personal."""
        if isinstance(value, Mapping):
            return {name: self._without(inner, personal) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._without(inner, personal) for inner in value]
        if not isinstance(value, str):
            return value
        for one in personal:
            if one in value:
                value = value.replace(one, str(self._sign(one)))
        return value

    def _sign(self, value: Value) -> Value:
        if value is None:
            return None
        return f"***{self._numbers.setdefault(fingerprint(value), len(self._numbers) + 1)}"


_LIST = re.compile(r"\[\d*\]")


def personal_places(meaning: Meaning) -> Iterator[tuple[str, Places]]:
    """By the name of its type, what is personal in an entity: `("fields", "email", "personal")`."""
    for part in meaning.parts.values():
        if part.kind == "entity":
            said = (
                place for place, one in part.says.items() if place[-1] == "personal" and one.value is True
            )
            if found := frozenset(map(field_at, said)):
                yield f"canonical/{part.name}", found


def field_at(place: Place) -> str:
    """`("fields", "lines", "items", "fields", "by", "personal")` as `lines.by`."""
    names: list[str] = []
    rest = list(place[:-1])
    while rest:
        if rest.pop(0) == "fields":
            names.append(rest.pop(0))
    return ".".join(names)


def said_at(meaning: Meaning, key: str, place: Place) -> str:
    """What a part says at a place, as an author would write it; nothing where it says nothing."""
    part = meaning.parts.get(key)
    said = None if part is None else part.says.get(place)
    return "" if said is None else said.shown


def _made_of(plan: Plan, meaning: Meaning, mapping: str | None, personal: Mapping[str, Places]) -> Places:
    """The fields that a mapping makes of something personal."""
    found = plan.mappings.get(mapping or "")
    if found is None:
        return frozenset()
    types = {name: said_at(meaning, f"mapping {found.name}", ("inputs", name)) for name in found.inputs}
    return frozenset(
        name
        for name, origins in found.lineage.items()
        if any(
            _reaches(origin.path, personal.get(types.get(origin.root, ""), frozenset())) for origin in origins
        )
    )


def _reaches(path: tuple[str, ...], personal: Places) -> bool:
    """Whether what is read has something personal in it, or is part of it."""
    place = ".".join(path)
    return any(is_within(place, one) or is_within(one, place) for one in personal)


def is_within(place: str, other: str) -> bool:
    """Whether a place is another, or lies below it."""
    return not other or place == other or place.startswith(f"{other}.")


def _values(value: Value, place: str, places: Places) -> Iterator[str]:
    """The personal values of an event, to be found in what is made of them."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _values(inner, f"{place}.{name}".lstrip("."), places)
    elif isinstance(value, list):
        for inner in value:
            yield from _values(inner, place, places)
    elif value is not None and any(is_within(place, one) for one in places) and len(str(value)) >= SHORTEST:
        yield str(value)
