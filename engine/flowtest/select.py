"""Which tests are run: by flow, by name, by file or folder, by a part of the name."""

from collections.abc import Sequence
from pathlib import Path

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
            names = sorted({str(test.flow) for test in tests} | {test.span.source.name for test in tests})
            raise NothingChosenError(" ".join([f"{word!r} fits no test.", *did_you_mean(word, names)]))
        chosen += [test for test in fitting if test not in chosen]
    if containing is not None:
        part = containing.lower()
        chosen = [test for test in chosen if part in str(test.test).lower() or part in str(test.flow).lower()]
    return chosen


def _fits(workspace: Workspace, test: FlowTestDocument, word: str) -> bool:
    if word in (str(test.test), str(test.flow)):
        return True
    file = workspace.files.root / test.span.source.name
    return any(
        (base / word).resolve() in (file, *file.parents) for base in (Path.cwd(), workspace.files.root)
    )
