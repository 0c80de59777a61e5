"""Whoever owns a flow is told at once when a run of it ends badly, and once while that alert is open."""

import asyncio
import tempfile
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engine.errors import InputError
from engine.insight.dead import Wanted, dead_letters
from engine.ledger import open_reader, verify_chain
from engine.ledger.postgres_ledger import open_shared
from engine.ledger.reader import LedgerReader
from engine.ledger.rows import RunReopened
from engine.runtime.acts import ACTS
from engine.runtime.alerting import SOURCE, acknowledge
from engine.runtime.control import Desk, perform
from engine.runtime.permission import Release
from engine.runtime.resolve import Applied, Following, Person, attempt_again, resolve, send_again
from engine.runtime.runner import Limits
from engine.runtime.watch import EVERY
from tests.depth import examples
from tests.runtime import scripted
from tests.runtime.scripted import Small, begun, failure
from tests.runtime.test_alerting import DOCUMENTS, delivered

pytestmark = pytest.mark.requirement("ALT-07", "ALT-11")

PUT = "put: {write: erp.blind, with: {key: item.id}, faults: {unknown: person}}"
RUN, SECOND = "f/item.made:1", "f~2/item.made:1"
ANN = Person(by="ann", reason="mended in the ERP")
REFUSED = failure("permanent", "the account is closed")
LARGE = """
policy: large
owner: finance
inputs: {item: canonical/item@1}
when: item.amount > 100
then: {hold: {release: {role: boss}}}
reason: "Too much."
"""
ODD = """
policy: odd
owner: desk
inputs: {item: canonical/item@1}
when: item.amount > 5
then: {alert: {to: finance, severity: error}}
reason: "It is odd."
"""


def made(*names, **data):
    return [("item.made", {"id": name, **data}) for name in names]


def flow(*more, event="item.made"):
    lines = ["flow: f", "owner: billing", f"trigger: {{event: {event}, as: item}}", *more]
    return "\n".join([*lines, "steps:", "  ok: {check: large}", f"  {PUT.replace('{', '{needs: ok, ', 1)}"])


@contextmanager
def reading(process):
    reader = open_reader(process.url)
    try:
        yield reader
    finally:
        reader.close()


def alerts(process, prefix="dead/"):
    """The alerts of a kind with their statuses, in order, by what follows the kind."""
    with reading(process) as reader:
        assert verify_chain(reader) == []
        found = reversed(reader.alerts(limit=1_000))
        return {row.id.removeprefix(prefix): row.status for row in found if row.id.startswith(prefix)}


def alert(process, name):
    with reading(process) as reader:
        return reader.alert(name)


def refuse(process, *names, **data):
    """Have the writes of these be refused."""
    process.system.writes["blind"].extend([REFUSED] * len(names))
    return process.run(*made(*names, **data))


def hand_in(process, source, *events):
    """Events that a source brings."""

    def order(executor):
        executor.arrivals.accept([one._replace(source=source) for one in process.offers(*events)])

    process.order(order)


def take_care(process, name):
    process.order(lambda executor: acknowledge(executor, name, "ann", None))


def at_desk(process, *acts):
    """One process in which persons act one after the other; (act, what it is about), or events that come."""

    async def work(runner):
        runner.recover()
        await runner.until_rest()
        desk = Desk(runner=runner, reader=runner._reader, clock=process.clock)
        for act, about in acts:
            process.clock.advance(timedelta(seconds=1))
            if act == "events":
                runner.offer(process.offers(*about))
                await runner.until_rest()
                continue
            done = begun(perform(ACTS, desk, act, {**about, "by": "ann", "reason": "by hand"}))
            await asyncio.sleep(0)
            await runner.until_rest()
            await done

    process.clock.advance(timedelta(seconds=1))
    with process.process() as (runner, _):
        asyncio.run(work(runner))


def dismissal(name):
    return "dismiss", {"id": name}


def dismiss(process, *names):
    at_desk(process, *map(dismissal, names))


