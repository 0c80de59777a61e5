"""Random histories: the ledger holds what dictionaries would, refuses what they would, and stays whole."""

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from engine.clock import FixedClock
from engine.errors import LedgerConflict
from engine.ledger import Commit, open_ledger, rows, verify_chain
from tests.depth import examples
from tests.ledger.samples import AT, LATER, NOW, a_hold, a_parking, a_run, an_effect, an_event, an_xref

NAMES = st.sampled_from("abcd")
BODIES = st.sampled_from([b"1", b"2"])
# A verb, the statuses that it may come from, the status that it leads to, and its row.
EFFECT_VERBS = {
    "effects_sent": ({"pending", "sending", "unknown"}, "sending", lambda key: rows.EffectSent(AT, key)),
    "effects_retried": (
        {"pending", "sending", "unknown"},
        "pending",
        lambda key: rows.EffectRetried(LATER, '{"status":503}', AT, key),
    ),
    "effects_unknown": (
        {"pending", "sending", "unknown"},
        "unknown",
        lambda key: rows.EffectUnknown('{"status":504}', AT, key),
    ),
    "effects_done": (
        {"pending", "sending", "unknown"},
        "done",
        lambda key: rows.EffectDone("{}", f"X-{key}", AT, key),
    ),
    "effects_dead": ({"pending", "sending", "unknown"}, "dead", lambda key: rows.EffectDead("{}", AT, key)),
    "effects_cancelled": (
        {"pending", "unknown"},
        "cancelled",
        lambda key: rows.EffectCancelled(None, AT, key),
    ),
    "effects_reopened": (
        {"dead", "cancelled"},
        "pending",
        lambda key: rows.EffectReopened(LATER, "ann", "again", key),
    ),
    "effects_resolved": (
        {"unknown"},
        "dead",
        lambda key: rows.EffectResolved("dead", None, None, "{}", LATER, "ann", "looked", key),
    ),
}
OPEN = {"running", "held", "waiting", "unknown"}
RUN_VERBS = {
    "runs_paused": (OPEN, "held", lambda name: rows.RunPaused("held", '{"n":1}', "hold", AT, name)),
    "runs_resumed": (OPEN, "running", lambda name: rows.RunResumed(AT, name)),
    "runs_finished": (OPEN, "failed", lambda name: rows.RunFinished("failed", AT, '{"n":2}', None, name)),
    "runs_reopened": (
        {"completed", "failed", "rejected"},
        "running",
        lambda name: rows.RunReopened(LATER, "ann", "again", name),
    ),
}
HELD = {"open", "proposed"}
HOLD_VERBS = {
    "holds_released": (HELD, "released", lambda name: rows.HoldReleased(AT, "ann", None, None, name)),
    "holds_expired": (HELD, "expired", lambda name: rows.HoldExpired(AT, None, name)),
    "holds_refused": (HELD, "refused", lambda name: rows.HoldRefused(AT, "ann", "no", "code", name)),
    "holds_moved": (HELD, "proposed", lambda name: rows.HoldMoved("proposed", AT, None, "{}", name)),
}
PARKING_VERBS = {
    "parkings_freed": ({"parked"}, "freed", lambda name: rows.ParkingFreed(AT, "ann", "go on", name))
}


@dataclass
class Model:
    """What a ledger should hold."""

    events: dict = field(default_factory=dict)
    conflicts: set = field(default_factory=set)
    runs: dict = field(default_factory=dict)
    effects: dict = field(default_factory=dict)
    attempts: dict = field(default_factory=dict)
    holds: dict = field(default_factory=dict)
    parkings: dict = field(default_factory=dict)
    xrefs: dict = field(default_factory=dict)
    snapshots: dict = field(default_factory=dict)


