"""`test`: what comes in and what the systems answer; what must come out, at once and as time goes on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from engine.source import Text
from engine.spec.field import NAME, Described, Document, Duration, Raw, note

COLUMN = r"\$\([a-z][a-z0-9_]*\)"
"""What stands for a column of `examples`: `$(column)`."""

RUN = ("completed", "held", "waiting", "rejected", "failed", "compensated", "unknown", "none")
OUTCOMES = ("none", "reject", "hold", "approve", "roll", "route", "alert", "set")


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenDocument(Described):
    """What a test starts from."""

    extra: ClassVar[str | None] = "stubs"

    event: Raw | None = note("The event that starts the flow: `{data: {...}}`.", default=None)
    then: tuple[Raw, ...] = note(
        "Events that follow at once: `{event: name, data: {...}}`. In `acts` time passes between them.",
        default=(),
        many=True,
    )
    release: tuple[Text, ...] = note(
        "Policies whose holds a person then releases, in the role that may.", default=(), many=True
    )
    stubs: Mapping[Text, Raw] = note(
        "Of a flow, what each operation answers: `erp.project: {...}`, a list for one after the other, "
        "`{$for: {id: A}, ...}` for calls with these parameters, `{$fail: permanent, reason: ...}`; "
        "`entity.NAME` for the ledger's own, `xref: {entity: {id: id}}`. Of a mapping or a policy, inputs.",
        default={},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectDocument(Described):
    """What a test demands; what it does not name is not compared.

    In expected values `$absent`, `$any`, `{$exact: true, ...}`, `{$contains: ...}`, `{$unordered: [...]}` and
    `{$near: 10, within: 0.01}` have a meaning.
    """

    extra: ClassVar[str | None] = "steps"

    run: Text | None = note(
        "How the run ends: `completed`, `held`, `waiting`, `rejected`, `failed`, `compensated`, `unknown`, "
        "`none`.",
        default=None,
        pattern=rf"({'|'.join(RUN)}|{COLUMN})",
        examples=RUN,
    )
    runs: Mapping[Text, Raw] = note(
        "The runs of each flow that takes part: how one ends, or `{run: ..., step: ...}`; or a list.",
        default={},
    )
    exact: bool = note("Records that are written and emitted have no other fields.", default=False)
    writes: Mapping[Text, Raw] = note(
        "What each operation is given, in part: a record for one call, a list for several.", default={}
    )
    no_writes: tuple[Text, ...] = note("Operations that are not called.", default=(), many=True)
    emits: Mapping[Text, Raw] = note("Which events are emitted, in part.", default={})
    alerts: tuple[Raw, ...] = note("Who is told what, in part.", default=(), many=True)
    holds: Raw | None = note("The policy, or policies, whose holds are open then.", default=None)
    problem: Text | None = note("A part of the reason for which it fails.", default=None)
    refused: Text | None = note(
        "Of an act: a part of the reason for which the release is refused.", default=None
    )
    output: Raw | None = note("Of a mapping: what it makes, in part.", default=None)
    outcome: Text | None = note(
        "Of a policy: `none`, or the first of `reject`, `hold`, `approve`, `roll`, `route`, `alert`, `set`.",
        default=None,
        pattern=rf"({'|'.join(OUTCOMES)}|{COLUMN})",
        examples=OUTCOMES,
    )
    reason: Raw | None = note("Of a policy: the sentence that says why.", default=None)
    steps: Mapping[Text, Raw] = note(
        "Of a flow, the value of a step, in part, or where it stands: `skipped`. Of a policy, a part of what "
        "its check gives, such as `cycle` or what the policy sets.",
        default={},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ActDocument(Described):
    """Something that happens: time passes, an event arrives, or a person releases a hold."""

    after: Duration | None = note("How long after the act before it; at once when left out.", default=None)
    at: datetime | None = note("Instead of `after`: the instant.", default=None)
    event: Text | None = note("The event that arrives.", default=None, pattern=NAME)
    data: Raw | None = note("The data of the event.", default=None)
    release: tuple[Text, ...] = note("Policies whose holds a person releases.", default=(), many=True)
    propose: tuple[Text, ...] = note(
        "Policies whose holds a person proposes to release; a second one has to `agree`.",
        default=(),
        many=True,
    )
    agree: tuple[Text, ...] = note(
        "Policies with whose release, as it was proposed, a second person agrees.", default=(), many=True
    )
    refuse: tuple[Text, ...] = note(
        "Policies whose holds a person refuses to release, so that the step is rejected.",
        default=(),
        many=True,
    )
    by: Text | None = note("Who does it.", default=None)
    code: Text | None = note("The business code of a refusal.", default=None, pattern=NAME)
    role: Text | None = note("In which role.", default=None)
    reason: Text | None = note("Why.", default=None)
    second: Text | None = note("A second person, who agrees.", default=None)
    given: Mapping[Text, Raw] = note("What systems answer from here on, instead of before.", default={})
    expect: ExpectDocument | None = note(
        "What this act brings about, and where things stand then.", default=None
    )

    @property
    def persons(self) -> dict[str, tuple[Text, ...]]:
        """What persons do, each with the policies whose holds it is about."""
        verbs = {
            "release": self.release,
            "propose": self.propose,
            "agree": self.agree,
            "refuse": self.refuse,
        }
        return {verb: policies for verb, policies in verbs.items() if policies}


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowTestDocument(Document):
    """What comes in, what the systems answer, and what must come out: of a flow, a mapping or a policy."""

    kind: ClassVar[str] = "test"
    one_of: ClassVar[tuple[tuple[str, ...], ...]] = (("flow", "mapping", "policy"),)

    test: Text = note("What the test shows, as a sentence.")
    flow: tuple[Text, ...] = note(
        "The flow under test; others after it are started by the events that it emits, or that follow.",
        default=(),
        many=True,
        pattern=NAME,
    )
    mapping: Text | None = note("The mapping under test, alone.", default=None, pattern=NAME)
    policy: Text | None = note("The policy under test, alone.", default=None, pattern=NAME)
    now: datetime | None = note(
        "The instant at which the test begins; of a flow it must be there, unless a column says it.",
        default=None,
    )
    given: GivenDocument | None = note("What it starts from.", default=None)
    expect: ExpectDocument | None = note(
        "What it demands of all that happened, and of where things stand at the end.", default=None
    )
    acts: tuple[ActDocument, ...] = note("What happens afterwards, one after the other.", default=())
    examples: Mapping[Text, Raw] = note(
        "Cases by name, each a record of columns: `$(column)` above stands for its value, `now` for `now`.",
        default={},
        ordered=True,
    )

    @property
    def subject(self) -> Text:
        """The name of what is tested; that of the test when it names nothing, which is reported."""
        found = self.flow[0] if self.flow else self.mapping or self.policy
        return self.test if found is None else found
