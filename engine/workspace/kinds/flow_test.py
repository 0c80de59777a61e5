"""`test`: an event and stubs in; outcomes, payloads, holds and alerts out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from engine.source import Text
from engine.spec.field import NAME, Described, Document, Raw, note


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenDocument(Described):
    """What a test starts from."""

    extra: ClassVar[str | None] = "stubs"

    event: Raw = note("The event that starts the flow: `{data: {...}}`.")
    then: tuple[Raw, ...] = note("Events that follow: `{event: name, data: {...}}`.", default=(), many=True)
    release: tuple[Text, ...] = note("Policies whose holds a person then releases.", default=(), many=True)
    stubs: Mapping[Text, Raw] = note(
        "What each operation answers: `erp.project: {...}`, a list for one answer after the other, "
        "`{$fail: permanent, reason: ...}`; `entity.NAME` for the ledger's own, `xref: {entity: {id: id}}`.",
        default={},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectDocument(Described):
    """What a test demands; what it does not name is not compared."""

    extra: ClassVar[str | None] = "steps"

    run: Text | None = note(
        "How the run ends; `none` when the event starts none.",
        default=None,
        choices=("completed", "held", "waiting", "rejected", "failed", "unknown", "none"),
    )
    writes: Mapping[Text, Raw] = note(
        "What each operation is given, in part: a record for one call, a list for several.", default={}
    )
    no_writes: tuple[Text, ...] = note("Operations that are not called.", default=(), many=True)
    emits: Mapping[Text, Raw] = note("Which events are emitted, in part.", default={})
    alerts: tuple[Raw, ...] = note("Who is told what, in part.", default=(), many=True)
    holds: tuple[Text, ...] = note("Policies whose holds are open at the end.", default=(), many=True)
    problem: Text | None = note("A part of the reason for which it fails.", default=None)
    steps: Mapping[Text, Raw] = note(
        "The value of a step, in part; or where it stands: `skipped`.", default={}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowTestDocument(Document):
    """An event and stubs in; outcomes, payloads, holds and alerts out."""

    kind: ClassVar[str] = "test"

    test: Text = note("What the test shows, as a sentence.")
    flow: Text = note("The flow under test.", pattern=NAME)
    now: datetime = note("The instant at which the event is accepted.")
    given: GivenDocument = note("What it starts from.")
    expect: ExpectDocument = note("What it demands.")
