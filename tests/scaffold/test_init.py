"""A new workspace is in order from its first minute, and never at the cost of files that were there."""

import json

import pytest
import yaml
from click.testing import CliRunner

from engine.cli.main import tidegate
from engine.errors import InputError
from engine.scaffold import TEMPLATES, create
from engine.session import load, pack_folder


def run(*arguments):
    return CliRunner().invoke(tidegate, [str(one) for one in arguments])


@pytest.mark.slow
@pytest.mark.parametrize("template", TEMPLATES)
def test_a_new_workspace_validates_and_its_tests_pass(template, tmp_path):
    folder = tmp_path / "firm"
    made = run("init", folder, "--template", template)
    assert made.exit_code == 0, made.output
    assert f"cd {folder}" in made.output
    assert load(folder).report().problems == ()
    tested = run("test", "-w", folder)
    assert tested.exit_code == 0, tested.output
    assert "all passed" in tested.output
    drawn = run("graph", "-w", folder)
    assert "deal.won" in drawn.output


@pytest.mark.slow
@pytest.mark.parametrize("template", TEMPLATES)
def test_settings_of_editor_and_ci_can_be_read(template, tmp_path):
    run("init", tmp_path / "firm", "--template", template)
    settings = json.loads((tmp_path / "firm" / ".vscode" / "settings.json").read_text())
    (schema,) = settings["yaml.schemas"]
    assert (tmp_path / "firm" / schema).is_file()
    workflow = yaml.safe_load((tmp_path / "firm" / ".github" / "workflows" / "tidegate.yaml").read_text())
    commands = [step["run"] for step in workflow["jobs"]["check"]["steps"] if "run" in step]
    for command in commands[1:]:
        name, *arguments = command.split()
        assert name == "tidegate"
        done = run(*arguments, "-w", tmp_path / "firm")
        assert done.exit_code == 0, done.output


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "README.md").write_text("mine")
    made = run("init", tmp_path)
    assert made.exit_code == 1
    assert isinstance(made.exception, InputError)
    assert "README.md" in str(made.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
    assert (tmp_path / "README.md").read_text() == "mine"


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        create(tmp_path / "file", TEMPLATES["minimal"], pack_folder(), {})


def test_an_unknown_template_is_told(tmp_path):
    made = run("init", tmp_path / "x", "--template", "minimum")
    assert "did you mean `minimal`?" in str(made.exception)
    assert not (tmp_path / "x").exists()
    listed = run("init", "--list")
    assert [line.split()[0] for line in listed.output.splitlines()] == list(TEMPLATES)
