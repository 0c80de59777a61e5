"""What one call of `advance` collects: the state that is being made, and the commands."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from engine.core.command import Command, LookUpCommand
from engine.core.state import Answer, RunState
from engine.language.compiled import EvaluationError
from engine.plan.delay import Delay
from engine.plan.step import Step
from engine.values.keys import as_key
from engine.values.value import Value, kind_of


class Turn:
    """One call of `advance`. It lives no longer than that."""

    __slots__ = ("commands", "state", "wanted")

    def __init__(self, state: RunState) -> None:
        """Collect for this state, which is ours to change."""
        self.state = state
        self.commands: list[Command] = []
        self.wanted: tuple[LookUpCommand, ...] = ()

    def give(self, command: Command, key: str) -> None:
        """Give a command, unless it was given before."""
        if key not in self.state.asked:
            self.state.asked.add(key)
            self.commands.append(command)

    def answer(self, key: str) -> Answer | None:
        """What was answered under this key, if anything."""
        return self.state.answers.get(key)

    def ask(self, entity: str, canonical_id: Value, system: str) -> Value:
        """The id of an entity in another system; None when it is not known, or not known yet.

        What is not known yet is wanted; the value that is being made is then thrown away, and made
        again when all that it wanted has been answered.
        """
        ours = as_key(str(canonical_id))
        key = f"xref:{entity}:{ours}:{system}"
        answer = self.state.answers.get(key)
        if answer is None:
            self.wanted += (LookUpCommand(key, entity, ours, system),)
            return None
        if answer.value is None:
            raise EvaluationError(f"no id is known in {system} for {entity} {canonical_id}")
        return answer.value

    def make(
        self, make: Callable[[Mapping[str, Value]], Value], scope: Mapping[str, Value]
    ) -> tuple[bool, Value]:
        """Make a value: (True, value), or (False, None) when it wants look-ups, which are then asked for."""
        try:
            value = make(scope)
        except EvaluationError:
            if not self.wanted:
                raise
            value = None
        if not self.wanted:
            return True, value
        for wanted in self.wanted:
            self.give(wanted, wanted.key)
        self.wanted = ()
        return False, None

    def note(self, step: Step, item: str | None, facts: Mapping[str, Any]) -> None:
        """Keep what was decided about a step, and why."""
        if item is None:
            self.state.trace[step.name] = facts
        else:
            before = self.state.trace.get(step.name, {})
            self.state.trace[step.name] = {"items": {**before.get("items", {}), item: facts}}

    def forget(self, step: Step, item: str | None) -> None:
        """Drop the note that a step is in doubt: somebody has found out, or it is tried once more."""
        facts = self.state.trace.get(step.name, {})
        if item is None:
            if "unknown" in facts:
                del self.state.trace[step.name]
            return
        notes = {name: note for name, note in facts.get("items", {}).items() if name != item}
        if "unknown" not in facts.get("items", {}).get(item, {}):
            return
        if notes:
            self.state.trace[step.name] = {"items": notes}
        else:
            del self.state.trace[step.name]


def calendar_key(delay: Delay, scope: Mapping[str, Value], now: datetime) -> str | None:
    """The key of the calendar of a length of time; None where it needs none.

    Raises:
        EvaluationError: when there is none in the data, or the calendar knows no such key.

    """
    if delay.key is None:
        return None
    key = str(delay.key.call(scope))
    delay.due(now, key)
    return key


def suffix(item: str | None) -> str:
    """How the key of an item ends: nothing for a step that is not done for each of several."""
    return "" if item is None else f"[{item}]"


def truth(value: Value) -> bool:
    """A condition's value, which must be true or false.

    Raises:
        EvaluationError: for anything else; an empty text or a zero is not "false" here.

    """
    if value is True or value is False:
        return value
    raise EvaluationError(f"a condition must be true or false, and this one is {kind_of(value)}")


def record(value: Value) -> dict[str, Value]:
    """A value that the compiler made sure is a record."""
    assert isinstance(value, dict), value
    return value
