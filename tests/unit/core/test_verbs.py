"""Each verb by itself: what it asks for, and where a step stands."""

from datetime import timedelta
from decimal import Decimal

import pytest

from engine.core import (
    STEP_STATUSES,
    AlertCommand,
    Answer,
    CloseHoldCommand,
    EmitCommand,
    HoldCommand,
    LookUpCommand,
    ReadCommand,
    WaitCommand,
    WriteCommand,
    advance,
    reason,
    starts,
    wait_ends,
    woken_by,
)

POLICY = """
policy: {name}
inputs: {{item: canonical/item@1}}
when: "{when}"
then: {then}
reason: "{name} on {{{{ item.id }}}}"
"""


def policy(name, when, then):
    return POLICY.format(name=name, when=when, then=then)


def stands(state):
    return {step.name: STEP_STATUSES[state.steps[step.index]] for step in state.flow.steps}


def one(commands, kind):
    (found,) = [command for command in commands if isinstance(command, kind)]
    return found


class TestRead:
    STEPS = "got: {read: erp.project, with: {id: item.group}}"

    def test_it_asks_once_and_goes_on_with_the_answer(self, small):
        state, commands = small(self.STEPS).begin(group="P")
        asked = one(commands, ReadCommand)
        assert (asked.key, asked.connection, asked.operation) == ("read:got", "erp", "project")
        assert asked.parameters == {"id": "P"}
        assert (state.status, stands(state)) == ("running", {"got": "asked"})
        state, commands = advance(state, {})
        assert commands == []
        state, commands = advance(state, {asked.key: Answer({"id": "P"})})
        assert (state.status, commands, state.scope["got"]) == ("completed", [], {"id": "P"})

    def test_nothing_found_is_a_failure_unless_null_will_do(self, small):
        state, _ = small(self.STEPS).begin(group="P")
        assert reason(advance(state, {"read:got": Answer(None)})[0]) == "erp.project found nothing"
        state, _ = small(self.STEPS.replace("}}", "}, missing: null}")).begin(group="P")
        state, _ = advance(state, {"read:got": Answer(None)})
        assert (state.status, state.scope["got"]) == ("completed", None)

    def test_a_failure_is_told(self, small):
        state, _ = small(self.STEPS).begin(group="P")
        state, _ = advance(state, {"read:got": Answer(None, "the ERP is gone")})
        assert (state.status, reason(state)) == ("failed", "the ERP is gone")

    def test_a_parameter_that_cannot_be_made_fails_the_step(self, small):
        state, commands = small(
            "got: {read: erp.project, with: {id: {expr: '1 / item.amount', as: string}}}"
        ).begin(amount=0)
        assert (state.status, commands) == ("failed", [])
        assert "nothing can be divided by it" in reason(state)


class TestWrite:
    STEPS = "put: {write: erp.line, with: {key: item.id, amount: item.amount}, links: {item: item.id}}"

    def test_the_key_of_the_effect_is_made_of_flow_event_and_step(self, small):
        state, commands = small(self.STEPS).begin(amount=1.50)
        command = one(commands, WriteCommand)
        assert command.effect_key == "f/item.made:1/put"
        assert command.payload == {"key": "1", "amount": Decimal("1.5")}
        assert command.links == (("item", "1"),)
        state, _ = advance(state, {"write:put": Answer({"id": "L1"})})
        assert (state.status, state.scope["put"]) == ("completed", {"id": "L1"})

    def test_it_is_given_once(self, small):
        state, _ = small(self.STEPS).begin(amount=1)
        assert advance(state, {})[1] == []

    @pytest.mark.parametrize("unknown, status", [(False, "failed"), (True, "unknown")])
    def test_refused_and_unknown(self, small, unknown, status):
        state, _ = small(self.STEPS).begin(amount=1)
        state, _ = advance(state, {"write:put": Answer(None, "no luck", unknown)})
        assert (state.status, reason(state)) == (status, "no luck")

    @pytest.mark.requirement("ENT-35")
    def test_look_ups_come_first(self, small):
        state, commands = small(
            "put: {write: erp.line, with: {key: item.id, to: {xref: item, id: item.group, in: erp}}}"
        ).begin(group="G")
        asked = one(commands, LookUpCommand)
        assert (asked.entity, asked.canonical_id, asked.system) == ("item", "G", "erp")
        found, commands = advance(state, {asked.key: Answer("77")})
        assert one(commands, WriteCommand).payload == {"key": "1", "to": "77"}
        lost, commands = advance(state, {asked.key: Answer(None)})
        assert commands == []
        assert reason(lost) == "no id is known in erp for item G"
        assert found.status == "running"


