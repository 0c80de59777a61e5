"""The mistakes in policies and decision tables, in words.

One function a mistake, as in :mod:`engine.compile.problems`; these are about rules and what follows.
"""

from collections.abc import Sequence

from engine.compile.problems import and_list
from engine.compile.unary_tests import Only, Test, shown
from engine.problems import Label, Problem, did_you_mean
from engine.problems.problem import Severity
from engine.problems.suggest import or_list
from engine.source import Span, Text
from engine.values.type import Type, describe

__all__ = ["Problem"]

SHOWN_NAMES = 8
CONTRADICTION = "TG447"


# Tables: how they are written.


def when_or_decide(name: Text, span: Span, key: str) -> Problem:
    """A key of a rule beside a decision table."""
    return Problem(
        code="TG440",
        message=f"policy `{name}` has a decision table, of which `{key}` is no part",
        span=span,
        help=(f"write `{key}` in the rows of the table",),
    )


def table_without_rows(name: Text, span: Span) -> Problem:
    """A table that decides nothing."""
    return Problem(code="TG440", message=f"the decision table of policy `{name}` has no rows", span=span)


def too_many_rows(span: Span, most: int) -> Problem:
    """A table that nobody could read."""
    return Problem(
        code="TG440",
        message=f"a decision table has at most {most:,} rows",
        span=span,
        help=("look the value up in a `table`, and decide by what is found",),
    )


def unknown_column(span: Span, name: str, known: Sequence[str]) -> Problem:
    """A cell of a column that the table does not have."""
    helps = did_you_mean(name, known) or (f"there are {and_list(list(known)[:SHOWN_NAMES])}",)
    return Problem(code="TG440", message=f"the table has no column `{name}`", span=span, help=helps)


def cells_of_a_row(span: Span, found: int, by: Sequence[str], gives: Sequence[str]) -> Problem:
    """A row with more or fewer cells than there are columns."""
    columns = and_list(by) + (f", and behind them {and_list(gives)}" if gives else "")
    return Problem(
        code="TG440",
        message=f"the row has {found} {'cell' if found == 1 else 'cells'}, and the columns are {columns}",
        span=span,
        help=("write `-` where anything will do",),
    )


def bad_line(span: Span, why: str) -> Problem:
    """A line of a file of rows that cannot be used."""
    return Problem(code="TG440", message=why, span=span)


def no_text(span: Span, key: str, found: str) -> Problem:
    """A value where words are wanted."""
    return Problem(code="TG440", message=f"`{key}` is a text, and `{found}` is none", span=span)


def said_twice(span: Span, key: str) -> Problem:
    """An outcome that a row gives in a column and in `then`."""
    return Problem(
        code="TG440",
        message=f"the row says `{key}` twice",
        span=span,
        help=("leave it out here, or of `then`",),
    )


def bad_cell(span: Span, column: str, why: str, helps: str) -> Problem:
    """A cell that is no test."""
    return Problem(
        code="TG441",
        message=f"this is no test of column `{column}`: {why}",
        span=span,
        help=(helps,) if helps else (),
    )


def never_true(span: Span, column: str, test: Test, known: Sequence[str], kind: Type) -> Problem:
    """A test that no value of its column passes."""
    if isinstance(test, Only):
        wanted = shown(test.value)
        near = did_you_mean(wanted, known) if isinstance(test.value, str) else ()
        return Problem(
            code="TG442",
            message=f"column `{column}` is never `{wanted}`; it is {describe(kind)}",
            span=span,
            help=near,
        )
    return Problem(
        code="TG442", message=f"no value of column `{column}` is like this; it is {describe(kind)}", span=span
    )


# Tables: whether they are complete.


def gaps(span: Span, examples: Sequence[str], *, hit: str) -> Problem:
    """Values for which a table has no row."""
    first, *others = examples
    more = ("nor " + "; nor ".join(others),) if others else ()
    way_out = (
        "add a last row of `-`; one without `then` says that nothing follows"
        if hit == "first"
        else "add a row; one without `then` says that nothing follows"
    )
    return Problem(code="TG443", message=f"no row covers {first}", span=span, help=(*more, way_out))


