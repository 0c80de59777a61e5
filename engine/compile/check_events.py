"""Events that cause each other: each starts a flow that emits the next, and the last the first."""

from collections.abc import Mapping

from engine.compile import problems
from engine.compile.build_versions import name_of_event
from engine.compile.compilation import Compilation
from engine.plan import graph
from engine.source import Text
from engine.workspace.kinds.flow import FlowDocument


def check_events(compilation: Compilation) -> None:
    """No event causes itself, however many flows lie between: it would be worked for ever."""
    emits = _emits(compilation)
    found = graph.cycle(emits)
    if found is not None:
        following = [*found[1:], found[0]]
        compilation.report(
            problems.event_cycle(
                [(event, *emits[event][other]) for event, other in zip(found, following, strict=True)]
            )
        )


def _emits(compilation: Compilation) -> Mapping[str, Mapping[str, tuple[str, Text]]]:
    """By the event that starts a flow: the events that it emits, each with the flow and the place."""
    found: dict[str, dict[str, tuple[str, Text]]] = {}
    for document in compilation.documents(FlowDocument).values():
        caused = found.setdefault(name_of_event(document.trigger.event), {})
        for step in document.steps.values():
            if step.emit is not None:
                caused.setdefault(str(step.emit), (str(document.name), step.emit))
    return found
