"""`test`, `map`, `eval`, `schema`, and the front door: what they print, and how they refuse."""

import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from engine.cli.main import COMMANDS
from tests.workspaces.systems import approval, entry

pytestmark = pytest.mark.slow  # processes, as a person starts them

ROOT = Path(__file__).parents[2]


class TestTheFrontDoor:
    def test_help_lists_every_command(self, tidegate):
        ended = tidegate("--help")
        assert ended.code == 0
        assert all(name in ended.out for name in COMMANDS)

    @pytest.mark.parametrize("name", COMMANDS)
    def test_every_command_explains_itself(self, tidegate, name):
        ended = tidegate(name, "--help")
        assert ended.code == 0
        assert len(ended.out.splitlines()) > 5

    def test_a_command_that_there_is_not(self, tidegate):
        ended = tidegate("vaildate")
        assert ended.code == 2
        assert "did you mean `validate`" in ended.err

    def test_wrong_use_ends_with_2(self, tidegate):
        for arguments in (
            ["process"],
            ["trace"],
            ["run", "--port", "99999"],
            ["map"],
            ["test", "--format", "x"],
        ):
            assert tidegate(*arguments).code == 2

    def test_help_comes_quickly_since_nothing_is_imported_for_it(self):
        code = (
            "import sys; from engine.cli.main import main; sys.argv = ['tidegate', '--help']\n"
            "try: main()\nexcept SystemExit: pass\n"
            "heavy = {'sqlalchemy', 'httpx', 'rich', 'jinja2', 'starlette', 'networkx'} & set(sys.modules)\n"
            "sys.exit(', '.join(heavy) or 0)"
        )
        done = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")

    def test_a_folder_that_is_no_workspace(self, tidegate, tmp_path):
        for arguments in (["test"], ["map", "m", "--input", __file__], ["validate"]):
            ended = tidegate(*arguments, "-w", tmp_path)
            assert ended.code == 1
            assert "is no workspace" in ended.err
        assert tidegate("test", "-w", tmp_path / "missing").code == 2
        assert tidegate("test", "-w", __file__).code == 2

    def test_a_workspace_with_problems_shows_them(self, tidegate, folder):
        (folder / "flows" / "billing.yaml").write_text(
            "flow: x\ntrigger: {event: nothing.like.it}\nsteps: {}\n"
        )
        ended = tidegate("test", "-w", folder)
        assert ended.code == 1
        assert re.search(r"TG\d{3} error: ", ended.err)


class TestTest:
    def test_all_pass(self, tidegate, folder):
        ended = tidegate("test", "-w", folder)
        assert ended.code == 0
        assert ended.out.endswith("4 tests: all passed.\n")

    def test_one_fails(self, tidegate, folder):
        tests = folder / "flows" / "billing.test.yaml"
        tests.write_text(tests.read_text().replace("cycle: 2026-W23", "cycle: 2026-W24", 1))
        ended = tidegate("test", "-w", folder, "-k", "cutoff")
        assert ended.code == 1
        assert "eligible" in ended.out or "cycle" in ended.out
        assert ended.out.endswith("1 test: 0 passed, 1 failed.\n")
        assert tidegate("test", "-w", folder, "--format", "json").json["failed"] == 1

    def test_chosen_by_path_and_flow(self, tidegate, folder):
        assert tidegate("test", "-w", folder, folder / "flows").code == 0
        assert tidegate("test", "-w", folder, "approved-time-to-billing", "-k", "closed").out.endswith(
            "1 test: all passed.\n"
        )
        ended = tidegate("test", "-w", folder, "aproved-time-to-billing")
        assert ended.code == 2
        assert "fits no test" in ended.err

    def test_junit(self, tidegate, folder):
        ended = tidegate("test", "-w", folder, "--format", "junit")
        assert ET.fromstring(ended.out).find("testsuite").get("tests") == "4"  # noqa: S314 - our own

    def test_none(self, tidegate, folder):
        (folder / "flows" / "billing.test.yaml").unlink()
        assert tidegate("test", "-w", folder) == (
            5,
            "no tests.\n",
            "tidegate: there is no test to run\n",
        )


