"""`dead`, `resolve`, `look-up`, `replay`: against simulators over HTTP, with and without a daemon."""

import json
import signal
from types import SimpleNamespace

import pytest

from engine.connect.connector import Poll
from engine.connect.simulator import Trouble
from engine.runtime.connections import Connection
from engine.runtime.triggers import triggers
from engine.runtime.triggers.poll import Asked
from tests.workspaces.systems import approval, entry, lines

pytestmark = pytest.mark.slow  # processes, as a person starts them

HIRED = ("worker.hired", {"id": "w-3", "name": "Ann"})
RUN = "approved-time-to-billing/time.approved:te-1"
BILL = f"{RUN}/bill"
WHY = ["--reason", "the customer is there now"]


@pytest.fixture
def here(folder, ledger, systems):
    """The options of a command that acts."""
    return ["-w", folder, "--ledger", ledger, *systems[2]]


@pytest.fixture
def process(tidegate, here, tmp_path):
    def run(*events):
        file = tmp_path / "events.jsonl"
        file.write_text(lines(*events))
        return tidegate("process", "--events", file, "--format", "json", *here).json

    run(HIRED)
    return run


@pytest.fixture
def dead(process, systems):
    systems[0].projects["P-8"] = {"id": "P-8", "status": "open", "rate": 100}
    systems[0].refusing = "no such customer"
    assert process(("time.approved", entry(1)), ("time.approved", entry(2, project="P-8")))["failed"] == 2
    systems[0].refusing = None


@pytest.fixture
def doubtful(folder, process, systems):
    connections = folder / "connectors" / "connections.yaml"
    text = connections.read_text()
    connections.write_text(
        text.replace("closed_period: dead_letter", "closed_period: dead_letter, unknown: person", 1)
    )
    systems[0].fail_next(Trouble.ERROR_AFTER, path="/api/bills")
    assert process(("time.approved", entry(1)))["unknown"] == 1


@pytest.mark.usefixtures("dead")
@pytest.mark.requirement("REL-07", "REL-09")
class TestDead:
    def test_the_list(self, tidegate, ledger):
        ended = tidegate("dead", "list", "--ledger", ledger)
        assert (
            f"{BILL}\n  erp.time_bill refuses it: no such customer\n  dead letter, permanent, step bill, erp.time_bill, owner finance"
            in ended.out
        )
        assert ended.out.endswith("2 dead letters.\n")
        listed = tidegate("dead", "list", "--ledger", ledger, "--format", "json").json
        assert BILL in {one["id"] for one in listed}  # reads come back in any order
        assert [one["kind"] for one in listed] == ["effect", "effect"]
        assert tidegate("dead", "list", "--ledger", ledger, "--flow", "other").out == "Nothing needs work.\n"

    def test_without_a_subcommand_it_lists(self, tidegate, ledger, monkeypatch):
        monkeypatch.setenv("TIDEGATE_LEDGER", ledger)
        assert tidegate("dead").out.endswith("2 dead letters.\n")

    def test_one_in_full(self, tidegate, ledger):
        ended = tidegate("dead", "show", BILL, "--ledger", ledger)
        assert "not done because of it: billed" in ended.out
        assert f"  tidegate replay {BILL} --go --reason WHY" in ended.out
        assert (
            tidegate("dead", "show", BILL, "--ledger", ledger, "--format", "json").json["evidence"]["fault"]
            == "permanent"
        )
        ended = tidegate("dead", "show", "x", "--ledger", ledger)
        assert (ended.code, "nothing that could need work" in ended.err) == (1, True)

    def test_its_alert_is_over_when_all_is_off_the_list(self, tidegate, ledger, here):
        for name in (BILL, f"{RUN[:-1]}2/bill"):
            assert tidegate("dead", "dismiss", name, *WHY, *here).code == 0
        assert tidegate("alerts", "list", "--ledger", ledger).out == "0 open alerts.\n"
        assert "\n  it is over\n" in tidegate("alerts", "list", "--all", "--ledger", ledger).out

    def test_taken_off_the_list(self, tidegate, ledger, here):
        assert tidegate("dead", "dismiss", BILL, *WHY, *here).code == 0
        assert tidegate("dead", "list", "--ledger", ledger).out.endswith("1 dead letter.\n")
        ended = tidegate("dead", "dismiss", "x", *WHY, *here)
        assert (ended.code, "nothing in the ledger" in ended.err) == (1, True)