class TestMapAndEmit:
    MAPPING = """
mapping: m
inputs: {item: canonical/item@1}
output: canonical/remark@1
fields: {id: {template: "x{{ item.id }}"}, amount: {expr: item.amount * 2}}
"""

    def test_map_makes_a_value(self, small):
        state, commands = small("made: {map: m}", self.MAPPING).begin(amount=2.25)
        assert (commands, state.scope["made"]) == ([], {"id": "x1", "amount": Decimal("4.50")})

    def test_emit_does_not_wait(self, small):
        state, commands = small("say: {emit: item.said, map: m}", self.MAPPING).begin(amount=1)
        said = one(commands, EmitCommand)
        assert (said.event, said.data["id"], said.effect_key) == ("item.said", "x1", "f/item.made:1/say")
        assert state.status == "completed"


class TestWait:
    STEPS = "w: {wait: {event: item.changed, where: event.data.id == item.id, timeout: 2h}}"

    def test_only_the_event_that_is_meant_ends_it(self, small):
        flow = small(self.STEPS)
        state, commands = flow.begin()
        asked = one(commands, WaitCommand)
        assert wait_ends(asked, state.now) == state.now + timedelta(hours=2)
        assert (asked.match, asked.wait_id) == ('data.id == "1"', "f/item.made:1/w")
        assert (state.status, stands(state)) == ("waiting", {"w": "waiting"})
        assert woken_by(state, flow.event("item.changed", id="2", amount=1)) == {}
        assert woken_by(state, flow.event("item.said", id="1")) == {}
        answers = woken_by(state, flow.event("item.changed", id="1", amount=1))
        assert list(answers) == ["wait:w"]
        state, _ = advance(state, answers)
        assert (state.status, state.scope["w"]["amount"]) == ("completed", 1)

    def test_each_item_waits_for_its_own(self, small):
        flow = small(
            "w: {for_each: {in: item.list, as: part, key: part.key}, "
            "wait: {event: item.changed, where: event.data.id == part.key}}"
        )
        state, _ = flow.begin(list=[{"key": "a"}, {"key": "b"}])
        answers = woken_by(state, flow.event("item.changed", id="b", amount=1))
        assert list(answers) == ["wait:w[b]"]
        state, _ = advance(state, answers)
        assert state.status == "waiting"
        assert woken_by(state, flow.event("item.changed", id="b", amount=2)) == {}
        state, _ = advance(state, woken_by(state, flow.event("item.changed", id="a", amount=1)))
        assert state.status == "completed"
        assert [value["id"] for value in state.scope["w"]] == ["a", "b"]


class TestChoose:
    STEPS = """
pick: {choose: {big: item.amount > 100, small: item.amount > 10, none: otherwise}}
a: {write: erp.line, with: {key: item.id}, needs: pick.big}
b: {write: erp.line, with: {key: item.id}, needs: pick.small}
c: {write: erp.line, with: {key: item.id}, needs: b}
"""

    @pytest.mark.parametrize("amount, branch", [(101, "big"), (100, "small"), (10, "none")])
    def test_the_first_that_fits(self, small, amount, branch):
        state, commands = small(self.STEPS).begin(amount=amount)
        assert state.scope["pick"] == {"branch": branch}
        assert [command.step for command in commands] == {"big": ["a"], "small": ["b"], "none": []}[branch]

    def test_the_other_branch_is_skipped_and_all_behind_it(self, small):
        state, _ = small(self.STEPS).begin(amount=101)
        assert stands(state) == {"pick": "done", "a": "asked", "b": "skipped", "c": "skipped"}
        assert state.trace["b"] == {"skipped": "pick chose big"}
        assert state.trace["c"] == {"skipped": "b was skipped"}

    def test_no_branch_and_no_otherwise_is_a_failure(self, small):
        state, _ = small("pick: {choose: {big: item.amount > 100}}").begin(amount=1)
        assert reason(state) == "no branch fits, and there is no `otherwise`"