class TestMap:
    @pytest.fixture
    def given(self, tmp_path):
        def write(value):
            path = tmp_path / "input.json"
            path.write_text(value if isinstance(value, str) else json.dumps(value))
            return path

        return write

    def test_a_record_through_a_mapping(self, tidegate, folder, given):
        ended = tidegate("map", "native-to-entry", "-w", folder, "--input", given(approval()))
        assert ended.code == 0
        assert ended.json["hours"] == 7.5
        assert ended.json["worked_on"] == "2026-05-28"

    def test_what_a_run_would_refuse_is_noted(self, tidegate, folder, given):
        fine = tidegate("map", "native-to-entry", "-w", folder, "--input", given(approval()))
        assert fine.err == ""
        ended = tidegate("map", "native-to-entry", "-w", folder, "--input", given(approval(person=7)))
        assert (ended.code, ended.json["worker"]) == (0, 7)
        assert ended.err == "note: `record` does not fit: person: expected text, found whole number '7'\n"

    def test_several_inputs_go_by_name(self, tidegate, folder, given):
        data = {
            "entry": entry(),
            "project": {"id": "P-7", "status": "open", "rate": 100},
            "eligible": {"cycle": None},
        }
        ended = tidegate("map", "entry-to-bill", "-w", folder, "--input", given(data))
        assert (ended.json["amount"], ended.json["worker"]) == (750, "?worker:w-3@erp")

    @pytest.mark.parametrize(
        "value, why",
        [
            ("{", "is not JSON"),
            ([], "the input"),
            ({"entry": {}}, "lacks project, eligible"),
            ("NaN", "is not JSON"),
        ],
    )
    def test_an_input_that_will_not_do(self, tidegate, folder, given, value, why):
        ended = tidegate("map", "entry-to-bill", "-w", folder, "--input", given(value))
        assert ended.code == 1
        assert why in ended.err

    @pytest.mark.parametrize(
        "value", [{}, [], 1, None, "x", {"minutes": "many", "day": "2026-13-01"}, approval(day="2026-02-30")]
    )
    def test_a_record_of_another_kind_is_refused_in_a_sentence(self, tidegate, folder, given, value):
        ended = tidegate("map", "native-to-entry", "-w", folder, "--input", given(json.dumps(value)))
        assert (ended.code, ended.out) == (1, "")
        assert ended.err.startswith("tidegate: ")

    def test_a_mapping_that_there_is_not(self, tidegate, folder, given):
        ended = tidegate("map", "native-to-entri", "-w", folder, "--input", given({}))
        assert ended.code == 1
        assert "did you mean `native-to-entry`?" in ended.err

    def test_a_file_that_there_is_not(self, tidegate, folder, tmp_path):
        assert tidegate("map", "m", "-w", folder, "--input", tmp_path / "no.json").code == 2
        assert tidegate("map", "m", "-w", folder, "--input", tmp_path).code == 2


