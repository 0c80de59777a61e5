"""A few faults of several machines in CI; the long run is `python -m tests.crash.many --kills 200`."""

import re
import subprocess
import sys

import pytest


@pytest.mark.slow
@pytest.mark.requirement("REL-01", "REL-04", "REL-11", "REL-17", "REL-18")
def test_machines_that_die_pause_and_are_cut_off_lose_nothing_and_do_nothing_twice(root):
    """Each kind of fault once, on three machines whose clocks are an hour apart, and on their database.

    In a process of its own, which has many threads and sockets that end with it. Here it shares two cores with
    other tests, so that take-over within 15 s is shown by the long run alone.
    """
    command = [sys.executable, "-m", "tests.crash.many", "--kills", "5", "--seed", "20260601"]
    command += ["--take-over", "90"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for fault in ("kill", "pause", "database", "cut"):
        assert f"'{fault}': " in done.stdout
    assert int(re.search(r"(\d+) things", done.stdout)[1]) > 50
