"""Events, persons and time in any order, with a process that may end at any commit: nothing ends twice.

After every turn each run that took part is decided again from the ledger, and must be what it is in memory.
"""

import asyncio
import tempfile
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import InputError
from engine.ledger import Ledger, open_reader, verify_chain
from engine.runtime import holding
from engine.runtime.execute import Executor
from engine.runtime.permission import Release
from tests.depth import examples
from tests.runtime.scripted import Small, Stopped

DOCUMENTS = """
policy: shut
owner: desk
inputs: {project: erp/project@1, item: canonical/item@1}
when: project.status == 'shut'
then:
  hold:
    until: {event: item.changed, where: event.data.group == item.group}
    release: {role: boss, reason: required}
    escalate: [{after: 1 day, to: lead}, {after: 3 business days, to: chief}]
    expires: {after: 6 days, then: reject}
reason: "The project is shut."
---
policy: large
owner: desk
inputs: {project: erp/project@1, item: canonical/item@1}
when: item.amount > 10 and project.status != 'gone'
then:
  approve:
    role: boss
    amount: {expr: "money(item.amount, 'EUR')"}
    four_eyes_over: 20 EUR
    expires: {after: 8 days, then: release}
reason: "It is {{ item.amount }}."
---
flow: f
trigger: {event: item.made, as: item}
steps:
  project: {read: erp.project, with: {id: item.group}}
  ok: {check: [shut, large]}
  w: {needs: ok, wait: {event: item.said, where: event.data.id == item.id, timeout: 4 days, on_timeout: skip, look_back: 1 day}}
  put: {write: erp.line, with: {key: w.id}}
  beside: {needs: ok, write: erp.line, with: {key: item.id}}
"""
GROUPS = ("A", "B")
PEOPLE = ("ann", "bob")

groups = st.sampled_from(GROUPS)
names = st.sampled_from(["1", "2"])
policies = st.sampled_from(["shut", "large"])
people = st.sampled_from(PEOPLE)
ACTS = st.one_of(
    st.tuples(st.just("made"), names, groups, st.sampled_from([5, 15, 50])),
    st.tuples(st.just("changed"), groups, st.integers(1, 4)),
    st.tuples(st.just("said"), names),
    st.tuples(st.just("status"), groups, st.sampled_from(["open", "shut"])),
    st.tuples(
        st.sampled_from(["release", "refuse", "propose", "agree"]), names, policies, people, st.booleans()
    ),
    st.tuples(st.just("clash"), names, policies, st.sampled_from(["release", "refuse"]), st.integers(5, 9)),
    st.tuples(st.just("passes"), st.sampled_from([1, 20, 30, 80, 200])),
    st.tuples(st.just("rests")),
    st.tuples(st.just("restarts")),
    st.tuples(st.just("power"), st.integers(1, 3), st.booleans()),
)


