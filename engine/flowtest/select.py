"""Which tests are run: by what is tested, by name, by file or folder, or by a part of the name."""

from collections.abc import Sequence
from pathlib import Path

from engine.flowtest.result import Result
from engine.flowtest.suite import One
from engine.problems import did_you_mean
from engine.workspace.kinds.flow_test import FlowTestDocument
from engine.workspace.workspace import Workspace


class NothingChosenError(ValueError):
    """What was asked for fits no test; the message says so."""


def choose(workspace: Workspace, wanted: Sequence[str], containing: str | None) -> list[FlowTestDocument]:
    """The tests that fit any of the words in `wanted`, or all; of those, the ones whose name contains a text.

    Raises:
        NothingChosenError: for a word that fits no test.

    """
    tests = list(workspace.of(FlowTestDocument).values())
    chosen = tests if not wanted else []
    for word in wanted:
        fitting = [test for test in tests if _fits(workspace, test, word)]
        if not fitting:
            names = sorted({name for test in tests for name in _names(test)})
            raise NothingChosenError(" ".join([f"{word!r} fits no test.", *did_you_mean(word, names)]))
        chosen += [test for test in fitting if test not in chosen]
    if containing is not None:
        part = containing.lower()
        chosen = [test for test in chosen if any(part in text.lower() for text in _texts(test))]
    return chosen


def _names(test: FlowTestDocument) -> tuple[str, str]:
    return str(test.subject), test.span.source.name


def _texts(test: FlowTestDocument) -> tuple[str, ...]:
    return (str(test.test), str(test.subject), *map(str, test.examples))


def _fits(workspace: Workspace, test: FlowTestDocument, word: str) -> bool:
    if word in (str(test.test), str(test.subject)):
        return True
    file = workspace.files.root / test.span.source.name
    return any(
        (base / word).resolve() in (file, *file.parents) for base in (Path.cwd(), workspace.files.root)
    )


def key_of(one: One | Result) -> str:
    """The name of a case that stays the same as long as file, test and example do."""
    return f"{one.document.span.source.name}::{one.document.test}" + (f"::{one.case}" if one.case else "")
