"""`tidegate record` and `tidegate ledger export`: a corpus that `tidegate diff` plays without the ledger."""

import json
import shutil
import sqlite3
from contextlib import closing

import pytest

from engine.ledger.pruned import mark_of
from tests.cli.test_diff import _entry


@pytest.fixture
def worked(tidegate, folder, ledger, systems, tmp_path):
    """A ledger in which events were worked, one of them by Ada, who is personal data."""
    _, _, simulated = systems
    lines = [
        {"type": "worker.hired", "data": {"id": "w-3", "name": "Ada Lovelace"}},
        {"type": "time.approved", "data": _entry("te-1", "P-7", 7.5)},
        {"type": "time.approved", "data": _entry("te-2", "P-9", 6)},
        {"type": "time.approved", "data": _entry("te-3", "P-7", 13)},
    ]
    events = tmp_path / "events.jsonl"
    events.write_text("\n".join(json.dumps(line) for line in lines))
    ran = tidegate("process", "-w", folder, "--events", events, "--ledger", ledger, *simulated)
    assert ran.code == 0, ran.err


def behaviour(tidegate, before, after, *options):
    """What `tidegate diff` says that events do otherwise."""
    found = tidegate("diff", before, after, "--format", "json", *options)
    assert found.code == 0, found.err
    return found.json["behaviour"]


@pytest.mark.slow
def test_a_corpus_is_played_as_the_ledger_is(tidegate, folder, ledger, worked, tmp_path):
    before = tmp_path / "before"
    shutil.copytree(folder, before)
    policies = folder / "policies" / "policies.yaml"
    policies.write_text(policies.read_text().replace("entry.hours > 12", "entry.hours > 7"))
    raw, redacted, key = tmp_path / "raw.jsonl", tmp_path / "redacted.jsonl", tmp_path / "pseudonyms.key"
    raw.write_text("of the day before")
    raw.chmod(0o644)
    told = tidegate("ledger", "export", "-o", raw, "-w", before, "--ledger", ledger)
    assert (told.code, told.err) == (0, f"{raw} has 4 events.\nPersonal data is in it as it was recorded.\n")
    given = ("-w", before, "--ledger", ledger, "--key-file", key)
    told = tidegate("record", "-o", redacted, *given, "--new-key", "--quiet")
    assert (told.code, "Redacted, all" in told.err) == (0, True), told.err
    assert "Lovelace" in raw.read_text()
    assert "Lovelace" not in redacted.read_text()
    assert (raw.stat().st_mode & 0o777, key.stat().st_mode & 0o777) == (0o600, 0o600)
    live = behaviour(tidegate, before, folder, "--recorded", "--ledger", ledger)
    assert live["differing"] == 2
    assert behaviour(tidegate, before, folder, "--events", raw) == live
    found = behaviour(tidegate, before, folder, "--events", redacted)
    assert (found["differing"], found["not_compared"], found["summary"]) == (
        2,
        live["not_compared"],
        live["summary"],
    )
    again = tmp_path / "again.jsonl"
    assert tidegate("ledger", "export", "--redact", "-o", again, *given).code == 0
    assert again.read_text() == redacted.read_text()


def test_of_what_is_pruned_it_is_said_how_much_is_left_out(tidegate, folder, ledger, worked, tmp_path):
    with closing(sqlite3.connect(ledger)) as writing, writing:
        writing.execute("UPDATE events SET body = ? WHERE id LIKE 'time.%'", (mark_of("{}"),))
    said = "3 recorded events were left out: something that decides is pruned from the ledger.\n"
    told = tidegate("ledger", "export", "-o", tmp_path / "raw.jsonl", "-w", folder, "--ledger", ledger)
    assert said in told.err
    told = tidegate("diff", folder, folder, "--recorded", "--ledger", ledger)
    assert (told.code, said in told.err) == (0, True), told.err


def test_redaction_needs_a_key(tidegate, folder, ledger, worked, tmp_path):
    asked = ("record", "-o", tmp_path / "x.jsonl", "-w", folder, "--ledger", ledger)
    told = tidegate(*asked)
    assert (told.code, "pseudonyms need a secret key" in told.err) == (1, True)
    told = tidegate(*asked, "--key-file", tmp_path / "none.key")
    assert (told.code, "`--new-key` makes one" in told.err) == (1, True)


def test_what_comes_in_is_followed(tidegate, folder, ledger, worked, tmp_path):
    corpus = tmp_path / "x.jsonl"
    told = tidegate(
        "record", "-o", corpus, "-w", folder, "--ledger", ledger, "--key-file", tmp_path / "k", "--new-key",
        "--follow", "--count", 3,
    )  # fmt: skip
    assert (told.code, len(corpus.read_text().splitlines())) == (0, 3), told.err


def test_a_few_events_are_chosen_that_come_by_all(tidegate, folder, tmp_path):
    events, out = tmp_path / "events.jsonl", tmp_path / "few.jsonl"
    lines = [json.dumps({"type": "worker.hired", "data": {"id": f"w-{n}", "name": "Ada"}}) for n in range(9)]
    events.write_text("\n".join(lines))
    told = tidegate("events", "sample", events, "-o", out, "-w", folder)
    assert told.out.splitlines()[0] == f"{out} has 1 of 9 events."
    assert out.read_text() == f"{lines[0]}\n"
    found = tidegate("events", "sample", events, "-o", out, "-w", folder, "--format", "json").json
    assert (found["chosen"], found["sample"]["covered"]) == (1, found["all"]["covered"])


@pytest.mark.parametrize(
    "change, said",
    [
        ("UPDATE effects SET payload = replace(payload, '750', '751')", "other writes: "),
        ("UPDATE runs SET decisions = replace(decisions, 'done', 'gone')", "other decisions"),
        (
            "UPDATE events SET body = CAST(replace(body, '750', '751') AS BLOB) WHERE cause IS NOT NULL",
            "other events: ",
        ),
    ],
)
def test_runs_that_are_over_come_to_the_same_again(tidegate, folder, ledger, worked, change, said):
    asked = ("ledger", "check", "--decisions", "-w", folder, "--ledger", ledger)
    assert tidegate(*asked).out.splitlines()[-1] == "decisions: sound"
    with sqlite3.connect(ledger) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute(change)
    connection.close()
    told = tidegate(*asked)
    assert (told.code, said in told.out.partition("decisions: ")[2]) == (1, True), told.out
