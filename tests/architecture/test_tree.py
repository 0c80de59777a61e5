"""What lies where, what files are called, how long functions are, and what no file may say."""

import re
import statistics
import subprocess
from pathlib import Path

import pytest

from tests.architecture import reading, rules

ROOT = reading.ROOT
HOUSE = reading.sources_below("engine", "connectors")

TOP_LEVEL = frozenset(
    "pyproject.toml README.md LICENSE CHANGELOG.md Makefile .ci .gitignore .pre-commit-hooks.yaml "
    "engine flows mappings policies connectors tests schemas docs".split()
)
FRAGMENT = re.compile(r"[a-z0-9-]+\.(breaking|security|deprecated|added|changed|fixed)\.md")

# Put together from pieces, so that this file does not hold what it forbids.
MACHINE_PATH = re.compile(r"(?<![\w.])/" + r"(work|root|tmp|home)/|\.\./" + "shared")
REGISTRY = re.compile("py" + r"pi\.(org|io)|files\.python" + r"hosted|npm" + r"js\.(org|com)")
UNFINISHED = re.compile(r"\b(TO" + "DO|FIX" + r"ME|XX" + r"X)\b")


def files_of_the_tree() -> list[Path]:
    """Every file that is, or would be, in the repository."""
    listed = subprocess.run(
        ("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]


def text_of(path: Path) -> str:
    """The text of a file; nothing for one that is no text."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def lines_that_say(pattern: re.Pattern[str], text: str) -> list[int]:
    """Numbers of the lines in which the pattern is found."""
    return [number for number, line in enumerate(text.splitlines(), 1) if pattern.search(line)]


def empty_name(path: Path) -> bool:
    """Whether a file or a folder above it has a name that says nothing."""
    return bool({*path.parts[:-1], path.stem} & rules.EMPTY_NAMES)


TREE = files_of_the_tree()


def test_top_level_is_fixed():
    assert {path.parts[0] for path in TREE} - TOP_LEVEL == set()


def test_names_say_what_is_inside():
    assert [str(path) for path in TREE if empty_name(path)] == []


@pytest.mark.parametrize(
    "pattern", [MACHINE_PATH, REGISTRY, UNFINISHED], ids=["path", "registry", "unfinished"]
)
def test_no_file_says(pattern):
    found = [f"{path}:{line}" for path in TREE for line in lines_that_say(pattern, text_of(path))]
    assert found == []


def test_nothing_of_the_house_is_left_for_later():
    assert [name for name, text in HOUSE.items() if "NotImplementedError" in text] == []


def test_fragments_of_the_changelog_have_a_kind():
    fragments = [path.name for path in TREE if path.parts[:2] == ("docs", "changes")]
    assert [name for name in fragments if name != "README.md" and not FRAGMENT.fullmatch(name)] == []


def test_functions_are_short():
    sizes = {
        name: n for module, text in HOUSE.items() for name, n in reading.function_sizes(module, text).items()
    }
    too_long = {name: n for name, n in sizes.items() if n > rules.LONGEST_FUNCTION}
    assert too_long == {}
    assert statistics.median(sizes.values()) <= rules.MEDIAN
    assert sum(n > rules.NINE_IN_TEN for n in sizes.values()) <= len(sizes) / 10


class TestTheRulesCanFail:
    """Each of these would be found."""

    @pytest.mark.parametrize("name", ["engine/utils.py", "engine/helpers/money.py", "tests/common.py"])
    def test_names(self, name):
        assert empty_name(Path(name))

    @pytest.mark.parametrize(
        "pattern, text",
        [
            (MACHINE_PATH, "see /ro" + "ot/.cache"),
            (MACHINE_PATH, "open('/ho" + "me/ann/x')"),
            (MACHINE_PATH, "as in ../sha" + "red/design"),
            (REGISTRY, "https://py" + "pi.org/simple"),
            (UNFINISHED, "# TO" + "DO: later"),
        ],
    )
    def test_texts(self, pattern, text):
        assert lines_that_say(pattern, f"fine\n{text}\n") == [2]

    def test_paths_of_an_api_are_no_paths_of_a_machine(self):
        assert lines_that_say(MACHINE_PATH, "GET /v1/wo" + "rk/3 and https://a.example/ho" + "me/x") == []

    @pytest.mark.parametrize("name", ["closed-period.md", "Closed.added.md", "x.improved.md"])
    def test_fragments(self, name):
        assert not FRAGMENT.fullmatch(name)

    def test_sizes(self):
        sizes = reading.function_sizes("m", "def long():\n" + "    x = 1\n" * 70)
        assert max(sizes.values()) > rules.LONGEST_FUNCTION