@pytest.mark.usefixtures("both")
class TestWhoIsTold:
    def test_of_a_refused_write_the_owner_at_once(self, tmp_path, place):
        process = Small(tmp_path, flow(), LARGE, url=place)
        refuse(process, "1")
        told = alert(process, f"dead/{RUN}#1")
        assert (told.to, told.severity, told.status) == ("billing", "error", "open")
        assert (told.run_id, told.step) == (RUN, "put")
        assert told.message == (
            "f/item.made:1 has failed: the account is closed. While this alert is open, nobody is told one by "
            "one of further runs of f that end badly: `tidegate dead --flow f` lists them."
        )

    def test_of_a_flow_without_an_owner_operations(self, small):
        process = small(PUT)
        refuse(process, "1")
        assert alert(process, f"dead/{RUN}#1").to == "integration-operations"

    def test_of_a_write_in_doubt(self, small):
        process = small(PUT)
        process.system.writes["blind"].append("lost")
        assert process.run(*made("1")).status(RUN) == "unknown"
        told = alert(process, f"dead/{RUN}#1")
        assert told.step == "put"
        assert "is in doubt, as nobody knows whether a write happened: no answer came." in told.message

    def test_of_many_once_also_after_a_restart(self, small):
        process = small(PUT)
        refuse(process, *"123")
        refuse(process, *"456")
        assert alerts(process) == {f"{RUN}#1": "open"}

    def test_again_when_somebody_has_taken_care_of_it(self, small):
        process = small(PUT)
        refuse(process, "1")
        take_care(process, f"dead/{RUN}#1")
        refuse(process, "2", "3")
        assert alerts(process) == {f"{RUN}#1": "acknowledged", "f/item.made:2#1": "open"}
        dismiss(process, "dead/f/item.made:2#1")
        refuse(process, "4")
        assert [*alerts(process).values()] == ["acknowledged", "closed", "open"]

    def test_of_an_event_that_does_not_fit(self, small):
        process = small(PUT)
        assert process.run(*made("1", "2", day="tomorrow")).status(RUN) == "rejected"
        assert alerts(process) == {f"{RUN}#1": "open"}
        assert "did not begin, as its event does not fit: " in alert(process, f"dead/{RUN}#1").message

    def test_of_one_that_no_flow_waits_for_once_for_its_source(self, small):
        process = small(PUT)
        said = [("item.said", {"id": name, "day": "tomorrow"}) for name in "12"]
        process.run(*said)
        assert alerts(process, "refused/") == {"/item.said:1": "open"}
        assert "no flow waits for it" in alert(process, "refused//item.said:1").message

    def test_of_a_condition_that_cannot_be_judged(self, tmp_path, place):
        text = flow().replace("as: item}", "as: item, where: item.free > 1}")
        process = Small(tmp_path, text, LARGE, url=place)
        assert process.run(*made("1", free="much")).status(RUN) == "failed"
        told = alert(process, f"dead/{RUN}#1")
        assert (told.to, told.step) == ("billing", None)

    def test_of_a_contradiction_once_for_its_source(self, small):
        process = small(PUT)
        process.run(*made("1", "2"))
        process.run(*made("1", "2", amount=2))
        assert [*alerts(process, "contradiction/").values()] == ["open"]
        (name,) = alerts(process, "contradiction/")
        assert name.startswith("/item.made:1#")
        take_care(process, f"contradiction/{name}")
        process.run(*made("1", amount=2))
        assert [*alerts(process, "contradiction/").values()] == ["acknowledged"], "it came so before"
        process.run(*made("1", amount=3))
        assert [*alerts(process, "contradiction/").values()] == ["acknowledged", "open"]

    def test_of_a_source_whatever_its_name(self, small):
        process = small(PUT)
        process.run(*made("1"))
        for amount in (2, 3):
            hand_in(process, "a/b", *made("1", amount=amount))
        (name,) = alerts(process, "contradiction/")
        assert name.startswith("a%2Fb/item.made:1#")
        with reading(process) as reader:
            names = [one.id for one in dead_letters(reader, Wanted(kind="conflict"), 9)]
        dismiss(process, *names)
        assert alerts(process, "contradiction/") == {name: "closed"}

    def test_again_of_what_ends_badly_in_the_turn_in_which_somebody_takes_care(self, small):
        process = small(PUT)
        refuse(process, "1")
        later = process.offers(*made("2", day="tomorrow"))

        def order(executor):
            acknowledge(executor, f"dead/{RUN}#1", "ann", None)
            executor.arrivals.accept(later)

        process.order(order)
        assert [*alerts(process).values()] == ["acknowledged", "open"]

    @pytest.mark.parametrize("name", ["dead", "contradiction"])
    def test_of_a_flow_whatever_its_name(self, tmp_path, place, name):
        """Other alerts begin with the name of the flow, and are neither taken for these nor closed."""
        text = flow().replace("flow: f", f"flow: {name}").replace("check: large", "check: odd")
        process = Small(tmp_path, text, ODD, url=place)
        process.run(*made("1", amount=9))
        refuse(process, "2")
        assert alert(process, f"dead/{name}/item.made:2#1") is not None
        process.order(send_again(f"{name}/item.made:2", ANN))
        assert alert(process, f"dead/{name}/item.made:2#1").status == "closed"
        assert alert(process, f"{name}/item.made:1/ok/odd").status == "open"

    def test_of_nothing_that_ends_well(self, small, monkeypatch):
        process, asked = small(PUT), []
        ask = LedgerReader.open_alerts
        monkeypatch.setattr(LedgerReader, "open_alerts", lambda *given: asked.append(given[1]) or ask(*given))
        process.run(*made("1"))
        before = len(asked)
        process.run(*made(*"23456789"))
        assert asked[before:] == asked[:before], "what is asked at a start, and no more"
        refuse(process, *"abcdefgh")
        assert len(asked) == 3 * before + 1


