"""A large workspace: the pack, over and over, its entities, events, mappings, policies and flows under new names.

So the documents are as real as the pack's and grow with its language; nothing here knows a key but those
under which a document names another. Tables, calendars, connections and connectors are there once.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from functools import reduce
from pathlib import Path

PACK = Path(__file__).parents[2]
FOLDERS = ("connectors", "flows", "mappings", "policies", "schemas")

RULES = "policies/rules.yaml"
_EXEMPT = re.compile(r"^  ([a-z-]+)\.(\w+: .+)\n", re.MULTILINE)
_KIND = re.compile(r"([a-z]+): (.+)")
_PARTED = re.compile(r"^---\n", re.MULTILINE)
COPIED = frozenset({"entity", "event", "mapping", "policy", "flow", "test", "suite"})


def write(folder: Path, number: int) -> int:
    """Write a workspace of at least so many documents; how many there are."""
    for name in FOLDERS:
        shutil.copytree(PACK / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    (folder / "tidegate.yaml").write_text("", encoding="utf-8")
    files = {path: path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.yaml"))}
    copied = {path: text for path, text in files.items() if _is_copied(text)}
    there = sum(len(_PARTED.split(text)) for text in files.values()) - 1  # but tidegate.yaml
    each = sum(len(_PARTED.split(text)) for text in copied.values())
    names = [found for text in copied.values() for found in _named(text)]
    copies = -(-max(number - there, 0) // each)
    for copy in range(copies):
        rename = _renaming(names, _tag(copy))
        for path, text in copied.items():
            path.with_name(f"{_tag(copy)}-{path.name}").write_text(rename(text), encoding="utf-8")
    rules = folder / RULES
    if rules.is_file():
        tags = ["", *(f"-{_tag(copy)}" for copy in range(copies))]
        text = rules.read_text(encoding="utf-8")
        alike = _EXEMPT.sub(lambda one: "".join(f"  {one[1]}{tag}.{one[2]}\n" for tag in tags), text)
        rules.write_text(alike, encoding="utf-8")
    return there + copies * each


def _is_copied(text: str) -> bool:
    kinds = {kind for kind, _ in _named(text)}
    return bool(kinds) and kinds <= COPIED


def _tag(number: int) -> str:
    return chr(ord("a") + number // 26) + chr(ord("a") + number % 26)


def _named(text: str) -> Iterator[tuple[str, str]]:
    """Kind and name of each document of a file: its first line that is no comment."""
    for document in _PARTED.split(text):
        first = next((line for line in document.splitlines() if line and not line.startswith("#")), "")
        found = _KIND.match(first)
        if found:
            yield found[1], found[2]


def _renaming(names: list[tuple[str, str]], tag: str) -> Callable[[str], str]:
    """Gives every document of these names a new one, and follows it wherever it is used."""
    entities = "|".join(re.escape(name) for kind, name in names if kind == "entity")
    named = "|".join(
        re.escape(name) for kind, name in names if kind in {"mapping", "policy", "flow", "event"}
    )
    steps = (
        (rf"\b(canonical/|entity\.|entity: |ref: |xref: |links: {{)({entities})(?![\w-])", rf"\1\2_{tag}"),
        (rf"(?<![\w./-])({named})(?![\w-])", rf"\1-{tag}"),
        (r"^(test|suite): (.+?)(['\"]?)$", rf"\1: \2 in {tag}\3"),
    )
    patterns = [(re.compile(pattern, re.MULTILINE), new) for pattern, new in steps]
    return lambda text: reduce(lambda said, step: step[0].sub(step[1], said), patterns, text)
