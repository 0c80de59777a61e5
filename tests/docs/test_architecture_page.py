"""The page on how the engine is built names files, functions, packages and tests that are there."""

import ast
import re

import pytest

from tests.docs.reading import ROOT

ENGINE = ROOT / "engine"
PAGE = (ENGINE / "ARCHITECTURE.md").read_text(encoding="utf-8")


def functions(path):
    """The names of all functions and methods of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("file, name", re.findall(r"`([\w/]+\.py)`: `(\w+)`", PAGE))
def test_each_function_on_the_way_of_an_event_is_there(file, name):
    assert name in functions(ENGINE / file)


def test_the_way_of_an_event_is_told_to_its_end():
    assert len(re.findall(r"^\| \d+ \| `", PAGE, flags=re.MULTILINE)) >= 10


@pytest.mark.parametrize("file, name", re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE))
def test_each_invariant_names_a_test(file, name):
    assert name in functions(ROOT / file)


def test_no_invariant_is_without_a_test():
    part = PAGE.split("## Invariants")[1].split("\n## ")[0]
    rows = re.findall(r"^\| \d+ \|.*$", part, flags=re.MULTILINE)
    assert len(rows) >= 20
    assert [row for row in rows if "`tests/" not in row] == []


def test_every_package_is_on_the_map():
    part = PAGE.split("## The packages")[1].split("\n## ")[0]
    named = set(re.findall(r"`([a-z]+)`", part))
    there = {path.name for path in ENGINE.iterdir() if (path / "__init__.py").is_file()}
    there |= {path.stem for path in ENGINE.glob("*.py") if not path.stem.startswith("__")}
    assert there - named == set()


def test_types_of_the_glossary_exist():
    part = PAGE.split("## The words")[1].split("\n## ")[0]
    named = {name.split(".")[-1] for name in re.findall(r"`([A-Z]\w+)`", part)}
    text = "\n".join(path.read_text(encoding="utf-8") for path in ENGINE.rglob("*.py"))
    missing = [
        name
        for name in named
        if not re.search(rf"^(?:class {name}\b|{name}: TypeAlias)", text, flags=re.MULTILINE)
    ]
    assert missing == []


def test_the_code_on_the_page_runs(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    ((code, said),) = re.findall(
        r"^```python\n(.*?)^```\n\n```text\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL
    )
    exec(compile(code, "ARCHITECTURE.md", "exec"), {})  # noqa: S102 - it is our own page
    assert capsys.readouterr().out.strip() == said.strip()
