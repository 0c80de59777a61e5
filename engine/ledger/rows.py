"""The rows of the ledger, as named tuples in the order of their columns.

`New…` rows are what a caller hands in; the others (`EffectDone`, `HoldReleased`, ...) each change one row
that is there; `…Row` rows are what a reader gives back. What is JSON stays text here, and what is inside it
is nobody's business in this package. Instants are the text that `engine.ledger.instants.instant` writes.
"""

from typing import NamedTuple

from engine.ledger.pruned import readable

OPEN_RUNS = ("running", "waiting", "held", "unknown")
"""Statuses of a run that is not finished. `unknown` waits for a person, as `held` does."""

DISMISSED = "dead.dismiss"
"""The action by which a person says that nothing is to be done about something that ended badly."""

FINISHED_RUNS = ("completed", "rejected", "failed", "compensated", "moved")
"""Statuses of a run that is over. The event of one that is `moved` is worked by a further attempt."""

OPEN_EFFECTS = ("pending", "sending", "unknown")
"""Statuses of an effect that is not settled."""

OPEN_HOLDS = ("open", "proposed")
"""Statuses of a hold that has not ended; a person has proposed the release of a `proposed` one."""

SETTLED_EFFECTS = ("done", "dead", "cancelled")


class NewEvent(NamedTuple):
    """An event to accept; written once, or folded when it is known."""

    id: str
    type: str
    order_key: str | None
    at: str  # when it happened in the business
    accepted_at: str
    source: str | None
    cause: str | None  # key of the effect that emitted it
    depth: int  # how many events caused each other before it
    version: int  # of the event, which its body is
    body_hash: str  # SHA-256 of the body, in hexadecimal
    body: bytes  # JSON exactly as it was received


class EventRow(NamedTuple):
    """An accepted event."""

    id: str
    type: str
    order_key: str | None
    at: str
    accepted_at: str
    source: str | None
    cause: str | None
    depth: int
    version: int  # that it was accepted as; a later release may read it as a newer one
    body_hash: str
    body: bytes
    commit: int  # number of the commit in which it was accepted
    seq: int


class EventHanded(NamedTuple):
    """An event of the same commit whose runs the owner of its partition begins."""

    event_id: str
    partition: int


class EventTaken(NamedTuple):
    """The runs of an event that was handed over begin in this commit."""

    seq: int  # of the event


class InboxRow(NamedTuple):
    """An event that was handed over."""

    partition: int
    commit: int
    taken_commit: int | None  # None while its runs are still to be begun
    seq: int  # of the event


class ConflictRow(NamedTuple):
    """A delivery with the id of an accepted event and another body; kept as evidence, never worked."""

    event_id: str
    body_hash: str
    body: bytes
    source: str | None
    at: str
    commit: int
    seq: int

    @property
    def name(self) -> str:
        """Its name for people."""
        return conflict_name(self.event_id, self.body_hash)


def conflict_name(event_id: str, body_hash: str) -> str:
    """The name of a conflict: its event, and the beginning of the hash of what came."""
    return f"{event_id}#{body_hash[:12]}"


class NewRun(NamedTuple):
    """A run that begins; its status is `running`."""

    id: str
    event_id: str
    flow: str
    release: str  # fingerprint of the release it began on
    order_key: str | None
    now: str  # accepted_at of the event: the only time that the run knows


class RunPaused(NamedTuple):
    """An open run rests: `waiting`, `held` or `unknown`."""

    status: str
    decisions: str  # JSON: what was decided and why
    reason: str | None
    at: str
    id: str


class RunResumed(NamedTuple):
    """A resting run is `running` again; a reason says what it waits for, or whom it has passed."""

    at: str
    id: str
    reason: str | None = None


class RunFinished(NamedTuple):
    """An open run ends: `completed`, `rejected` or `failed`."""

    status: str
    finished_at: str
    decisions: str
    reason: str | None
    id: str


class RunReopened(NamedTuple):
    """A person has a finished run go on; what it had ended with is kept."""

    at: str
    by: str
    reason: str
    id: str


class RunRow(NamedTuple):
    """A run as it stands."""

    id: str
    event_id: str
    flow: str
    release: str
    order_key: str | None
    now: str
    partition: int  # who owns it, works it
    commit: int
    status: str
    finished_at: str | None
    decisions: str | None
    reason: str | None
    finish_commit: int | None
    seq: int  # runs were begun in this order


class LeftRun(NamedTuple):
    """As much of a run on its way as tells its place in line; there may be very many of them at a start."""

    id: str
    order_key: str | None
    reason: str | None  # why it is where it is, if it was woken
    seq: int


class ParkedRun(NamedTuple):
    """What stops an order key, with the number of its run."""

    id: str
    run_id: str
    order_key: str
    seq: int


class NewAnswer(NamedTuple):
    """What a run asked and was told: a read response, a look-up, an entity; written once."""

    run_id: str
    key: str
    kind: str  # read, xref, entity, table, wait, ...
    at: str
    body: str


