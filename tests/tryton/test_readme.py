"""What the page about the connector shows is run as it stands."""

import re
from pathlib import Path

import pytest

from connectors.tryton import connector, installation
from connectors.tryton.server import TrytonServer
from engine.connect import suite
from engine.problems import Collector
from engine.source import Source
from engine.workspace.decode import Decoder
from engine.workspace.kinds.reference import ConnectionDocument
from engine.workspace.yaml_tree import read_yaml
from tests.tryton.conftest import FOLDER

PAGE = (FOLDER / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


def test_every_operation_and_source_is_on_the_page(plan):
    assert [name for name in (*plan.operations, *plan.sources) if f"`{name}`" not in PAGE] == []


def test_what_the_manifest_names_is_what_the_code_has(plan):
    writes = {name for name, operation in plan.operations.items() if operation.writes}
    assert writes == set(connector.WRITES)
    assert plan.operations.keys() - writes == set(connector.READS)
    assert plan.sources.keys() == connector.POLLS.keys()


def test_the_manifest_keeps_what_the_suite_asks_of_all(plan):
    """All but a simulator: Tryton itself stands in for one."""
    for operation in plan.operations.values():
        suite._check_operation(plan, operation)
    used = {Path(name).name for name in suite._schema_files(plan)}
    assert used == {path.name for path in (FOLDER / "schemas").glob("*.json")}


def test_the_connection_is_one(plan):
    (text,) = blocks("yaml")
    problems = Collector()
    (tree,) = read_yaml(Source("README.md", text), problems)
    Decoder([ConnectionDocument], problems).decode(tree)
    assert [problem.message for problem in problems.problems] == []
    assert f"connector: {plan.name}" in text


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_example_runs(capsys):
    (code,) = blocks("python")
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102 - it is our own page
    said = capsys.readouterr().out
    assert "Tryton answers on http://127.0.0.1:" in said
    assert "tidegate ['admin', 'clerk', 'integration']" in said


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_server_leaves_nothing_behind():
    server = TrytonServer()
    with server:
        folder, process = server._folder, server._process
        assert process.poll() is None
        assert (folder / "trytond.log").exists()
    assert process.poll() is not None
    assert not folder.exists()
    server.stop()


def test_the_cache_is_where_it_is_told_to_be(monkeypatch, tmp_path):
    monkeypatch.setenv("TIDEGATE_CACHE", str(tmp_path))
    assert installation.cache_folder() == tmp_path
    monkeypatch.delenv("TIDEGATE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert installation.cache_folder() == tmp_path / "tidegate"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert installation.cache_folder() == Path.home() / ".cache" / "tidegate"


def test_an_installation_that_fails_says_why(monkeypatch, tmp_path):
    broken = tmp_path / "broken.lock"
    broken.write_text("no-such-package-of-tidegate @ file:///nowhere/at-all.whl\n")
    monkeypatch.setattr(installation, "LOCK", broken)
    with pytest.raises(installation.InstallationError, match="python ended with"):
        installation.installed(cache=tmp_path, say=lambda _line: None)
    assert not list(tmp_path.rglob("installed"))
