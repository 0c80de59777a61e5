"""A second look: the same result as a first one, and nothing read that did not change."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.compile.incremental import Incremental
from engine.problems.render import render_text
from engine.session import ALL_KINDS
from engine.workspace import load_workspace
from tests.depth import examples

ENTITY = """\
entity: customer
about: Who pays.
version: 1
key: id
fields:
  id: { type: string, required: true }
  name: { type: string }
"""
NAME = "schemas/customer.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace of one document."""
    (tmp_path / "schemas").mkdir()
    (tmp_path / NAME).write_text(ENTITY, encoding="utf-8")
    return tmp_path


def codes(look: object) -> list[str]:
    return [problem.code for problem in look.report().problems]  # type: ignore[attr-defined]


def test_a_document_that_did_not_change_is_the_same_object(folder: Path) -> None:
    (folder / "schemas/other.yaml").write_text(ENTITY.replace("customer", "vendor"), encoding="utf-8")
    looks = Incremental(folder, ALL_KINDS)
    first = {document.name: document for document in looks.update().workspace.documents}
    second = {
        document.name: document
        for document in looks.update({NAME: ENTITY.replace("name:", "called:")}).workspace.documents
    }
    assert second["vendor"] is first["vendor"]
    assert second["customer"] is not first["customer"]


def test_a_text_stands_for_its_file_until_it_is_given_back(folder: Path) -> None:
    looks = Incremental(folder, ALL_KINDS)
    assert codes(looks.update()) == []
    assert codes(looks.update({NAME: ENTITY.replace("fields", "felds")})) != []
    assert codes(looks.update()) != []
    assert codes(looks.update({NAME: None})) == []


def test_a_text_without_a_file_is_a_document_too(folder: Path) -> None:
    looks = Incremental(folder, ALL_KINDS)
    found = looks.update({"schemas/new.yaml": ENTITY})
    assert codes(found) == ["TG330"]
    assert codes(looks.update({"schemas/new.yaml": None})) == []


@pytest.mark.parametrize(
    "name", ["README.yaml", "schemas/.hidden.yaml", "schemas/x.txt", "docs/x.yaml", "schemas/tidegate/x.yaml"]
)
def test_a_text_elsewhere_is_none(folder: Path, name: str) -> None:
    assert codes(Incremental(folder, ALL_KINDS).update({name: ENTITY})) == []


def test_what_changed_on_disk_is_seen(folder: Path) -> None:
    looks = Incremental(folder, ALL_KINDS)
    looks.update()
    (folder / NAME).write_text("nothing: here\n", encoding="utf-8")
    assert codes(looks.update()) == [
        problem.code for problem in load_workspace(folder, ALL_KINDS)[1].report().problems
    ]
    (folder / NAME).unlink()
    assert codes(looks.update()) == []


ROOT = Path(__file__).parents[2]
WORKLOAD = ROOT / "tests" / "bench" / "workload" / "workspace"
NAMES = sorted(path.relative_to(WORKLOAD).as_posix() for path in WORKLOAD.rglob("*.yaml"))
WORDS = (
    "x",
    ":",
    "- ",
    "{",
    "[",
    "'",
    "\n",
    "---\n",
    "no",
    "entry",
    ".minutes",
    " + 1",
    "None",
    "&a ",
    "*a",
    "\t",
    "#",
)


@st.composite
def edits(draw):
    """Changes of files, one after the other: a word in, a piece out, a file given back."""
    name = draw(st.sampled_from(NAMES))
    kind = draw(st.sampled_from(["insert", "insert", "cut", "cut", "back"]))
    return name, kind, draw(st.integers(0, 4_000)), draw(st.sampled_from(WORDS)), draw(st.integers(1, 30))


def edited(text, edit):
    _, kind, place, word, length = edit
    place %= len(text) + 1
    return (
        f"{text[:place]}{word}{text[place:]}" if kind == "insert" else text[:place] + text[place + length :]
    )


@pytest.mark.slow
@settings(max_examples=examples(40), deadline=None)
@given(changes=st.lists(edits(), min_size=1, max_size=6))
def test_a_second_look_says_what_a_first_one_would(changes):
    looks = Incremental(WORKLOAD, ALL_KINDS)
    texts = {}
    for edit in changes:
        name = edit[0]
        if edit[1] == "back":
            texts.pop(name, None)
            look = looks.update({name: None})
        else:
            before = texts.get(name) or (WORKLOAD / name).read_text("utf-8")
            texts[name] = edited(before, edit)
            look = looks.update({name: texts[name]})
        fresh = Incremental(WORKLOAD, ALL_KINDS).update(texts)
        assert render_text(look.collector.report(shown=1_000)) == render_text(
            fresh.collector.report(shown=1_000)
        )
