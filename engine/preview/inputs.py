"""What a mapping was given when an event was worked: the event is played, and its runs are looked into."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from engine.core import RunState
from engine.plan.plan import FlowPlan
from engine.plan.step import EmitStep, MapStep, WriteStep
from engine.preview.behaviour.play import Side
from engine.preview.behaviour.sample import Sample
from engine.preview.behaviour.shared import Shared
from engine.values.value import Value


class Given(NamedTuple):
    """What a run has for a mapping."""

    flow: str
    event: str  # its id
    inputs: Mapping[str, Value]  # by their names, as far as the run knows them by these
    lacks: tuple[str, ...]  # the inputs that it does not, since a step works them out or has not come to it
    known: Mapping[str, Value]  # cross references, by the keys of their look-ups


def given_by_event(side: Side, samples: Iterable[Sample], number: int, mapping: str) -> list[Given]:
    """What the runs of the event of this number, counted from 1, have for a mapping; the first ones before.

    The events before it are played too, since it may need what they brought.
    """
    play = Shared.of_one(side)
    before: set[str] = set()
    for count, sample in enumerate(samples, 1):
        ended = [old for old, _ in play.take(sample) if old is not None]
        if count == number:
            new = [run for run in play.both.runs.values() if run.id not in before]
            states = [run.state for run in (*ended, *new) if run.state is not None]
            return [*given_by_runs(states, side, mapping)]
        before = set(play.both.runs) if count == number - 1 else before
    return []


def given_by_runs(states: Iterable[RunState], side: Side, mapping: str) -> Iterator[Given]:
    """What runs have for a mapping that their flow uses; those that have all of it first."""
    names = side.plan.mappings[mapping].inputs
    found: list[Given] = []
    for state in states:
        if not _uses(state.flow, mapping):
            continue
        inputs = {name: state.scope[name] for name in names if name in state.scope}
        lacks = tuple(name for name in names if name not in inputs)
        known = {key: one.value for key, one in state.answers.items() if key.startswith("xref:")}
        found.append(Given(state.flow.name, state.event.id, inputs, lacks, known))
    return iter(sorted(found, key=lambda one: len(one.lacks)))


def _uses(flow: FlowPlan, mapping: str) -> bool:
    steps = (step for step in flow.steps if isinstance(step, MapStep | WriteStep | EmitStep))
    return any(step.mapping == mapping for step in steps)