@pytest.mark.usefixtures("dead")
@pytest.mark.requirement("REL-09", "REL-10")
class TestReplay:
    def test_a_dry_run_does_nothing(self, tidegate, here, systems):
        ended = tidegate("replay", BILL, *here)
        assert f"{RUN}  safe\n  is sent again" in ended.out
        assert "Nothing was done" in ended.out
        assert not list(systems[0].records)
        assert tidegate("replay", BILL, "--format", "json", *here).json[0]["verdict"] == "safe"

    def test_done(self, tidegate, here, systems, ledger):
        ended = tidegate("replay", "--all", "--go", *WHY, "--rate", "100/s", *here)
        assert (ended.code, ended.out.splitlines()[-1]) == (0, "2 applied.")
        assert len(list(systems[0].records)) == 2
        assert tidegate("dead", "list", "--ledger", ledger).out == "Nothing needs work.\n"
        again = tidegate("replay", RUN, "--go", *WHY, "--format", "json", *here)
        assert (again.code, again.json[0]["became"]) == (0, "already applied")
        assert len(list(systems[0].records)) == 2

    def test_what_fails_again_is_an_exit_code(self, tidegate, here, systems):
        systems[0].refusing = "still none"
        ended = tidegate("replay", "--fault", "permanent", "--go", *WHY, "--stop-after", "1", *here)
        assert ended.code == 1
        assert "still none" in ended.out
        assert ended.out.splitlines()[-1] == "1 failed, 1 not begun."

    def test_on_other_rules(self, tidegate, here, folder, systems):
        flow = folder / "flows" / "billing.yaml"
        flow.write_text(flow.read_text().replace("version: 4", "version: 5"))
        ended = tidegate("replay", BILL, *here)
        assert (ended.code, "say --release same" in ended.err) == (1, True)
        ended = tidegate("replay", BILL, "--release", "current", "--go", *WHY, *here)
        assert ended.code == 0
        assert "(as approved-time-to-billing~2/time.approved:te-1): applied" in ended.out
        assert len(list(systems[0].records)) == 1

    @pytest.mark.parametrize(
        "given, why",
        [
            ([], "Name what is to be worked again"),
            (["--all", "--go"], "Say why it is done"),
            (["--all", "--keep-applied"], "decided item by item"),
            (["a", "b", "--out-of-order"], "decided item by item"),
            (["--all", "--go", "--ask", *WHY], "dry run"),
            (["--all", "--rate", "fast"], "10/s"),
            (["--all", "--stop-at", "half"], "5%"),
            (["--all", "--since", "yesterday"], "2026-03-31"),
        ],
    )
    def test_wrong_use(self, tidegate, here, given, why):
        ended = tidegate("replay", *given, *here)
        assert (ended.code, why in ended.err) == (2, True)

    def test_no_such_thing(self, tidegate, here):
        ended = tidegate("replay", "nothing", *here)
        assert (ended.code, "no effect, run or event is called 'nothing'" in ended.err) == (1, True)

    def test_a_contradiction_was_never_taken(self, tidegate, here, process, ledger):
        process(("worker.hired", {"id": "w-3", "name": "Bob"}))
        (one,) = tidegate("dead", "list", "--kind", "conflict", "--ledger", ledger, "--format", "json").json
        ended = tidegate("replay", one["id"], *here)
        assert (ended.code, "was never taken, so it cannot be worked again" in ended.err) == (1, True)
        shown = tidegate("dead", "show", one["id"], "--ledger", ledger).out
        assert ("history:" in shown, '"name": "Bob"' in shown) == (False, True)


