"""`process`, `holds`, `trace`, `ledger`, `run`, `simulate`: against simulators over HTTP."""

import json
import re
import signal
import sqlite3
import time
import urllib.error
import urllib.request
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from engine.clock import SystemClock
from engine.ledger import open_ledger, schema
from tests.workspaces.systems import approval, entry, lines, signed

pytestmark = pytest.mark.slow  # processes, as a person starts them

HIRED = ("worker.hired", {"id": "w-3", "name": "Ann"})
HOLD = "approved-time-to-billing/time.approved:te-2/eligible/amendment-on-file"


@pytest.fixture
def process(tidegate, folder, ledger, systems, tmp_path):
    """Runs `tidegate process` on events."""

    def run(*events, form="text", raw=""):
        file = tmp_path / "events.jsonl"
        file.write_text(lines(*events) + raw)
        return tidegate(
            "process", "--events", file, "-w", folder, "--ledger", ledger, "--format", form, *systems[2]
        )

    return run


class TestProcess:
    def test_events_are_run_to_rest(self, process, systems):
        process(HIRED)
        ended = process(("time.approved", entry(1)), form="json")
        assert ended.code == 0
        counted = {
            key: ended.json[key]
            for key in ("events", "accepted", "duplicates", "runs", "completed", "effects")
        }
        assert counted == {
            "events": 1,
            "accepted": 1,
            "duplicates": 0,
            "runs": 2,
            "completed": 2,
            "effects": 2,
        }
        assert [record["amount"] for record in systems[0].records] == [750]
        assert [record["bill"] for record in systems[1].records] == ["B-1"]

    @pytest.mark.requirement("REL-01")
    def test_the_same_file_again_changes_nothing(self, process, systems):
        process(HIRED)
        process(("time.approved", entry(1)))
        again = process(HIRED, ("time.approved", entry(1)), form="json")
        assert (again.code, again.json["duplicates"], again.json["effects"]) == (0, 2, 0)
        assert len(list(systems[0].records)) == 1

    def test_lines_that_are_no_events_are_named_and_the_others_worked(self, process, systems):
        ended = process(
            HIRED, raw='{\n[]\n{"type": "no.such", "data": {}}\n{"type": "worker.hired", "data": 1}\n'
        )
        assert ended.code == 1
        assert [int(number) for number in re.findall(r"events\.jsonl:(\d+)", ended.err)] == [2, 3, 4, 5]
        assert "5 events: 1 accepted" in ended.out
        assert systems[0].lines

    def test_a_run_that_fails_is_an_exit_code(self, process):
        ended = process(("time.approved", entry(1, project="nowhere")), form="json")
        assert (ended.code, ended.json["failed"]) == (1, 1)

    def test_what_failed_and_what_waits_behind_it_are_pointed_at(self, process, systems, tidegate, ledger):
        process(HIRED)
        systems[0].refusing = "no such customer"
        ended = process(("time.approved", entry(1)), ("time.approved", entry(2)))
        assert "2 runs: 1 failed\n" in ended.out
        assert "`tidegate dead` says what failed" in ended.out
        assert (
            "1 run is not over, behind another under the same order key (`tidegate keys list`)" in ended.out
        )
        [failed] = tidegate("dead", "list", "--ledger", ledger, "--format", "json").json
        for command in (["list"], ["show", failed["id"]]):
            assert (
                ": 1 waiting behind it, 0 worked since" in tidegate("dead", *command, "--ledger", ledger).out
            )

    def test_what_cannot_be_opened(self, tidegate, folder, ledger, tmp_path, systems):
        here = ["-w", folder, "--ledger", ledger]
        assert tidegate("process", "--events", tmp_path / "no.jsonl", *here).code == 2
        assert tidegate("process", "--events", tmp_path, *here).code == 2
        file = tmp_path / "e.jsonl"
        file.write_text("")
        ended = tidegate("process", "--events", file, *here)
        assert ended.code == 1
        assert "'erp' is simulated, and no simulator runs" in ended.err
        assert "`--simulator erp=URL`" in ended.err
        ended = tidegate("process", "--events", file, *here, "--env", "moon", *systems[2])
        assert ended.code == 1
        assert "is not set up in environment 'moon'" in ended.err
        assert tidegate("process", "--events", file, *here, "--simulator", "erp").code == 2

    def test_a_ledger_that_cannot_be_used(self, tidegate, folder, tmp_path, systems, process, ledger):
        file = tmp_path / "e.jsonl"
        file.write_text("")
        (tmp_path / "text.sqlite").write_text(
            "this is no database, and it is long enough to be looked at" * 20
        )
        for place in (
            tmp_path,
            tmp_path / "text.sqlite",
            tmp_path / "no" / "such" / "folder.sqlite",
            "oracle://x",
        ):
            ended = tidegate("process", "--events", file, "-w", folder, "--ledger", place, *systems[2])
            assert (ended.code, ended.out) == (1, "")
            assert ended.err.startswith("tidegate: ")
        process(HIRED)
        with open_ledger(ledger, clock=SystemClock()):
            ended = tidegate("process", "--events", file, "-w", folder, "--ledger", ledger, *systems[2])
        assert ended.code == 1
        assert "another process" in ended.err


