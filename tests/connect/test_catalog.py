"""Connectors by name, found by their entry points."""

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from engine.connect.catalog import GROUP, Catalog, Installed
from engine.connect.http_connector import HttpConnector
from engine.connect.settings import Settings
from engine.errors import ConfigurationError, InputError
from tests.connect import opening, toy

SHIPPED = ("kantata", "netsuite", "revenue", "salesforce")


def announced(*names: str) -> list[EntryPoint]:
    return [EntryPoint(name=name, value=f"connectors.{name}", group=GROUP) for name in names]


def test_shipped_connectors_are_announced():
    assert set(SHIPPED) <= set(Catalog.found().installed)


def test_folders_are_found_without_importing_a_connector(root):
    script = (
        "import sys; from engine.connect.catalog import Catalog; found = Catalog.found();"
        "assert found.get('netsuite').manifest.is_file();"
        "heavy = ('connectors.', 'httpx', 'uvicorn', 'joserfc');"
        "print([name for name in sys.modules if name.startswith(heavy)])"
    )
    done = subprocess.run(
        (sys.executable, "-c", script), cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_what_is_not_installed_is_left_out():
    absent = EntryPoint(name="ghost", value="connectors.ghost", group=GROUP)
    module = EntryPoint(name="flat", value="json.decoder", group=GROUP)
    nowhere = EntryPoint(name="lost", value="nowhere.at.all", group=GROUP)
    assert list(Catalog.of([absent, module, nowhere, *announced("netsuite")]).installed) == ["netsuite"]


def test_restricted():
    catalog = Catalog.of(announced(*SHIPPED))
    assert list(catalog.restricted(["revenue", "ghost"]).installed) == ["revenue"]


def test_connector_that_nobody_has():
    with pytest.raises(
        ConfigurationError, match="no connector is called 'netsweet'; installed: kantata, netsuite"
    ):
        Catalog.of(announced("netsuite", "kantata")).get("netsweet")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "good.json").write_text('{"type": "object"}', encoding="utf-8")
    (tmp_path / "schemas" / "list.json").write_text("[]", encoding="utf-8")
    (tmp_path / "schemas" / "bad.json").write_text("{", encoding="utf-8")
    (tmp_path / "schemas" / "huge.json").write_text(" " * 2_000_000, encoding="utf-8")
    (tmp_path.parent / "outside.json").write_text("{}", encoding="utf-8")
    return Installed(name="acme", package="acme", folder=tmp_path)


def test_schema_files(folder):
    assert folder.schema("schemas/good.json") == {"type": "object"}


@pytest.mark.parametrize(
    "file",
    ["schemas/none.json", "schemas/list.json", "schemas/bad.json", "schemas/huge.json", "../outside.json"],
)
def test_schema_files_that_are_none(folder, file):
    with pytest.raises(InputError, match="acme"):
        folder.schema(file)


def test_manifest_opens_as_an_http_connector():
    catalog = Catalog.of(announced("netsuite"))
    settings = Settings(connection="erp", environment="demo", simulated=True, base_url="http://127.0.0.1:1/")
    opened = catalog.open(opening.plan_of("netsuite"), settings, now=toy.Toy().now)
    assert isinstance(opened, HttpConnector)


def test_connector_with_python_of_its_own(tmp_path, monkeypatch):
    package = tmp_path / "acme_connector"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "connector.py").write_text(
        "def connector(plan, settings, now):\n    return (plan.name, settings.connection)\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    catalog = Catalog.of([EntryPoint(name="toy", value="acme_connector", group=GROUP)])
    settings = Settings(connection="erp", environment="prod")
    assert catalog.open(toy.plan(), settings, now=toy.Toy().now) == ("toy", "erp")
    with pytest.raises(ConfigurationError, match="no simulator"):
        catalog.simulator("toy")


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_connectors_have_simulators(name):
    assert name == Catalog.of(announced(name)).simulator(name).NAME