def overlap(first: tuple[int, Span], second: tuple[int, Span], example: str) -> Problem:
    """Two rows of a table in which only one may apply."""
    return Problem(
        code="TG444",
        message=f"rows {first[0]} and {second[0]} both apply to {example}",
        span=second[1],
        context=(Label(span=first[1], text=f"row {first[0]}"),),
        help=("make them exclude each other, or write `hit: first` for the upper one to win",),
    )


def dead_row(row: tuple[int, Span], before: tuple[int, Span] | None) -> Problem:
    """A row that is never asked; `before` is the one that takes everything from it, if it is one."""
    by = f"row {before[0]} takes" if before else "the rows above it take"
    return Problem(
        code="TG445",
        message=f"row {row[0]} never applies: {by} all that it is about",
        span=row[1],
        context=(Label(span=before[1], text=f"row {before[0]}"),) if before else (),
        help=("move it up, or leave it out",),
    )


def too_large(span: Span, what: str) -> Problem:
    """A table of which nobody can say whether it is complete."""
    return Problem(
        code="TG446",
        message=f"the table is too large to be checked for {what}",
        span=span,
        help=("split it in two, or decide by fewer columns",),
        severity=Severity.WARNING,
    )


# Policies that are asked together.


def contradiction(first: Text, second: Text, what: str, example: str, there: Span | None) -> Problem:
    """Two policies of one check that surely say different things at the same time."""
    when = f" for {example}" if example else ""
    return Problem(
        code="TG447",
        message=f"policies `{first}` and `{second}` contradict each other{when}: {what}",
        span=second.span,
        context=() if there is None else (Label(span=there, text="where one of them says it"),),
        help=("make their conditions exclude each other, or one decision table of them with `hit: first`",),
    )


def never_asked(name: Text, other: Text, what: str) -> Problem:
    """A policy of a check that another one always takes the word from."""
    return Problem(
        code="TG447",
        message=f"`{name}` never {what}: whenever it applies, `{other}` rejects",
        span=name.span,
        help=("narrow the condition of one of them",),
    )


def rows_contradict(first: tuple[int, Span], second: tuple[int, Span], what: str, example: str) -> Problem:
    """Two rows of a table with `hit: all` that say different things at the same time."""
    return Problem(
        code="TG447",
        message=f"rows {first[0]} and {second[0]} contradict each other for {example}: {what}",
        span=second[1],
        context=(Label(span=first[1], text=f"row {first[0]}"),),
        help=("make them exclude each other, or write `hit: first` for the upper one to win",),
    )


def may_contradict(first: Text, second: Text, what: str) -> Problem:
    """Two policies of one check that say different things, and nothing shows that they exclude each other."""
    return Problem(
        code="TG448",
        message=f"`{first}` and `{second}` may apply together: {what}",
        span=second.span,
        help=(
            f"when they do, `{second}` wins, which stands behind `{first}` in the list",
            "one decision table says it without doubt",
        ),
        severity=Severity.WARNING,
    )


# Holds, amounts, people.


def hold_without_owner(name: Text, hold: Span) -> Problem:
    """A hold that is nobody's."""
    return Problem(
        code="TG449",
        message=f"policy `{name}` holds work, and nobody owns it",
        span=hold,
        help=("add `owner:`, the team that is asked when it waits",),
        severity=Severity.WARNING,
    )


def hold_waits_for_nothing(event: Text) -> Problem:
    """A hold that only an event ends which nothing brings about."""
    return Problem(
        code="TG450",
        message=f"nothing brings about event `{event}`, so that nobody can end this hold",
        span=event.span,
        help=("say who may release it (`release:`), or name an event that a source or a flow gives",),
        severity=Severity.WARNING,
    )


def four_eyes_without_amount(limit: Text) -> Problem:
    """A limit that is compared with nothing."""
    return Problem(
        code="TG451",
        message=f"a second person agrees above {limit}, and nothing says how much is at stake",
        span=limit.span,
        help=("add `amount: path.of.the.money` to the hold",),
    )


