"""`tidegate` in this process, through its own front door: exit code, output, errors."""

import json
import subprocess
import sys
from typing import NamedTuple

import pytest

from engine.cli.main import main
from tests.workspaces.systems import Erp, Rev, hours


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def tidegate(monkeypatch, capsys):
    """Runs `tidegate ARGUMENTS` in this process."""

    def run(*arguments, stdin=None):
        monkeypatch.setattr(sys, "argv", ["tidegate", *map(str, arguments)])
        if stdin is not None:
            path = stdin
            monkeypatch.setattr(sys, "stdin", path.open())
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
        found = capsys.readouterr()
        assert "Traceback" not in found.err
        assert "a fault of Tidegate itself" not in found.err
        return Ended(code, found.out, found.err)

    return run


@pytest.fixture
def start():
    """Starts `tidegate ARGUMENTS` as a process of its own, which is ended when the test is."""
    begun = []

    def run(*arguments):
        command = (sys.executable, "-m", "engine", *map(str, arguments))
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        begun.append(process)
        return process

    yield run
    for process in begun:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def folder(tmp_path):
    """The workspace `hours`."""
    return hours(tmp_path)


@pytest.fixture
def ledger(tmp_path):
    return str(tmp_path / "ledger.sqlite")


@pytest.fixture
def systems():
    """The ERP and the revenue engine, and the options that name them."""
    with Erp() as erp, Rev() as rev:
        erp.projects["P-7"] = {"id": "P-7", "status": "open", "rate": 100}
        erp.projects["P-9"] = {
            "id": "P-9",
            "status": "open",
            "rate": 100,
            "needs_amendment": True,
            "amended_on": None,
        }
        yield erp, rev, ["--simulator", f"erp={erp.base_url}", "--simulator", f"rev={rev.base_url}"]


@pytest.fixture
def here(ledger, systems):
    return ["--ledger", ledger, "--env", "demo"], [*systems[2], "--simulator", "desk=http://127.0.0.1:1"]


@pytest.fixture
def planned(tidegate, folder, here, tmp_path):
    """Makes a plan of the folder as it is now; the file."""
    made = []

    def make(*more, code=0):
        file = tmp_path / f"plan{len(made)}.json"
        made.append(file)
        ended = tidegate("plan", "-w", folder, *here[0], "--out", file, *more)
        assert ended.code == code, ended.err + ended.out
        return file, ended.out

    return make
