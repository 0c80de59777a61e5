"""What two releases say otherwise, place by place.

Every place at which they differ is in exactly one change, so that nothing is missed; nothing else is
reported, so that there is no false alarm.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from engine.plan.meaning import Meaning, Part, Place, Said
from engine.preview.meaning.change import BEHAVIOUR, BREAKING, FORWARD_ONLY, SAFE, USE, WORDING, Change
from engine.preview.meaning.judge import groups_of, row_of
from engine.preview.meaning.say import say, say_use

_ORDER = ("flow", "policy", "mapping", "event", "entity", "table", "calendar", "expectation", "connection")
_DECIDES = frozenset({"flow", "event", "mapping", "policy", "expectation", "calendar"})
_WORST = (BREAKING, FORWARD_ONLY, SAFE)

_NOTHING = Said(None, "")


def compare(old: Meaning, new: Meaning) -> list[Change]:
    """Every difference in what two releases say: flows first, then what they use."""
    found: list[Change] = []
    for key in sorted({*old.parts, *new.parts}):
        before, after = old.parts.get(key), new.parts.get(key)
        found.extend(_part(before, after))
    found.extend(_by_use(new, found))
    return sorted(found, key=_sorted)


def unchanged(kind: str, old: Meaning, new: Meaning, changes: Iterable[Change]) -> frozenset[str]:
    """The names of parts of a kind that say the same in both, to the last word, with all that they use."""
    changed = {change.part for change in changes}
    return frozenset(
        part.name
        for key, part in new.parts.items()
        if part.kind == kind and key in old.parts and changed.isdisjoint({key, *reached(new.parts, key)})
    )


def touched(old: Meaning, new: Meaning, changes: Iterable[Change]) -> dict[str, tuple[Change, ...]]:
    """The flows of the old release that the new one decides otherwise, or has no more, with what changes."""
    by_part: dict[str, list[Change]] = {}
    for change in changes:
        if change.touches == BEHAVIOUR:
            by_part.setdefault(change.part, []).append(change)
    found: dict[str, tuple[Change, ...]] = {}
    for key, part in old.parts.items():
        if part.kind == "flow":
            within = {key, *reached(old.parts, key), *reached(new.parts, key)}
            mine = tuple(one for name in sorted(within & by_part.keys()) for one in by_part[name])
            if mine:
                found[part.name] = mine
    return found


def worst(changes: Iterable[Change]) -> str:
    """The severity of several changes taken together."""
    return _worst(*(change.severity for change in changes))


def _sorted(change: Change) -> tuple[int, str, str, bool, Place]:
    place = _ORDER.index(change.kind) if change.kind in _ORDER else len(_ORDER)
    return place, change.kind, change.name, change.touches == USE, change.place


def _part(old: Part | None, new: Part | None) -> Iterator[Change]:
    if old is None or new is None:
        yield _change(old, new, (), {})
        return
    differing = [
        place
        for place in {**old.says, **new.says}
        if old.says.get(place, _NOTHING).meant != new.says.get(place, _NOTHING).meant
        or (place in old.says) != (place in new.says)
    ]
    told: set[Place] = set()
    for place in differing:
        group = _group(old, new, place)
        if group not in told:
            told.add(group)
            yield _change(old, new, group, {one for one in differing if one[: len(group)] == group})


def _group(old: Part, new: Part, place: Place) -> Place:
    """The largest thing around a place that only one of the two has."""
    for group in groups_of(place):
        if not _has(old, group) or not _has(new, group):
            return group
    return place


def _has(part: Part, group: Place) -> bool:
    return any(place[: len(group)] == group for place in part.says)


def _change(old: Part | None, new: Part | None, place: Place, differing: Iterable[Place]) -> Change:
    there = new or old
    assert there is not None
    before, after = _said(old, place), _said(new, place)
    row = row_of(there.kind, place)
    severity = row.severe(before, after)
    if after is not None and before is None and place and there.kind == "entity":
        severity = _worst(severity, _demands(new, place))
    change = Change(
        kind=there.kind,
        name=there.name,
        place=place,
        what="added" if before is None else "removed" if after is None else "changed",
        aspect=row.aspect,
        touches=_touches(old, new, differing),
        severity=severity,
        sentence="",
        old=None if before is None else before.shown,
        new=None if after is None else after.shown,
        file=there.file,
        line=there.line,
    )
    if change.touches == WORDING:
        change = replace(change, severity=SAFE)
    return replace(change, sentence=say(change))


def _said(part: Part | None, place: Place) -> Said | None:
    """What is said at a place, or below it taken together."""
    if part is None:
        return None
    if place in part.says:
        return part.says[place]
    below = [(inner[len(place) :], said) for inner, said in part.says.items() if inner[: len(place)] == place]
    if not below:
        return None
    shown = ", ".join(_pair(inner, said) for inner, said in below if said.value is not None)
    return Said(
        [[".".join(inner), said.value] for inner, said in sorted(below, key=lambda pair: pair[0])], shown
    )


def _pair(place: Place, said: Said) -> str:
    name = ".".join(part for part in place if part != "from")
    return f"{name}: {said.shown}" if name else said.shown


def _demands(part: Part | None, place: Place) -> str:
    """A new field that has to be there refuses data that was accepted."""
    required = None if part is None else part.says.get((*place, "required"))
    return BREAKING if required is not None and required.value is True else SAFE


def _worst(*severities: str) -> str:
    return min(severities, key=_WORST.index)


def _touches(old: Part | None, new: Part | None, differing: Iterable[Place]) -> str:
    """Whether anything decides otherwise; words alone do not."""
    if old is None or new is None:
        return BEHAVIOUR
    pairs = ((old.says.get(one, _NOTHING), new.says.get(one, _NOTHING)) for one in differing)
    decides = any(before.value != after.value for before, after in pairs)
    return BEHAVIOUR if decides or not _only_words(old, new, differing) else WORDING


def _only_words(old: Part, new: Part, differing: Iterable[Place]) -> bool:
    """Whether all of it is words. What is there on one side only may be null, and would show by no value."""
    one_sided = ((old.says.get(one), new.says.get(one)) for one in differing)
    return all(_is_word(before) and _is_word(after) for before, after in one_sided)


def _is_word(said: Said | None) -> bool:
    return said is None or said.words is not None


def _by_use(new: Meaning, found: Iterable[Change]) -> Iterator[Change]:
    """What decides otherwise because something that it uses does."""
    changed = {change.part for change in found if change.touches == BEHAVIOUR}
    for key, part in new.parts.items():
        if part.kind not in _DECIDES:
            continue
        via = tuple(sorted(reached(new.parts, key) & changed))
        if via:
            change = Change(
                kind=part.kind,
                name=part.name,
                place=(),
                what="changed",
                aspect="use",
                touches=USE,
                severity=SAFE,
                sentence="",
                old=None,
                new=None,
                file=part.file,
                line=part.line,
                via=via,
            )
            yield replace(change, sentence=say_use(change))


def reached(parts: Mapping[str, Part], start: str) -> set[str]:
    """The keys of all that a part uses, and of what that uses."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        part = parts.get(waiting.pop())
        for used in () if part is None else part.uses - found:
            found.add(used)
            waiting.append(used)
    return found - {start}
