"""Which files are documents, which are read, and what never is."""

import pytest

from engine.source import Source
from engine.workspace import KINDS, Files, FileUnreadable, WorkspaceError, find_root, load_workspace
from engine.workspace.kinds import EntityDocument, FlowDocument

FLOW = "flow: {name}\ntrigger: {{event: a}}\nsteps: {{}}\n"


def write(root, name, text=""):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def flow(root, name, flow_name):
    return write(root, name, FLOW.format(name=flow_name))


def names(root):
    workspace, collector = load_workspace(root, KINDS)
    assert collector.problems == ()
    return list(workspace.of(FlowDocument))


def test_documents_are_found_by_folder_and_ending_in_the_order_of_paths(tmp_path):
    for name, flow_name in {
        "flows/b.yaml": "b",
        "flows/a.yml": "a",
        "flows/deeper/c.yaml": "c",
        "schemas/canonical/d.yaml": "d",
        "connectors/erp/e.yaml": "e",
        "mappings/f.yaml": "f",
        "policies/g.yaml": "g",
    }.items():
        flow(tmp_path, name, flow_name)
    assert names(tmp_path) == ["e", "a", "b", "c", "f", "g", "d"]


@pytest.mark.parametrize(
    "name",
    [
        "elsewhere/x.yaml",
        "flows/x.json",
        "flows/.x.yaml",
        "flows/.git/x.yaml",
        "flows/fixtures/x.yaml",
        "connectors/erp/contract/recordings/x.yaml",
        "schemas/tidegate/x.yaml",
    ],
)
def test_these_are_no_documents(tmp_path, name):
    flow(tmp_path, "flows/a.yaml", "a")
    flow(tmp_path, name, "x")
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("name", ["x.yaml", "x.yml", "flow/x.yaml", "Flows/x.yaml", "policy/x.yml"])
def test_what_looks_like_a_document_and_is_not_read_is_told(tmp_path, name):
    flow(tmp_path, name, "x")
    (tmp_path / name).write_text("# A remark.\n---\n" + (tmp_path / name).read_text())
    workspace, collector = load_workspace(tmp_path, KINDS)
    assert list(workspace.of(FlowDocument)) == []
    assert [(one.code, one.span.source.name) for one in collector.problems] == [("TG107", name)]


@pytest.mark.parametrize("name", ["compose.yaml", "flow/x.yaml"])
@pytest.mark.parametrize("text", ["services: {}\n", "flows: x\n", "", "\n# flow: x\n", "a: {flow: x}\n"])
def test_other_files_are_left_alone(tmp_path, name, text):
    write(tmp_path, name, text)
    assert names(tmp_path) == []


def test_a_link_in_the_root_is_not_looked_into(tmp_path):
    outside = flow(tmp_path / "outside", "x.yaml", "x")
    root = tmp_path / "root"
    root.mkdir()
    (root / "x.yaml").symlink_to(outside)
    assert names(root) == []


def test_link_inside_is_followed_once_and_one_that_leads_out_is_a_problem(tmp_path):
    root = tmp_path / "root"
    flow(root, "flows/a.yaml", "a")
    outside = flow(tmp_path, "outside/flows/x.yaml", "x")
    (root / "flows" / "out.yaml").symlink_to(outside)
    (root / "flows" / "folder").symlink_to(outside.parent)
    (root / "mappings").symlink_to(outside.parent)
    (root / "flows" / "loop").symlink_to(root / "flows")
    (root / "flows" / "self.yaml").symlink_to(root / "flows" / "self.yaml")
    workspace, collector = load_workspace(root, KINDS)
    assert list(workspace.of(FlowDocument)) == ["a"]
    found = {(problem.code, problem.span.source.name) for problem in collector.problems}
    assert {name for code, name in found if code == "TG105"} >= {"flows/out.yaml", "flows/folder", "mappings"}
    assert {name for _, name in found} == {"flows/out.yaml", "flows/folder", "mappings", "flows/self.yaml"}


def test_two_documents_with_one_name(tmp_path):
    flow(tmp_path, "flows/a.yaml", "same")
    flow(tmp_path, "flows/b.yaml", "same")
    workspace, collector = load_workspace(tmp_path, KINDS)
    (problem,) = collector.problems
    assert (problem.code, problem.span.source.name) == ("TG330", "flows/b.yaml")
    assert problem.context[0].span.source.name == "flows/a.yaml"
    assert workspace.of(FlowDocument)["same"].span.source.name == "flows/a.yaml"


