"""A process that is killed while it commits loses nothing that was acknowledged."""

import random
import subprocess
import sys
import time

import pytest

from engine.clock import FixedClock
from engine.ledger import open_ledger, verify_chain
from tests.ledger.samples import NOW

KILLS = 20
WORK = """
import sys
from engine.clock import SystemClock
from engine.ledger import open_ledger
from tests.ledger.samples import begin, finish
with open_ledger(sys.argv[1], clock=SystemClock()) as ledger:
    print("open", flush=True)
    for number in range(int(sys.argv[2]), 10**9):
        ledger.commit(begin(str(number)))
        print("begun", number, flush=True)
        ledger.commit(finish(str(number)))
        print("finished", number, flush=True)
"""


@pytest.mark.slow
def test_what_was_acknowledged_survives_every_kill(url, root):
    dice = random.Random(20260331)
    begun, finished, first = set(), set(), 0
    with open_ledger(url, clock=FixedClock(NOW), create=True):
        pass
    for _ in range(KILLS):
        lines = _work_until_killed(url, first, dice.uniform(0.0, 0.08), root)
        begun |= {number for word, number in lines if word == "begun"}
        finished |= {number for word, number in lines if word == "finished"}
        with open_ledger(url, clock=FixedClock(NOW)) as ledger:
            reader = ledger.reader()
            assert verify_chain(reader) == []
            there = {int(event.id[1:]): event for event in reader.events()}
            done = {int(run.id[1:]) for run in reader.finished_runs()}
        assert begun <= there.keys()
        assert finished <= done
        # At most the one commit whose answer did not come out is there beyond what was acknowledged.
        assert len(there.keys() - begun) <= KILLS
        first = max(there, default=-1) + 1
        begun |= there.keys()
    assert len(finished) > KILLS


def _work_until_killed(url, first, seconds, root):
    command = [sys.executable, "-c", WORK, url, str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as worker:
        assert worker.stdout.readline() == "open\n"
        time.sleep(seconds)
        worker.kill()
        said, _ = worker.communicate()
    # A last line that was cut off is not an acknowledgement.
    lines = [line.split() for line in said.split("\n")[:-1]]
    return [(word, int(number)) for word, number in lines]
