"""The mistakes in expectations, in words. One function a mistake, as in :mod:`engine.compile.problems`."""

from collections.abc import Sequence

from engine.problems import Problem, did_you_mean
from engine.problems.suggest import or_list
from engine.source import Span, Text


def lacks(event: Text, missing: Sequence[str]) -> Problem:
    """An expectation after an event that does not say what is expected, or in what time."""
    says = {"comes": "what has to come then", "within": "in what time"}
    helps = {
        "comes": "add `comes: {flow: ...}` or `comes: {event: ..., match: {...}}`",
        "within": "add `within: 4h`",
    }
    return Problem(
        code="TG480",
        message=f"it does not say {' and '.join(says[key] for key in missing)}",
        span=event.span,
        help=tuple(helps[key] for key in missing),
    )


def no_part_of_quiet(span: Span, key: str) -> Problem:
    """A key beside `quiet` that it has nothing to do with."""
    return Problem(
        code="TG480",
        message=f"`{key}` is no part of an expectation about an event that stays away",
        span=span,
        help=(f"remove `{key}`, or write `after` instead of `quiet`",),
    )


def flow_of_another_event(flow: Text, event: str, its: str, starts: Sequence[str]) -> Problem:
    """A flow that the event does not start."""
    helps = (f"write {or_list(list(starts))}",) if starts else (f"no flow is started by {event}",)
    return Problem(
        code="TG481",
        message=f"`{flow}` is started by {its}, and never by {event}",
        span=flow.span,
        help=helps,
    )


def any_would_do(event: Text) -> Problem:
    """An event of which it is not said which one is expected."""
    return Problem(
        code="TG482",
        message=f"it does not say which {event} is expected, so that any would do",
        span=event.span,
        help=("add `match`, with a field of it and what it has to be: `match: {id: event.id}`",),
    )


def no_such_field(event: Text, key: Text, name: str, known: Sequence[str]) -> Problem:
    """A field that the expected event does not have."""
    start = str(key).index(name)
    return Problem(
        code="TG482",
        message=f"{event} has no field `{name}`",
        span=key.at(start, start + len(name)),
        help=did_you_mean(name, known) or ((f"it has {or_list(list(known)[:8])}",) if known else ()),
    )


def never_equal(path: Text, key: str, wanted: str, found: str) -> Problem:
    """A field that can never be what it is to be."""
    return Problem(
        code="TG482",
        message=f"`{key}` is {wanted} and `{path}` is {found}, so they are never equal",
        span=path.span,
    )
