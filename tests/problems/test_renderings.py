"""Each code has a page, a broken workspace and a stored rendering.

``UPDATE_RENDERINGS=1 pytest tests/problems`` writes the renderings anew; they are reviewed as diffs.
"""

import re
import shutil
import textwrap

import pytest

from engine.problems.codes import CODES, page
from tests.problems.harness import EXPECTED, HERE, codes_of, compare, rendering, stage_of
from tests.problems.made import MADE

FOLDERS = sorted(path for path in HERE.iterdir() if path.is_dir() and path.name.startswith("TG"))
PAGES = HERE.parents[1] / "engine" / "problems" / "pages"
HEADINGS = ("Why", "Wrong", "Right")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_rendering_is_the_stored_one(folder, tmp_path):
    """The folder's name begins with the code that its workspace must produce."""
    code = folder.name[:5]
    collector = MADE[code](tmp_path) if folder.name in MADE else stage_of(code)(folder)
    assert code in codes_of(collector)
    assert compare(folder, rendering(collector)) == ""


def test_every_code_has_a_workspace_and_a_rendering():
    stored = {folder.name[:5] for folder in FOLDERS if (folder / EXPECTED).is_file()}
    assert stored == set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_page(code):
    text = page(code)
    assert text is not None
    assert text.startswith(f"# {code}: {CODES[code]}\n")
    assert [
        heading for heading in re.findall(r"^## (.*)$", text, re.MULTILINE) if heading in HEADINGS
    ] == list(HEADINGS)


def test_every_page_has_an_example_that_is_tried():
    assert set(CODES) - NO_TEXT_OF_A_PAGE == {*FRAGMENTS, *WITH_EXAMPLES}


def test_no_page_without_a_code():
    assert {path.stem for path in PAGES.glob("*.md")} == set(CODES)


def test_every_code_in_the_source_is_in_the_table():
    engine = HERE.parents[1] / "engine"
    used = {
        code
        for path in engine.rglob("*problems.py")
        for code in re.findall(r'"(TG\d{3})"', path.read_text(encoding="utf-8"))
    }
    assert used - set(CODES) == set()


def test_an_unknown_code_has_no_page():
    assert page("TG999") is None
    assert page("../TG101") is None


def test_codes_are_found_in_small_letters():
    assert page("tg130") == page("TG130")


NO_TEXT_OF_A_PAGE = {
    "TG101",
    "TG102",
    "TG103",
    "TG104",
    "TG105",
    "TG106",
    "TG107",
    "TG136",
    "TG137",
    "TG446",
    "TG901",
}
"""What is wrong here is a file, its size or its bytes, or our own doing; a page can only tell of it."""

FRAGMENT = re.compile(r"^## (Wrong|Right)\n\n```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FRAGMENTS = {
    path.stem: dict(FRAGMENT.findall(path.read_text("utf-8")))
    for path in sorted(PAGES.glob("*.md"))
    if path.stem not in NO_TEXT_OF_A_PAGE and "```text" in path.read_text("utf-8")
}


def place_of(code, fragment):
    """Where the lines of a fragment stand in a broken workspace of the code, however far they are set in."""
    lines = fragment.rstrip("\n").split("\n")
    pattern = "^(?P<indent> *)" + r"\n(?P=indent)".join(map(re.escape, lines)) + "$"
    for path in sorted(path for folder in HERE.glob(f"{code}*") for path in folder.rglob("*")):
        if path.is_file() and path.name != EXPECTED:
            found = re.search(pattern, path.read_text("utf-8", errors="replace"), re.MULTILINE)
            if found:
                return path, found
    return None


@pytest.mark.parametrize("code", FRAGMENTS)
def test_a_fragment_of_a_page_is_wrong_and_right_where_it_stands(code, tmp_path):
    """A fragment is a part of the code's broken workspace; with the right one there, that problem is gone."""
    wrong, right = FRAGMENTS[code]["Wrong"], FRAGMENTS[code]["Right"]
    place = place_of(code, wrong)
    assert place is not None, "no broken workspace of this code has these lines"
    path, found = place
    root = HERE / path.relative_to(HERE).parts[0]
    shutil.copytree(root, tmp_path / "mended")
    text = found.string
    mended = (
        text[: found.start()] + textwrap.indent(right.rstrip("\n"), found["indent"]) + text[found.end() :]
    )
    (tmp_path / "mended" / path.relative_to(root)).write_text(mended, encoding="utf-8")
    before, after = (
        sum(problem.code == code for problem in stage_of(code)(folder).problems)
        for folder in (root, tmp_path / "mended")
    )
    assert after < before


EXAMPLE = re.compile(r"^## (Wrong|Right)\n\n```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WITH_EXAMPLES = [path.stem for path in sorted(PAGES.glob("*.md")) if EXAMPLE.search(path.read_text("utf-8"))]


@pytest.mark.parametrize("code", WITH_EXAMPLES)
def test_examples_of_a_page_are_wrong_and_right(code, tmp_path):
    """An example in a `yaml` block is a whole workspace in one file; fragments are marked as `text`."""
    found = {}
    for heading, text in EXAMPLE.findall(page(code) or ""):
        folder = tmp_path / heading / "flows"
        folder.mkdir(parents=True)
        (folder / "example.yaml").write_text(text, encoding="utf-8")
        found[heading] = codes_of(stage_of(code)(folder.parent))
    assert code in found["Wrong"]
    assert code not in found["Right"]
    if code < "TG3":
        assert found["Right"] == set()
