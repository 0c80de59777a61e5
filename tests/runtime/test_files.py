"""Files in a folder: taken whole, row by row, once; gone on with in the middle; put away with a report."""

import asyncio
import os
import resource
import subprocess
import sys
from decimal import Decimal

import pytest

from engine.errors import LedgerError
from engine.ledger import verify_chain
from engine.runtime.triggers import files
from tests.runtime.dropping import HEAD, Drop


@pytest.fixture
def drop(tmp_path):
    return Drop(tmp_path)


@pytest.mark.requirement("PAT-13")
@pytest.mark.requirement("MIG-10")
def test_rows_become_events_and_the_file_is_put_away(drop):
    drop.put("hours-1.csv", "a;7,50;P", "b;0,25;P")
    drop.put("other.csv", "c;1;P")
    assert drop.look() == 1
    assert [(one.event.id, one.event.data["amount"], one.source) for one in drop.desk.accepted] == [
        ("hours.recorded:a", Decimal("7.50"), "payroll.hours"),
        ("hours.recorded:b", Decimal("0.25"), "payroll.hours"),
    ]
    assert (drop.names(), drop.names("done"), drop.names("bad")) == (["other.csv"], ["hours-1.csv"], [])
    assert (drop.desk.alerts, verify_chain(drop.desk.reader)) == ({}, [])


@pytest.mark.requirement("REL-35")
@pytest.mark.requirement("MIG-08")
def test_bad_rows_keep_no_good_row_back_and_are_reported_by_line_and_reason(drop):
    drop.put("hours-1.csv", "a;7,5;P", "b;seven;P", "c;1;P", "=d;;P")
    drop.look()
    assert drop.ids == ["a", "c"]
    assert (drop.names(), drop.names("bad")) == ([], ["hours-1.csv", "hours-1.csv.report.csv"])
    lines = (drop.inbox / "bad" / "hours-1.csv.report.csv").read_text().splitlines()
    assert lines[0] == "line,reason,row"
    assert lines[1] == "3,Stunden: 'seven' is no number as this file writes them,b;seven;P"
    assert lines[2].startswith("5,")
    assert lines[2].endswith(",'=d;;P")  # no spreadsheet takes it for a formula
    (alert,) = drop.desk.alerts.values()
    assert alert.message == (
        "payroll.hours: 2 rows of hours-1.csv cannot be used, 2 can; bad/ has the file and a report"
    )


def test_a_file_with_too_many_bad_rows_is_not_read_on(drop, monkeypatch):
    monkeypatch.setattr(files, "CHUNK", 2)
    drop.put("hours-1.csv", *[f"{number};x;P" for number in range(10)], "z;1;P")
    drop.look()
    assert drop.ids == []
    (alert,) = drop.desk.alerts.values()
    assert "was not read to its end: it has more than 3 rows that cannot be used" in alert.message


def test_a_file_of_another_form_is_told_and_put_away(drop):
    drop.put("hours-1.csv", "a,1", head="Number,Hours\n")
    drop.look()
    (alert,) = drop.desk.alerts.values()
    assert "it has no column 'Nr'; it has: Number,Hours" in alert.message
    assert drop.names("bad") == ["hours-1.csv", "hours-1.csv.report.csv"]


@pytest.mark.requirement("REL-01")
@pytest.mark.requirement("MIG-07")
@pytest.mark.parametrize("commits", range(7))
def test_the_power_is_cut_at_any_commit_and_the_next_process_goes_on_in_the_middle(
    drop, monkeypatch, commits
):
    monkeypatch.setattr(files, "CHUNK", 2)
    rows = [f"{name};1;P" for name in "abcdefg"]
    rows[3] = "d;x;P"
    drop.put("hours-1.csv", *rows)
    drop.desk.broken = commits
    if commits < 6:
        with pytest.raises(LedgerError):
            drop.look()
        assert drop.names() == ["hours-1.csv"]  # nothing is moved that is not safe to its end
    else:
        drop.look()
    drop.desk.broken = None
    offered = len(drop.desk.accepted)
    drop.look()
    assert drop.ids == list("abcefg")
    # What was safe is not read again.
    events = [name for offers, _ in drop.desk.commits[-10:] for name in offers]
    assert len(drop.desk.accepted) - offered <= len(events)
    assert "duplicate" not in drop.desk.known
    assert drop.names("bad") == ["hours-1.csv", "hours-1.csv.report.csv"]
    assert (drop.inbox / "bad" / "hours-1.csv.report.csv").read_text().count("\n") == 2


def test_a_process_that_ends_between_the_last_commit_and_the_move_leaves_nothing_behind(drop, monkeypatch):
    drop.put("hours-1.csv", "a;1;P")

    async def cut(*_, **__):
        raise LedgerError("the power was cut")

    with monkeypatch.context() as patch:
        patch.setattr(files.FileWatcher, "_put_away", cut)
        with pytest.raises(LedgerError):
            drop.look()
    drop.look()
    assert (drop.ids, drop.names(), drop.names("done")) == (["a"], [], ["hours-1.csv"])


def test_the_same_file_again_is_known_under_whatever_name(drop):
    for name in ("hours-1.csv", "hours-1.csv", "hours-2.csv"):
        drop.put(name, "a;1;P")
        before = len(drop.desk.commits)
        drop.look()
    assert len(drop.desk.commits) == before
    assert drop.ids == ["a"]
    assert len(drop.names("done")) == 3
    assert "it was read before" in drop.desk.told[-1]