class TestWhen:
    def test_a_step_that_is_not_wanted_is_skipped(self, small):
        flow = small("put: {write: erp.line, with: {key: item.id}, when: item.amount > 1}")
        assert stands(flow.begin(amount=1)[0]) == {"put": "skipped"}
        assert stands(flow.begin(amount=2)[0]) == {"put": "asked"}

    def test_a_condition_that_is_neither_true_nor_false_fails_the_step(self, small):
        state, _ = small("put: {write: erp.line, with: {key: item.id}, when: item.free}").begin(free=1)
        assert state.status == "failed"
        assert "true or false" in reason(state)

    def test_where_decides_whether_a_run_starts(self, small):
        flow = small("put: {write: erp.line, with: {key: item.id}}", where=", where: item.amount > 1")
        assert not starts(flow.plan.flows["f"], flow.event(amount=1))
        assert starts(flow.plan.flows["f"], flow.event(amount=2))

    def test_a_failing_step_keeps_only_those_behind_it_from_work(self, small):
        state, commands = small(
            """
bad: {write: erp.line, with: {key: item.id, x: {expr: 1 / item.amount}}}
behind: {write: erp.line, with: {key: bad.id}}
beside: {write: erp.line, with: {key: item.id}}
"""
        ).begin(amount=0)
        assert stands(state) == {"bad": "failed", "behind": "skipped", "beside": "asked"}
        assert [command.step for command in commands] == ["beside"]


class TestCheck:
    STEPS = """
ok: {check: [a, b]}
put: {write: erp.line, with: {key: item.id}, needs: ok}
beside: {write: erp.line, with: {key: item.id}}
"""
    HOLD = "{hold: {until: {event: item.changed, where: event.data.id == item.id}, release: {role: boss}}}"

    @pytest.mark.requirement("POL-01")
    def test_a_hold_parks_what_depends_on_it_and_nothing_else(self, small):
        flow = small(
            self.STEPS, policy("a", "item.amount > 5", self.HOLD), policy("b", "False", "{reject: never}")
        )
        state, commands = flow.begin(amount=6)
        hold = one(commands, HoldCommand)
        assert (hold.hold_id, hold.policy, hold.reason) == ("f/item.made:1/ok/a", "a", "a on 1")
        assert stands(state) == {"ok": "held", "put": "pending", "beside": "asked"}
        assert state.status == "running"
        state, _ = advance(state, {"write:beside": Answer({"id": "x"})})
        assert (state.status, reason(state)) == ("held", "a on 1")

    @pytest.mark.requirement("POL-14")
    def test_a_person_releases_it(self, small):
        flow = small(
            self.STEPS, policy("a", "item.amount > 5", self.HOLD), policy("b", "False", "{reject: never}")
        )
        state, _ = flow.begin(amount=6)
        state, commands = advance(state, {"hold:ok:a": Answer({"by": "ann"})})
        assert one(commands, WriteCommand).step == "put"
        assert (state.scope["ok"]["released"], state.open_holds) == (["a"], {})

    def test_two_holds_need_two_releases(self, small):
        flow = small(self.STEPS, policy("a", "True", self.HOLD), policy("b", "True", self.HOLD))
        state, commands = flow.begin()
        assert [command.policy for command in commands if isinstance(command, HoldCommand)] == ["a", "b"]
        state, commands = advance(state, {"hold:ok:a": Answer({})})
        assert (stands(state)["ok"], commands) == ("held", [])
        state, commands = advance(state, {"hold:ok:b": Answer({})})
        assert stands(state)["ok"] == "done"

    def test_reject_comes_before_hold(self, small):
        flow = small(
            self.STEPS,
            policy("a", "item.amount > 5", self.HOLD),
            policy("b", "item.amount > 6", "{reject: never}"),
        )
        state, commands = flow.begin(amount=7)
        assert [command for command in commands if isinstance(command, HoldCommand)] == []
        assert stands(state) == {"ok": "rejected", "put": "skipped", "beside": "asked"}
        state, _ = advance(state, {"write:beside": Answer({})})
        assert (state.status, reason(state)) == ("rejected", "b on 1")

    @pytest.mark.requirement("ALT-06")
    def test_somebody_is_told_once(self, small):
        flow = small(
            self.STEPS,
            policy("a", "True", self.HOLD.replace("{hold", "{alert: {to: boss, severity: error}, hold")),
            policy("b", "False", "{reject: never}"),
        )
        state, commands = flow.begin()
        told = one(commands, AlertCommand)
        assert (told.to, told.severity, told.message) == ("boss", "error", "a on 1")
        _, commands = advance(state, woken_by(state, flow.event("item.changed", amount=1)))
        assert [command for command in commands if isinstance(command, AlertCommand)] == []

    def test_roll_route_and_set(self, small):
        flow = small(
            self.STEPS,
            policy("a", "True", "{route: {to: {value: north}}, set: {rate: {expr: item.amount * 2}}}"),
            policy("b", "True", "{roll: {cycle: \"{'name': 'next'}\"}}"),
        )
        state, _ = flow.begin(amount=2)
        found = state.scope["ok"]
        assert (found["route"], found["rate"], found["cycle"], found["rolled"]) == (
            "north",
            4,
            {"name": "next"},
            ["b"],
        )


