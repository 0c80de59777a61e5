"""The workbench for expressions: what a line answers, and that no line ends it."""

import os
import pty
import subprocess
import sys

import pytest

from engine.cli.repl import Bench
from engine.session import Evaluator

RECORDS = b"""\
{"type": "deal.won", "data": {"id": "D-7", "amount": {"amount": 48000.00, "currency": "EUR"}, "lines": [{"n": 1}]}}
{"type": "deal.won", "data": {"id": "D-8", "amount": {"amount": 1.10, "currency": "USD"}, "lines": []}}
"""


@pytest.fixture
def bench(tmp_path):
    made = Bench(evaluate=Evaluator(None).evaluate)
    made.load("events.jsonl", RECORDS)
    return made


@pytest.mark.parametrize(
    "line, said",
    [
        ("id", '"D-7"'),
        ("amount.amount * 3", "144000.00"),
        ("path: lines[0].n", "1"),
        ("template: Deal {{ id }}", '"Deal D-7"'),
        ("1 == 1", "true"),
        ("", ""),
        ("# a remark", ""),
        (":frobnicate", "there is no `:frobnicate`; `:help` says what there is"),
        (":load nowhere.json", "[Errno 2] No such file or directory: 'nowhere.json'"),
    ],
)
def test_a_line_is_answered(bench, line, said):
    assert bench.answer(line) == said


def test_records_come_one_after_the_other(bench):
    assert bench.answer(":next") == "record 2 of 2"
    assert bench.answer("amount.amount") == "1.10"
    assert bench.answer(":next") == "that was the last record"


def test_values_are_kept_under_names(bench):
    assert bench.answer("third = amount.amount / 3") == ""
    assert bench.answer("third * 3 == amount.amount") == "true"
    assert "third" in bench.answer(":names")


def test_the_language_can_be_changed(bench):
    assert bench.answer(":path") == ""
    assert bench.answer("lines[].n | [0]") == "1"


def test_a_mistake_is_shown_and_the_next_line_works(bench):
    assert "^" in bench.answer("amount.amount +")
    assert bench.answer("nowhere") != ""
    assert bench.answer("1 + 1") == "2"


def test_names_and_fields_are_completed(bench):
    assert bench.completions("am") == ["amount"]
    assert bench.completions("amount.") == ["amount.amount", "amount.currency"]
    assert bench.completions("amount.c") == ["amount.currency"]
    assert bench.completions("lines.") == []


def test_a_file_that_is_no_json(bench, tmp_path):
    (tmp_path / "x").write_text("no json")
    assert "neither JSON nor JSON lines" in bench.answer(f":load {tmp_path / 'x'}")
    assert bench.answer("id") == '"D-7"'


@pytest.mark.slow
def test_it_reads_lines_from_a_pipe(tmp_path):
    program = [sys.executable, "-m", "engine", "repl"]
    done = subprocess.run(
        program, input="1 + 1\n2 +\n3\n:quit\n4\n", capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("2\n")
    assert done.stdout.endswith("\n3\n")
    assert done.stderr == ""


@pytest.mark.slow
def test_it_prompts_on_a_terminal():
    ours, theirs = pty.openpty()
    program = [sys.executable, "-m", "engine", "repl"]
    with subprocess.Popen(program, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True) as running:
        os.close(theirs)
        os.write(ours, b"6 * 7\n:quit\n")
        assert running.wait(60) == 0
        said = b""
        while b"42" not in said:
            said += os.read(ours, 4096)
        os.close(ours)
    assert b"expr> " in said