@pytest.mark.requirement("REL-12")
class TestCompensate:
    RUN = "approved-time-to-billing/time.approved:te-1"
    CAUSED = "billed-time-to-revenue/time.billed:te-1"

    @pytest.fixture
    def compensate(self, process, tidegate, folder, ledger, systems):
        def run(run_id, *more):
            options = ("--reason", "wrong client", "--by", "ada", "-w", folder, "--ledger", ledger)
            return tidegate("compensate", run_id, *options, *systems[2], *more)

        process(HIRED)
        assert process(("time.approved", entry(1))).code == 0
        return run

    def test_a_dry_run_tells_and_does_nothing(self, compensate, systems):
        ended = compensate(self.RUN, "--dry-run")
        assert ended.out == (
            f"{self.RUN} would be taken back:\n  bill, by erp.forget\n"
            f"  not with it: {self.CAUSED}, which it caused and which is completed\n"
        )
        assert len(list(systems[0].records)) == 1

    def test_what_was_written_is_taken_back(self, compensate, systems, tidegate, ledger):
        assert compensate(self.CAUSED).code == 0
        ended = compensate(self.RUN, "--format", "json")
        assert ended.json["takes_back"] == [{"step": "bill", "by": "erp.forget"}]
        assert [list(system.records) for system in systems[:2]] == [[], []]
        assert "compensated" in tidegate("trace", self.RUN, "--ledger", ledger).out
        again = compensate(self.RUN)
        assert (again.code, "is compensated" in again.err) == (1, True)

    def test_what_cannot_be_taken_back(self, compensate):
        assert "there is no run 'x'" in compensate("x").err
        ended = compensate("hired-worker-to-erp/worker.hired:w-3", "--reason", " ")
        assert "with a reason only" in ended.err


