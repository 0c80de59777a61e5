"""Input that was made to hurt: it is refused quickly, with a problem, and never with a traceback."""

import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from engine.problems import Collector
from engine.workspace import KINDS, load_workspace, yaml_tree
from engine.workspace.decode import Decoder
from tests.workspace.reading import read_bytes

MOST_SECONDS = 2.0

BOMB = b"a: &a [x, x, x, x, x, x, x, x, x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + n, 98 + n, b", ".join([b"*%c" % (97 + n)] * 9)) for n in range(9)
)
CHAIN = b"a0: &a0 [x]\n" + b"".join(b"a%d: &a%d [*a%d]\n" % (n, n, n - 1) for n in range(1, 900))
HOSTILE = {
    "alias bomb": (BOMB, "TG134"),
    "aliases nested by aliases": (CHAIN, "TG135"),
    "many aliases": (b"a: &a x\nb: [" + b"*a, " * 2_000 + b"]\n", "TG134"),
    "an alias inside of itself": (b"a: &a [*a]\n", "TG133"),
    "brackets, 10,000 deep": (b"flow: " + b"[" * 10_000, "TG135"),
    "braces, 10,000 deep": (b"flow: " + b"{a: " * 10_000, "TG135"),
    "question marks, 10,000 deep": (b"? " * 10_000, "TG135"),
    "dashes, 10,000 deep": (b"- " * 10_000, "TG135"),
    "lines, 1,000 deep": (b"".join(b" " * n + b"a:\n" for n in range(1_000)), "TG135"),
    "a text of 50 MB": (b"about: " + b"x" * 50_000_000, "TG102"),
    "a text of 4 MB": (b"about: " + b"x" * 4_000_000, "TG136"),
    "a quoted text of 4 MB that never ends": (b'about: "' + b"x" * 4_000_000, "TG118"),
    "two million values": (b"a: [" + b"1," * 2_000_000 + b"]", "TG137"),
    "a million empty documents": (b"---\n" * 1_000_000, None),
    "a million broken documents": (b"---\n[\n" * 700_000, "TG120"),
    "100,000 keys, all the same": (b"flow: a\n" + b"a: 1\n" * 90_000, "TG130"),
    "100,000 unknown keys": (b"flow: a\n" + b"".join(b"k%d: 1\n" % n for n in range(90_000)), "TG204"),
    "100,000 tag directives": (b"".join(b"%%TAG !a%d! x\n" % n for n in range(200_000)), "TG138"),
    "a tag that makes objects": (b"flow: !!python/object/apply:os.system [id]\n", "TG132"),
    "a number of a million digits": (b"connection: a\nenvironments: {a: " + b"9" * 1_000_000 + b"}", "TG146"),
    "NUL": (b"flow: a\0b\n", "TG104"),
    "UTF-16": ("flow: a\n".encode("utf-16"), "TG103"),
    "half a character": (b"flow: \xc3", "TG103"),
    "a surrogate": (b"flow: \xed\xa0\x80\n", "TG103"),
    "a mark in the middle": ("flow: a\ufeffb\n".encode(), "TG104"),
    "nothing but colons": (b":" * 1_000_000, None),
    "nothing but hyphens": (b"-" * 1_000_000, None),
    "nothing but ampersands": (b"&" * 1_000_000, None),
    "nothing but exclamation marks": (b"!" * 100_000, None),
    "comments": (b"#" * 4_000_000, None),
    "open quotes in brackets": (b"a: [" + b"'x (, " * 500_000 + b"]", None),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_is_refused_in_time(name):
    data, code = HOSTILE[name]
    began = time.process_time()
    collector = read_bytes(data)
    report = collector.report()
    assert time.process_time() - began < MOST_SECONDS
    assert len(report.problems) <= 100
    if code is not None:
        assert code in {problem.code for problem in collector.problems}


def test_a_file_of_50_mb_is_not_read_whole(tmp_path):
    (tmp_path / "flows").mkdir()
    with (tmp_path / "flows" / "large.yaml").open("wb") as file:
        file.truncate(500_000_000)
    began = time.process_time()
    _, collector = load_workspace(tmp_path, KINDS)
    assert time.process_time() - began < MOST_SECONDS
    assert [problem.code for problem in collector.problems] == ["TG102"]


def test_byte_order_mark_is_skipped_and_counts_in_no_column():
    collector = read_bytes(b"\xef\xbb\xbfflwo: bill\n")
    (problem,) = collector.problems
    assert (problem.code, problem.span.line, problem.span.column) == ("TG202", 1, 1)


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_of_other_systems_are_line_ends(end):
    collector = read_bytes(f"flow: bill{end}abuot: x{end}trigger: {{event: a}}{end}steps: {{}}{end}".encode())
    (problem,) = collector.problems
    assert (problem.code, problem.span.line, problem.span.column) == ("TG204", 2, 1)


def test_invalid_utf8_is_shown_in_its_line():
    (problem,) = read_bytes(b"flow: bill\nabout: caf\xe9\n").problems
    assert (problem.code, problem.span.line, problem.span.column) == ("TG103", 2, 11)


PIECES = st.sampled_from(
    [
        "flow", "policy", ": ", "\n", "  ", "- ", "[", "]", "{", "}", ", ", "'", '"', "#", " #", "&a ", "*a",
        "!x ", "|\n", ">\n", "? ", "---\n", "...\n", "%YAML", "@", "`", "\t", "\\", "\\x", "no", "1:30",
        "012",
        "{{", "}}", "steps", "when", "x", "é", "字", "\u2028", "\r", "\0", "<<", "~", ".inf", "1e9",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=40).map("".join))
def test_no_text_raises(text):
    read_bytes(text.encode())


@given(st.binary(max_size=200))
def test_no_bytes_raise(data):
    read_bytes(data)


@given(st.text(max_size=200))
def test_no_characters_raise(text):
    """Not even half of a surrogate pair, which a caller could hand over."""
    read_bytes(text.encode("utf-8", errors="surrogatepass"))


def test_bounds_are_those_that_are_documented():
    assert (yaml_tree.MAX_BYTES, yaml_tree.MAX_DEPTH, yaml_tree.MAX_ALIASES) == (5 * 2**20, 64, 1_000)


def test_the_parser_in_python_serves_where_the_other_is_missing(monkeypatch):
    monkeypatch.setattr(yaml_tree, "_PARSER", yaml.SafeLoader)
    for data, code in (
        (b"flow: a\ntrigger: {event: b}\nsteps: {}\n", None),
        (b"flow: a\nabout: one: two\n", "TG113"),
        (b"flow: a\ntrigger: {event: b\n", "TG120"),
        (b"a: " + b"[" * 1_000, "TG135"),
        (b"flow: a\n\ttrigger: b\n", "TG111"),
    ):
        assert [problem.code for problem in read_bytes(data).problems] == ([code] if code else [])


@given(st.lists(PIECES, max_size=40).map("".join))
def test_no_text_raises_there_either(text):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yaml_tree, "_PARSER", yaml.SafeLoader)
        read_bytes(text.encode())