class TestOneWayAlone:
    """A run of which somebody is told in another way is not told twice."""

    def test_one_that_stops_its_order_key(self, tmp_path):
        process = Small(tmp_path, flow(event="item.ordered"), LARGE)
        process.system.writes["blind"].append(REFUSED)
        process.run(("item.ordered", {"id": "1"}))
        assert alerts(process, "") == {"parked/f/item.ordered:1#1": "open"}

    def test_one_that_stopped_it_for_another_reason_before(self, tmp_path):
        process = Small(tmp_path, flow("order: {when_held: blocks}", event="item.ordered"), LARGE)
        process.system.writes["blind"].append(REFUSED)
        process.run(("item.ordered", {"id": "1", "amount": 900}))
        process.release("f/item.ordered:1/ok/large", Release(by="ann", role="boss", reason="fine"))
        assert alerts(process) == {"f/item.ordered:1#1": "open"}

    def test_one_that_fails_again_while_it_stops_its_key(self, tmp_path):
        process = Small(tmp_path, flow(event="item.ordered"), LARGE)
        process.system.writes["blind"] += [REFUSED, REFUSED, REFUSED]
        process.run(("item.ordered", {"id": "1"}))
        process.order(send_again("f/item.ordered:1", ANN))
        assert alerts(process, "") == {"parked/f/item.ordered:1#1": "open"}
        take_care(process, "parked/f/item.ordered:1#1")
        process.order(send_again("f/item.ordered:1", ANN))
        assert alerts(process) == {"f/item.ordered:1#1": "open"}

    def test_one_that_an_error_ended_keeps_nobody_from_being_told_of_the_next(self, small, monkeypatch):
        process = small(PUT)
        with monkeypatch.context() as patch:
            patch.setattr("engine.runtime.execute.begin", None)
            process.run(*made("1"))
        assert alerts(process, "") == {f"{RUN}/broken": "open"}
        refuse(process, "2")
        assert alerts(process) == {"f/item.made:2#1": "open"}

    def test_a_flow_that_tells_of_alerts_does_not_tell_of_its_own(self, small):
        process = small("ok: {check: [odd]}", DOCUMENTS.replace("keep: none\n", ""))
        process.system.writes["line"].append(REFUSED)
        process.run(*made("1", amount=9))
        tell = "tell/alert.raised:f/item.made%3A1/ok/odd"
        assert alerts(process) == {f"{tell}#1": "open"}
        take_care(process, f"dead/{tell}#1")
        process.system.writes["line"].append(REFUSED)
        process.order(attempt_again(tell, process.plan.release, ANN))
        assert [*alerts(process).values()] == ["acknowledged", "open"], "of its further attempt"
        assert delivered(process) == []
        with reading(process) as reader:
            assert [row.id for row in reader.events() if "dead/" in row.id] == []

    def test_an_event_of_an_alert_that_contradicts_itself(self, small):
        """Whoever is told of alerts would be told of that for ever."""
        process = small(PUT)
        process.run(*made("1"))
        hand_in(process, SOURCE, *made("1", amount=2))
        assert alerts(process, "contradiction/") == {}

    def test_one_that_an_error_ended_again_when_somebody_has_taken_care_of_the_first(
        self, small, monkeypatch
    ):
        process = small(PUT)
        with monkeypatch.context() as patch:
            patch.setattr("engine.runtime.execute.begin", None)
            process.run(*made("1"))
            take_care(process, f"{RUN}/broken")
            patch.setattr("engine.runtime.recover.Recovery.run", None)
            process.order(reopened)
        assert alerts(process, "") == {f"{RUN}/broken": "acknowledged", f"dead/{RUN}#1": "open"}

    def test_a_run_of_which_one_doubt_is_left(self, small):
        process = small(f"{PUT}\n{PUT.replace('put', 'more')}")
        process.system.writes["blind"] += ["lost", "lost"]
        process.run(*made("1"))
        take_care(process, f"dead/{RUN}#1")
        process.order(resolve(f"{RUN}/put", ANN, Applied(external_id="B-7")))
        assert alerts(process) == {f"{RUN}#1": "acknowledged"}


