"""Tests run: each on its own, none sees what another did."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from engine.connect import ConnectorPlan, OperationPlan
from engine.flowtest.case import case, operations
from engine.flowtest.expect import failures
from engine.flowtest.play import play
from engine.flowtest.result import Failure, Result, TestError
from engine.plan.plan import Plan
from engine.workspace.files import Files
from engine.workspace.kinds.flow_test import FlowTestDocument
from engine.workspace.workspace import Workspace


def run_tests(
    workspace: Workspace,
    plan: Plan,
    connectors: Mapping[str, ConnectorPlan],
    chosen: Iterable[FlowTestDocument],
    seconds: Callable[[], float],
) -> Iterator[Result]:
    """The results of tests, one after the other. `seconds` is read before and after each."""
    known = operations(workspace, connectors)
    for document in chosen:
        begun = seconds()
        found = _run(document, plan, workspace.files, known)
        yield Result(document=document, failures=found, seconds=seconds() - begun)


def _run(
    document: FlowTestDocument, plan: Plan, files: Files, known: Mapping[str, OperationPlan]
) -> tuple[Failure, ...]:
    try:
        made = case(document, plan, files, known)
        return tuple(failures(made, play(made, plan), files))
    except TestError as error:
        return (error.failure,)
