"""A small broken workspace to the text of its problems."""

import difflib
import os
import re
from collections.abc import Callable
from pathlib import Path

from engine.compile.compile import compile_workspace
from engine.problems import Collector
from engine.problems.render import render_text
from engine.session import ALL_KINDS
from engine.workspace import Workspace, load_workspace

HERE = Path(__file__).parent
EXPECTED = "expected.txt"
UPDATE = "UPDATE_RENDERINGS"

STAGES: tuple[Callable[[Workspace, Collector], object], ...] = (compile_workspace,)
"""What looks at a workspace after it is loaded, in order; each adds to the collector."""

_FOUND_ON_COMPILING = re.compile(r"TG2[345]\d|TG3(?!30)\d\d|TG[456]\d\d")


def read(root: Path) -> Collector:
    """What is wrong with the files of a workspace, before it is compiled."""
    return load_workspace(root, ALL_KINDS)[1]


def validate(root: Path) -> Collector:
    """Everything that is wrong with a workspace."""
    workspace, collector = load_workspace(root, ALL_KINDS)
    for stage in STAGES:
        stage(workspace, collector)
    return collector


def stage_of(code: str) -> Callable[[Path], Collector]:
    """What finds a mistake: an example of one in the files needs to be no more than a part of a workspace."""
    return validate if _FOUND_ON_COMPILING.fullmatch(code) else read


def rendering(collector: Collector) -> str:
    """The stored form: plain text, without colour."""
    return render_text(collector.report())


def compare(folder: Path, actual: str) -> str:
    """The difference to the stored rendering; rewrites it instead when UPDATE_RENDERINGS is set."""
    stored = folder / EXPECTED
    if os.environ.get(UPDATE):
        stored.write_text(actual, encoding="utf-8")
    expected = stored.read_text(encoding="utf-8") if stored.exists() else ""
    lines = difflib.unified_diff(
        expected.splitlines(), actual.splitlines(), str(stored.relative_to(HERE)), "now", lineterm=""
    )
    return "\n".join(lines)


def codes_of(collector: Collector) -> set[str]:
    """The codes that were reported."""
    return {problem.code for problem in collector.problems}
