"""The mistakes that rules of a workspace find, and those in rules themselves, in words."""

from collections.abc import Sequence

from engine.problems import Label, Problem, Severity, did_you_mean
from engine.source import Span, Text


def broken(place: Span, said: str, rule: Text, counts: tuple[int, int, str], *, enforced: bool) -> Problem:
    """Something that breaks a rule, in the rule's own words; `counts` are the broken and all, and of what."""
    number, of, what = counts
    mode = "" if enforced else ", which is not enforced yet"
    return Problem(
        code="TG560",
        message=said,
        span=place,
        context=(Label(span=rule.span, text="this rule demands it"),),
        help=(f"rule `{rule}`{mode}; it is broken by {number} of {of} {what}",),
        severity=Severity.ERROR if enforced else Severity.WARNING,
    )


def no_verdict(text: Text, subject: str, why: str) -> Problem:
    """A rule that cannot be worked out for something."""
    return Problem(code="TG561", message=f"this cannot be worked out for {subject}: {why}", span=text.span)


def about_nothing(rule: Text, place: Text, what: str) -> Problem:
    """A rule that nothing falls under."""
    return Problem(
        code="TG562",
        message=f"rule `{rule}` is about no {what} that there is",
        span=place.span,
        help=("see whether the names in `where:` are right",),
        severity=Severity.WARNING,
    )


def needless_exemption(name: Text, known: Sequence[str], *, exists: bool) -> Problem:
    """An exemption of something that keeps to the rule, or is not there."""
    message = f"`{name}` keeps to the rule and needs no exemption" if exists else f"there is no `{name}`"
    return Problem(
        code="TG563",
        message=message,
        span=name.span,
        help=("leave it out",) if exists else did_you_mean(str(name), list(known)),
    )