class TestHolds:
    @pytest.fixture
    def held(self, process):
        process(HIRED)
        assert process(("time.approved", entry(2, project="P-9"))).code == 0

    @pytest.fixture
    def release(self, tidegate, folder, ledger, systems):
        def run(*more):
            return tidegate("holds", "release", HOLD, "-w", folder, "--ledger", ledger, *systems[2], *more)

        return run

    @pytest.mark.usefixtures("held")
    @pytest.mark.requirement("POL-05")
    def test_what_is_held_is_listed_with_why_and_by_whom_it_is_released(self, tidegate, ledger):
        ended = tidegate("holds", "list", "--ledger", ledger)
        assert HOLD in ended.out
        assert "Project P-9 needs an amendment, and none is signed." in ended.out
        assert (
            'event amendment.signed with data.project == "P-9" or role controller with a reason' in ended.out
        )
        assert "EUR; above 500 EUR two people agree" in ended.out
        assert ended.out.endswith("1 open hold.\n")
        (hold,) = tidegate("holds", "list", "--ledger", ledger, "--format", "json").json
        assert (hold["id"], hold["four_eyes_over"], hold["status"]) == (HOLD, "500 EUR", "open")

    @pytest.mark.usefixtures("held")
    @pytest.mark.requirement("POL-14")
    @pytest.mark.parametrize(
        "given, why",
        [
            (["--reason", "fine", "--second", "bob"], "in the role controller, and none was given"),
            (["--role", "boss", "--reason", "fine", "--second", "bob"], "in the role controller, not boss"),
            (["--role", "controller", "--second", "bob"], "with a reason only"),
            (["--role", "controller", "--reason", " ", "--second", "bob"], "with a reason only"),
            (["--role", "controller", "--reason", "fine"], "a second person above 500 EUR"),
            (["--role", "controller", "--reason", "fine", "--second", "Ann"], "Ann is the first"),
            (
                ["--role", "controller", "--reason", "fine", "--second", "tidegate"],
                "a person has to be named",
            ),
        ],
    )
    def test_a_release_that_the_policy_does_not_allow(self, tidegate, release, ledger, given, why):
        ended = release("--by", "ann", *given)
        assert ended.code == 1
        assert why in ended.err
        assert "1 open hold." in tidegate("holds", "list", "--ledger", ledger).out

    @pytest.mark.usefixtures("held")
    @pytest.mark.requirement("GOV-20")
    def test_released_by_two_people_it_is_carried_out_and_they_are_on_record(
        self, tidegate, release, ledger, systems
    ):
        people = ["--by", "ann", "--role", "controller", "--second", "bob"]
        ended = release(*people, "--reason", "signed on paper")
        assert (ended.code, ended.out) == (0, f"{HOLD} is released.\n")
        assert len(list(systems[0].records)) == 1
        told = tidegate("trace", HOLD, "--ledger", ledger, "--format", "json").json
        (hold,) = [node for node in told["nodes"] if node["kind"] == "hold"]
        assert hold["details"]["released_by"] == "ann"
        assert hold["details"]["release_reason"] == "signed on paper"
        assert [(one["who"], one["did"]) for one in hold["details"]["audit"]] == [
            ("ann", "hold released"),
            ("bob", "hold release agreed"),
        ]
        assert tidegate("holds", "list", "--ledger", ledger).out == "0 open holds.\n"
        assert (
            "released by ann: signed on paper" in tidegate("holds", "list", "--all", "--ledger", ledger).out
        )
        again = release("--by", "ann", "--role", "controller")
        assert (again.code, "it is released" in again.err) == (1, True)

    @pytest.mark.usefixtures("held")
    @pytest.mark.requirement("POL-14")
    def test_two_people_at_different_times(self, tidegate, folder, ledger, systems):
        def act(verb, *more):
            return tidegate("holds", verb, HOLD, "-w", folder, "--ledger", ledger, *systems[2], *more)

        boss = ["--role", "controller"]
        proposed = act("propose", "--by", "ann", *boss, "--reason", "signed on paper")
        assert (proposed.code, "a second person has to agree" in proposed.out) == (0, True)
        assert "its release is proposed" in tidegate("holds", "list", "--ledger", ledger).out
        again = act("agree", "--by", "ann", *boss)
        assert (again.code, "ann has proposed it" in again.err) == (1, True)
        assert act("agree", "--by", "bob", *boss).out == f"{HOLD} is released.\n"
        assert len(list(systems[0].records)) == 1
        shown = tidegate("holds", "show", HOLD, "--ledger", ledger, "--format", "json").json
        assert [(one["who"], one["did"]) for one in shown["history"]] == [
            ("tidegate", "held"),
            ("ann", "hold release proposed"),
            ("ann", "hold released"),
            ("bob", "hold release agreed"),
        ]

    @pytest.mark.usefixtures("held")
    @pytest.mark.requirement("REL-32")
    def test_refused_it_is_rejected_with_the_code(self, tidegate, folder, ledger, systems):
        here = ["--ledger", ledger]
        given = ["--by", "ann", "--role", "controller", "--code", "no-amendment", "--reason", "never"]
        ended = tidegate("holds", "refuse", HOLD, "-w", folder, *here, *systems[2], *given)
        assert (ended.code, ended.out) == (0, f"{HOLD} is refused.\n")
        assert list(systems[0].records) == []
        assert "refused by ann (no-amendment): never" in tidegate("holds", "list", "--all", *here).out
        assert tidegate("status", *here, "--format", "json").json["ledger"]["runs"]["rejected"] == 1
        assert tidegate("ledger", "verify", *here).code == 0

    @pytest.mark.usefixtures("held")
    @pytest.mark.requirement("ALT-10")
    @pytest.mark.parametrize(
        "asked, found",
        [
            ([], 1),
            (["--owner", "finance-controller"], 1),
            (["--owner", "nobody"], 0),
            (["--policy", "amendment-on-file", "--kind", "hold"], 1),
            (["--kind", "approval"], 0),
            (["--older", "1h"], 0),
            (["--over", "500 EUR"], 1),
            (["--over", "9999 EUR"], 0),
            (["--over", "1 USD"], 0),
            (["--key", "P-9"], 1),
            (["--key", "P-1"], 0),
        ],
    )
    def test_which_are_listed_is_asked_for(self, tidegate, ledger, asked, found):
        assert len(tidegate("holds", "list", "--ledger", ledger, *asked, "--format", "json").json) == found
        totals = tidegate("holds", "totals", "--ledger", ledger, *asked, "--format", "json").json
        assert [(one["owner"], one["currency"], one["holds"]) for one in totals] == (
            [("finance-controller", "EUR", 1)] if found else []
        )

    @pytest.mark.usefixtures("held")
    @pytest.mark.requirement("ALT-08")
    def test_all_that_is_known_of_one(self, tidegate, ledger):
        shown = tidegate("holds", "show", HOLD, "--ledger", ledger)
        assert "  run approved-time-to-billing/time.approved:te-2, step eligible\n" in shown.out
        assert "tidegate: held, Project P-9 needs an amendment, and none is signed." in shown.out
        assert "project.amended_on = null\n" in shown.out
        assert "finance-controller: 1 hold, 750.0 EUR" in tidegate("holds", "totals", "--ledger", ledger).out
        assert tidegate("holds", "show", "x", "--ledger", ledger).code == 1
        for wrong in (["--older", "soon"], ["--over", "much"]):
            assert tidegate("holds", "list", "--ledger", ledger, *wrong).code == 2

    @pytest.mark.usefixtures("held")
    @pytest.mark.requirement("ALT-11")
    def test_somebody_takes_care_of_an_alert(self, tidegate, folder, ledger, systems):
        here = ["--ledger", ledger]
        (alert,) = tidegate("alerts", "list", *here, "--format", "json").json
        assert (alert["to"], alert["severity"], alert["status"]) == ("finance-operations", "warning", "open")
        assert tidegate("alerts", "list", *here, "--to", "nobody").out == "0 open alerts.\n"
        listed = tidegate("alerts", "list", *here).out
        assert "warning to finance-operations" in listed
        given = ["-w", folder, *here, *systems[2], "--by", "ann", "--reason", "asked the client"]
        assert tidegate("alerts", "acknowledge", alert["id"], *given).code == 0
        assert tidegate("alerts", "list", *here).out == "0 open alerts.\n"
        assert "ann takes care of it" in tidegate("alerts", "list", *here, "--all").out

    def test_a_hold_that_there_is_not(self, process, release):
        process()
        ended = release()
        assert ended.code == 1
        assert "there is no such hold" in ended.err

    def test_without_a_ledger(self, tidegate, ledger):
        for arguments in (["holds", "list"], ["trace", "x"], ["ledger", "verify"]):
            ended = tidegate(*arguments, "--ledger", ledger)
            assert ended.code == 1
            assert "no ledger" in ended.err


