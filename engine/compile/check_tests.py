"""Flow tests: that what they name exists. What they demand is shown by running them."""

from collections.abc import Iterable

from engine.compile.compilation import Compilation
from engine.source import Text
from engine.workspace.kinds.flow import FlowDocument
from engine.workspace.kinds.flow_test import FlowTestDocument

XREF = "xref"  # the stub that answers look-ups of cross references


def check_tests(compilation: Compilation) -> None:
    """Every test is of a flow that exists, and stubs and expects what that flow has."""
    flows = compilation.documents(FlowDocument)
    for document in compilation.documents(FlowTestDocument).values():
        flow = flows.get(str(document.flow))
        if flow is None:
            compilation.unknown("flow", document.flow, flows)
        else:
            _check(compilation, document, flow)


def _check(compilation: Compilation, document: FlowTestDocument, flow: FlowDocument) -> None:
    given, expect = document.given, document.expect
    _known(compilation, "step", expect.steps, flow.steps)
    reads = [f"entity.{step.read.split('.')[1]}" for step in flow.steps.values() if step.read]
    operations = [*compilation.operations, *reads]
    stubs = [name for name in given.stubs if name != XREF]
    _known(compilation, "operation", (*stubs, *expect.writes, *expect.no_writes), operations)
    _known(compilation, "event", expect.emits, compilation.event_types)
    _known(compilation, "event", _followers(document), compilation.event_types)
    policies = [str(name) for step in flow.steps.values() for name in step.check]
    _known(compilation, "policy", (*given.release, *expect.holds), policies)


def _known(compilation: Compilation, kind: str, names: Iterable[Text], known: Iterable[str]) -> None:
    offered = [str(name) for name in known]
    for name in names:
        if str(name) not in offered:
            compilation.unknown(kind, name, offered)


def _followers(document: FlowTestDocument) -> Iterable[Text]:
    """The names of the events that follow."""
    for raw in document.given.then:
        value = raw.value
        name = value.get("event") if isinstance(value, dict) else None
        if isinstance(name, str):
            yield Text(name, raw.places.get(("event",), raw.span))