class Firm:
    """A workspace, and what acts do to it."""

    def __init__(self, folder):
        self.process = Small(folder, DOCUMENTS)
        self.statuses = dict.fromkeys(GROUPS, "shut")
        self.process.system.read = self.read
        self.cut = None  # commits left, and whether the last of them is written
        self.begun = []

    async def read(self, operation, parameters):
        await asyncio.sleep(0)
        return {"id": parameters["id"], "status": self.statuses[parameters["id"]], "rate": 1}

    async def play(self, runner, acts):
        """Acts up to the next restart."""
        runner.recover()
        while acts:
            match acts.pop(0):
                case ("restarts",):
                    break
                case ("rests",):
                    await runner.until_rest()
                case ("power", number, written):
                    self.cut = [number, written]
                case act:
                    await self.do(runner, act)
        await runner.until_rest()

    async def do(self, runner, act):
        match act:
            case ("made", name, group, amount):
                data = {"id": name, "group": group, "amount": amount}
                if all(known != name for known, _, _ in self.begun):
                    self.begun.append((name, group, amount))
                    runner.offer(self.process.offers(("item.made", data)))
            case ("changed", group, number):
                data = {"id": f"c{number}", "group": group, "amount": number}
                runner.offer(self.process.offers(("item.changed", data)))
            case ("said", name):
                runner.offer(self.process.offers(("item.said", {"id": name, "amount": 1})))
            case ("status", group, status):
                self.statuses[group] = status
            case ("clash", name, policy, verb, number):
                await self.clash(runner, name, policy, verb, number)
            case ("passes", hours):
                self.process.clock.advance(timedelta(hours=hours))
            case (verb, name, policy, by, both):
                await self.ask(
                    runner,
                    verb,
                    name,
                    policy,
                    Release(by=by, reason="why", role="boss", second="eve" if both else None),
                )

    async def clash(self, runner, name, policy, verb, number):
        """What ends a hold comes while its check is being done again on facts that have changed."""
        await runner.until_rest()
        group = next((group for known, group, _ in self.begun if known == name), "A")
        self.statuses[group] = "open" if self.statuses[group] == "shut" else "gone"
        await self.do(runner, ("changed", group, number))
        person = Release(by="ann", reason="why", role="boss", second="bob")
        await self.ask(runner, verb, name, policy, person)

    async def ask(self, runner, verb, name, policy, person):
        hold = self.last_hold(runner, name, policy)
        more = ("no",) if verb == "refuse" else ()
        do = getattr(holding, verb)
        asked = asyncio.ensure_future(runner.act(lambda executor: do(executor, hold, person, *more)))
        asked.add_done_callback(lambda done: done.exception())
        await asyncio.sleep(0)
        await runner.turn()
        if asked.done() and not isinstance(asked.exception(), InputError | None):
            raise asked.exception()

    def last_hold(self, runner, name, policy):
        rows = runner.executor.reader.holds_of_run(f"f/item.made:{name}")
        return next((row.id for row in reversed(rows) if row.policy == policy), "none")


@contextmanager
def watched(firm):
    """Every turn is compared with what the ledger says of it; the power is cut where an act says."""
    finish, commit = Executor.finish, Ledger.commit

    def compared(executor, meanwhile=None):
        touched = dict(executor.turn.touched)
        result = finish(executor, meanwhile)
        for run_id, live in touched.items():
            row = executor.reader.run(run_id)
            again = executor.recovery.run(row).state
            for part in ("status", "steps", "scope", "trace", "open_holds", "matches"):
                assert getattr(again, part) == getattr(live.state, part), (run_id, part)
            opened = {hold.id for hold in executor.reader.holds_of_run(run_id) if hold.release_commit is None}
            assert opened == set(live.state.open_holds.values())
        return result

    def stopping(ledger, what, *more):
        if firm.cut is None:
            return commit(ledger, what, *more)
        firm.cut[0] -= 1
        last, written = firm.cut[0] == 0, firm.cut[1]
        if last:
            firm.cut = None
        if last and not written:
            raise Stopped
        result = commit(ledger, what, *more)
        if last:
            raise Stopped
        return result

    Executor.finish, Ledger.commit = compared, stopping
    try:
        yield
    finally:
        Executor.finish, Ledger.commit = finish, commit


def run(firm, acts):
    """One process, up to its end, whatever ends it."""
    with firm.process.process() as (runner, _):
        try:
            asyncio.run(firm.play(runner, acts))
        except Stopped:
            return


@pytest.mark.slow
@given(st.lists(ACTS, max_size=25))
@pytest.mark.requirement("REL-17")
@settings(max_examples=examples(60))
def test_nothing_ends_twice_and_every_run_is_what_the_ledger_says(acts):
    with tempfile.TemporaryDirectory() as folder:
        firm = Firm(Path(folder))
        with watched(firm):
            left = list(acts)
            while left:
                run(firm, left)
            firm.cut = None
            made = [("made", *one) for one in firm.begun]
            firm.begun.clear()
            run(firm, [*made, ("rests",), ("passes", 24 * 10), ("rests",), ("passes", 24 * 10), ("rests",)])
        reader = open_reader(firm.process.url)
        try:
            assert verify_chain(reader) == []
            rows = {row.id: row.status for row in reader.runs()}
            assert set(rows.values()) <= {"completed", "rejected"}, rows
            assert {hold.status for hold in reader.holds()} <= {"released", "refused", "expired"}
            assert list(reader.open_waits()) == []
            names = [alert.id for alert in reader.alerts()]
            assert len(names) == len(set(names))
        finally:
            reader.close()
        # Sent again after a power cut, under the same key, it is the same record.
        for payloads in firm.process.system.applied.values():
            assert all(payload == payloads[0] for payload in payloads)