@pytest.mark.usefixtures("doubtful")
@pytest.mark.requirement("REL-10")
class TestResolve:
    def test_the_system_is_asked_and_says_that_it_has_it(self, tidegate, here, systems, ledger):
        ended = tidegate("look-up", BILL, *here)
        assert (ended.code, "erp has it" in ended.out) == (0, True)
        ended = tidegate("resolve", BILL, "--applied", "--id", "B-1", *WHY, *here)
        assert (ended.code, "also has number: give --field number=VALUE" in ended.err) == (1, True)
        ended = tidegate(
            "resolve", BILL, "--applied", "--id", "B-1", "--field", "number=INV-B-1", *WHY, *here
        )
        assert (ended.code, ended.out) == (0, f"{BILL} is applied.\n")
        assert len(list(systems[0].records)) == 1
        assert [record["bill"] for record in systems[1].records] == ["B-1"]
        assert tidegate("dead", "list", "--ledger", ledger).out == "Nothing needs work.\n"

    def test_only_the_system_that_is_asked_needs_to_be_there(self, tidegate, folder, ledger, systems):
        _, erp, _, rev = systems[2]
        for given, code in ((erp, 0), (rev, 1)):
            ended = tidegate("look-up", BILL, "-w", folder, "--ledger", ledger, "--simulator", given)
            assert (ended.code, "erp has it" in ended.out) == (code, not code), ended.err

    def test_the_system_has_no_trace_of_it(self, tidegate, here, systems):
        systems[0].records.delete("B-1")
        ended = tidegate("look-up", BILL, "--format", "json", *here)
        assert (ended.code, ended.json["found"]) == (1, False)
        assert tidegate("look-up", "x", *here).code == 1
        ended = tidegate("resolve", BILL, "--not-applied", "--give-up", *WHY, *here)
        assert ended.out == f"{BILL} is given up.\n"
        ended = tidegate("resolve", BILL, "--not-applied", "--give-up", *WHY, *here)
        assert (ended.code, "not in doubt" in ended.err) == (1, True)

    @pytest.mark.parametrize(
        "given, code, why",
        [
            ([], 2, "Say what you found out"),
            (["--not-applied"], 2, "Say what is to be done"),
            (["--not-applied", "--again", "--give-up"], 2, "Say what is to be done"),
            (["--applied", "--give-up"], 2, "cannot be given up"),
            (["--applied", "--again"], 1, "is not sent again"),
            (["--not-applied", "--again", "--id", "x"], 1, "has no id"),
            (["--applied", "--id", "x", "--field", "number"], 1, "NAME=TEXT"),
            (["--applied", "--id", "x", "--field", "number:={"], 1, "is not JSON"),
            (["--applied", "--id", "x", "--by", ""], 1, "has to be named"),
        ],
    )
    def test_wrong_use(self, tidegate, here, given, code, why):
        ended = tidegate("resolve", BILL, *given, *WHY, *here)
        assert (ended.code, why in ended.err) == (code, True)

    def test_what_is_in_doubt_is_not_dismissed(self, tidegate, here):
        ended = tidegate("dead", "dismiss", BILL, *WHY, *here)
        assert (ended.code, "find out what became of it" in ended.err) == (1, True)


APPROVALS = [
    approval(number, approval={"at": f"2026-05-{day}T09:00:00Z", "by": "ada"})
    for number, day in ((1, 28), (2, 29))
]
MAY = ["--from", "2026-05-28", "--to", "2026-05-28"]


@pytest.fixture
def asked(monkeypatch):
    """The desk, as a source that is asked and gives its approvals."""

    class Source:
        async def poll(self, source, since, after=None):
            return Poll(items=APPROVALS, upto=since)

        async def write(self, effects): ...
        async def read(self, operation, parameters): ...
        async def look_up(self, effect): ...
        async def aclose(self): ...

    def asked_source(plan, connections, name):
        connection, _, source = name.partition(".")
        events = tuple(one for one in plan.sources if one.connection == connection)
        assert events
        native = SimpleNamespace(name=source)
        return Asked(connection=Connection(connection, Source(), None), native=native, events=events)

    monkeypatch.setattr(triggers, "asked_source", asked_source)


