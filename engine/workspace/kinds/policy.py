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
    TemplateText,
    note,
)
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

    after: Duration = note("How long it may stay open.")
    to: Text = note("Who is told then.", pattern=NAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldDocument(Described):
    """What depends on the check waits until it is released."""

    until: UntilDocument | None = note("An event after which the policy is checked again.", default=None)
    release: ReleaseDocument | None = note("Who may release it by hand.", default=None)
    escalate: EscalateDocument | None = note("Who is told when it stays open.", default=None)


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
    escalate: EscalateDocument | None = note("Who is told when nobody answers.", default=None)


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
class PolicyDocument(Document):
    """A rule: when it applies, what follows, why, and what releases it."""

    kind: ClassVar[str] = "policy"

    policy: Text = note("The name of the policy.", pattern=NAME)
    inputs: Mapping[Text, Text] = note("The type of each input, by the name that expressions use.")
    let: Mapping[Text, EntryDocument] = note(
        "Values named once, used below; computed only when used.", default={}
    )
    when: FormulaText = note("The rule applies when this is true.")
    then: OutcomeDocument = note("What follows.")
    reason: TemplateText | None = note(
        "Why, in a sentence for people; for hold, reject, approve.", default=None
    )
    note: TemplateText | None = note("What is worth knowing, in a sentence for people.", default=None)
