"""Every file and command that a page shows does what the page says."""

import re

import pytest

from engine.cli.main import COMMANDS
from tests.docs.reading import DOCS, PAGES, ROOT, Reader, blocks, commands, plain

pytestmark = pytest.mark.slow  # every example of every page

TUTORIAL = DOCS / "tutorial.md"
FRONT = ROOT / "README.md"
SLOW = {"expressions", "new-workspace"}  # pages whose commands start many processes
EXAMPLES = [
    pytest.param(page, marks=[pytest.mark.slow] if page.stem in SLOW else [], id=page.stem)
    for page in PAGES
    if page not in {TUTORIAL, FRONT} and any(blocks(page))
]


@pytest.fixture
def reader(tmp_path, monkeypatch):
    # A page is read at a desk, also where these tests are run by a server: `test --update` asks.
    monkeypatch.delenv("CI", raising=False)
    made = Reader(tmp_path)
    yield made
    made.close()


def finished_tutorial(reader):
    """The workspace in which the tutorial ends; the examples of other pages go on from there."""
    first = next(command for block in blocks(TUTORIAL) for command in commands(TUTORIAL, block))
    reader.run(first.text)
    reader.files(TUTORIAL)


@pytest.mark.parametrize("page", EXAMPLES)
def test_the_examples_of_a_page_hold(page, reader):
    finished_tutorial(reader)
    reader.follow(page)
    assert not reader.differences, "\n".join(reader.differences)
    assert "no problems" in reader.run("tidegate validate"), reader.run("tidegate validate")


def test_the_example_of_the_front_page_works(reader):
    finished_tutorial(reader)
    reader.files(FRONT)
    assert "no problems" in reader.run("tidegate validate"), reader.run("tidegate validate")
    assert "1 test: all passed" in reader.run("tidegate test")


def test_the_front_page_lists_every_command():
    named = re.findall(r"^\| `tidegate ([\w-]+)", FRONT.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sorted(named) == sorted(COMMANDS)


def test_the_test_command_of_the_front_page_is_what_ci_runs():
    assert "\n    make test " in FRONT.read_text(encoding="utf-8")
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").rstrip().endswith("exec make test")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_document_on_a_page_is_a_file(page):
    nameless = [
        f"{page.name}:{block.line}" for block in blocks(page) if block.language == "yaml" and not block.file
    ]
    assert nameless == [], "a document without a name is checked by nobody"


def test_a_wrong_page_is_found(reader, tmp_path):
    page = tmp_path / "wrong.md"
    page.write_text("```console\n$ tidegate eval --expr '1 + 1'\n3\n$ tidegate eval --expr '2'\n2\n```\n")
    reader.follow(page)
    (difference,) = reader.differences
    assert difference.startswith("wrong.md:2: $ tidegate eval --expr '1 + 1'")


@pytest.mark.parametrize(
    "expected, printed, fits",
    [("a\n...\nc", "a\nb\nb\nc", True), ("a\n...", "a", True), ("...\nb", "a", False), ("a", "a\nb", False)],
)
def test_points_stand_for_any_lines(expected, printed, fits, reader, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"```console\n$ printf {printed!r}\n{expected}\n```\n")
    reader.follow(page)
    assert (reader.differences == []) is fits


def test_what_differs_each_time_is_not_compared():
    line = "since 2026-11-21T04:45:27.061960Z, 0.3 s, head " + "ab" * 32
    assert plain(line) == ["since <instant>, <seconds>, head <hash>"]
    assert plain("2026-05-29T22:00:00Z") == ["2026-05-29T22:00:00Z"]


LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"")
LINKED = [
    *PAGES,
    *ROOT.glob("*.md"),
    *DOCS.glob("*/*.md"),
    ROOT / "engine" / "ARCHITECTURE.md",
    *ROOT.glob("connectors/**/*.md"),
]


def anchors(page):
    """The anchors of the headings of a page, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", sorted(set(LINKED)), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    broken = []
    for found in LINK.finditer(text):
        target, _, anchor = (found.group(1) or found.group(2)).partition("#")
        if "://" in target:
            continue
        path = (page.parent / target).resolve() if target else page
        if not path.exists() or (anchor and path.suffix == ".md" and anchor not in anchors(path)):
            broken.append(found.group(0))
    assert broken == []