class TestRecheck:
    """A hold is checked again on reads done afresh."""

    POLICIES = """
policy: closed
inputs: {project: erp/project@1}
when: project.status == 'closed'
then: {hold: {until: {event: item.changed}}}
reason: "{{ project.id }} is closed."
---
policy: cheap
inputs: {project: erp/project@1}
when: project.rate < 10
then: {hold: {until: {event: item.said}}}
reason: "{{ project.id }} is cheap."
---
policy: gone
inputs: {project: erp/project@1}
when: project.status == 'gone'
then: {reject: gone}
reason: "{{ project.id }} is gone."
"""
    STEPS = """
project: {read: erp.project, with: {id: item.group}}
ok: {check: [closed, cheap, gone]}
put: {write: erp.line, with: {key: project.id}, needs: ok}
"""

    @pytest.fixture
    def flow(self, small):
        return small(self.STEPS, self.POLICIES)

    def held(self, flow, **project):
        state, _ = flow.begin(group="P")
        return advance(state, {"read:project": Answer({"id": "P", "status": "open", "rate": 100, **project})})

    def again(self, flow, state, name="item.changed", number=1, **project):
        """Wake the run and answer the read that it does afresh."""
        state, commands = advance(state, woken_by(state, flow.event(name, amount=number)))
        assert one(commands, ReadCommand).key == f"read:project#{number}"
        assert one(commands, ReadCommand).cache_seconds == 0
        answer = Answer({"id": "P", "status": "open", "rate": 100, **project})
        return advance(state, {f"read:project#{number}": answer})

    def test_it_goes_on_when_the_policy_no_longer_applies(self, flow):
        state, _ = self.held(flow, status="closed")
        state, commands = self.again(flow, state)
        assert one(commands, CloseHoldCommand) == CloseHoldCommand(
            "f/item.made:1/ok/closed", "item.changed:1:1"
        )
        assert one(commands, WriteCommand).payload == {"key": "P"}

    def test_it_stays_held_when_it_still_applies(self, flow):
        state, _ = self.held(flow, status="closed")
        state, commands = self.again(flow, state, status="closed")
        assert (commands, stands(state)["ok"]) == ([], "held")
        state, commands = self.again(flow, state, number=2)
        assert stands(state)["ok"] == "done"

    def test_a_hold_that_opens_again_is_another_one(self, flow):
        state, _ = self.held(flow, status="closed", rate=1)
        state, commands = self.again(flow, state, rate=1)
        assert one(commands, CloseHoldCommand).hold_id == "f/item.made:1/ok/closed"
        state, commands = self.again(flow, state, name="item.said", number=2, status="closed", rate=1)
        assert one(commands, HoldCommand).hold_id == "f/item.made:1/ok/closed#2"
        state, commands = self.again(flow, state, number=3)
        closed = {command.hold_id for command in commands if isinstance(command, CloseHoldCommand)}
        assert closed == {"f/item.made:1/ok/closed#2", "f/item.made:1/ok/cheap"}

    def test_what_is_rejected_then_is_not_held_any_more(self, flow):
        state, _ = self.held(flow, status="closed", rate=1)
        state, commands = self.again(flow, state, status="gone", rate=1)
        assert len([command for command in commands if isinstance(command, CloseHoldCommand)]) == 2
        assert (state.status, state.open_holds) == ("rejected", {})

    def test_a_read_that_fails_then_leaves_no_hold_open(self, flow):
        state, _ = self.held(flow, status="closed")
        state, _ = advance(state, woken_by(state, flow.event("item.changed", amount=1)))
        state, commands = advance(state, {"read:project#1": Answer(None, "the ERP is gone")})
        assert one(commands, CloseHoldCommand).hold_id == "f/item.made:1/ok/closed"
        assert (state.status, state.open_holds, reason(state)) == ("failed", {}, "the ERP is gone")

    def test_a_step_that_fails_after_its_hold_opens_tells_nobody_of_it(self, small):
        flow = small(
            "ok: {check: a}",
            """
policy: a
inputs: {item: canonical/item@1}
when: "True"
then:
  hold: {release: {role: boss}}
  alert: {to: boss, message: "{{ 1 / item.amount }}"}
reason: "held"
""",
        )
        state, commands = flow.begin(amount=0)
        assert (state.status, commands, state.open_holds) == ("failed", [], {})