def test_versions_of_an_entity_stand_side_by_side(tmp_path):
    for version in (1, 3, 2):
        write(tmp_path, f"schemas/e{version}.yaml", f"entity: e\nversion: {version}\nfields: {{}}\n")
    workspace, collector = load_workspace(tmp_path, KINDS)
    assert collector.problems == ()
    assert workspace.of(EntityDocument)["e"].version == 3
    assert [one.version for one in workspace.versions(EntityDocument, "e")] == [3, 2, 1]
    assert workspace.versions(EntityDocument, "f") == ()


def test_name_of_a_document_that_cannot_be_used_is_known(tmp_path):
    write(
        tmp_path,
        "flows/a.yaml",
        "flow: shape\ntrigger: 5\n---\nflow: syntax\ntrigger: [\n---\nflow: no name: at all\n",
    )
    workspace, _ = load_workspace(tmp_path, KINDS)
    assert workspace.is_broken(FlowDocument, "shape")
    assert workspace.is_broken(FlowDocument, "syntax")
    assert not workspace.is_broken(FlowDocument, "other")
    assert workspace.documents == ()


def test_reading_goes_on_behind_a_broken_document(tmp_path):
    write(tmp_path, "flows/a.yaml", "flow: a\ntrigger: {\n---\n" + FLOW.format(name="b"))
    workspace, collector = load_workspace(tmp_path, KINDS)
    assert list(workspace.of(FlowDocument)) == ["b"]
    assert [problem.code for problem in collector.problems] == ["TG120"]


def test_empty_files_and_files_of_comments_are_nothing(tmp_path):
    write(tmp_path, "flows/a.yaml", "")
    write(tmp_path, "flows/b.yaml", "# nothing yet\n---\n")
    assert names(tmp_path) == []


def test_root_is_the_nearest_folder_that_says_so(tmp_path):
    write(tmp_path, "pyproject.toml", "[tool.tidegate]\n")
    write(tmp_path, "inner/tidegate.yaml")
    write(tmp_path, "inner/flows/deep/x.yaml")
    write(tmp_path, "other/pyproject.toml", "[tool.ruff]\n")
    assert find_root(tmp_path / "inner" / "flows" / "deep") == (tmp_path / "inner").resolve()
    assert find_root(tmp_path / "other") == tmp_path.resolve()


def test_no_root_is_said_in_a_sentence(tmp_path):
    with pytest.raises(WorkspaceError, match=r"is in no workspace: .*tidegate\.yaml"):
        find_root(tmp_path)


def test_folder_that_a_person_names_needs_only_one_of_the_usual_folders(tmp_path):
    with pytest.raises(WorkspaceError, match="is no workspace"):
        find_root(tmp_path, exactly=True)
    (tmp_path / "flows").mkdir()
    assert find_root(tmp_path, exactly=True) == tmp_path.resolve()


def test_broken_settings_are_no_root(tmp_path):
    write(tmp_path, "pyproject.toml", "[tool.tidegate\n")
    with pytest.raises(WorkspaceError):
        find_root(tmp_path)


class TestFilesThatDocumentsName:
    def test_beside_the_document(self, tmp_path):
        write(tmp_path, "schemas/rates.csv", "a,b\n")
        files = Files(root=tmp_path)
        assert files.read_text("rates.csv", beside=Source("schemas/rate.yaml", "")) == "a,b\n"
        assert files.read_bytes("schemas/rates.csv") == b"a,b\n"

    @pytest.mark.parametrize(
        "name, why",
        [
            ("../secret.csv", "outside of the workspace"),
            ("/etc/hostname", "outside of the workspace"),
            ("link.csv", "outside of the workspace"),
            ("missing.csv", "no such file"),
            ("folder", "regular file|is a directory"),
            ("a\0b", "no name of a file"),
            ("latin.csv", "not UTF-8"),
            ("large.csv", "larger than"),
        ],
    )
    def test_what_is_refused(self, tmp_path, name, why):
        root = tmp_path / "root"
        (root / "folder").mkdir(parents=True)
        secret = write(tmp_path, "secret.csv", "secret")
        (root / "link.csv").symlink_to(secret)
        (root / "latin.csv").write_bytes(b"caf\xe9")
        write(root, "large.csv", "x" * 101)
        with pytest.raises(FileUnreadable, match=why):
            Files(root=root).read_text(name, most=100)
