"""Histories, each of one seed: in every one the promises hold, and the same seed is the same history.

The long run is ``python -m tests.simulation --seeds 20000 --jobs 2``.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.depth import examples
from tests.disk import faulty
from tests.simulation.cases import CASES
from tests.simulation.faults import KINDS
from tests.simulation.planted import BUGS

ROOT = Path(__file__).parent.parent.parent
WITHIN = 100  # seeds in which a planted bug has to be found
CI_SEEDS = 2_000

pytestmark = pytest.mark.skipif(faulty.available() is not None, reason=str(faulty.available()))


def played(*given, hash_seed="0", timeout=280):
    """What the command says; a process of its own, with the faulty disk under it."""
    environ = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.simulation", *map(str, given)]
    done = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=timeout, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.requirement("REL-01", "REL-02", "REL-11")
def test_some_histories_and_those_that_once_went_wrong():
    seeds = examples(40)
    code, said = played("--seeds", seeds, "--cases")
    assert code == 0, said
    assert f"{seeds + len(CASES)} histories" in said


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.requirement("REL-01", "REL-02", "REL-11")
def test_many_histories_in_which_every_kind_of_fault_occurs():
    code, said = played("--seeds", CI_SEEDS, "--from", 1_000, "--jobs", os.cpu_count() or 1, timeout=850)
    assert code == 0, said
    for kind in KINDS:
        counted = re.search(rf"^{re.escape(kind.name)} +(.*)$", said, re.MULTILINE)
        assert counted is not None, kind.name
        assert kind.elsewhere or int(counted.group(1)) > 0, f"{kind.name} did not occur"


@pytest.mark.slow
def test_the_same_seed_is_the_same_history():
    traces = [played("--seeds", 12, "--traces", hash_seed=seed)[1] for seed in ("0", "0", "1")]
    lines = [re.findall(r"^\d+ [0-9a-f]{64}$", text, re.MULTILINE) for text in traces]
    assert len(lines[0]) == 12
    assert lines[0] == lines[1] == lines[2]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_planted_bug_is_found():
    code, said = played("--planted", "--seeds", WITHIN, timeout=580)
    assert code == 0, said
    assert len(BUGS) >= 12
    assert said.count("found at seed") == len(BUGS)
