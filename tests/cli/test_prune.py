"""`ledger prune`: what is old and over is blanked, nothing is done twice because of it, and the chain is whole."""

import json
import sqlite3
from datetime import timedelta

import pytest

from engine.clock import FixedClock, SystemClock
from engine.ledger import Commit, instant, open_ledger, open_reader, rows
from engine.ledger.prune import CLASSES, next_pruning
from tests.ledger.samples import a_run, an_effect, an_event
from tests.workspaces.systems import entry, lines

pytestmark = pytest.mark.slow  # processes, as a person starts them

OLD = "2020-01-31T12:00:00.000000Z"
KEEP = ["--keep", "events=400d", "--keep", "answers=8w", "--keep", "writes=2y", "--keep", "decisions=2y"]
GO = ["--go", "--reason", "retention of two years", "--by", "ann"]
RUN = "approved-time-to-billing/time.approved:te-1"


def old_work(ledger, name, who="Ann Example"):
    """An event of long ago that was worked to its end."""
    body = json.dumps({"name": who}).encode()
    commit = Commit(
        events=[an_event(f"e{name}", body, accepted_at=OLD)],
        runs=[a_run(f"r{name}", f"e{name}")],
        sends=[an_effect(f"k{name}", f"r{name}", payload=body.decode())],
    )
    ledger.commit(commit)
    ledger.commit(
        Commit(
            effects_done=[rows.EffectDone(body.decode(), f"INV-{name}", OLD, f"k{name}")],
            runs_finished=[rows.RunFinished("completed", OLD, body.decode(), None, f"r{name}")],
        )
    )


def filled(url):
    with open_ledger(url, clock=FixedClock(SystemClock().now()), create=True) as ledger:
        for name in "123":
            old_work(ledger, name)


def is_anywhere(ledger, text):
    connection = sqlite3.connect(ledger)
    dump = "\n".join(connection.iterdump())
    connection.close()
    return text in dump or text.encode().hex().upper() in dump


def test_it_is_told_before_it_is_done_and_then_proved(tidegate, ledger):
    filled(ledger)
    told = tidegate("ledger", "prune", "--ledger", ledger, *KEEP)
    assert told.code == 0
    assert "writes: what was sent, and what came back, before" in told.out
    assert "3 values, 69 bytes\nanswers" in told.out
    assert told.out.endswith("Nothing is blanked yet; with --go and --reason it is.\n")
    assert is_anywhere(ledger, "Ann Example")
    done = tidegate("ledger", "prune", "--ledger", ledger, *KEEP, *GO, "--format", "json").json
    assert done["pruned"] == sum(one["values"] for one in done["found"].values()) == 12
    assert not is_anywhere(ledger, "Ann Example")
    assert tidegate("ledger", "verify", "--ledger", ledger).code == 0
    again = tidegate("ledger", "prune", "--ledger", ledger, *KEEP, *GO)
    assert "0 values are blanked" in again.out
    reader = open_reader(ledger)
    (entry_,) = [row for row in reader.audit() if row.action == "ledger.pruned"]
    reader.close()
    said = json.loads(entry_.detail)
    assert (entry_.actor, said["reason"], said["values"]) == ("ann", "retention of two years", 12)
    assert set(said["before"]) == {one.partition("=")[0] for one in KEEP[1::2]} < set(CLASSES)


@pytest.mark.parametrize(
    "keep", ["events", "events=", "events=x", "events=1", "events=0d", "events=-1d", "xrefs=1d"]
)
def test_a_time_that_is_none_is_refused(tidegate, ledger, keep):
    filled(ledger)
    ended = tidegate("ledger", "prune", "--ledger", ledger, "--keep", keep)
    assert (ended.code, ended.out) == (2, "")


def test_it_wants_a_reason_a_person_and_a_ledger(tidegate, ledger):
    missing = tidegate("ledger", "prune", "--ledger", ledger, *KEEP)
    assert (missing.code, "there is no ledger" in missing.err) == (1, True)
    filled(ledger)
    assert tidegate("ledger", "prune", "--ledger", ledger, *KEEP, "--go").code == 2
    assert tidegate("ledger", "prune", "--ledger", ledger, *KEEP, *GO, "--by", " ").code == 1
    assert tidegate("ledger", "prune", "--ledger", ledger, "--keep", "events=99999y").code == 2