class AnswerRow(NamedTuple):
    """A recorded answer."""

    run_id: str
    key: str
    kind: str
    at: str
    body: str
    commit: int
    seq: int


class NewEffect(NamedTuple):
    """Something to be done outside, with everything that is sent."""

    key: str
    run_id: str
    step: str
    item: str | None
    connection: str
    operation: str
    payload: str
    created_at: str


class EffectSent(NamedTuple):
    """One more attempt goes out (from pending, sending or unknown)."""

    at: str
    key: str


class EffectDone(NamedTuple):
    """The target proved that it applied the effect."""

    receipt: str
    external_id: str | None
    settled_at: str
    key: str


class EffectRetried(NamedTuple):
    """An attempt failed and the next is due; or a person wants one more."""

    due_at: str
    failure: str | None
    at: str
    key: str


class EffectDead(NamedTuple):
    """It was refused for good, or the attempts are used up."""

    failure: str
    settled_at: str
    key: str


class EffectUnknown(NamedTuple):
    """It may have happened; only a receipt, a look-up or a person settles it."""

    failure: str
    at: str
    key: str


class EffectCancelled(NamedTuple):
    """It will not be sent (from pending only: what is on the wire cannot be called back)."""

    failure: str | None  # why, as JSON
    settled_at: str
    key: str


class EffectResolved(NamedTuple):
    """A person's decision on an unknown effect: `done`, `dead` or `cancelled`. Leaves an audit entry."""

    status: str
    receipt: str | None
    external_id: str | None
    failure: str | None
    settled_at: str
    by: str
    reason: str
    key: str


class EffectReopened(NamedTuple):
    """A person has a dead or cancelled effect sent again; what it had ended with is kept."""

    at: str
    by: str
    reason: str
    key: str


class EffectRow(NamedTuple):
    """An effect as it stands."""

    key: str
    run_id: str
    step: str
    item: str | None
    connection: str
    operation: str
    payload: str
    created_at: str
    began: str  # the status it was written with: pending or sending
    commit: int
    status: str
    attempts: int
    due_at: str | None
    receipt: str | None
    external_id: str | None
    failure: str | None
    settled_at: str | None
    settle_commit: int | None
    seq: int


def is_undo(row: EffectRow) -> bool:
    """Whether an effect takes back another one."""
    return row.key.endswith("/undo")


class NewHold(NamedTuple):
    """A policy stops one step of a run."""

    id: str
    run_id: str
    step: str
    item: str | None
    policy: str
    reason: str
    owner: str
    until_event: str | None  # type of the event that releases it
    match: str | None  # narrows until_event, as text of the caller
    timers: str | None  # JSON: what time does to it, and when
    detail: str
    opened_at: str


class HoldMoved(NamedTuple):
    """An open hold has another status: proposed, when a person has proposed its release, or open again."""

    status: str
    at: str
    reason: str | None
    detail: str | None  # JSON: who proposed it
    id: str


class HoldRefused(NamedTuple):
    """An open hold ends: a person refuses what waits for it."""

    released_at: str
    released_by: str
    release_reason: str | None
    refusal_code: str
    id: str


class HoldReleased(NamedTuple):
    """An open hold is released, by a person or by an event."""

    released_at: str
    released_by: str
    release_reason: str | None
    release_event: str | None
    id: str


class HoldExpired(NamedTuple):
    """An open hold ends because its time is over."""

    released_at: str
    release_reason: str | None
    id: str


class HoldRow(NamedTuple):
    """A hold as it stands: open or proposed; released, refused or expired."""

    id: str
    run_id: str
    step: str
    item: str | None
    policy: str
    reason: str
    owner: str
    until_event: str | None
    match: str | None
    timers: str | None
    detail: str
    opened_at: str
    commit: int
    status: str
    released_at: str | None
    released_by: str | None
    release_reason: str | None
    release_event: str | None
    refusal_code: str | None
    release_commit: int | None
    seq: int


class NewParking(NamedTuple):
    """A run stops its order key: what comes behind it waits."""

    id: str
    run_id: str
    order_key: str
    step: str | None
    why: str  # the status of the run: held, waiting, unknown, failed
    reason: str | None
    at: str


class ParkingFreed(NamedTuple):
    """A run does not stop its order key any more: it went on, or a person let the others pass."""

    freed_at: str
    freed_by: str
    free_reason: str
    id: str


class ParkingRow(NamedTuple):
    """What stops, or stopped, an order key."""

    id: str
    run_id: str
    order_key: str
    step: str | None
    why: str
    reason: str | None
    at: str
    commit: int
    status: str  # parked, freed
    freed_at: str | None
    freed_by: str | None
    free_reason: str | None
    free_commit: int | None
    seq: int


class NewWait(NamedTuple):
    """A step begins to wait for an event."""

    id: str
    run_id: str
    step: str
    item: str | None
    event: str  # its type
    match: str | None  # narrows it, as text of the caller
    began_at: str
    due_at: str | None  # when the wait is over, if ever


