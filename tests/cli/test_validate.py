"""`tidegate validate` and `tidegate explain` through the front door."""

import json
import os
import pty
import re
import select
import subprocess
import sys
from xml.etree import ElementTree as ET

import jsonschema_rs
import pytest

from engine.problems.codes import CODES
from tests.problems.harness import HERE

CONTRACT = HERE.parents[1] / "schemas" / "output" / "validate.schema.json"
GOOD = "entity: customer\nowner: sales\nkey: id\nfields: {id: {type: string, required: true}}\n"
WRONG = GOOD.replace("customer", "vendor").replace("type: string", "type: sting")


@pytest.fixture
def folder(tmp_path):
    """A workspace of a good document, and a broken one."""
    for name, text in {"schemas/good.yaml": GOOD, "schemas/deep/wrong.yaml": WRONG}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (tmp_path / "tidegate.yaml").touch()
    return tmp_path


class TestWhatIsChecked:
    def test_a_folder_that_is_a_workspace(self, tidegate, folder):
        ended = tidegate("validate", folder)
        assert ended.code == 1
        assert "schemas/deep/wrong.yaml:4:" in ended.out
        assert ended.out.endswith("Found 1 error.\n")

    def test_only_the_problems_of_files_and_folders_that_are_named(self, tidegate, folder):
        good = tidegate("validate", folder / "schemas" / "good.yaml")
        assert good.code == 0
        assert good.out == "1 of 1 documents, no problems.\n1 problem in other files of the workspace.\n"
        for name in ("schemas/deep/wrong.yaml", "schemas/deep", "schemas"):
            assert tidegate("validate", folder / name).code == 1
        both = tidegate("validate", folder / "schemas" / "good.yaml", folder / "schemas" / "deep")
        assert both.code == 1

    def test_from_inside(self, tidegate, folder, monkeypatch):
        monkeypatch.chdir(folder / "schemas")
        assert tidegate("validate").code == 1
        assert tidegate("validate", "good.yaml").code == 0
        assert tidegate("validate", "deep").code == 1
        assert tidegate("validate", "..").code == 1

    def test_what_is_in_no_workspace_or_another(self, tidegate, folder, tmp_path_factory):
        elsewhere = tmp_path_factory.mktemp("elsewhere") / "x.yaml"
        elsewhere.touch()
        assert tidegate("validate", elsewhere).code == 1
        assert tidegate("validate", folder / "schemas", elsewhere).code == 2
        assert tidegate("validate", folder / "missing.yaml").code == 2

    def test_warnings_are_problems_when_strict(self, tidegate, folder):
        (folder / "schemas" / "deep" / "wrong.yaml").write_text(
            GOOD.replace("customer", "other") + "about: some text #comment\n", encoding="utf-8"
        )
        ended = tidegate("validate", folder)
        assert (ended.code, "Found 1 warning." in ended.out) == (0, True)
        assert tidegate("validate", "--strict", folder).code == 1
        assert tidegate("validate", "--strict", folder / "schemas" / "good.yaml").code == 0


class TestForms:
    def test_json_is_as_its_contract_says(self, tidegate, folder):
        found = tidegate("validate", folder, "--format", "json").json
        jsonschema_rs.validate(json.loads(CONTRACT.read_text("utf-8")), found)
        assert [(one["file"], one["line"]) for one in found["problems"]] == [("schemas/deep/wrong.yaml", 4)]

    def test_junit_has_the_files_that_were_looked_at(self, tidegate, folder):
        suites = ET.fromstring(tidegate("validate", folder, "--format", "junit").out)  # noqa: S314 - ours
        assert {case.get("name"): len(case) for case in suites.iter("testcase")} == {
            "schemas/good.yaml": 0,
            "schemas/deep/wrong.yaml": 1,
        }
        few = ET.fromstring(tidegate("validate", folder / "schemas/good.yaml", "--format", "junit").out)  # noqa: S314 - ours
        assert len(list(few.iter("testcase"))) == 1

    @pytest.mark.parametrize("form", ["github", "sarif"])
    def test_others_end_alike(self, tidegate, folder, form):
        assert tidegate("validate", folder, "--format", form).code == 1


def on_a_terminal(folder, columns, **environment):
    """What `tidegate validate` writes to a terminal of so many columns."""
    here, there = pty.openpty()
    variables = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm", **environment}
    process = subprocess.Popen(
        [sys.executable, "-m", "engine", "validate", str(folder)], stdout=there, stderr=there, env=variables
    )
    os.close(there)
    written = b""
    while select.select([here], [], [], 30)[0]:
        try:
            piece = os.read(here, 4096)
        except OSError:
            break
        if not piece:
            break
        written += piece
    process.wait(30)
    os.close(here)
    return written.decode().replace("\r\n", "\n")


class TestTerminal:
    @pytest.mark.slow
    def test_colours_only_there_and_only_when_wanted(self, tidegate, folder):
        assert "\x1b[1;31m" in on_a_terminal(folder, 80)
        assert "\x1b" not in on_a_terminal(folder, 80, NO_COLOR="1")
        assert "\x1b" not in on_a_terminal(folder, 80, TERM="dumb")
        assert "\x1b" not in tidegate("validate", folder).out

    def test_a_narrow_one_is_not_written_past_its_edge(self, folder):
        written = re.sub(r"\x1b\[[0-9;]*m", "", on_a_terminal(folder, 44))
        assert "TG209" in written
        assert max(map(len, written.splitlines())) <= 44


class TestExplain:
    def test_all_codes_by_what_they_are_about(self, tidegate):
        ended = tidegate("explain")
        assert ended.code == 0
        assert re.findall(r"^  (TG\d{3})  ", ended.out, re.MULTILINE) == sorted(CODES)
        assert "Names (TG3xx)" in ended.out
        listed = tidegate("explain", "--format", "json").json["codes"]
        assert {one["code"]: one["title"] for one in listed} == dict(CODES)

    @pytest.mark.parametrize("code", CODES)
    def test_every_code_has_a_meaning_a_reason_and_two_examples(self, tidegate, code):
        found = tidegate("explain", code, "--format", "json").json
        assert found["code"] == code
        assert all(found[part].strip() for part in ("title", "meaning", "reason", "wrong", "right"))
        assert found["wrong"] != found["right"]

    @pytest.mark.parametrize("written", ["TG204", "tg204", "204", "tg-204", "TG 204"])
    def test_however_it_is_written(self, tidegate, written):
        assert tidegate("explain", written).out.startswith("# TG204: ")

    def test_a_code_that_there_is_not(self, tidegate):
        ended = tidegate("explain", "TG2O4")
        assert ended.code == 1
        assert "did you mean" in ended.err
        assert "lists all codes" in tidegate("explain", "nonsense").err
