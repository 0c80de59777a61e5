"""What once broke, what fuzzing begins with, and a short run of it."""

import random
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.fuzz.seeds import seeds, words
from tests.fuzz.targets import TARGETS

CASES = sorted(path for path in (Path(__file__).parent / "cases").rglob("*") if path.is_file())


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}-{path.name[:16]}")
def test_what_once_broke_no_longer_does(path):
    TARGETS[path.parent.name]()(path.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_and_slight_changes_of_them(target):
    chance = random.Random(target)
    given = seeds(target)
    run = TARGETS[target]()
    for data in chance.sample(given, min(len(given), 40)):
        run(data)
        place = chance.randrange(len(data) + 1)
        word = chance.choice(words()).encode()
        run(data[:place] + word + data[place + chance.randrange(3) :])


@pytest.mark.slow
@pytest.mark.skipif(find_spec("atheris") is None, reason="there is no atheris for this Python")
def test_a_short_run():
    # Of two kinds of text: to make ready for one takes longer than what is done with it.
    command = [sys.executable, "-m", "tests.fuzz", "--executions", "700", "--seed", "7"]
    command += ["--target", "yaml", "--target", "formula"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    total = re.search(r"^([\d,]+) executions with seed 7: nothing broke$", done.stdout, re.MULTILINE)
    assert total is not None
    assert int(total[1].replace(",", "")) >= 700
