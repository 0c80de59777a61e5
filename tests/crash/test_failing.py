"""A few failing calls in CI; all of them: `python -m tests.crash.failing`."""

import re
import subprocess
import sys

import pytest

from tests.disk import faulty


@pytest.mark.slow
@pytest.mark.requirement("REL-04", "REL-17")
@pytest.mark.skipif(faulty.available() is not None, reason=str(faulty.available()))
def test_a_call_that_fails_ends_a_run_with_a_sentence_and_the_next_one_makes_it_good(root):
    """Some call of each kind, once and for good, with each of its errors; in a process of its own."""
    command = [sys.executable, "-m", "tests.crash.failing", "--every", "240"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for kind in ("OPEN", "WRITE", "SYNC", "TRUNCATE", "UNLINK", "CONNECT", "SEND", "RECV"):
        assert re.search(rf"'{kind}': [1-9]", done.stdout)
    assert "the disk failed under the ledger" in done.stdout
    assert "0 wrong" in done.stdout
