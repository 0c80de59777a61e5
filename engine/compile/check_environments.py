"""Environments: that each is one, since a demand on one that is misspelt would be made of nobody."""

from collections.abc import Iterator

from engine.compile import problems
from engine.compile.compilation import Compilation
from engine.source import Text
from engine.workspace.kinds.environment import EnvironmentDocument
from engine.workspace.kinds.reference import ConnectionDocument


def check_environments(compilation: Compilation) -> None:
    """Every environment that is named is set up by a connection, and none comes after itself."""
    documents = compilation.documents(EnvironmentDocument)
    known = {str(name) for name in _set_up(compilation)}
    for document in documents.values():
        named = [document.environment] if document.after is None else [document.environment, document.after]
        for name in named:
            if str(name) not in known:
                compilation.report(problems.unknown_environment(name, sorted(known)))
        if document.after is not None and _comes_back(compilation, document):
            compilation.report(problems.environment_after_itself(document.after))


def _set_up(compilation: Compilation) -> Iterator[Text]:
    for connection in compilation.documents(ConnectionDocument).values():
        yield from connection.environments


def _comes_back(compilation: Compilation, document: EnvironmentDocument) -> bool:
    """Whether an environment is, by however many others, to come after itself."""
    documents = compilation.documents(EnvironmentDocument)
    seen: set[str] = set()
    at: str | None = str(document.environment)
    while at is not None and at not in seen:
        seen.add(at)
        found = documents.get(at)
        at = None if found is None or found.after is None else str(found.after)
    return at == str(document.environment)
