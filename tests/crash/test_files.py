"""`tidegate run` killed with SIGKILL while it reads a file, and started again: every row once, in one file."""

import os
import signal
import subprocess
import sys
import time

import pytest

from engine.ledger import open_reader, verify_chain
from tests.runtime.dropping import Drop

ROWS = 6_000
KILLS = 3


@pytest.mark.slow
@pytest.mark.requirement("REL-01")
@pytest.mark.requirement("REL-35")
def test_a_file_is_read_once_however_often_the_process_is_killed(tmp_path):
    drop = Drop(tmp_path)
    path = drop.put(
        "hours-1.csv", *(f"{number};{'x' if number == 4_321 else '7,50'};P" for number in range(ROWS))
    )
    size, places = path.stat().st_size, []
    for _ in range(KILLS):
        process = started(tmp_path)
        begun = accepted(tmp_path)
        until(lambda seen=begun: accepted(tmp_path) > seen + 400, process)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        places.append(accepted(tmp_path))
    assert places == sorted(set(places))  # each went on where the one before it had come to
    assert path.stat().st_size == size  # and the file is where it was
    process = started(tmp_path)
    until(lambda: drop.names("bad") == ["hours-1.csv", "hours-1.csv.report.csv"], process)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 0
    reader = open_reader(str(tmp_path / "ledger.sqlite"))
    try:
        assert sorted(int(row.id.rpartition(":")[2]) for row in reader.events()) == [
            number for number in range(ROWS) if number != 4_321
        ]
        assert verify_chain(reader) == []
        assert [row.severity for row in reader.alerts()] == ["error"]
    finally:
        reader.close()
    assert "4323,Stunden: 'x' is no number" in (drop.inbox / "bad" / "hours-1.csv.report.csv").read_text()


def started(folder):
    where = (
        "--workspace",
        folder / "w",
        "--ledger",
        folder / "ledger.sqlite",
        "--env",
        "demo",
        "--port",
        "0",
    )
    command = [sys.executable, "-m", "engine", "run", *map(str, where)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def accepted(folder):
    if not (folder / "ledger.sqlite").exists():
        return 0
    try:
        reader = open_reader(str(folder / "ledger.sqlite"))
    except Exception:  # noqa: BLE001 - it is being made
        return 0
    try:
        return sum(1 for _ in reader.events())
    finally:
        reader.close()


def until(what, process, seconds=60):
    ends = time.monotonic() + seconds
    while not what():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < ends
        time.sleep(0.005)
