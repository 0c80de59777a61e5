"""A flow of which only policies and mappings that it uses are changed: decided once as long as that can be.

Each step that uses what is changed works its value out twice, as it is on either side. As long as both come
out the same, to the last character, everything that follows from them is the same too, and the run is played
once for both. At the first difference it parts, and each side decides it from the beginning by its own flow.

What lives here: which flows those are, and how their steps work. What does not: how runs part
(:mod:`engine.preview.behaviour.play`).
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, NoReturn, TypeAlias

from engine.language.compiled import ASK, EvaluationError, Scope
from engine.plan.meaning import Meaning
from engine.plan.plan import FlowPlan, Plan
from engine.plan.policy import PolicyPlan
from engine.plan.step import AnyStep, CheckStep, EmitStep, Make, MapStep, WriteStep
from engine.preview.behaviour.unrecorded import UnrecordedError
from engine.preview.meaning import USE, Change, reached, unchanged
from engine.values.value import Value

TRIED = 256  # runs, after which it is asked whether playing them once is worth it
WORTH = 0.6  # the share of runs that have to stay together

_Decided: TypeAlias = tuple[list[int], dict[str, Value]]
_Decide: TypeAlias = Callable[[Scope], _Decided]


class PartingError(BaseException):
    """The two sides decide otherwise. No expression may take it for a failure of its own."""


@dataclass(slots=True, eq=False)
class Twin:
    """A flow as it is on both sides, and one that decides for both."""

    both: FlowPlan
    sides: tuple[FlowPlan, FlowPlan]
    tried: int = 0
    parted: int = 0
    pays: bool = True  # whether so many runs stay together that trying costs less than it saves

    def weigh(self) -> None:
        """Look whether it pays."""
        self.pays = self.parted <= self.tried * (1 - WORTH)


def twins(
    plans: tuple[Plan, Plan], meanings: tuple[Meaning, Meaning], changes: Collection[Change]
) -> dict[str, Twin]:
    """The flows of which only policies and mappings are changed, by their names."""
    same = {
        kind: unchanged(kind, *meanings, changes)
        for kind in {part.kind for part in meanings[1].parts.values()}
    }
    said = {change.part for change in changes if change.touches != USE}
    alike = _acting_alike(meanings, changes)
    found: dict[str, Twin] = {}
    for name, new in plans[1].flows.items():
        old = plans[0].flows.get(name)
        part = meanings[1].parts.get(f"flow {name}")
        if old is None or part is None or f"flow {name}" in said or name in same["flow"]:
            continue
        used = [_kind_and_name(key) for key in part.uses]
        if all(kind in ("policy", "mapping") or one in same.get(kind, ()) for kind, one in used):
            twin = _twin(old, new, same.get("policy", frozenset()), same.get("mapping", frozenset()), alike)
            if twin is not None:
                found[name] = twin
    return found


def _kind_and_name(key: str) -> tuple[str, str]:
    kind, _, name = key.partition(" ")
    return kind, name


def _acting_alike(meanings: tuple[Meaning, Meaning], changes: Collection[Change]) -> frozenset[str]:
    """The policies that do the same whenever they apply: nothing but when that is may be changed."""
    otherwise = {
        change.part for change in changes if change.kind != "policy" or change.place[:1] != ("when",)
    }
    return frozenset(
        part.name
        for key, part in meanings[1].parts.items()
        if part.kind == "policy"
        and key in meanings[0].parts
        and otherwise.isdisjoint({key, *reached(meanings[1].parts, key)})
    )


def _twin(
    old: FlowPlan,
    new: FlowPlan,
    policies: frozenset[str],
    mappings: frozenset[str],
    alike: frozenset[str],
) -> Twin | None:
    """The flow that decides for both; None where it is not laid out alike."""
    steps: list[AnyStep] = []
    for one, other in zip(old.steps, new.steps, strict=False):
        if (type(one), one.index, one.name, one.needs) != (type(other), other.index, other.name, other.needs):
            return None
        if isinstance(one, CheckStep) and one.reads != getattr(other, "reads", None):
            return None
        steps.append(_step(one, other, policies, mappings, alike))
    if len(old.steps) != len(new.steps):
        return None
    return Twin(replace(old, steps=tuple(steps)), (old, new))


def _step(
    old: AnyStep,
    new: AnyStep,
    policies: frozenset[str],
    mappings: frozenset[str],
    alike: frozenset[str],
) -> AnyStep:
    """A step that works out both, where it uses what is changed."""
    match old, new:
        case CheckStep(), CheckStep() if not _names(old.policies) | _names(new.policies) <= policies:
            return replace(old, decide=_decides(old, new, alike))
        case MapStep() | WriteStep() | EmitStep(), MapStep() | WriteStep() | EmitStep() if (
            old.mapping is not None and old.mapping not in mappings
        ):
            return replace(old, make=_makes(old.make, new.make))
        case _:
            return old


def _names(policies: Iterable[PolicyPlan]) -> frozenset[str]:
    return frozenset(policy.name for policy in policies)


def _decides(old: CheckStep, new: CheckStep, alike: frozenset[str]) -> _Decide:
    """Both decide; where a policy acts that does not do the same on both sides, they part."""
    first, second = old.decide, new.decide
    names = [policy.name for policy in old.policies]
    is_alike = names == [policy.name for policy in new.policies]
    changed = frozenset(place for place, name in enumerate(names) if name not in alike)

    def decide(scope: Scope) -> _Decided:
        try:
            one, other = first(scope), second(scope)
        except (EvaluationError, UnrecordedError):
            _failing_alike(_outcome(first, scope), _outcome(second, scope))
        if not is_alike or one[0] != other[0] or (one[0] and not changed.isdisjoint(one[0])):
            raise PartingError
        if not _is_same_check(one[1], other[1]):
            raise PartingError
        return one

    return decide


def _makes(first: Make, second: Make) -> Make:
    """Both make it, and want the same cross references."""

    def make(scope: Scope) -> Value:
        ask: Any = scope.get(ASK)
        asked: list[tuple[Any, ...]] = []

        def noting(*wanted: Any) -> Value:  # noqa: ANN401 - as generated code asks
            asked.append(wanted)
            return ask(*wanted)  # type: ignore[no-any-return]

        inner: Mapping[str, Any] = scope if ask is None else {**scope, ASK: noting}
        one = _outcome(first, inner)
        number = len(asked)
        other = _outcome(second, inner)
        if asked[:number] != asked[number:]:
            raise PartingError
        if type(one) is EvaluationError or type(other) is EvaluationError:
            return _failing_alike(one, other)
        _require_same(one, other)
        return one  # type: ignore[no-any-return]

    return make


def _outcome(function: Callable[[Any], Any], scope: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a value, or why there is none
    try:
        return function(scope)
    except EvaluationError as error:
        return error
    except UnrecordedError:
        raise PartingError from None


def _failing_alike(one: object, other: object) -> NoReturn:
    if isinstance(one, EvaluationError) and isinstance(other, EvaluationError) and str(one) == str(other):
        raise one
    raise PartingError


# What in the value of a check is texts and nothing else: they are the same where they are equal.
_TEXTS = frozenset({"fired", "held", "rolled", "rejected", "released", "route", "notes", "reasons"})


def _is_same_check(one: Mapping[str, Value], other: Mapping[str, Value]) -> bool:
    try:
        if one != other:
            return False
        for name in one.keys() - _TEXTS if one["fired"] else ():
            if not is_exactly(one[name], other[name]):
                return False
    except UnrecordedError:
        return False
    return True


def _require_same(one: object, other: object) -> None:
    try:
        is_same = is_exactly(one, other)
    except UnrecordedError:
        is_same = False
    if not is_same:
        raise PartingError


def is_exactly(old: object, new: object) -> bool:
    """Whether two values are the same in every text that may be made of them: 1.50 is not 1.5.

    Raises:
        UnrecordedError: when there is something in them that nobody recorded.

    """
    return old is new or (type(old) is type(new) and old == new and _is_spelled_alike(old, new))


def _is_spelled_alike(old: Any, new: Any) -> bool:  # noqa: ANN401 - two equal values of one type
    kind = type(old)
    if kind is Decimal:
        return str(old) == str(new)
    if kind is dict:
        if list(old) != list(new):
            return False
        old, new = old.values(), new.values()
    elif kind is not list and kind is not tuple:
        return True
    kinds = list(map(type, old))
    if kinds != list(map(type, new)):
        return False
    if _DEEP.isdisjoint(kinds):
        return True
    deep = ((one, other) for kind, one, other in zip(kinds, old, new, strict=True) if kind in _DEEP and one)
    return all(one is other or _is_spelled_alike(one, other) for one, other in deep)


_DEEP = frozenset({dict, list, tuple, Decimal})