class TestTrace:
    @pytest.fixture(autouse=True)
    def billed(self, process):
        process(HIRED)
        process(("time.approved", entry(1)))

    @pytest.mark.requirement("SCN-08")
    def test_from_the_revenue_entry_to_the_approved_hour(self, tidegate, ledger):
        for wanted in ("PE-1", "RE-PE-1"):
            ended = tidegate("trace", wanted, "--ledger", ledger, "--back")
            assert ended.code == 0
            assert '"approved_by":"ada"' in ended.out
            assert "flow version: 4" in ended.out
            assert '"amount":750.00' in ended.out
        assert "<== this" in ended.out

    def test_forward_from_the_hour_to_the_revenue_entry(self, tidegate, ledger):
        told = tidegate(
            "trace", "time.approved:te-1", "--ledger", ledger, "--forward", "--format", "json"
        ).json
        assert told["complete"]
        assert {"record:erp:B-1", "record:rev:PE-1"} <= {node["id"] for node in told["nodes"]}
        kinds = {
            (edge["from"].split(":")[0], edge["kind"], edge["to"].split(":")[0]) for edge in told["edges"]
        }
        assert {("event", "started", "run"), ("run", "wrote", "effect"), ("run", "emitted", "event")} <= kinds

    def test_on_a_terminal_it_is_a_tree(self, tidegate, ledger, monkeypatch):
        monkeypatch.setattr("engine.cli.trace._is_terminal", lambda: True)
        ended = tidegate("trace", "PE-1", "--ledger", ledger)
        assert "└── " in ended.out
        assert "record rev PE-1" in ended.out

    def test_nothing_bears_the_id(self, tidegate, ledger):
        ended = tidegate("trace", "nobody", "--ledger", ledger)
        assert (ended.code, ended.out) == (1, "")
        assert "nothing in the ledger bears the id 'nobody'" in ended.err

    def test_what_a_record_says_cannot_reach_the_terminal(self, process, tidegate, ledger):
        process(("worker.hired", {"id": "w-9", "name": "\x1b[2Jgone"}))
        assert "\x1b" not in tidegate("trace", "worker.hired:w-9", "--ledger", ledger).out