def reopened(executor):
    """A run that is over goes on, as when its dead letters are sent again."""
    executor.commit_rows.runs_reopened.append(RunReopened(executor.at, "ann", "mended", RUN))
    return Following(runs=(RUN,))


@pytest.mark.usefixtures("both")
class TestWhenItIsOver:
    def test_the_last_of_them_was_worked_again(self, small):
        process = small(PUT)
        refuse(process, "1", "2")
        process.order(send_again(RUN, ANN))
        assert alerts(process) == {f"{RUN}#1": "open"}
        process.order(attempt_again("f/item.made:2", process.plan.release, ANN))
        assert alerts(process) == {f"{RUN}#1": "closed"}

    def test_it_failed_once_more(self, small):
        process = small(PUT)
        refuse(process, "1")
        process.system.writes["blind"].append(REFUSED)
        process.order(send_again(RUN, ANN))
        assert alerts(process) == {f"{RUN}#1": "closed", f"{RUN}#2": "open"}

    def test_not_when_it_fails_once_more_at_once(self, small):
        process = small(PUT.replace("item.id", "{expr: text(1 / (item.amount - 1))}"))
        assert process.run(*made("1")).status(RUN) == "failed"
        seen = process.order(attempt_again(RUN, process.plan.release, ANN))
        assert seen.status(SECOND) == "failed"
        assert alerts(process) == {f"{RUN}#1": "open"}

    def test_a_doubt_was_resolved(self, small):
        process = small(PUT)
        process.system.writes["blind"] += ["lost", "lost"]
        process.run(*made("1", "2"))
        process.order(resolve(f"{RUN}/put", ANN, Applied(external_id="B-7")))
        assert alerts(process) == {f"{RUN}#1": "open"}
        process.order(resolve("f/item.made:2/put", ANN, Applied(external_id="B-8")))
        assert alerts(process) == {f"{RUN}#1": "closed"}

    def test_a_person_says_that_nothing_is_to_be_done(self, small):
        process = small(PUT)
        refuse(process, "1", "2")
        process.run(*made("3", day="tomorrow"))
        for name in (f"{RUN}/put", "f/item.made:3", "f/item.made:2/put"):
            assert alerts(process) == {f"{RUN}#1": "open"}
            dismiss(process, name)
        assert alerts(process) == {f"{RUN}#1": "closed"}

    def test_another_flow_has_its_own(self, tmp_path, place):
        other = flow().replace("flow: f", "flow: g").replace("item.made", "item.changed")
        process = Small(tmp_path, flow(), other, LARGE, url=place)
        process.system.writes["blind"] += [REFUSED, REFUSED]
        process.run(*made("1"), ("item.changed", {"id": "1"}))
        assert len(alerts(process)) == 2
        dismiss(process, f"{RUN}/put")
        assert sorted(alerts(process).values()) == ["closed", "open"]

    def test_contradictions_were_dismissed(self, small):
        process = small(PUT)
        process.run(*made("1", "2"))
        process.run(*made("1", "2", amount=2))
        with reading(process) as reader:
            names = [one.id for one in dead_letters(reader, Wanted(kind="conflict"), 9)]
        dismiss(process, names[0])
        assert [*alerts(process, "contradiction/").values()] == ["open"]
        dismiss(process, names[1])
        assert [*alerts(process, "contradiction/").values()] == ["closed"]


