"""The part of a workspace in which nothing is wrong, so that one mistake does not keep all the rest from use.

A document with a problem is left out, then what used it, until nothing is wrong. For tests only: what runs is
always a whole workspace.
"""

from engine.compile.compile import Compiled, compile_workspace
from engine.problems import Collector, Problem, Severity
from engine.spec.field import Document
from engine.workspace.coverable import Covered
from engine.workspace.workspace import Workspace, make_workspace


def sound_part(
    workspace: Workspace, collector: Collector, covered: Covered | None = None
) -> tuple[Workspace, Compiled] | None:
    """The documents without a problem and without need of one that has, compiled; None where there is none.

    ``collector`` has what was found wrong with the workspace as a whole.
    """
    documents = _without(workspace.documents, collector)
    while documents:
        found = Collector()
        part = make_workspace(workspace.files, workspace.sources, documents, (), found)
        if compile_workspace(part, found) is not None:
            compiled = compile_workspace(part, Collector(), covered)
            assert compiled is not None
            return part, compiled
        left = _without(part.documents, found)
        if len(left) == len(documents):
            return None  # what is wrong stands in none of them
        documents = left
    return None


def _without(documents: tuple[Document, ...], collector: Collector) -> tuple[Document, ...]:
    errors: dict[str, list[Problem]] = {}
    for problem in collector.problems:
        if problem.severity is Severity.ERROR:
            errors.setdefault(problem.span.source.name, []).append(problem)
    return tuple(
        one
        for one in documents
        if not any(_concerns(problem, one) for problem in errors.get(one.span.source.name, ()))
    )


def _concerns(problem: Problem, document: Document) -> bool:
    return document.span.start <= problem.span.start <= document.span.end