class TestLedger:
    def upgraded(self, tidegate, ledger):
        ended = tidegate("ledger", "upgrade", "--ledger", ledger)
        assert ended.code == 0, ended.err
        return ended.out

    @pytest.mark.parametrize("there_is", ["nothing", "an empty file"])
    def test_an_upgrade_makes_one_where_there_is_none_and_says_so(self, tidegate, ledger, there_is):
        if there_is == "an empty file":
            Path(ledger).touch(0o600)
        assert self.upgraded(tidegate, ledger) == f"{ledger} is made.\n"
        assert tidegate("ledger", "verify", "--ledger", ledger).code == 0
        assert self.upgraded(tidegate, ledger) == f"{ledger} is up to date.\n"

    def test_one_that_was_emptied_is_not_said_to_be_made(self, tidegate, ledger, process):
        process(HIRED)
        Path(ledger).write_bytes(b"")
        ended = tidegate("ledger", "upgrade", "--ledger", ledger)
        assert (ended.code, ended.out, "is an older copy, or another one" in ended.err) == (1, "", True)

    def test_an_older_schema_is_brought_forward(self, tidegate, ledger, monkeypatch):
        def said(version):
            with closing(sqlite3.connect(ledger)) as connection, connection:
                connection.execute("UPDATE alembic_version SET version_num = ?", (version,))

        self.upgraded(tidegate, ledger)
        said("0000")  # there is no older one yet, and no way from it
        monkeypatch.setattr("engine.ledger.upgrade.upgrade", lambda _: said(schema.HEAD))
        assert self.upgraded(tidegate, ledger) == f"{ledger} is brought to the schema of this release.\n"
        assert self.upgraded(tidegate, ledger) == f"{ledger} is up to date.\n"

    def test_on_a_server_as_well_and_no_password_is_shown(self, tidegate, postgres):
        url = postgres.url(postgres.database())
        shown, secret = url.replace("postgres@", ""), url.replace("postgres@", "postgres:s3cret@")
        assert self.upgraded(tidegate, secret) == f"{shown} is made, with 64 partitions.\n"
        assert self.upgraded(tidegate, secret) == f"{shown} is up to date.\n"
        ended = tidegate("status", "--ledger", url)
        assert (ended.code, "\nruns: none\n" in ended.out) == (0, True)

    def test_a_database_that_is_another_s_or_not_there_is_left_alone(self, tidegate, postgres):
        ended = tidegate("ledger", "upgrade", "--ledger", postgres.url("nowhere"))
        assert (ended.code, "make it with createdb" in ended.err) == (1, True)
        url = postgres.url(postgres.database())
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE customers (id int)")
        ended = tidegate("ledger", "upgrade", "--ledger", url)
        assert (ended.code, ended.out, "no ledger of Tidegate" in ended.err) == (1, "", True)

    def test_made_and_verified(self, tidegate, ledger, process):
        assert tidegate("ledger", "upgrade", "--ledger", ledger).code == 0
        process(HIRED)
        ended = tidegate("ledger", "verify", "--ledger", ledger, "--format", "json")
        assert (ended.code, ended.json["ok"]) == (0, True)

    @pytest.mark.requirement("OBS-24")
    def test_what_was_changed_is_told(self, tidegate, ledger, process):
        process(HIRED)
        connection = sqlite3.connect(ledger)
        connection.execute("UPDATE events SET body = replace(body, 'Ann', 'Bob')")
        connection.commit()
        connection.close()
        ended = tidegate("ledger", "verify", "--ledger", ledger)
        assert ended.code == 1
        assert "The chain is broken." in ended.out