class TestEval:
    @pytest.fixture
    def data(self, tmp_path):
        path = tmp_path / "data.json"
        path.write_text('{"a": 1.10, "b": [1, 2], "name": "x"}')
        return path

    @pytest.mark.parametrize(
        "option, text, value",
        [("--expr", "a * 2", "2.20"), ("--path", "b[1]", "2"), ("--template", "{{ name }}!", '"x!"')],
    )
    def test_each_language(self, tidegate, data, folder, option, text, value):
        assert tidegate("eval", option, text, "--input", data, "-w", folder) == (0, f"{value}\n", "")

    def test_that_calendars_are_missing_is_said(self, tidegate, folder):
        given = ("eval", "-w", folder, "--expr", "1 + 1")
        assert tidegate(*given) == (0, "2\n", "")
        (folder / "flows" / "broken.yaml").write_text("flow: x\nsteps: {}\n")
        ended = tidegate(*given)
        assert (ended.code, ended.out) == (0, "2\n")
        assert "the workspace has problems, so its calendars are not known here" in ended.err

    def test_calendars_of_the_workspace_are_there(self, tidegate, data, folder):
        ended = tidegate(
            "eval", "--expr", "cycle('billing', date('2026-05-28')).name", "--input", data, "-w", folder
        )
        assert ended.out == '"2026-W22"\n'

    @pytest.mark.parametrize("text", ["a +", "nobody", "a / 0", "__import__('os')", "a.__class__"])
    def test_what_is_wrong_is_said_with_its_place(self, tidegate, data, folder, text):
        ended = tidegate("eval", "--expr", text, "--input", data, "-w", folder)
        assert (ended.code, ended.out) == (1, "")
        assert ended.err

    def test_one_language_at_a_time(self, tidegate, data):
        assert tidegate("eval", "--expr", "a", "--path", "b", "--input", data).code == 2
        assert tidegate("eval", "--input", data).code == 2

    def test_cases_are_answered_line_by_line(self, tidegate, tmp_path, folder):
        cases = tmp_path / "cases.jsonl"
        cases.write_text(
            '{"expr": "1 + 1"}\n\n{"path": "a", "input": {"a": 5}}\n{"expr": "1 +"}\nno\n{"expr": 1}\n'
        )
        ended = tidegate("eval", "--cases", cases, "-w", folder)
        answers = [json.loads(line) for line in ended.out.splitlines()]
        assert ended.code == 1
        assert [answer.get("value") for answer in answers] == [2, 5, None, None, None]
        assert f"{cases}:5" in answers[3]["problem"]["message"]


class TestSchema:
    def test_kinds_are_listed_and_shown(self, tidegate):
        assert "flow" in tidegate("schema", "list").out
        assert tidegate("schema", "show", "test").json["title"]

    def test_all_are_written(self, tidegate, tmp_path):
        ended = tidegate("schema", "export", tmp_path / "out")
        assert ended.code == 0
        assert json.loads((tmp_path / "out" / "flow.schema.json").read_text())["title"]
        assert json.loads((tmp_path / "out" / "tidegate.schema.json").read_text())["if"]

    def test_an_entity_is_published_with_what_its_fields_mean(self, tidegate, tmp_path):
        assert tidegate("schema", "export", tmp_path / "out", "--entities", "-w", ROOT).code == 0
        names = {path.name for path in (tmp_path / "out").iterdir()}
        assert "contract.v1.schema.json" in names, names
        for name in names:
            schema = json.loads((tmp_path / "out" / name).read_text())
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["description"]

    def test_an_entity_is_found_by_its_name_alone(self, tidegate):
        by_name = tidegate("schema", "show", "contract", "-w", ROOT)
        assert by_name.out == tidegate("schema", "show", "canonical/contract@1", "-w", ROOT).out != ""

    def test_what_connections_offer(self, tidegate):
        listed = tidegate("schema", "connections", "erp", "-w", ROOT).out.splitlines()
        assert ["write", "erp.save_customer", "netsuite/customer_input@2025.1"] in [
            one.split() for one in listed
        ]
        assert {one.split()[1].split(".")[0] for one in listed} == {"erp"}
        every = [one.split() for one in tidegate("schema", "connections", "-w", ROOT).out.splitlines()]
        assert "source" in {one[0] for one in every}
        for record in sorted({one[2] for one in every if len(one) > 2})[::12]:
            assert tidegate("schema", "show", record, "-w", ROOT).json, record
        assert "did you mean `erp`?" in tidegate("schema", "connections", "epr", "-w", ROOT).err

    def test_a_kind_that_there_is_not(self, tidegate):
        assert "did you mean `flow`?" in tidegate("schema", "show", "flwo").err
        assert "did you mean" in tidegate("schema", "show", "canonical/contrat@1", "-w", ROOT).err

    def test_a_place_that_is_none(self, tidegate, tmp_path):
        (tmp_path / "file").write_text("")
        assert tidegate("schema", "export", tmp_path / "file").code == 2
        ended = tidegate("schema", "export", tmp_path / "file" / "below")
        assert ended.code == 1
        assert "not a directory" in ended.err.lower()