class TestEach:
    STEPS = """
put:
  for_each: {in: item.list, as: part, key: part.key, limit: 3}
  write: erp.line
  with: {key: part.key, share: {expr: 100 / part.amount}}
after: {write: erp.line, with: {key: item.id}, needs: put}
"""

    def parts(self, *amounts):
        return [{"key": chr(97 + number), "amount": amount} for number, amount in enumerate(amounts)]

    def test_each_item_is_a_write_of_its_own(self, small):
        state, commands = small(self.STEPS).begin(list=self.parts(1, 2))
        assert [command.effect_key for command in commands] == [
            "f/item.made:1/put[a]",
            "f/item.made:1/put[b]",
        ]
        state, commands = advance(state, {"write:put[a]": Answer({"id": "A"})})
        assert (commands, stands(state)["after"]) == ([], "pending")
        state, commands = advance(state, {"write:put[b]": Answer({"id": "B"})})
        assert state.scope["put"] == [{"id": "A"}, {"id": "B"}]
        assert [command.step for command in commands] == ["after"]

    @pytest.mark.requirement("REL-13")
    def test_one_that_cannot_be_done_does_not_keep_the_others_from_it(self, small):
        state, commands = small(self.STEPS).begin(list=self.parts(0, 2))
        assert [command.item for command in commands] == ["b"]
        state, _ = advance(state, {"write:put[b]": Answer({"id": "B"})})
        assert stands(state) == {"put": "failed", "after": "skipped"}
        assert "nothing can be divided by it" in reason(state)

    @pytest.mark.parametrize("given", [[], None])
    def test_nothing_to_do_is_done(self, small, given):
        data = {} if given is None else {"list": given}
        state, commands = small(self.STEPS).begin(**data)
        assert (state.scope["put"], [command.step for command in commands]) == ([], ["after"])

    def test_two_items_with_one_key_are_refused(self, small):
        state, commands = small(self.STEPS).begin(list=[{"key": "a", "amount": 1}, {"key": "a", "amount": 2}])
        assert commands == []
        assert "two items have the key 'a'" in reason(state)

    def test_more_than_the_limit_are_refused(self, small):
        state, commands = small(self.STEPS).begin(list=self.parts(1, 1, 1, 1))
        assert commands == []
        assert "4 items, more than the limit of 3" in reason(state)

    def test_items_without_a_key_go_by_their_place(self, small):
        _, commands = small(self.STEPS.replace(", key: part.key", "")).begin(list=self.parts(1, 2))
        assert [command.item for command in commands] == ["0", "1"]

    def test_a_check_holds_item_by_item(self, small):
        flow = small(
            """
ok: {for_each: {in: item.list, as: part, key: part.key}, check: big}
put: {write: erp.line, with: {key: item.id}, needs: ok}
""",
            """
policy: big
inputs: {part: record}
when: part.amount > 10
then: {hold: {release: {role: boss}}}
reason: "{{ part.key }} is big."
""",
        )
        state, commands = flow.begin(list=self.parts(1, 20, 30))
        holds = [command for command in commands if isinstance(command, HoldCommand)]
        assert [hold.hold_id for hold in holds] == ["f/item.made:1/ok[b]/big", "f/item.made:1/ok[c]/big"]
        state, _ = advance(state, {"hold:ok[b]:big": Answer({})})
        assert state.status == "held"
        state, commands = advance(state, {"hold:ok[c]:big": Answer({})})
        assert one(commands, WriteCommand).step == "put"
