"""Random histories of failures, resolutions, replays and crashes: nothing twice, and what is claimed is true.

Systems refuse, fall silent after they have done it, or before; processes end at any commit or delivery;
persons find out truthfully, send again, have runs worked again. At the end the systems are asked.
"""

import asyncio
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engine.errors import InputError, LedgerError
from engine.ledger import Ledger, open_reader, verify_chain
from engine.runtime.bench import Bench, Choice, Verdict
from engine.runtime.bulk import outcome
from engine.runtime.resolve import Applied, Person, attempt_again, resolve, send_again
from tests.depth import examples
from tests.runtime.scripted import Small, Stopped, failure

STEPS = """
flow: f
trigger: {event: item.ordered, as: item}
steps:
  got: {read: erp.project, with: {id: item.id}}
  post: {write: erp.journal, with: {key: got.id}}
  shut: {write: erp.blind, with: {key: post.id}, faults: {unknown: person}}
  say: {emit: item.said, with: {id: shut.id}}
"""
ANN = Person(by="ann", reason="looked")
OUTCOMES = {
    "ok": "done",
    "lost": "lost",
    "silent": failure("unknown"),
    "refused": failure("permanent", "no"),
    "away": failure("transient", "away"),
    "stop": "stop",
    "done and stop": "done and stop",
}
READS = {
    "ok": None,
    "refused": failure("permanent", "no right"),
    "other": {"id": "other", "status": "open", "rate": 1},
}
WRITES = st.lists(st.sampled_from(sorted(OUTCOMES)), max_size=4)
ACTS = st.tuples(
    st.sampled_from(["event", "restart", "resolve", "again", "attempt", "attempt", "event"]),
    st.integers(0, 3),
    WRITES,
    WRITES,
    st.lists(st.sampled_from(sorted(READS)), max_size=2),
    st.one_of(st.none(), st.tuples(st.integers(1, 5), st.booleans())),
)


class World:
    """One history: a ledger, the systems, and the events that came."""

    def __init__(self, folder):
        self.process = Small(folder, STEPS)
        self.events = 0

    def act(self, act):
        """One thing that somebody does, while the systems and the power behave as drawn."""
        what, number, journal, blind, reads, cut = act
        system = self.process.system
        system.writes["journal"].extend(OUTCOMES[name] for name in journal)
        system.writes["blind"].extend(OUTCOMES[name] for name in blind)
        system.reads["project"].extend(READS[name] for name in reads if READS[name] is not None)
        with pytest.MonkeyPatch.context() as patch:
            if cut is not None:
                self._cut(patch, *cut)
            self._do(what, number)
        for script in (*system.writes.values(), *system.reads.values()):
            script.clear()

    def _cut(self, patch, number, after):
        commit, left = Ledger.commit, [number]

        def cut(ledger, what, *more):
            left[0] -= 1
            if left[0] == 0 and not after:
                raise Stopped
            result = commit(ledger, what, *more)
            if left[0] == 0:
                raise Stopped
            return result

        patch.setattr(Ledger, "commit", cut)

    def _do(self, what, number):
        if what == "event":
            self.events += 1
            data = {"id": str(self.events), "group": "AB"[number % 2]}
            self.process.run(("item.ordered", data))
        elif what == "restart":
            self.process.run()
        else:
            order = self._order(what, number)
            if order is not None:
                self._ordered(order)

    def _ordered(self, order):
        try:
            self.process.order(order)
        except (InputError, LedgerError):
            return  # it came too late, or the power was cut under it

    def _order(self, what, number):
        reader = open_reader(self.process.url)
        try:
            if what == "resolve":
                return self._found_out(reader.effects_in_doubt(), number)
            runs = [row.id for row in reader.runs() if row.status in {"failed", "completed"}]
            if not runs:
                return None
            run = runs[number % len(runs)]
            if what == "again":
                return send_again(run, ANN)
            return attempt_again(run, self.process.plan.release, ANN)
        finally:
            reader.close()

    def _found_out(self, doubts, number):
        """What a person says who has looked into the system."""
        if not doubts:
            return None
        row = doubts[number % len(doubts)]
        if row.key in self.process.system.applied:
            return resolve(row.key, ANN, Applied(external_id=f"id-{row.key}"))
        return resolve(row.key, ANN, None, again=number % 2 == 0)

    # --- what holds ---------------------------------------------------------------------------------

    def check(self):
        """All that must be so, whatever happened."""
        self.process.run()
        applied = self.process.system.applied
        reader = open_reader(self.process.url)
        try:
            assert verify_chain(reader) == []
            runs = reader.runs(limit=1_000)
            effects = [one for row in runs for one in reader.effects(row.id)]
            self._once(applied)
            for effect in effects:
                if effect.status == "done":
                    assert effect.key in applied, f"{effect.key} is claimed, and is not there"
                if effect.status == "dead":
                    assert effect.key not in applied, f"{effect.key} is dead, and is there"
            for run in runs:
                self._complete(reader, run, applied)
        finally:
            reader.close()
        self._judged([run for run in runs if run.status in {"failed", "completed"}])

    def _once(self, applied):
        """Nothing stands twice in a system, under whatever key."""
        counts = Counter()
        for key, payloads in applied.items():
            _, event, step = key.split("/")
            counts[event, step] += len(payloads)
        assert set(counts.values()) <= {1}, counts

    def _of(self, event_id):
        """How much of an event stands in the systems."""
        applied = self.process.system.applied
        return sum(len(payloads) for key, payloads in applied.items() if key.split("/")[1] == event_id)

    def _complete(self, reader, run, applied):
        there = {key.split("/")[2] for key in applied if key.split("/")[1] == run.event_id}
        if run.flow == "f" and run.status == "completed":
            assert there == {"post", "shut"}
        item = type("Item", (), {"run": run.id})()
        found = outcome(reader, item, run.id)
        if found is not None and found.ok and run.flow == "f":
            assert there == {"post", "shut"}

    def _judged(self, runs):
        """What is said to be applied already is: to work it again does nothing."""
        for run in runs[:2]:
            with self.process.process() as (runner, ledger):
                bench = Bench(ledger.reader(), runner.executor.recovery)
                item = asyncio.run(bench.judge(run.id, Choice()))
            if item.verdict is Verdict.APPLIED:
                before = self._of(run.event_id)
                self._ordered(attempt_again(item.run, self.process.plan.release, ANN))
                assert self._of(run.event_id) == before
        self._once(self.process.system.applied)


def history(acts):
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        for act in [("event", 0, [], [], [], None), *acts]:
            world.act(act)
        world.check()


@pytest.mark.requirement("REL-02", "REL-13", "REL-34")
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ACTS, max_size=8))
@pytest.mark.slow
def test_nothing_twice_and_what_is_claimed_is_true(acts):
    history(acts)


@pytest.mark.slow
@settings(
    max_examples=examples(45),
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # to make a history smaller takes longer than to read it
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.lists(ACTS, min_size=3, max_size=14))
def test_long_histories(acts):
    history(acts)
