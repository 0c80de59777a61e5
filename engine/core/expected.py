"""What is expected of an event in time, and what is said when it did not come. Pure: time is handed in."""

from collections.abc import Mapping
from datetime import datetime

from engine.language.compiled import EvaluationError
from engine.plan.expectation import ExpectationPlan
from engine.values.value import Value

NO_EVENT = "it has not come"


def concerns(expectation: ExpectationPlan, scope: Mapping[str, Value]) -> bool:
    """Whether anything is expected of an event; when that cannot be told, it is, rather than forgotten."""
    try:
        return expectation.where is None or expectation.where.call(scope) is True
    except EvaluationError:
        return True


def due(expectation: ExpectationPlan, at: datetime, scope: Mapping[str, Value]) -> datetime:
    """When the time is over that began at an instant."""
    within = expectation.within
    key = None if within.key is None else within.key.call(scope)
    return within.due(at, None if key is None else str(key))


def wanted(expectation: ExpectationPlan, scope: Mapping[str, Value]) -> tuple[str, ...]:
    """What the fields of the expected event have to be."""
    try:
        return tuple(str(made.call(scope)) for _, made in expectation.match)
    except EvaluationError:
        return ("",)  # of which no field can be told: nothing matches it


def found(expectation: ExpectationPlan, data: Value) -> tuple[str, ...]:
    """What these fields of an event are."""
    return tuple(str(_at(data, chain)) for chain, _ in expectation.match)


def of_run(status: str, why: str | None) -> str:
    """Where a run stands that is not complete in time."""
    return f"its run is {status}" + (f": {why}" if why else "")


def of_no_run(expectation: ExpectationPlan) -> str:
    """That there is no run at all."""
    return f"{expectation.flow} has no run for it"


def late(expectation: ExpectationPlan, about: str, until: str, why: str) -> str:
    """What is said of an event after which something did not come."""
    what = f"{expectation.flow} to be complete" if expectation.flow else f"{expectation.comes} to follow"
    return f"{about}: {what} within {expectation.within.text}, until {until}, and {why}"


def silent(expectation: ExpectationPlan, since: str) -> str:
    """What is said of an event that stays away."""
    return f"no {expectation.event} since {since}, which is {expectation.within.text} or more"


def message(expectation: ExpectationPlan, why: str, scope: Mapping[str, Value]) -> str:
    """The whole sentence of an alert."""
    if expectation.message is None:
        return why
    try:
        return f"{expectation.message.call(scope)} ({why})"
    except EvaluationError as error:
        return f"{why} (its message cannot be made: {error})"


def _at(data: Value, chain: tuple[str, ...]) -> Value:
    for name in chain:
        data = data.get(name) if isinstance(data, Mapping) else None
    return data
