"""Every hostile expression, and every hostile record, ends in a value or in a sentence, within bounds."""

import json

import pytest

from tests.hostile.expressions import ESCAPES, GROWTH, INPUTS, PATHS, RECORD, TEMPLATES
from tests.hostile.limits import tidegate

CASES = [
    *(("expr", text) for text in (*ESCAPES, *GROWTH)),
    *(("template", text) for text in TEMPLATES),
    *(("path", text) for text in PATHS),
]
LEAKED = ("<class", "<function", "built-in", "object at 0x", "os.system", "root:x:")


@pytest.mark.slow
@pytest.mark.parametrize(
    "number", range(len(CASES)), ids=lambda number: f"{CASES[number][0]}-{CASES[number][1][:24]!r}"
)
def test_an_expression_ends_in_bounds(number, tmp_path):
    kind, text = CASES[number]
    line = json.dumps({kind: text, "input": RECORD}).encode()
    (tmp_path / "cases.jsonl").write_bytes(line + b"\n")
    ended = tidegate("eval", "--cases", tmp_path / "cases.jsonl")
    ended.assert_clean()
    shown = ended.out.replace(json.dumps(text)[1:-1], "")
    assert not any(leak in shown for leak in LEAKED), shown[:500]
    answer = json.loads(ended.out)
    assert "problem" in answer or len(json.dumps(answer)) < 10_000_000


@pytest.mark.slow
def test_no_escape_gives_a_value(tmp_path):
    lines = [json.dumps({"expr": text, "input": RECORD}) for text in ESCAPES]
    (tmp_path / "cases.jsonl").write_text("\n".join(lines) + "\n")
    answers = [*map(json.loads, tidegate("eval", "--cases", tmp_path / "cases.jsonl").out.splitlines())]
    assert len(answers) == len(ESCAPES)
    for text, answer in zip(ESCAPES, answers, strict=True):
        assert "problem" in answer or answer["value"] is None, text


@pytest.mark.slow
@pytest.mark.parametrize("name", INPUTS)
def test_a_record_is_read_or_refused_in_bounds(name, tmp_path):
    (tmp_path / "data.json").write_bytes(INPUTS[name])
    for kind, text in (("--path", "a"), ("--expr", "a"), ("--template", "{{ a }}")):
        tidegate("eval", kind, text, "--input", tmp_path / "data.json").assert_clean()