def delay_out_of_bounds(span: Span) -> Problem:
    """A length of time that nobody means."""
    return Problem(
        code="TG460",
        message="this is no length of time that work can wait",
        span=span,
        help=("write more than nothing and at most ten years, such as `2 business days`",),
    )


def calendar_for_nothing(name: Text, length: str) -> Problem:
    """A calendar beside a length of time that none counts."""
    return Problem(
        code="TG459",
        message=f"`{length}` go by the clock, and calendar `{name}` counts business days and hours",
        span=name.span,
        help=(f"write `{length.replace(' ', ' business ', 1)}`, or leave the calendar out",),
    )


def key_for_nothing(key: Text, calendar: str) -> Problem:
    """A key for a calendar that is the same for everybody."""
    return Problem(
        code="TG459",
        message=f"calendar `{calendar}` is the same for everybody and needs no key",
        span=key.span,
        help=(f"write `calendar: {calendar}`",),
    )


def limit_of_thousands(limit: Text) -> Problem:
    """A limit that some read as thousands."""
    amount, currency = str(limit).split()
    return Problem(
        code="TG208",
        message=f"`{limit}` may be {amount.partition('.')[0]} or {amount.replace('.', '')}",
        span=limit.span,
        help=(f"write `{amount.replace('.', '')} {currency}`; a point stands before cents",),
    )


def amount_is_no_money(span: Span, found: str) -> Problem:
    """An amount at stake that is something else."""
    return Problem(
        code="TG452",
        message=f"the amount at stake is money, and this is {found}",
        span=span,
        help=("write the path of a field of type money, or `{expr: money(amount, currency)}`",),
    )


def calendar_without_key(text: Text, place: tuple[int, int], calendar: str, table: str) -> Problem:
    """A call of a function on a calendar that differs by a key, without the key."""
    return Problem(
        code="TG453",
        message=f"calendar `{calendar}` differs by the key of table `{table}`, and none is given",
        span=text.at(*place),
        help=("give the key as the last argument, or add `key:` to the `by:` of the calendar",),
    )


def length_without_key(name: Text, table: str) -> Problem:
    """A length of time by a calendar that differs by a key, without the key."""
    return Problem(
        code="TG453",
        message=f"calendar `{name}` differs by the key of table `{table}`, and none is given",
        span=name.span,
        help=(f"write `calendar: {{name: {name}, key: path.of.the.key}}`",),
    )


# Policies that say nothing, or everything.


def unused(name: Text) -> Problem:
    """A policy that is asked nowhere."""
    return Problem(
        code="TG454",
        message=f"no check asks policy `{name}`",
        span=name.span,
        help=(f"write `check: {name}` in the step of a flow, or leave the policy out",),
        severity=Severity.WARNING,
    )


def nothing_waits(step: Text, policy: str, does: str) -> Problem:
    """A check that may stop work, and no step that would be stopped."""
    return Problem(
        code="TG458",
        message=f"nothing waits for check `{step}`, whose policy `{policy}` {does}",
        span=step.span,
        help=(f"write `needs: {step}` in the steps that must not go on before it",),
        severity=Severity.WARNING,
    )


UNKNOWN_VALUE = "TG413"
"""The code of a comparison with a value that there is not."""


def never_applies(name: Text, condition: Text) -> Problem:
    """A condition that is never true."""
    return Problem(
        code="TG455",
        message=f"policy `{name}` never applies: its condition is never true",
        span=condition.span,
        severity=Severity.WARNING,
    )


def always_stops(name: Text, condition: Text, does: str) -> Problem:
    """A condition that is always true, of a policy that lets nothing pass."""
    return Problem(
        code="TG456",
        message=f"policy `{name}` {does} whatever comes: its condition is always true",
        span=condition.span,
        severity=Severity.WARNING,
    )


def nobody(text: Text, near: Sequence[str]) -> Problem:
    """A team or role that is named once, and much like another."""
    return Problem(
        code="TG457",
        message=f"`{text}` is named nowhere else",
        span=text.span,
        help=(f"did you mean {or_list(near)}?",),
        severity=Severity.WARNING,
    )
