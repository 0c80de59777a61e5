"""The same answers lead to the same state and the same commands, however they are put together."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core import Answer, LookUpCommand, ReadCommand, WriteCommand, advance

FLOW = """
project: {read: erp.project, with: {id: item.group}}
mine: {map: named}
ok: {check: [dear, shut]}
put:
  for_each: {in: item.list, as: part, key: part.key}
  write: erp.line
  with: {key: part.key, to: mine.id, rate: project.rate}
  needs: ok
pick: {choose: {dear: project.rate > 50, cheap: otherwise}}
post: {write: erp.journal, with: {key: item.id}, needs: pick.dear}
blind: {write: erp.blind, with: {key: post.id}, faults: {unknown: person}}
say: {emit: item.said, with: {id: project.id}, needs: put}
"""
DOCUMENTS = """
mapping: named
inputs: {item: canonical/item@1}
output: canonical/remark@1
fields:
  id: {xref: item, id: item.id, in: erp, required: true}
  group: {xref: item, id: item.group, in: rev, required: true}
---
policy: dear
inputs: {project: erp/project@1}
when: project.rate > 90
then: {hold: {release: {role: boss}}, alert: {to: boss}}
reason: "{{ project.rate }}"
---
policy: shut
inputs: {project: erp/project@1}
when: project.status == 'shut'
then: {reject: shut}
reason: "shut"
"""

rates = st.sampled_from([Decimal(10), Decimal(60), Decimal("99.5")])
outcomes = st.sampled_from(
    [Answer({"id": "x"}), Answer(None, "refused"), Answer(None, "no answer", unknown=True)]
)


@pytest.fixture(scope="module")
def flow(tmp_path_factory):
    from tests.unit.core.conftest import Small
    from tests.workspaces import tiny

    text = "flow: f\ntrigger: {event: item.made, as: item}\nsteps:\n"
    text += "".join(f"  {line}\n" for line in FLOW.strip().splitlines())
    return Small(tiny.plan(tmp_path_factory.mktemp("core"), text, DOCUMENTS))


class World:
    """Answers each command in a way that depends on nothing but its key."""

    def __init__(self, data):
        self.rate = data.draw(rates)
        self.status = data.draw(st.sampled_from(["open", "shut"]))
        self.releases = data.draw(st.booleans())
        self.lost = data.draw(st.sampled_from(["", "xref:item:G:rev"]))
        self.data = data
        self.writes = {}

    def answers(self, commands, state):
        found = {}
        for command in commands:
            match command:
                case ReadCommand():
                    found[command.key] = Answer({"id": "G", "status": self.status, "rate": self.rate})
                case LookUpCommand():
                    found[command.key] = Answer(
                        None if command.key == self.lost else f"id-{command.canonical_id}"
                    )
                case WriteCommand():
                    if command.key not in self.writes:
                        self.writes[command.key] = self.data.draw(outcomes, label=command.key)
                    found[command.key] = self.writes[command.key]
        if self.releases:
            found.update({key: Answer({"by": "ann"}) for key in state.open_holds})
        return found


def seen(state):
    """All of a state that means something: not the bare set of keys that were asked for."""
    return state.status, state.scope, state.steps, state.answers, state.open_holds, state.trace


def played(flow, world, order, sizes, parts):
    """Play to rest; pending answers are given in an order and in groups that `order` and `sizes` choose."""
    state, commands = flow.begin(group="G", list=parts)
    given = list(commands)
    pending = world.answers(commands, state)
    while pending:
        keys = order(sorted(pending))[: sizes()]
        state, commands = advance(state, {key: pending.pop(key) for key in keys})
        given += commands
        pending.update(
            {
                key: answer
                for key, answer in world.answers(commands, state).items()
                if key not in state.answers
            }
        )
    return state, given


@given(data=st.data())
@pytest.mark.requirement("REL-34")
def test_answers_in_any_order_and_grouping_lead_to_the_same_end(flow, data):
    world = World(data)
    parts = [{"key": key} for key in data.draw(st.lists(st.sampled_from("abc"), unique=True, max_size=3))]
    plain, commands = played(flow, world, lambda keys: keys, lambda: 100, parts)
    other, others = played(
        flow,
        world,
        lambda keys: data.draw(st.permutations(keys)),
        lambda: data.draw(st.integers(1, 4)),
        parts,
    )
    assert seen(other) == seen(plain)
    assert sorted(map(str, others)) == sorted(map(str, commands))


@given(data=st.data())
def test_the_same_again_is_the_same_to_the_last_command(flow, data):
    world = World(data)
    parts = [{"key": "a"}, {"key": "b"}]
    first = played(flow, world, lambda keys: keys, lambda: 1, parts)
    second = played(flow, world, lambda keys: keys, lambda: 1, parts)
    assert seen(first[0]) == seen(second[0])
    assert first[1] == second[1]


def test_advance_leaves_the_state_that_it_was_given_alone(flow):
    state, _ = flow.begin(group="G", list=[])
    before = (state.status, dict(state.scope), list(state.steps), dict(state.answers), set(state.asked))
    advance(state, {"read:project": Answer({"id": "G", "status": "open", "rate": 60})})
    assert before == (state.status, state.scope, state.steps, state.answers, state.asked)
