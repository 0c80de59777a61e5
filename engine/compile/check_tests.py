"""Flow tests: that what they name exists. What they demand is shown by running them."""

from engine.compile.compilation import Compilation
from engine.workspace.kinds.flow import FlowDocument
from engine.workspace.kinds.flow_test import FlowTestDocument


def check_tests(compilation: Compilation) -> None:
    """Every test is of a flow that exists, and stubs and expects what that flow has."""
    flows = compilation.documents(FlowDocument)
    for document in compilation.documents(FlowTestDocument).values():
        flow = flows.get(str(document.flow))
        if flow is None:
            compilation.unknown("flow", document.flow, flows)
            continue
        for name in document.expect.steps:
            if name not in flow.steps:
                compilation.unknown("step", name, flow.steps)
        reads = [f"entity.{step.read.split('.')[1]}" for step in flow.steps.values() if step.read]
        known = [*compilation.operations, *reads]
        for name in (*document.given.stubs, *document.expect.writes, *document.expect.no_writes):
            if str(name) not in known:
                compilation.unknown("operation", name, known)
        for name in document.expect.emits:
            if str(name) not in compilation.event_types:
                compilation.unknown("event", name, compilation.event_types)