class TestBackfill:
    @pytest.mark.usefixtures("asked", "process")
    def test_the_days_of_a_source(self, tidegate, here, systems):
        ended = tidegate("backfill", "desk.approval", *MAY, *here)
        assert (ended.code, "1 events new, 0 known" in ended.out) == (0, True)
        assert "--go takes what is new" in ended.out
        ended = tidegate("backfill", "desk.approval", *MAY, "--go", *WHY, "--format", "json", *here)
        assert (ended.json["new"], ended.json["outside"], ended.json["taken"]) == (1, 1, True)
        assert len(list(systems[0].records)) == 1
        assert "1 known" in tidegate("backfill", "desk.approval", *MAY, "--zone", "Europe/Berlin", *here).out

    def test_a_flow_for_earlier_events(self, tidegate, here, process, folder, systems):
        process(("time.approved", entry(1)))
        flows = folder / "flows" / "billing.yaml"
        flows.write_text(
            flows.read_text()
            + "---\nflow: later\nowner: finance\ntrigger: {event: time.approved, as: entry}\nsteps:\n"
            "  line: {write: erp.line, with: {key: entry.id}}\n"
        )
        days = ["--from", "2026-05-01", "--to", "2026-05-31", "--flow", "later", "--events"]
        ended = tidegate("backfill", *days, *here)
        assert (ended.code, ended.out) == (0, "1 safe. Nothing was done; --go has later work what is safe.\n")
        assert tidegate("backfill", *days, "--format", "json", *here).json[0]["verdict"] == "safe"
        ended = tidegate("backfill", *days, "--go", *WHY, *here)
        assert (ended.code, ended.out.splitlines()[-1]) == (0, "1 applied.")
        assert "te-1" in systems[0].lines

    @pytest.mark.parametrize(
        "given, code, why",
        [
            ([*MAY], 2, "Name a source"),
            (["desk.approval", "--events", *MAY], 2, "Name a source"),
            (["--events", *MAY], 2, "Name a source"),
            (["desk.approval", *MAY, "--go"], 2, "Say why it is done"),
            (["desk.approval", "--from", "May", "--to", "2026-05-01"], 2, "does not match"),
            (
                ["desk.approved", *MAY],
                1,
                "is no source that is asked for news; have its system send it again",
            ),
            (["desk.nothing", *MAY], 1, "is no source; sources that feed events: desk.approved"),
            (["desk.approval", "--from", "2026-05-02", "--to", "2026-05-01"], 1, "before it begins"),
            (["desk.approval", *MAY, "--zone", "Mars"], 1, "there is no time zone 'Mars'"),
            (["desk.approval", *MAY, "--calendar", "none"], 1, "there is no calendar 'none'"),
            (["desk.approval", *MAY, "--calendar", "x", "--zone", "UTC"], 1, "one of them"),
            (["--events", "--flow", "none", *MAY], 1, "no flow 'none'"),
        ],
    )
    @pytest.mark.usefixtures("process")
    def test_wrong_use(self, tidegate, here, given, code, why):
        ended = tidegate("backfill", *given, *here)
        assert (ended.code, why in ended.err) == (code, True), ended.err


@pytest.mark.slow
@pytest.mark.usefixtures("dead")
def test_through_a_daemon(tidegate, start, here, systems, ledger):
    daemon = start("run", "--port", "0", *here)
    assert daemon.stdout is not None
    assert "tidegate runs" in daemon.stdout.readline()
    ended = tidegate("replay", "--all", "--go", *WHY, *here)
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "2 applied.")
    assert len(list(systems[0].records)) == 2
    assert tidegate("dead", "dismiss", BILL, *WHY, *here).code == 0
    daemon.send_signal(signal.SIGTERM)
    daemon.wait(20)
    reports = [line for line in audit(ledger) if line[0] == "replay.report"]
    assert json.loads(reports[0][1])["counts"] == {"applied": 2}


def audit(ledger):
    from engine.ledger import open_reader

    reader = open_reader(ledger)
    try:
        return [(entry.action, entry.detail) for entry in reader.audit()]
    finally:
        reader.close()