class Histories(RuleBasedStateMachine):
    """A ledger in memory beside its model."""

    @initialize()
    def start(self):
        self.ledger = open_ledger("sqlite://", clock=FixedClock(NOW))
        self.reader = self.ledger.reader()
        self.model = Model()
        # Runs and effects hang on an event and a run that are there.
        self.accept([("a", b"1")])
        self.begin_a_run("a")

    @rule(found=st.lists(st.tuples(NAMES, BODIES), min_size=1, max_size=4))
    def accept(self, found):
        result = self.ledger.commit(Commit(events=[an_event(name, body) for name, body in found]))
        duplicates, conflicts = [], []
        for name, body in found:
            if name not in self.model.events:
                self.model.events[name] = body
            elif self.model.events[name] == body:
                duplicates.append(name)
            else:
                conflicts.append(name)
                self.model.conflicts.add((name, body))
        assert (result.duplicates, result.conflicts) == (tuple(duplicates), tuple(conflicts))

    @rule(name=NAMES)
    def begin_a_run(self, name):
        if self._commit(Commit(runs=[a_run(name, "a")]), allowed=name not in self.model.runs):
            self.model.runs[name] = "running"

    @rule(key=NAMES, send=st.booleans())
    def intend(self, key, send):
        commit = Commit(**{"sends" if send else "effects": [an_effect(key, "a")]})
        if self._commit(commit, allowed=key not in self.model.effects):
            self.model.effects[key] = "sending" if send else "pending"
            self.model.attempts[key] = int(send)

    @rule(name=NAMES)
    def open_a_hold(self, name):
        if self._commit(Commit(holds=[a_hold(name)]), allowed=name not in self.model.holds):
            self.model.holds[name] = "open"

    @rule(name=NAMES)
    def stop_a_key(self, name):
        if self._commit(Commit(parkings=[a_parking(name)]), allowed=name not in self.model.parkings):
            self.model.parkings[name] = "parked"

    @rule(verb=st.sampled_from(sorted(PARKING_VERBS)), name=NAMES)
    def free_a_key(self, verb, name):
        self._change(PARKING_VERBS, verb, name, self.model.parkings)

    @rule(verb=st.sampled_from(sorted(EFFECT_VERBS)), key=NAMES)
    def change_an_effect(self, verb, key):
        if self._change(EFFECT_VERBS, verb, key, self.model.effects):
            self.model.attempts[key] += verb == "effects_sent"

    @rule(verb=st.sampled_from(sorted(RUN_VERBS)), name=NAMES)
    def change_a_run(self, verb, name):
        self._change(RUN_VERBS, verb, name, self.model.runs)

    @rule(verb=st.sampled_from(sorted(HOLD_VERBS)), name=NAMES)
    def end_a_hold(self, verb, name):
        self._change(HOLD_VERBS, verb, name, self.model.holds)

    @rule(found=st.lists(st.tuples(NAMES, st.sampled_from("XYZ")), min_size=1, max_size=4))
    def refer(self, found):
        self._commit(Commit(xrefs=[an_xref(external, canonical_id=name) for name, external in found]))
        self.model.xrefs.update(found)

    @rule(name=NAMES, body=st.sampled_from("123"))
    def observe(self, name, body):
        self._commit(Commit(entities=[rows.NewEntity("project", name, None, AT, body)]))
        self.model.snapshots.setdefault(name, []).append(body)

    @invariant()
    def it_holds_what_the_model_holds(self):
        if not hasattr(self, "ledger"):
            return
        reader, model = self.reader, self.model
        assert {event.id: event.body for event in reader.events()} == model.events
        assert {
            (one.event_id, one.body) for name in "abcd" for one in reader.conflicts(name)
        } == model.conflicts
        assert {run.id: run.status for run in reader.runs()} == model.runs
        effects = reader.effects("a")
        assert {effect.key: effect.status for effect in effects} == model.effects
        assert {effect.key: effect.attempts for effect in effects} == model.attempts
        assert {hold.id: hold.status for hold in reader.holds()} == model.holds
        standing = {name for name, status in model.parkings.items() if status == "parked"}
        assert {parking.id for parking in reader.parked()} == standing
        found = {name: reader.xref("invoice", name, "erp") for name in "abcd"}
        assert {name: one.external_id for name, one in found.items() if one} == model.xrefs
        for name, bodies in model.snapshots.items():
            assert [one.body for one in reader.snapshots("project", name)] == bodies

    def teardown(self):
        if hasattr(self, "ledger"):
            assert verify_chain(self.reader) == []
            self.ledger.close()

    def _change(self, verbs, verb, name, held):
        origins, target, row = verbs[verb]
        if self._commit(Commit(**{verb: [row(name)]}), allowed=held.get(name) in origins):
            held[name] = target
            return True
        return False

    def _commit(self, commit, *, allowed=True):
        try:
            self.ledger.commit(commit)
        except LedgerConflict:
            assert not allowed
            return False
        assert allowed
        return True


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=examples(40), stateful_step_count=30, deadline=None)
