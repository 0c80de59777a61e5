"""Several processes: the same results in the same order, and none started for a few tests."""

import os
import signal
import sys

import pytest

from engine import session as sessions
from engine.flowtest import processes_for, run_in_processes
from engine.flowtest.parallel import WORTH_A_PROCESS, WorkerLostError
from tests.flowtest.playing import ENTRY, HEAD, chosen, suite_of
from tests.workspaces.systems import hours

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")


@pytest.fixture
def session(tmp_path):
    folder = hours(tmp_path)
    wrong = [
        HEAD.replace("test: one", f"test: number {number}")
        + ENTRY
        + f"expect: {{run: completed, bill: {{id: {number}}}}}"
        for number in range(7)
    ]
    (folder / "flows" / "more.test.yaml").write_text("\n---\n".join(wrong))
    return sessions.load(folder)


def test_results_are_the_same_and_in_the_same_order(session):
    alone = list(run_in_processes(suite_of(session), chosen(session), lambda: 1.0, 1))
    together = list(run_in_processes(suite_of(session), chosen(session), lambda: 1.0, 3))
    assert [repr(result.failures) for result in together] == [repr(result.failures) for result in alone]
    assert [result.title for result in together] == [result.title for result in alone]
    assert sum(not result.passed for result in together) == 7


def test_a_process_that_dies_is_told(session):
    mother = os.getpid()

    def seconds():
        if os.getpid() != mother:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0.0

    with pytest.raises(WorkerLostError):
        list(run_in_processes(suite_of(session), chosen(session), seconds, 2))


def test_a_few_tests_start_no_process():
    assert processes_for(WORTH_A_PROCESS - 1, "auto") == 1
    assert processes_for(3, "8") == 3
    assert processes_for(0, "2") == 1


@pytest.mark.parametrize("wrong", ["0", "-1", "many", "65", "1.5"])
def test_what_is_no_number_of_processes(wrong):
    with pytest.raises(ValueError, match=r".*"):
        processes_for(10, wrong)