class TestGraph:
    def test_a_flow_in_each_form(self, tidegate, tmp_path, monkeypatch):
        monkeypatch.setenv("COLUMNS", "120")  # what is too wide for a terminal is listed
        flow = "milestone-to-invoice"
        assert "▼" in tidegate("graph", flow, "-w", ROOT).out
        assert tidegate("graph", flow, "-w", ROOT, "--format", "mermaid").out.startswith("flowchart TD")
        assert tidegate("graph", flow, "-w", ROOT, "--format", "json").json["title"] == flow
        assert "is drawn in" in tidegate("graph", flow, "-w", ROOT, "-o", tmp_path / "a.svg").out
        assert (tmp_path / "a.svg").read_text().startswith("<svg")

    def test_no_document_is_overwritten_by_a_drawing(self, tidegate, tmp_path):
        document = tmp_path / "flow.yaml"
        document.write_text("flow: f")
        ended = tidegate("graph", "milestone-to-invoice", "-w", ROOT, "--format", "svg", "-o", document)
        assert (ended.code, document.read_text()) == (1, "flow: f")
        assert "name of a document" in ended.err

    def test_a_picture_of_another_kind_is_refused(self, tidegate, tmp_path):
        picture = tidegate("graph", "milestone-to-invoice", "-w", ROOT, "-o", tmp_path / "a.png")
        assert picture.code != 0
        assert "write .svg" in picture.err
        assert not (tmp_path / "a.png").exists()

    def test_a_flow_that_there_is_not(self, tidegate):
        ended = tidegate("graph", "milestone-to-invoce", "-w", ROOT)
        assert ended.code == 1
        assert "did you mean `milestone-to-invoice`?" in ended.err


class TestExplain:
    def test_a_code(self, tidegate):
        assert "TG101" in tidegate("explain", "tg101").out

    def test_no_code(self, tidegate):
        assert tidegate("explain", "TG999999").code == 1


class TestOwners:
    @pytest.mark.requirement("OWN-01", "OWN-02", "OWN-03", "OWN-17")
    def test_the_matrix_of_the_pack_is_complete(self, tidegate):
        rows = json.loads(tidegate("owners", "--workspace", str(ROOT), "--format", "json").out)
        assert [row["field"] for row in rows if row["owner"] is None] == []
        entities = {row["entity"] for row in rows}
        assert entities >= {"client", "contract", "project", "billed_time", "time_entry", "revenue_event"}
        assert entities >= {"assignment", "expense", "invoice", "worker", "rate", "cost_center"}
        (worked,) = (row for row in rows if (row["entity"], row["field"]) == ("time_entry", "worked_on"))
        assert worked["owner"] == "psa"
        assert worked["updated_by"] == [
            "approved-time-to-billing.corrected",  # says again what the PSA said
            "approved-time-to-billing.corrected_late",
            "psa.time_entry_approved",
            "time-made-unbillable.corrected",
        ]
        assert worked["checks"] == ["billing-cutoff", "time-in-contract"]

    def test_an_entity_in_each_form(self, tidegate):
        text = tidegate("owners", "client", "--workspace", str(ROOT)).out
        assert re.search(r"^  credit_hold +erp$", text, flags=re.MULTILINE)
        table = tidegate("owners", "client", "--workspace", str(ROOT), "--format", "csv").out
        assert table.splitlines()[0] == "entity,field,owner,copy_of,updated_by,written_to,checks"
        assert "client,credit_hold,erp,,,," in table.splitlines()
        page = tidegate("owners", "client", "--workspace", str(ROOT), "--format", "markdown").out
        assert "| client | credit_hold | erp |  |  |  |  |" in page.splitlines()

    def test_an_entity_that_there_is_not(self, tidegate):
        ended = tidegate("owners", "clint", "--workspace", str(ROOT))
        assert ended.code == 1
        assert "did you mean `client`" in ended.err