class WaitEnded(NamedTuple):
    """A wait is over: `arrived`, `timed out`, or `given up` when its run was ended by an error."""

    status: str
    ended_at: str
    end_event: str | None
    id: str


class WaitRow(NamedTuple):
    """A wait as it stands: waiting, arrived, timed out, or given up."""

    id: str
    run_id: str
    step: str
    item: str | None
    event: str
    match: str | None
    began_at: str
    due_at: str | None
    commit: int
    status: str
    ended_at: str | None
    end_event: str | None
    end_commit: int | None
    seq: int


class NewXref(NamedTuple):
    """The id that a system gave to one of our records; a new one replaces the old, which is kept."""

    entity: str
    canonical_id: str
    system: str
    external_id: str
    effect_key: str | None
    at: str


class XrefRow(NamedTuple):
    """The id that a system knows one of our records by."""

    entity: str
    canonical_id: str
    system: str
    external_id: str
    effect_key: str | None
    at: str
    commit: int
    seq: int


class NewEntity(NamedTuple):
    """A business object as it was at an instant."""

    entity: str
    id: str
    event_id: str | None
    at: str
    body: str


class EntityRow(NamedTuple):
    """One snapshot of a business object; the highest seq of an id is the latest."""

    entity: str
    id: str
    event_id: str | None
    at: str
    body: str
    commit: int
    seq: int


class NewAlert(NamedTuple):
    """Somebody is to be told; its status is `open`."""

    id: str
    run_id: str | None
    step: str | None
    policy: str | None
    severity: str
    to: str
    message: str
    at: str


class AlertMoved(NamedTuple):
    """An alert has another status: sent, acknowledged, closed, ... in the words of the caller."""

    status: str
    at: str
    id: str


class CompletedRun(NamedTuple):
    """A run under an order key that is complete."""

    order_key: str
    seq: int
    event_id: str


class AlertRow(NamedTuple):
    """An alert as it stands."""

    id: str
    run_id: str | None
    step: str | None
    policy: str | None
    severity: str
    to: str
    message: str
    at: str
    commit: int
    status: str
    seq: int

    @property
    def said(self) -> str:
        """The message as a person is shown it, also when it was blanked."""
        return readable(self.message)


class NewMark(NamedTuple):
    """How far a source has been read, or what it has said, under a key of its own."""

    source: str  # "psa.time_entry_approved"
    key: str
    value: str  # JSON
    at: str


class MarkRow(NamedTuple):
    """One mark; the last under its source and key is what holds."""

    source: str
    key: str
    value: str
    at: str
    commit: int
    seq: int


class NewRelease(NamedTuple):
    """A snapshot of a workspace, content-addressed; folded when it is known."""

    fingerprint: str
    created_at: str
    note: str
    content: bytes


class ReleaseRow(NamedTuple):
    """A stored snapshot."""

    fingerprint: str
    created_at: str
    note: str
    content: bytes
    content_hash: str  # SHA-256, in hexadecimal
    commit: int
    seq: int


class NewActivation(NamedTuple):
    """A release becomes the active one."""

    fingerprint: str
    at: str
    actor: str
    reason: str


class StillActive(NamedTuple):
    """What a commit about releases was decided on; it is refused when another is active, or more was done."""

    fingerprint: str | None
    subject: str | None = None  # of the audit; None where it does not matter what else was done
    seen: int = 0  # the last row of the audit about it


class ActivationRow(NamedTuple):
    """When which release became active; the last one is."""

    fingerprint: str
    at: str
    actor: str
    reason: str
    commit: int
    seq: int


class Blank(NamedTuple):
    """One value of a finished piece of work is blanked."""

    fact: str
    column: str
    mark: str  # what is put in its place
    commit: int  # whose digest it stands in, as it was read
    seq: int


class NewPruning(NamedTuple):
    """What the digest of a fact in a commit was, and what it is when the blanks are written."""

    fact: str
    of_commit: int
    before: str
    after: str


class TransitionRow(NamedTuple):
    """A step in the life of a run, effect or alert that was neither its beginning nor its end."""

    kind: str  # run, effect, hold, alert
    subject: str  # its id or key
    status: str  # the status it came to
    at: str
    due_at: str | None
    reason: str | None
    detail: str | None  # JSON: the failure of an attempt, the decisions of a rest
    commit: int
    seq: int


class AuditEntry(NamedTuple):
    """Who did what to what, and why."""

    at: str
    actor: str
    action: str
    subject: str | None
    detail: str | None  # JSON


class AuditRow(NamedTuple):
    """One link of the chain."""

    at: str
    actor: str
    action: str
    subject: str | None
    detail: str | None
    commit: int
    facts: str | None  # JSON: table -> rows and digest; on the first row of each commit
    prev_hash: str
    hash: str
    seq: int


class Found(NamedTuple):
    """Something that bears an id that was searched for."""

    kind: str  # event, run, effect, hold, alert, release, xref, entity
    key: str  # its own id or key; of an xref, "entity canonical_id system"
    matched: str  # the column in which the text was found