@pytest.mark.slow
def test_reading_takes_at_most_three_times_what_the_library_takes():
    """Measured against loading the same files as plain values; the best of three, on a shared machine."""
    texts = [FILE.format(n) for n in range(300)]
    ours = min(seconds(lambda: read_all(texts)) for _ in range(3))
    theirs = min(seconds(lambda: load_all(texts)) for _ in range(3))
    assert ours < 3 * theirs


def read_all(texts):
    collector = Collector()
    decoder = Decoder(KINDS, collector)
    for text in texts:
        source = yaml_tree.source_of("test.yaml", text.encode(), collector)
        for tree in yaml_tree.read_yaml(source, collector):
            decoder.decode(tree)
    assert collector.problems == ()


def load_all(texts):
    for text in texts:
        list(yaml.load_all(text, Loader=yaml.CSafeLoader))


def seconds(work):
    began = time.process_time()
    work()
    return time.process_time() - began


FILE = """\
# A mapping of the usual size.
mapping: time-entry-to-time-bill-{0}
version: 7
owner: finance-operations
about: What a worker did becomes a line of a bill.
inputs:
  entry: canonical/time_entry@2
  project: netsuite/project@2025.1
output: netsuite/time_bill@2025.1
let:
  worker: {{table: worker, key: entry.worker_id}}
  role: {{expr: entry.role or worker.default_role}}
fields:
  externalId: entry.id
  customer.id: project.parent.id
  employee.id: {{xref: worker, id: entry.worker_id, in: erp}}
  tranDate: entry.worked_on
  hours: {{expr: entry.minutes / 60, as: decimal(2)}}
  memo: {{template: "{{{{ project.code }}}} - {{{{ entry.notes }}}}", max_length: 999, omit: empty}}
  isBillable: {{path: entry.billable, default: true}}
  status: {{path: entry.status, values: {{approved: A, billed: B, rejected: unmapped}}}}
"""