def test_it_is_looked_now_and_then_also_where_nobody_is_told_of_what_stands_still(small):
    """What settles something beside the process that runs is seen without a restart."""
    process = small(PUT)
    refuse(process, "1")

    async def work(runner):
        runner.recover()
        await runner.until_rest()
        assert alerts(process) == {f"{RUN}#1": "open"}
        unsettled = runner.executor.ended_badly._unsettled
        unsettled.has_run = lambda _: False
        await runner.until_rest()
        assert alerts(process) == {f"{RUN}#1": "open"}
        process.clock.advance(EVERY)
        await runner.until_rest()
        assert alerts(process) == {f"{RUN}#1": "closed"}

    with process.process(limits=Limits(still_days=0)) as (runner, _):
        asyncio.run(work(runner))


def test_whoever_deals_with_many_has_no_look_begin_at_the_first(small, monkeypatch):
    """Each look goes on from where the one before it found something."""
    process, begun_at = small(PUT), []
    refuse(process, *(str(number) for number in range(12)))
    ask = LedgerReader.runs_needing_work

    def asked(reader, status, flow, *, after):
        found = ask(reader, status, flow, after=after)
        if found and status == "failed":
            begun_at.append(found[0].seq - after)
        return found

    monkeypatch.setattr(LedgerReader, "runs_needing_work", asked)
    dismiss(process, *(f"f/item.made:{number}/put" for number in range(12)))
    assert [*alerts(process).values()] == ["closed"]
    assert begun_at == [1, 2, *[2] * 10]


def test_what_fails_again_behind_the_last_that_was_found_keeps_the_alert_open(small):
    process = small(PUT)
    refuse(process, "1", "2")
    process.system.writes["blind"].append(REFUSED)
    again = ("replay", {"run": RUN})
    at_desk(process, dismissal(f"{RUN}/put"), again, dismissal("f/item.made:2/put"))
    assert alerts(process) == {f"{RUN}#1": "open"}
    dismiss(process, f"{RUN}/put")
    assert alerts(process) == {f"{RUN}#1": "closed"}


def test_what_was_taken_care_of_is_told_again_by_the_process_that_told_it_before(small):
    process = small(PUT)
    process.system.writes["blind"] += [REFUSED, REFUSED, REFUSED]
    care = ("acknowledge", {"alert": f"dead/{RUN}#1"})
    at_desk(process, ("events", made("1")), ("events", made("2")), care, ("events", made("3")))
    assert alerts(process) == {f"{RUN}#1": "acknowledged", "f/item.made:3#1": "open"}


def test_contradictions_that_come_again_behind_the_last_that_was_found(small):
    process = small(PUT)
    process.run(*made("1", "2", "3"))
    process.run(*made("1", "2", amount=2))
    with reading(process) as reader:
        newest, oldest = (one.id for one in dead_letters(reader, Wanted(kind="conflict"), 9))
    later = ("events", made("3", amount=2))
    at_desk(process, dismissal(newest), later, dismissal(oldest))
    assert [*alerts(process, "contradiction/").values()] == ["open"]


# --- several machines -----------------------------------------------------------------------------


@contextmanager
def machine(process, name, monkeypatch):
    """A runner that works together with others."""

    def shared(url, clock, **_):
        return open_shared(url, clock=clock, name=name)

    with monkeypatch.context() as patch:
        patch.setattr(scripted, "open_ledger", shared)
        with process.process() as (runner, ledger):
            yield runner, ledger


