"""What `docs/deploy` has is sound, and fits what `tidegate` takes."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from engine.cli.run import command as run_command
from tests.docs.reading import DOCS, ROOT

UNIT = (DOCS / "deploy" / "tidegate.service").read_text()
CONTAINER = (DOCS / "deploy" / "Containerfile").read_text().replace("\\\n", " ")
PROGRAM = "/opt/tidegate/bin/tidegate"


def setting(name):
    """The last value of a setting of the unit."""
    return re.findall(rf"^{name}=(.*)$", UNIT, flags=re.MULTILINE)[-1]


def instruction(name):
    """What the last instruction of this name in the container file says."""
    return re.findall(rf"^{name} (.*)$", CONTAINER, flags=re.MULTILINE)[-1]


def taken(arguments, tmp_path):
    """What `tidegate run` makes of arguments, whose workspace is put where there is one."""
    there = [str(tmp_path) if "workspace" in one and "/" in one else one for one in arguments]
    return run_command.make_context("run", there).params


@pytest.fixture
def unit(tmp_path):
    """The unit, with a program that is there."""
    path = tmp_path / "tidegate.service"
    path.write_text(UNIT.replace(PROGRAM, sys.executable))
    return path


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
class TestSystemd:
    def test_the_unit_is_one(self, unit):
        ended = subprocess.run(
            ("systemd-analyze", "verify", unit), capture_output=True, text=True, check=False
        )
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")

    def test_a_wrong_unit_would_be_told(self, unit):
        unit.write_text(unit.read_text().replace("ProtectSystem=strict", "ProtectSystem=a bit"))
        ended = subprocess.run(
            ("systemd-analyze", "verify", unit), capture_output=True, text=True, check=False
        )
        assert "protect system" in ended.stderr.lower()

    def test_it_leaves_little_open(self, unit):
        command = ("systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20", unit)
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout[-300:]


def test_the_unit_starts_and_reloads_the_daemon(tmp_path):
    program, command, *arguments = shlex.split(setting("ExecStart"))
    assert (program, command) == (PROGRAM, "run")
    assert taken(arguments, tmp_path)["port"] == 8700
    assert (setting("Type"), setting("ExecReload")) == ("notify", "/bin/kill -HUP $MAINPID")
    assert setting("User") not in {"", "root"}
    assert "TIDEGATE_LEDGER=/var/lib/" + setting("StateDirectory") in UNIT


def test_the_container_is_nobody_and_starts_the_daemon(tmp_path):
    assert instruction("USER") == "10001:10001"
    assert json.loads(instruction("ENTRYPOINT")) == ["tidegate"]
    command, *arguments = json.loads(instruction("CMD"))
    given = taken(arguments, tmp_path)
    assert (command, given["host"], str(given["port"])) == ("run", "0.0.0.0", instruction("EXPOSE"))  # noqa: S104
    assert instruction("STOPSIGNAL") == "SIGTERM"


def test_the_container_has_what_the_wheel_is_made_of():
    copied = {
        name
        for line in re.findall(r"^COPY (?!--)(.*) \S+$", CONTAINER, flags=re.MULTILINE)
        for name in line.split()
    }
    listed = re.search(r"only-include = (\[.*\])", (ROOT / "pyproject.toml").read_text())
    assert copied == {"pyproject.toml", "README.md", "LICENSE", *json.loads(listed[1])}
    assert all((ROOT / name).exists() for name in copied)


@pytest.mark.parametrize("status", [200, 503])
def test_its_health_is_asked_for(status):
    asked = []

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            """Nothing is printed."""

    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        _, *command = json.loads(
            re.search(r"^HEALTHCHECK .* CMD (\[.*\])$", CONTAINER, flags=re.MULTILINE)[1]
        )
        code = command[1].replace(":8700/", f":{server.server_port}/")
        ended = subprocess.run((sys.executable, "-c", code), capture_output=True, check=False)
        server.shutdown()
    assert (ended.returncode == 0, asked) == (status == 200, ["/healthz"])
