"""Every page can be found from an index, and every list of pages is complete."""

import re
from xml.etree import ElementTree as ET

import pytest

from engine.workspace.kinds import KINDS
from tests.docs.reading import DOCS, ROOT

COOKBOOK = DOCS / "cookbook"


def anchor(title):
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def linked(page):
    """The files that a page links to, by their path from the page."""
    return set(re.findall(r"\]\(([\w./-]+)\)", page.read_text(encoding="utf-8")))


def test_every_decision_is_listed():
    there = {path.name for path in (DOCS / "decisions").glob("*.md")} - {"README.md"}
    assert there - linked(DOCS / "decisions" / "README.md") == set()


def test_every_page_is_listed():
    there = {path.name for path in DOCS.glob("*.md")} | {
        f"{folder}/{path.name}"
        for folder in ("cookbook", "reference")
        for path in DOCS.glob(f"{folder}/*.md")
    }
    assert there - {"README.md"} - linked(DOCS / "README.md") == set()


def test_every_recipe_is_in_the_list_of_the_cookbook():
    """With what an analyst would search for, and only once."""
    listed = re.findall(
        r"\| \[[^\]]+\]\((\w+\.md#[^)]+)\) \|", (COOKBOOK / "README.md").read_text(encoding="utf-8")
    )
    recipes = [
        f"{page.name}#{anchor(title)}"
        for page in COOKBOOK.glob("*.md")
        for title in re.findall(r"^## (.+\?)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    ]
    assert sorted(listed) == sorted(recipes)


@pytest.mark.parametrize(
    "page", sorted(set(COOKBOOK.glob("*.md")) - {COOKBOOK / "README.md"}), ids=lambda page: page.stem
)
def test_every_recipe_has_documents_and_a_test_that_is_run(page):
    text = page.read_text(encoding="utf-8")
    recipes = [part for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:] if "?\n" in part[:200]]
    assert recipes
    for recipe in recipes:
        assert re.search(r"^(mapping|policy|flow): ", recipe, flags=re.MULTILINE), recipe
        assert re.search(r"^test: ", recipe, flags=re.MULTILINE), recipe
        assert re.search(
            r"^\$ tidegate test \S+\n(.+\n)+\n\d+ tests?: all passed\.", recipe, flags=re.MULTILINE
        ), recipe


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