def test_a_ledger_that_was_changed_is_not_pruned(tidegate, ledger):
    filled(ledger)
    connection = sqlite3.connect(ledger)
    connection.execute("UPDATE effects SET payload = '{\"amount\":9}' WHERE key = 'k1'")
    connection.commit()
    connection.close()
    ended = tidegate("ledger", "prune", "--ledger", ledger, *KEEP, *GO)
    assert (ended.code, "tidegate ledger verify" in ended.err) == (1, True)


def test_the_daemon_of_a_ledger_does_it(tidegate, start, folder, ledger, systems):
    filled(ledger)
    here = ["-w", folder, "--ledger", ledger, *systems[2], "--simulator", "desk=http://127.0.0.1:1"]
    begun = start("run", *here, "--port", "0")
    assert "runs 3 flows" in begun.stdout.readline(), begun.stderr.read()
    done = tidegate("ledger", "prune", "--ledger", ledger, *KEEP, *GO, "--format", "json").json
    assert done["pruned"] == 12
    assert not is_anywhere(ledger, "Ann Example")
    assert tidegate("ledger", "verify", "--ledger", ledger).code == 0
    assert "daemon" in tidegate("status", "--ledger", ledger).out


@pytest.mark.slow
def test_one_on_a_server_is_pruned_beside_its_machines(tidegate, postgres_url):
    filled(postgres_url)
    done = tidegate("ledger", "prune", "--ledger", postgres_url, *KEEP, *GO, "--format", "json").json
    assert done["pruned"] == 12
    assert tidegate("ledger", "verify", "--ledger", postgres_url).code == 0


@pytest.mark.requirement("REL-01")
class TestAfterwards:
    @pytest.fixture
    def process(self, tidegate, folder, ledger, systems, tmp_path):
        def run(*events):
            file = tmp_path / "events.jsonl"
            file.write_text(lines(*events))
            here = ["-w", folder, "--ledger", ledger, *systems[2]]
            return tidegate("process", "--events", file, "--format", "json", *here).json

        return run

    @pytest.fixture
    def pruned(self, process, ledger):
        """Worked work of which everything is blanked, as if years had passed."""
        process(("worker.hired", {"id": "w-3", "name": "Ann"}))
        assert process(("time.approved", entry(1)))["completed"] == 2
        with open_ledger(ledger, clock=SystemClock()) as opened:
            future = instant(SystemClock().now() + timedelta(days=1))
            while (commit := next_pruning(opened.reader(), dict.fromkeys(CLASSES, future))).blanks:
                opened.commit(commit)

    @pytest.mark.usefixtures("pruned")
    def test_what_comes_again_is_known_and_what_is_new_is_worked(self, process, systems):
        assert process(("time.approved", entry(1)))["duplicates"] == 1
        assert process(("time.approved", entry(2)))["completed"] == 2
        assert len(list(systems[0].records)) == 2

    @pytest.mark.usefixtures("pruned")
    def test_it_cannot_be_worked_again_and_a_sentence_says_so(self, tidegate, folder, ledger, systems):
        here = ["-w", folder, "--ledger", ledger, *systems[2], "--reason", "again"]
        back = tidegate("compensate", RUN, *here)
        assert (back.code, "pruned" in back.err) == (1, True)
        for release in ("same", "current"):
            again = tidegate("replay", RUN, *here, "--release", release, "--afresh", "--go")
            assert again.code == 1
            assert "pruned" in again.out + again.err
        assert len(list(systems[0].records)) == 1

    @pytest.mark.usefixtures("pruned")
    def test_it_is_still_traced_and_checked(self, tidegate, folder, ledger):
        told = tidegate("trace", "B-1", "--ledger", ledger)
        assert RUN in told.out
        assert tidegate("ledger", "check", "-w", folder, "--ledger", ledger).code == 0