def test_another_content_under_the_same_name_is_told_and_what_contradicts_is_reported(drop):
    drop.put("hours-1.csv", "a;1;P", "b;1;P")
    drop.look()
    drop.put("hours-1.csv", "a;1;P", "b;2;P", "c;1;P")
    drop.look()
    assert drop.ids == ["a", "b", "c"]
    first, second = sorted(drop.desk.alerts.values(), key=lambda row: row.severity)
    assert "1 rows of hours-1.csv cannot be used" in first.message
    assert second.message.startswith("payroll.hours: hours-1.csv came before with another content")
    assert (
        "3,an event with this identity is known"
        in (drop.inbox / "bad" / "hours-1.csv.report.csv").read_text()
    )


class TestComplete:
    def test_a_file_that_is_still_growing_is_left_alone(self, tmp_path):
        drop = Drop(tmp_path, more="complete: {stable: 1s},")
        path = drop.put("hours-1.csv", "a;1;P")

        async def looking():
            loop = asyncio.get_running_loop()
            watcher, _ = await drop.watcher()
            now = loop.time()
            loop.time = lambda: now
            taken = [await watcher.look()]
            now += 2
            with path.open("a") as file:
                file.write("b;1;P\n")
            taken.append(await watcher.look())  # it has changed: its time begins anew
            now += 2
            taken.append(await watcher.look())
            return taken

        assert asyncio.run(looking()) == [0, 0, 1]
        assert drop.ids == ["a", "b"]

    def test_a_file_is_complete_when_its_marker_is_there(self, tmp_path):
        drop = Drop(tmp_path, more='complete: {marker: "{name}.ready"},')
        drop.put("hours-1.csv", "a;1;P")
        assert drop.look(3) == 0
        (drop.inbox / "hours-1.csv.ready").touch()
        assert drop.look() == 1
        assert (drop.names(), drop.names("done")) == ([], ["hours-1.csv"])

    def test_links_and_hidden_files_are_not_followed(self, drop, tmp_path):
        secret = tmp_path / "secret.csv"
        secret.write_text(HEAD + "s;1;P\n")
        (drop.inbox / "hours-1.csv").symlink_to(secret)
        (drop.inbox / ".hours-2.csv").write_text(HEAD)
        (drop.inbox / "hours-3.csv").mkdir()
        assert drop.look() == 0
        assert secret.exists()


@pytest.mark.requirement("REL-08")
def test_a_folder_that_is_away_is_told_after_a_while(drop):
    drop.inbox.rename(drop.inbox.parent / "away")

    async def running(seconds):
        watcher, _ = await drop.watcher()
        stopping = asyncio.Event()
        task = asyncio.ensure_future(watcher.run(stopping))
        await asyncio.sleep(seconds)
        stopping.set()
        await task
        return watcher.state()

    assert "cannot be reached" in asyncio.run(running(0.02)).error
    drop.desk.later(minutes=16)
    asyncio.run(running(0.02))
    (alert,) = drop.desk.alerts.values()
    assert "payroll.hours has brought nothing since 2026-06-01" in alert.message
    (drop.inbox.parent / "away").rename(drop.inbox)
    assert asyncio.run(running(0.02)).error is None
    assert [row.status for row in drop.desk.alerts.values()] == ["closed"]


def test_reading_stops_when_it_is_told_and_goes_on_where_it_was(drop, monkeypatch):
    monkeypatch.setattr(files, "CHUNK", 1)
    drop.put("hours-1.csv", "a;1;P", "b;1;P", "c;1;P")

    async def stopped():
        watcher, _ = await drop.watcher()
        stopping = asyncio.Event()
        accept = drop.desk.accept

        async def once(offers, *more):
            if offers:
                stopping.set()
            return await accept(offers, *more)

        watcher._gate = type("Gate", (), {"room": 1, "accept": staticmethod(once)})
        await watcher.look(stopping)

    asyncio.run(stopped())
    assert drop.ids == ["a"]
    drop.look()
    assert drop.ids == ["a", "b", "c"]
    assert [len(offers) for offers, _ in drop.desk.commits if offers] == [1, 1, 1]


@pytest.mark.slow
def test_a_hundred_megabytes_take_no_more_memory_than_one(tmp_path):
    """Measured in a process of its own each, with a row of about a hundred bytes."""
    here = os.fspath(__file__)
    peaks = [
        int(
            subprocess.run(
                [sys.executable, here, str(tmp_path / str(size)), str(size)],
                capture_output=True,
                check=True,
                text=True,
            ).stdout
        )
        for size in (1, 100)
    ]
    assert peaks[1] < peaks[0] + 40 * 1024, peaks


def _measure(folder, megabytes):
    folder.mkdir()
    drop = Drop(folder)
    with (drop.inbox / "hours-1.csv").open("w") as file:
        file.write(HEAD)
        number = 0
        while file.tell() < megabytes * 1024 * 1024:
            file.writelines(f"{number + one:012d};7,50;{'P' * 82}\n" for one in range(1_000))
            number += 1_000
    seen = 0

    async def accept(offers, source="", unfit=(), beside=None):
        nonlocal seen
        seen += len(offers)
        return ["accepted"] * len(offers)

    drop.desk.accept = accept
    drop.look()
    assert seen == number, (seen, number)
    sys.stdout.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


if __name__ == "__main__":
    from pathlib import Path

    _measure(Path(sys.argv[1]), int(sys.argv[2]))
