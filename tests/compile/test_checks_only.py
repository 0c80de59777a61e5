"""Checking without writing code finds what compiling finds, word for word."""

from pathlib import Path

import pytest

from engine.compile.compile import compile_all
from engine.problems.render import render_text
from engine.session import ALL_KINDS
from engine.workspace import load_workspace
from tests.problems.harness import HERE

ROOT = HERE.parents[1]
WORKSPACES = [ROOT, ROOT / "tests/bench/workload/workspace", *sorted(HERE.glob("TG*"))]


def found(root: Path, *, checks_only: bool) -> str:
    workspace, collector = load_workspace(root, ALL_KINDS)
    compile_all(workspace, collector, checks_only=checks_only)
    return render_text(collector.report(shown=10_000))


@pytest.mark.parametrize("root", WORKSPACES, ids=lambda root: root.name)
def test_the_same_problems(root):
    assert found(root, checks_only=True) == found(root, checks_only=False)


def test_what_was_only_checked_refuses_to_run():
    workspace, collector = load_workspace(WORKSPACES[1], ALL_KINDS)
    mappings = compile_all(workspace, collector, checks_only=True).mappings
    for mapping in mappings.values():
        with pytest.raises(AssertionError, match="to be checked"):
            mapping.make({})