def post(url, body, headers):
    """Status and answer of a delivery."""
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def status_of_declared(url, length):
    """What is said to a delivery that only declares its length."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname, parts.port, timeout=10)
    connection.putrequest("POST", parts.path)
    connection.putheader("Content-Length", str(length))
    connection.endheaders()
    try:
        return connection.getresponse().status
    finally:
        connection.close()


def until(condition, seconds=15.0):
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


class TestLedgerInUse:
    def test_a_backup_is_verified(self, process, tidegate, ledger, tmp_path):
        process(HIRED)
        copy = tmp_path / "copy.sqlite"
        ended = tidegate("ledger", "backup", copy, "--ledger", ledger)
        assert (ended.code, "its chain is whole" in ended.out) == (0, True)
        head = tidegate("ledger", "verify", "--ledger", ledger, "--format", "json").json["head"]
        assert head["hash"] in ended.out
        again = tidegate("ledger", "backup", copy, "--ledger", ledger)
        assert (again.code, "already" in again.err) == (1, True)

    def test_what_is_open_is_decided_again(self, process, tidegate, folder, ledger):
        process(HIRED)
        process(("time.approved", entry(2, project="P-9")))
        here = ["-w", folder, "--ledger", ledger]
        ended = tidegate("ledger", "check", *here)
        assert (ended.code, ended.out) == (0, "file: sound\nchain: sound\nopen work: sound\n")
        with sqlite3.connect(ledger) as connection:
            connection.execute("UPDATE runs SET status = 'waiting' WHERE status = 'held'")
        connection.close()
        ended = tidegate("ledger", "check", *here)
        assert ended.code == 1
        assert "it is waiting in the ledger, and held when it is decided again" in ended.out
        assert not tidegate("ledger", "check", *here, "--format", "json").json["ok"]


class TestRun:
    def test_numbers_for_a_monitoring_system(self, start, folder, ledger, systems, process):
        process(HIRED)
        desk = ["--simulator", "desk=http://127.0.0.1:1", "--metrics", "127.0.0.1:0"]
        begun = start("run", "-w", folder, "--ledger", ledger, "--port", "0", *systems[2], *desk)
        told = [begun.stdout.readline().strip() for _ in range(3)]
        body = json.dumps(approval(2, project="P-9")).encode()
        assert post(told[1], body, signed(body))[0] == 202

        def scraped():
            with urllib.request.urlopen(told[2], timeout=5) as answer:
                assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
                lines = answer.read().decode().splitlines()
            return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))

        until(lambda: scraped().get('tidegate_ledger{status="held",table="runs"}') == "1.0")
        found = scraped()
        assert found["tidegate_accepted_total"] == "1.0"
        assert found["tidegate_live"] == "0.0"
        assert float(found["tidegate_oldest_open_run_seconds"]) >= 0

    @pytest.mark.parametrize("given", ["9464", ":9464", "localhost:", "localhost:99999"])
    def test_an_address_that_is_none(self, tidegate, folder, given):
        ended = tidegate("run", "-w", folder, "--metrics", given)
        assert (ended.code, "write one as 127.0.0.1:9464" in ended.err) == (2, True)

    @pytest.fixture
    def daemon(self, start, folder, ledger, systems, process):
        process(HIRED)
        desk = ["--simulator", "desk=http://127.0.0.1:1"]
        begun = start("run", "-w", folder, "--ledger", ledger, "--port", "0", *systems[2], *desk)
        told = [begun.stdout.readline() for _ in range(2)]
        assert "runs 3 flows" in told[0], begun.stderr.read()
        return begun, told[1].strip()

    @pytest.mark.requirement("REL-04")
    def test_deliveries_are_believed_taken_worked_and_the_rest_refused(
        self, daemon, systems, tidegate, ledger
    ):
        begun, hook = daemon
        body = json.dumps(approval(5)).encode()
        assert post(hook, body, signed(body)) == (202, {"accepted": 1, "known": 0, "unfit": 0})
        until(lambda: [record["entry"] for record in systems[0].records] == ["te-5"])
        assert post(hook, body, signed(body)) == (202, {"accepted": 0, "known": 1, "unfit": 0})
        changed = json.dumps(approval(5, minutes=60)).encode()
        assert post(hook, changed, signed(changed))[0] == 409
        assert post(hook, body, signed(body, "another"))[0] == 401
        assert post(hook, body, {"Content-Type": "application/json"})[0] == 401
        assert post(hook.replace("approved", "nothing"), body, signed(body))[0] == 404
        garbage = b'{"half": '
        assert post(hook, garbage, signed(garbage))[0] == 400
        strange = b'{"entryId": 5}'
        assert post(hook, strange, signed(strange)) == (202, {"accepted": 0, "known": 0, "unfit": 1})
        assert status_of_declared(hook, 4 * 1024 * 1024 + 1) == 413
        base = hook.partition("/hooks/")[0]
        with urllib.request.urlopen(f"{base}/readyz", timeout=5) as ready:
            assert ready.status == 200
        until(lambda: [record["bill"] for record in systems[1].records] == ["B-1"])
        begun.send_signal(signal.SIGTERM)
        out, err = begun.communicate(timeout=30)
        assert begun.returncode == 0
        assert out.splitlines()[-1] == "stopped."
        assert err == ""
        assert tidegate("ledger", "verify", "--ledger", ledger).code == 0

    @pytest.mark.slow
    def test_persons_act_on_it_while_it_runs(self, daemon, systems, tidegate, folder, ledger):
        hook = daemon[1]
        body = json.dumps(approval(2, project="P-9")).encode()
        assert post(hook, body, signed(body))[0] == 202
        here = ["--ledger", ledger]
        until(lambda: "\nholds: 1 open\n" in tidegate("status", *here).out)
        told = tidegate("status", *here, "--format", "json").json
        assert told["daemon"]["process"] == daemon[0].pid
        assert told["daemon"]["release"] == told["ledger"]["release"]
        assert told["ledger"]["runs"]["held"] == 1
        people = ["--by", "ann", "--role", "controller", "--second", "bob"]
        ended = tidegate("holds", "release", HOLD, "-w", folder, *here, *people)
        assert (ended.code, "with a reason only" in ended.err) == (1, True)
        ended = tidegate("holds", "release", HOLD, "-w", folder, *here, *people, "--reason", "fine")
        assert (ended.code, ended.out) == (0, f"{HOLD} is released.\n")
        until(lambda: [record["entry"] for record in systems[0].records] == ["te-2"])
        daemon[0].kill()
        daemon[0].wait(10)
        assert tidegate("status", *here).out.startswith("No daemon runs on this ledger.\n")

    def test_what_is_on_its_way_comes_back_before_it_stops(self, daemon, systems, tidegate, ledger):
        begun, hook = daemon
        systems[0].latency_seconds = 0.7
        body = json.dumps(approval(6)).encode()
        assert post(hook, body, signed(body))[0] == 202
        time.sleep(0.2)
        begun.send_signal(signal.SIGTERM)
        begun.communicate(timeout=30)
        assert begun.returncode == 0
        told = tidegate("trace", "time.approved:te-6", "--ledger", ledger, "--format", "json").json
        statuses = [node["details"]["status"] for node in told["nodes"] if node["kind"] == "effect"]
        assert statuses[:1] == ["done"]

    @pytest.mark.usefixtures("daemon")
    def test_two_processes_do_not_share_a_ledger(self, tidegate, folder, ledger, systems):
        desk = ["--simulator", "desk=http://127.0.0.1:1"]
        ended = tidegate("run", "-w", folder, "--ledger", ledger, "--port", "0", *systems[2], *desk)
        assert ended.code == 1
        assert "another process" in ended.err

    def test_a_port_that_is_taken(self, daemon, tidegate, folder, tmp_path, systems):
        port = re.search(r":(\d+)/", daemon[1])[1]
        ended = tidegate(
            "run", "-w", folder, "--ledger", tmp_path / "other.sqlite", "--port", port, *systems[2]
        )
        assert ended.code == 1
        assert "cannot be listened on" in ended.err


class TestSimulate:
    def test_those_that_there_are(self, tidegate):
        assert "netsuite" in tidegate("simulate").out.split()
        assert "netsuite" in tidegate("simulate", "--format", "json").json

    def test_one_that_there_is_not(self, tidegate):
        ended = tidegate("simulate", "netsuit")
        assert ended.code == 1
        assert "did you mean `netsuite`?" in ended.err

    def test_it_answers_until_it_is_told_to_stop(self, start):
        begun = start("simulate", "revenue", "--format", "json")
        told = json.loads(begun.stdout.readline())
        request = urllib.request.Request(
            f"{told['url']}/v1/contracts/none", headers={"Authorization": f"Bearer {told['token']}"}
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=5)
        assert refused.value.code == 404
        refused.value.close()
        begun.send_signal(signal.SIGINT)
        _, err = begun.communicate(timeout=10)
        assert (begun.returncode, err) == (0, "")

    def test_a_port_that_is_taken(self, tidegate, systems):
        port = re.search(r":(\d+)", systems[0].base_url)[1]
        ended = tidegate("simulate", "revenue", "--port", port)
        assert ended.code == 1
        assert "cannot be had" in ended.err
