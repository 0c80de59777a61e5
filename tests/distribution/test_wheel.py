"""The wheel as a user gets it: what is in it, and that it works away from the checkout."""

import os
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from engine.cli.main import COMMANDS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
CONNECTIONS = "connectors/connections.yaml"
PACK = ("flows", "mappings", "policies", "schemas", CONNECTIONS)
CODE = ("connectors", "engine")


def tracked(*folders):
    """Files of the checkout that are, or would be, in the repository."""
    listed = ("git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *folders)
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return sorted(name for name in names if (ROOT / name).is_file())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    build = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def names(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_all_code_is_in_it_with_what_lies_beside_it(names):
    assert [name for name in tracked(*CODE) if name not in names and name != CONNECTIONS] == []


def test_the_pack_is_in_it_as_data(names):
    assert [name for name in tracked(*PACK) if f"engine/pack/{name}" not in names] == []


def test_nothing_else_is_in_it(names):
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == set(CODE)
    assert [name for name in names if name.endswith((".pyc", ".sqlite")) or "__pycache__" in name] == []


def test_connectors_are_announced(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (found,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        text = archive.read(found).decode()
    folders = {Path(name).parts[1] for name in tracked("connectors") if name.endswith("/connector.yaml")}
    announced = set(re.findall(r"^(\w+) = connectors\.\1$", text, flags=re.MULTILINE))
    assert folders <= announced
    assert "tidegate = engine.cli.main:main" in text


def test_the_lock_holds_what_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [
        *project["dependencies"],
        *(one for extra in project["optional-dependencies"].values() for one in extra),
    ]
    lock = (ROOT / ".ci" / "requirements.lock").read_text(encoding="utf-8")
    locked = set(re.findall(r"^([a-z0-9-]+)==", lock, flags=re.MULTILINE))
    assert {re.match(r"[a-z0-9-]+", one)[0] for one in asked} <= locked
    assert "http" not in re.sub(r"^http[a-z]*==", "", lock, flags=re.MULTILINE)
    unhashed = [block for block in re.split(r"\n(?=[a-z])", lock) if "--hash=sha256:" not in block]
    assert unhashed == []


class Installed:
    """The wheel in an environment of its own, used from a folder that is not the checkout."""

    def __init__(self, environment, folder):
        self.bin = environment / "bin"
        self.folder = folder

    def run(self, *command):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        return subprocess.run(
            (self.bin / command[0], *command[1:]),
            cwd=self.folder,
            env=clean | {"NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

    def has(self, command):
        """Whether a command is there yet; what the table names and no module answers is not."""
        module = COMMANDS[command][0]
        return self.run("python", "-c", f"import {module}").returncode == 0


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Installed with the versions of the lock, which also shows that the declared libraries are enough."""
    folder = tmp_path_factory.mktemp("away")
    environment = folder / "environment"
    venv.create(environment, with_pip=False)
    lock = (ROOT / ".ci" / "requirements.lock").read_text(encoding="utf-8")
    pins = folder / "constraints.txt"
    pins.write_text(re.sub(r" \\\n +--hash=\S+", "", lock), encoding="utf-8")
    pip = (sys.executable, "-m", "pip", "--python", environment / "bin" / "python", "install", "--quiet")
    subprocess.run((*pip, "-c", pins, wheel), check=True, capture_output=True)
    return Installed(environment, folder)


def test_help_is_there_and_quick(installed):
    done = installed.run("tidegate", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"  {command} " in done.stdout for command in COMMANDS)
    slow = (
        "import sys, engine.cli.main; print(sorted({'httpx', 'sqlalchemy', 'networkx'} & set(sys.modules)))"
    )
    assert installed.run("python", "-c", slow).stdout == "[]\n"


def test_every_module_can_be_imported(installed):
    """No library is missing that is needed outside the extras."""
    extras = (
        "postgres",
        "hand_out",  # this and the next four are of the extra `postgres`
        "ledger/at_work",
        "ledger/requests",
        "runtime/machine",
        "shared_daemon",
        "sftp",
        "stream",
        "triggers/brokers/",
        "telemetry",
        "editor/",
        "cli/lsp",
        "tryton/seed",
        "__main__",
        "env.py",
        "/versions/",
    )
    files = [
        name for name in tracked(*CODE) if name.endswith(".py") and not any(one in name for one in extras)
    ]
    modules = [name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in files]
    code = f"import importlib\nfor name in {modules!r}: importlib.import_module(name)"
    done = installed.run("python", "-W", "error", "-c", code)
    assert (done.returncode, done.stderr) == (0, "")


def test_connectors_are_found(installed):
    code = "from engine.connect.catalog import Catalog; print(*Catalog.found().installed)"
    found = installed.run("python", "-c", code).stdout.split()
    assert set(found) == {Path(name).parts[1] for name in tracked("connectors") if name.count("/") > 1}


def test_its_pack_is_valid(installed):
    code = "from engine.session import pack_folder; print(pack_folder())"
    pack = installed.run("python", "-c", code).stdout.strip()
    assert pack.startswith(str(installed.folder))
    done = installed.run("tidegate", "validate", pack)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_schemas_are_printed(installed):
    done = installed.run("tidegate", "schema", "show", "flow")
    assert done.returncode == 0, done.stderr
    assert '"$schema"' in done.stdout


def test_the_demo_plays(installed):
    if not installed.has("demo"):
        assert installed.run("tidegate", "demo").returncode != 0
        return
    done = installed.run("tidegate", "demo")
    assert done.returncode == 0, done.stdout + done.stderr
