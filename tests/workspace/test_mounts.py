"""Connectors that are installed elsewhere are read as if they stood in the workspace."""

import pytest

from engine.connect.catalog import Catalog, Installed
from engine.connect.connector_spec import ConnectorSpec
from engine.problems import Collector
from engine.session import ALL_KINDS, load
from engine.workspace import KINDS, Files, FileUnreadable, load_workspace

CONNECTION = "connection: erp\nconnector: {name}\nenvironments: {{}}\n"
MANIFEST = """\
connector: {name}
api: {{name: Acme, version: "{version}"}}
base_url: http://localhost
auth: {{bearer: true}}
operations:
  job: {{does: write, request: {{post: /job}}, input: schemas/job.json, once_by: natural_key, returns: {{id: body.id}}}}
"""


def write(root, name, text):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def connector(folder, name="acme", version="1"):
    write(folder, "connector.yaml", MANIFEST.format(name=name, version=version))
    write(folder, "schemas/job.json", '{"type": "object"}')
    return folder


def catalog(**folders):
    return Catalog(
        installed={
            name: Installed(name=name, package=f"connectors.{name}", folder=folder)
            for name, folder in folders.items()
        }
    )


@pytest.fixture
def workspace(tmp_path):
    write(tmp_path, "workspace/flows/erp.yaml", CONNECTION.format(name="acme"))
    return tmp_path / "workspace"


def test_one_that_a_connection_uses_is_read_under_its_name_in_the_workspace(tmp_path, workspace):
    session = load(workspace, catalog(acme=connector(tmp_path / "site" / "acme")))
    assert session.report().problems == ()
    assert list(session.ready.connectors) == ["acme"]
    assert [source.name for source in session.workspace.sources] == [
        "flows/erp.yaml",
        "connectors/acme/connector.yaml",
    ]
    assert session.ready.files == ("connectors/acme/schemas/job.json",)


def test_one_that_nobody_uses_is_not_opened(tmp_path, workspace):
    broken = tmp_path / "site" / "other"
    write(broken, "connector.yaml", "connector: [")
    session = load(workspace, catalog(acme=connector(tmp_path / "site" / "acme"), other=broken))
    assert session.report().problems == ()


def test_a_mistyped_name_is_told_of_those_that_are_installed(tmp_path, workspace):
    write(workspace, "flows/erp.yaml", CONNECTION.format(name="acne"))
    (problem,) = load(workspace, catalog(acme=connector(tmp_path / "acme"))).report().problems
    assert problem.code == "TG318"
    assert problem.help == ("did you mean `acme`?",)


def test_the_folder_of_the_workspace_wins(tmp_path, workspace):
    connector(workspace / "connectors" / "acme", version="own")
    session = load(workspace, catalog(acme=connector(tmp_path / "acme", version="installed")))
    assert str(session.workspace.of(ConnectorSpec)["acme"].api.version) == "own"


def test_the_release_is_that_of_a_workspace_with_its_own_copy(tmp_path, workspace):
    mounted = load(workspace, catalog(acme=connector(tmp_path / "acme"))).ready.plan.release
    connector(workspace / "connectors" / "acme")
    assert load(workspace, catalog()).ready.plan.release == mounted


def test_mistakes_in_it_are_told_at_their_place(tmp_path, workspace):
    folder = connector(tmp_path / "acme")
    write(
        folder,
        "connector.yaml",
        (folder / "connector.yaml").read_text("utf-8").replace("does: write", "does: wrote"),
    )
    (problem,) = load(workspace, catalog(acme=folder)).report().problems
    assert (problem.code, problem.span.source.name) == ("TG209", "connectors/acme/connector.yaml")


@pytest.mark.parametrize(
    "name", ["../secret.json", "schemas/../../secret.json", "schemas/out.json", "/etc/passwd"]
)
def test_nothing_leads_out_of_a_mount(tmp_path, name):
    write(tmp_path, "secret.json", "{}")
    folder = connector(tmp_path / "acme")
    (folder / "schemas" / "out.json").symlink_to(tmp_path / "secret.json")
    (tmp_path / "root").mkdir()
    files = Files.of(tmp_path / "root", {"connectors/acme": folder})
    (manifest,) = files.mounted(["connectors/acme", "connectors/none"], Collector())
    assert files.read_bytes("schemas/job.json", beside=manifest) == b'{"type": "object"}'
    with pytest.raises(FileUnreadable):
        files.read_bytes(name, beside=manifest)


def test_nothing_of_the_root_is_taken_for_a_mount(tmp_path):
    folder = connector(tmp_path / "acme")
    write(tmp_path, "root/connectors/acme_two/notes.txt", "mine")
    files = Files.of(tmp_path / "root", {"connectors/acme": folder})
    assert files.read_bytes("connectors/acme_two/notes.txt") == b"mine"
    assert files.read_bytes("connectors/other/../acme/schemas/job.json") == b'{"type": "object"}'


def test_without_mounts_nothing_is_different(tmp_path, workspace):
    found, collector = load_workspace(workspace, KINDS)
    assert collector.problems == ()
    assert len(found.documents) == 1
    assert len(load_workspace(workspace, ALL_KINDS)[0].documents) == 1
