"""`policy`: a typed rule over named inputs, what follows from it, and what releases it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from engine.source import Text
from engine.spec.field import (
    NAME,
    Described,
    Document,
    Duration,
    FormulaText,
    Raw,
    TemplateText,
    note,
)
from engine.workspace.kinds.delay import CalendarUseDocument
from engine.workspace.kinds.entry import EntryDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class UntilDocument(Described):
    """The event after which a held policy is checked again."""

    event: Text = note("The canonical event.", pattern=NAME)
    where: FormulaText | None = note("Only an event for which this is true (it is `event`).", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseDocument(Described):
    """Which person may release a hold, and how."""

    role: Text = note("The role that may release it.", pattern=NAME)
    reason: Text = note(
        "Whether a reason must be given.", default="required", choices=("required", "optional")
    )
    four_eyes_over: Text | None = note(
        "Above this amount a second person must agree.", default=None, pattern=r"[0-9]+(\.[0-9]+)? [A-Z]{3}"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalateDocument(Described):
    """Who is told when a hold stays open."""

    after: Duration = note("How long it may stay open.", examples=("4 hours", "2 business days"))
    to: Text = note("Who is told then.", pattern=NAME)
    calendar: CalendarUseDocument | None = note(
        "Whose business days and hours are counted; Monday to Friday, nine to five UTC, when left out.",
        default=None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiresDocument(Described):
    """What becomes of a hold that stays open too long."""

    after: Duration = note("How long it may stay open at most.", examples=("10 business days",))
    then: Text = note(
        "`reject` what depends on it, `release` it, or `alert` somebody and go on waiting.",
        choices=("reject", "release", "alert"),
    )
    to: Text | None = note(
        "Who is told, with `alert`; the owner of the policy when left out.", default=None, pattern=NAME
    )
    calendar: CalendarUseDocument | None = note(
        "Whose business days and hours are counted; Monday to Friday, nine to five UTC, when left out.",
        default=None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldDocument(Described):
    """What depends on the check waits until it is released."""

    until: UntilDocument | None = note("An event after which the policy is checked again.", default=None)
    release: ReleaseDocument | None = note("Who may release it by hand.", default=None)
    escalate: tuple[EscalateDocument, ...] = note(
        "Who is told when it stays open; several for one after the other.", default=(), many=True
    )
    expires: ExpiresDocument | None = note("What becomes of it when it stays open too long.", default=None)
    amount: EntryDocument | None = note(
        "The money at stake: shown with the hold, and what `four_eyes_over` is compared with.",
        default=None,
        examples=("invoice.total",),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RollDocument(Described):
    """The work moves to another cycle."""

    cycle: FormulaText = note("The cycle it moves to.", examples=("next_cycle('billing', entry.worked_on)",))


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectDocument(Described):
    """What depends on the check does not happen."""

    shorthand: ClassVar[str | None] = "code"

    code: Text | None = note("A short business code for the rejection.", default=None, pattern=NAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteDocument(Described):
    """Where the work goes."""

    shorthand: ClassVar[str | None] = "to"

    to: EntryDocument = note("The name of the route.")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertDocument(Described):
    """Somebody is told."""

    to: Text = note("Who is told: a role or a team.", pattern=NAME)
    severity: Text = note(
        "How urgent it is.", default="warning", choices=("info", "warning", "error", "critical")
    )
    message: TemplateText | None = note("What they are told; the reason when left out.", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveDocument(Described):
    """A person has to agree first."""

    role: Text = note("The role that may agree.", pattern=NAME)
    escalate: tuple[EscalateDocument, ...] = note(
        "Who is told when nobody answers; several for one after the other.", default=(), many=True
    )
    expires: ExpiresDocument | None = note("What becomes of it when nobody answers too long.", default=None)
    amount: EntryDocument | None = note(
        "The money at stake: shown with the hold, and what `four_eyes_over` is compared with.",
        default=None,
        examples=("invoice.total",),
    )
    four_eyes_over: Text | None = note(
        "Above this amount a second person must agree.", default=None, pattern=r"[0-9]+(\.[0-9]+)? [A-Z]{3}"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeDocument(Described):
    """What follows when the rule applies."""

    hold: HoldDocument | None = note("Park what depends on it.", default=None)
    roll: RollDocument | None = note("Move the work to another cycle.", default=None)
    reject: RejectDocument | None = note("Refuse what depends on it.", default=None)
    route: RouteDocument | None = note("Say where the work goes.", default=None)
    alert: AlertDocument | None = note("Tell somebody.", default=None)
    approve: ApproveDocument | None = note("Ask a person to agree first.", default=None)
    set: Mapping[Text, EntryDocument] = note("Values for the steps that follow.", default={})


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDocument(Described):
    """A row of a decision table: a test for each column, and what follows when all of them are true.

    A test is `-` for anything, a text, a number, true, false, null, a date; `< 100`, `100..500` or
    `[100..500)`; `not(...)`; or several of these, with commas between them or as a list. From a row that
    says nothing else, nothing follows.
    """

    shorthand: ClassVar[str | None] = "when"
    extra: ClassVar[str | None] = "cells"

    when: tuple[Raw, ...] = note(
        "The tests in the order of `by`, and behind them the values in the order of `gives`.", default=()
    )
    then: OutcomeDocument | None = note("What follows when the row applies.", default=None)
    reason: TemplateText | None = note("Why, in a sentence for people.", default=None)
    about: Text | None = note(
        "The row in words; part of the reason where there is no `reason`.", default=None
    )
    cells: Mapping[Text, Raw] = note("A test or a value, by the name of its column.", default={})
    note: TemplateText | None = note("What is worth knowing, in a sentence for people.", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideDocument(Described):
    """A decision table: columns that are named once, and rows of tests."""

    one_of: ClassVar[tuple[tuple[str, ...], ...]] = (("rows", "file"),)

    by: Mapping[Text, EntryDocument] = note(
        "What is looked at: the columns by name, each with where its value is.",
        examples=("{billing: project.billing_type}",),
    )
    hit: Text = note(
        "Which rows apply: the only one that is true (`unique`; two that could be true together are an "
        "error), the `first` that is true, or `all` that are true.",
        default="unique",
        choices=("unique", "first", "all"),
    )
    gives: tuple[Text, ...] = note(
        "Columns of what follows: `reject` (a code), `route`, `alert` (who is told), `reason`, `note`, "
        "`about`; any other name is a value for the steps that follow.",
        default=(),
        many=True,
    )
    rows: tuple[RowDocument, ...] | None = note("The rows.", default=None)
    file: Text | None = note(
        "A CSV or JSON lines file beside this one with the rows; its columns are those of `by` and `gives`.",
        default=None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDocument(Document):
    """A rule: when it applies, what follows, why, and what releases it. Or a table of such rules."""

    kind: ClassVar[str] = "policy"

    one_of: ClassVar[tuple[tuple[str, ...], ...]] = (("when", "decide"),)

    policy: Text = note("The name of the policy.", pattern=NAME)
    inputs: Mapping[Text, Text] = note("The type of each input, by the name that expressions use.")
    let: Mapping[Text, EntryDocument] = note(
        "Values named once, used below; computed only when used.", default={}
    )
    when: FormulaText | None = note("The rule applies when this is true.", default=None)
    then: OutcomeDocument | None = note("What follows.", default=None)
    decide: DecideDocument | None = note("A decision table, in place of `when` and `then`.", default=None)
    reason: TemplateText | None = note(
        "Why, in a sentence for people; made of `about` and the facts when left out.", default=None
    )
    note: TemplateText | None = note("What is worth knowing, in a sentence for people.", default=None)

    @property
    def outcomes(self) -> tuple[OutcomeDocument, ...]:
        """All that may follow: of the rule, or of the rows of its table that say so themselves."""
        rows = () if self.decide is None else self.decide.rows or ()
        found = (self.then, *(row.then for row in rows))
        return tuple(then for then in found if then is not None)

    @property
    def may_reject(self) -> bool:
        """Whether it refuses what depends on it in some case."""
        given = self.decide is not None and "reject" in self.decide.gives
        return given or any(then.reject is not None for then in self.outcomes)
