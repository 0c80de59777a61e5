"""The mistakes in tests, in words.

One function a mistake: it takes the facts and says them. What lives here is wording and nothing else.
"""

from collections.abc import Iterable, Sequence

from engine.problems import Label, Problem, did_you_mean
from engine.problems.suggest import or_list
from engine.source import Span, Text


def no_now(test: Text) -> Problem:
    """A test of a flow without an instant."""
    return Problem(
        code="TG230",
        message="this test of a flow does not say when it is",
        span=test.span,
        help=("add `now: 2026-05-29T09:00:00Z`, or a column `now` to every example",),
    )


def nothing_tested(span: Span) -> Problem:
    """A test of an empty list of flows."""
    return Problem(
        code="TG231",
        message="this test names no flow",
        span=span,
        help=("name the flow under test: `flow: NAME`",),
    )


def nothing_happens(test: Text) -> Problem:
    """A test in which nothing comes in."""
    return Problem(
        code="TG231",
        message="nothing happens in this test",
        span=test.span,
        help=("write the event that starts the flow: `given: {event: {data: {...}}}`",),
    )


def nothing_expected(test: Text) -> Problem:
    """A test that cannot fail."""
    return Problem(
        code="TG231",
        message="this test expects nothing",
        span=test.span,
        help=("add `expect: {}`, and `tidegate test --update` writes down what happens",),
    )


def only_exact(span: Span) -> Problem:
    """An expectation that says how to compare, and not with what."""
    return Problem(
        code="TG231",
        message="`exact` alone expects nothing",
        span=span,
        help=("say beside it what is written or emitted, or write `expect: {}` and let `--update` fill it",),
    )


def wrong_key(span: Span, key: str, where: str, instead: str = "") -> Problem:
    """A key that says nothing in a test of this kind."""
    told = (f"write it under `{instead}`",) if instead else ()
    return Problem(code="TG232", message=f"`{key}` says nothing in a test {where}", span=span, help=told)


def two_times(at: Span, after: Span) -> Problem:
    """An act that says twice when it is."""
    return Problem(
        code="TG233",
        message="this act says twice when it is",
        span=at,
        context=(Label(span=after, text="and here"),),
        help=("keep `after`, which counts from the act before it, or `at`, which is an instant",),
    )


def business_time(span: Span) -> Problem:
    """An act after business days, of which a test has no calendar."""
    return Problem(
        code="TG233",
        message="a test has no calendar that counts business time",
        span=span,
        help=("write plain time, such as `after: 2 days`, or the instant: `at: 2026-06-02T09:00:00Z`",),
    )


def half_an_event(span: Span, key: str) -> Problem:
    """An event without data, or data without an event."""
    other = "data" if key == "event" else "event"
    return Problem(
        code="TG234",
        message=f"`{key}` stands without `{other}`",
        span=span,
        help=("an event arrives as `event: NAME` and `data: {...}`",),
    )


def two_acts(release: Span, event: Span) -> Problem:
    """An act that is two."""
    return Problem(
        code="TG234",
        message="an event and a release are two acts",
        span=release,
        context=(Label(span=event, text="the event"),),
        help=("make an act of each, in the order in which they happen",),
    )


def person_without_release(span: Span, key: str) -> Problem:
    """What is said of a release that there is not."""
    return Problem(
        code="TG234",
        message=f"`{key}` is said of a release, and this act has none",
        span=span,
        help=("name the policy whose hold is released: `release: NAME`",),
    )


def empty_act(span: Span) -> Problem:
    """An act in which nothing happens."""
    return Problem(
        code="TG234",
        message="nothing happens in this act",
        span=_first(span),
        help=("say how much time passes, which event arrives, or which hold is released",),
    )


def unknown_input(name: Text, kind: str, of: str, known: Iterable[str]) -> Problem:
    """An input that a mapping or a policy does not take."""
    names = list(known)
    near = did_you_mean(name, names) or (f"it takes {or_list(names)}",)
    return Problem(code="TG235", message=f"{kind} {of} takes no `{name}`", span=name.span, help=near)


def missing_inputs(name: Text, kind: str, missing: Sequence[str]) -> Problem:
    """Inputs of which a test says nothing."""
    listed = ", ".join(f"`{one}`" for one in missing)
    return Problem(
        code="TG235",
        message=f"{kind} {name} takes {listed} as well",
        span=name.span,
        help=(f"add to `given`: {', '.join(f'{one}: ...' for one in missing)}",),
    )


def field_never_there(span: Span, name: str, of: str, known: Iterable[str]) -> Problem:
    """A field that what is compared can never have."""
    names = list(known)
    shown = names[:8]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    told = did_you_mean(name, names) or (f"there are {', '.join(f'`{one}`' for one in shown)}{more}",)
    return Problem(code="TG236", message=f"{of} has no field `{name}`", span=_first(span), help=told)


def unknown_word(span: Span, word: str, words: Sequence[str]) -> Problem:
    """A word with a dollar sign that means nothing."""
    told = did_you_mean(word, words) or (f"there are {', '.join(words)}",)
    return Problem(code="TG237", message=f"`{word}` means nothing here", span=_first(span), help=told)


def unusable_fixture(span: Span, why: str) -> Problem:
    """A fixture that cannot be read."""
    return Problem(
        code="TG238",
        message=f"the fixture cannot be used: {why}",
        span=span,
        help=("a fixture is a JSON file, named by its path from the test",),
    )


def unknown_column(span: Span, name: str, known: Sequence[str]) -> Problem:
    """A column that no example has."""
    told = did_you_mean(name, known) or (f"there are {or_list(known)}",)
    return Problem(code="TG239", message=f"no example has a column `{name}`", span=span, help=told)


def no_examples(span: Span, name: str) -> Problem:
    """A column in a test without examples."""
    return Problem(
        code="TG239",
        message=f"`$({name})` stands for a column, and this test has no examples",
        span=span,
        help=(f"add `examples: {{a name: {{{name}: ...}}}}`",),
    )


def unused_column(span: Span, name: str, known: Sequence[str]) -> Problem:
    """A column that changes nothing."""
    told = did_you_mean(name, known) or (f"write `$({name})` where its value belongs, or remove it",)
    return Problem(code="TG240", message=f"nothing uses the column `{name}`", span=_first(span), help=told)


def missing_columns(case: Text, missing: Sequence[str]) -> Problem:
    """A row that lacks columns."""
    listed = ", ".join(f"`{one}`" for one in missing)
    return Problem(
        code="TG241",
        message=f"this example has no {listed}",
        span=case.span,
        help=("every example has every column; one that has nothing to say is `null`",),
    )


def no_row(span: Span, case: str) -> Problem:
    """An example that is no record."""
    return Problem(
        code="TG241",
        message=f"the example `{case}` is no record of columns",
        span=_first(span),
        help=("an example is written {column: value, ...}",),
    )


def _first(span: Span) -> Span:
    """The part of a place that fits on one line."""
    end = span.source.text.find("\n", span.start, span.end)
    return span if end < 0 else Span(span.source, span.start, end)