@pytest.mark.slow
@pytest.mark.requirement("REL-18")
def test_each_machine_tells_of_its_own_and_closes_no_alert_of_another(tmp_path, postgres_url, monkeypatch):
    process = Small(tmp_path, flow(), LARGE, url=postgres_url)
    process.run()
    names = [str(number) for number in range(1, 7)]

    async def work(one, two, ledger):
        one.take_over(range(32))
        two.take_over(range(32, 64))
        process.system.writes["blind"].extend([REFUSED] * len(names))
        one.offer(process.offers(*made(*names)))
        for runner in (one, two) * 2:
            runner.look()
            await runner.until_rest()
        raised = [row.id for row in ledger.reader().open_alerts("dead/")]
        assert len(raised) == 2
        assert [row.status for row in ledger.reader().runs(limit=9)] == ["failed"] * 6
        mine = {row.id for row in ledger.reader().runs(limit=9) if row.partition < 32}
        assert [name.removeprefix("dead/").partition("#")[0] in mine for name in raised] == [True, False]
        for run_id in sorted(mine):
            done = begun(one.act(send_again(run_id, ANN)))
            await asyncio.sleep(0)
            await one.until_rest()
            await done
        assert len(ledger.reader().open_alerts("dead/")) == 2, "the other has open work of this flow"
        for runner in (one, two):  # the same contradiction reaches both of them at the same moment
            with monkeypatch.context() as patch:
                patch.setattr(LedgerReader, "conflicts", lambda *_: [])
                patch.setattr(LedgerReader, "open_alerts", lambda *_: [])
                runner.offer(process.offers(*made("1", amount=2)))
                await runner.until_rest()
        with monkeypatch.context() as patch:  # another machine has accepted it a moment ago
            patch.setattr(one.executor.reader, "known_events", lambda _: {}, raising=False)
            one.offer([found._replace(source="psa") for found in process.offers(*made("2", amount=2))])
            await one.until_rest()

    with (
        machine(process, "one", monkeypatch) as (one, ledger),
        machine(process, "two", monkeypatch) as (two, _),
    ):
        asyncio.run(work(one, two, ledger))
    told = [name.partition("@")[::2] for name in alerts(process, "contradiction/")]
    assert [name for _, name in told] == ["one", "two", "one"]
    assert [of.partition("#")[0] for of, _ in told] == ["/item.made:1", "/item.made:1", "psa/item.made:2"]
    with reading(process) as reader:
        left = [row.id for row in reader.runs(status="failed", limit=9)]
    for run_id in left:
        process.order(send_again(run_id, ANN))
    assert [*alerts(process).values()] == ["closed", "closed"]


# --- in any order ---------------------------------------------------------------------------------

ACTS_OF_PERSONS = st.tuples(
    st.sampled_from(
        ["event", "event", "misfit", "again", "attempt", "resolve", "dismiss", "care", "restart"]
    ),
    st.integers(0, 3),
    st.lists(st.sampled_from(["done", "lost", "refused"]), max_size=2),
)


class History:
    """One firm whose systems refuse and fall silent, and the persons who deal with it."""

    def __init__(self, folder):
        self.process = Small(folder, f"flow: f\ntrigger: {{event: item.made, as: item}}\nsteps:\n  {PUT}")
        self.process.run()
        self.events = 0

    def act(self, act):
        what, number, writes = act
        script = self.process.system.writes["blind"]
        script.extend(REFUSED if name == "refused" else name for name in writes)
        if what in ("event", "misfit"):
            self.events += 1
            day = {"day": "tomorrow"} if what == "misfit" else {}
            self.process.run(*made(str(self.events), **day))
        elif what == "restart":
            self.process.run()
        else:
            self._deal(what, number)
        script.clear()
        self.check()

    def _deal(self, what, number):
        with reading(self.process) as reader:
            left = dead_letters(reader, Wanted(), 100)
            told = reader.open_alerts("dead/")
        one = left[number % len(left)] if left else None
        try:
            if what == "care" and told:
                take_care(self.process, told[0].id)
            elif one is None:
                return
            elif what == "dismiss":
                dismiss(self.process, one.id)
            elif what == "resolve":
                self.process.order(resolve(one.id, ANN, None, again=number % 2 == 0))
            elif what == "again":
                self.process.order(send_again(one.run, ANN))
            elif what == "attempt":
                self.process.order(attempt_again(one.run, self.process.plan.release, ANN))
        except InputError:
            return

    def check(self):
        """There is one open alert at most, and somebody knows whenever something needs work."""
        with reading(self.process) as reader:
            left = dead_letters(reader, Wanted(), 100)
            told = [row for row in reader.alerts(limit=1_000) if row.id.startswith("dead/")]
        opened = [row for row in told if row.status == "open"]
        assert len(opened) <= 1
        if left:
            assert told[0].status in {"open", "acknowledged"}, "something needs work, and nobody is told"
        else:
            assert opened == [], "nothing needs work, and the alert is open"


@pytest.mark.slow
@settings(
    max_examples=examples(30),
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.lists(ACTS_OF_PERSONS, min_size=2, max_size=10))
def test_somebody_knows_as_long_as_something_needs_work(acts):
    with tempfile.TemporaryDirectory() as folder:
        history = History(Path(folder))
        for act in acts:
            history.act(act)
