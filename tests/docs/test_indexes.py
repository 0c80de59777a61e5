"""Every page can be found from an index, and every list of pages is complete."""

import re
from xml.etree import ElementTree as ET

import pytest

from engine.workspace.kinds import KINDS
from tests.docs.reading import DOCS, ROOT


def linked(page):
    """The files that a page links to, by their path from the page."""
    return set(re.findall(r"\]\(([\w./-]+)\)", page.read_text(encoding="utf-8")))


def test_every_decision_is_listed():
    there = {path.name for path in (DOCS / "decisions").glob("*.md")} - {"README.md"}
    assert there - linked(DOCS / "decisions" / "README.md") == set()


def test_every_page_is_listed():
    there = {path.name for path in DOCS.glob("*.md")} | {
        f"reference/{path.name}" for path in DOCS.glob("reference/*.md")
    }
    assert there - {"README.md"} - linked(DOCS / "README.md") == set()


def test_every_kind_of_document_has_a_page_that_leads_to_its_keys():
    tasks = set().union(*(linked(page) for page in DOCS.glob("*.md") if page.name != "README.md"))
    assert [kind.kind for kind in KINDS if f"reference/{kind.kind}.md" not in tasks] == []


def test_every_word_of_the_glossary_stands_in_its_place():
    words = re.findall(
        r"^\| \*\*([^*]+)\*\*", (DOCS / "glossary.md").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    assert words == sorted(words)


@pytest.mark.parametrize("fragment", sorted((DOCS / "changes").glob("*.*.md")), ids=lambda path: path.name)
def test_a_fragment_is_one_or_two_sentences(fragment):
    text = fragment.read_text(encoding="utf-8").strip()
    assert text.endswith(".")
    assert len(text) < 500
    assert not text.startswith(("#", "-", "*"))


def test_the_changelog_says_where_the_news_are():
    assert "docs/changes/" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("picture", sorted((DOCS / "images").glob("*.svg")), ids=lambda path: path.name)
def test_a_picture_can_be_read_by_everybody(picture):
    """It has words for those who cannot see it, and colours for light and dark."""
    root = ET.fromstring(picture.read_text(encoding="utf-8"))  # noqa: S314 - our own picture
    named = {child.tag.rpartition("}")[2]: child.text for child in root}
    assert named["title"]
    assert named["desc"]
    assert "prefers-color-scheme: dark" in named["style"]
