"""The examples on the pages of the connectors are used, so that they stay true."""

import re
from collections.abc import Mapping

import pytest

from engine.connect.catalog import Catalog
from engine.connect.settings import resolve_settings
from engine.problems import Collector
from engine.source import Source
from engine.values.json_text import read_json
from engine.workspace.decode import Decoder
from engine.workspace.kinds.reference import ConnectionDocument
from engine.workspace.yaml_tree import read_yaml
from tests.connect import opening

NAMES = ("kantata", "netsuite", "revenue", "salesforce")


def examples(name: str, language: str) -> list[str]:
    page = (opening.installed(name).folder / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(params=NAMES)
def name(request) -> str:
    return request.param


def test_connection_is_one(name):
    (text,) = examples(name, "yaml")
    problems = Collector()
    (tree,) = read_yaml(Source("README.md", text), problems)
    document = Decoder([ConnectionDocument], problems).decode(tree).document
    assert problems.problems == ()
    assert document.connector == name
    written = {str(key): raw.value for key, raw in document.environments.items()}
    assert resolve_settings("x", "demo", written["demo"], str.upper).simulated
    settings = resolve_settings("x", "prod", written["prod"], lambda _: "a secret")
    assert isinstance(written["prod"], Mapping)
    for setting in opening.plan_of(name).spec.settings:
        assert settings.text(str(setting))


def test_system_to_try_it_on_runs(name, capsys):
    (code,) = examples(name, "python")
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102 - it is our own page
    assert capsys.readouterr().out.startswith("http://127.0.0.1:")


def test_json_is_json(name):
    for text in examples(name, "json"):
        read_json(text)


def test_every_operation_is_on_the_page(name):
    page = (opening.installed(name).folder / "README.md").read_text(encoding="utf-8")
    plan = opening.plan_of(name)
    assert [each for each in [*plan.operations, *plan.sources] if f"`{each}`" not in page] == []


def test_every_shipped_connector_has_a_page():
    assert all((item.folder / "README.md").is_file() for item in Catalog.found().installed.values())
