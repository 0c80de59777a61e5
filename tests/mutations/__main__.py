"""`python -m tests.mutations --seed 1 --number 100`: how many seeded mistakes `validate` finds, at the right line.

Each mistake is made alone, in the pack's documents, and the workspace is checked as an editor checks it.
A mistake in the declaration of a field may show where the field is used; that line is right as well.
"""

import argparse
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from engine.session import incremental, pack_folder
from tests.mutations.mistakes import KINDS, TYPED, Mistake, mistakes

FOLDERS = ("flows", "mappings", "policies", "schemas/canonical", "connectors/connections.yaml")


class Found(NamedTuple):
    """What `validate` said of a mistake."""

    mistake: Mistake
    caught: bool
    at_the_line: bool
    said: str


def texts(root: Path) -> dict[str, str]:
    """The documents of the pack, by their path."""
    found = {}
    for folder in FOLDERS:
        place = root / folder
        for path in [place] if place.is_file() else sorted(place.rglob("*.yaml")):
            found[path.relative_to(root).as_posix()] = path.read_text(encoding="utf-8")
    return found


def possible(root: Path) -> Iterator[Mistake]:
    """Every mistake that can be made in the pack."""
    found = texts(root)
    made = set(re.findall(r"^output: canonical/(\w+)@", "\n".join(found.values()), re.MULTILINE))
    for file, text in found.items():
        yield from mistakes(file, text, made)


def drawn(root: Path, seed: int, number: int) -> list[Mistake]:
    """So many different mistakes, all kinds alike as far as there are places for them."""
    dice = random.Random(seed)
    places: dict[str, list[Mistake]] = {kind: [] for kind in KINDS}
    for mistake in possible(root):
        places[mistake.kind].append(mistake)
    for candidates in places.values():
        dice.shuffle(candidates)
    chosen: list[Mistake] = []
    while len(chosen) < number and any(places.values()):
        for kind in dice.sample(list(places), len(places)):
            if places[kind] and len(chosen) < number:
                chosen.append(places[kind].pop())
    return chosen


def judged(root: Path, chosen: list[Mistake]) -> Iterator[Found]:
    """What is said of each."""
    look = incremental(root)
    before = texts(root)
    assert not look.update().collector.has_errors, "the pack has to be in order first"
    for mistake in chosen:
        wrong = mistake.made(before[mistake.file])
        report = look.update({mistake.file: wrong}).collector.report()
        look.update({mistake.file: None})
        problems = [one for one in report.problems if one.code != "TG901"]
        exact = [one for one in problems if _fits(one, mistake, before)]
        said = next(iter(exact or problems), None)
        told = (
            "nothing"
            if said is None
            else f"{said.code} {said.span.source.name}:{said.span.line} {said.message}"
        )
        yield Found(mistake, bool(problems), bool(exact), told)


def _fits(problem: object, mistake: Mistake, before: Mapping[str, str]) -> bool:
    span = problem.span  # type: ignore[attr-defined]
    if span.source.name == mistake.file and span.line in mistake.lines:
        return True
    if mistake.kind not in TYPED:
        return False
    line = before[mistake.file][: mistake.start].rpartition("\n")[2]
    name = line.strip().split(":")[0]
    return name in span.source.text.splitlines()[span.line - 1]


def main() -> int:
    """Draw, judge, print; the exit code says whether enough were found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--number", type=int, default=100)
    parser.add_argument("--least", type=int, default=95, help="so many of a hundred have to be found")
    parser.add_argument("--all", action="store_true", help="every mistake that there is")
    parser.add_argument("--format", choices=["text", "json"], default="text")
    given = parser.parse_args()
    root = pack_folder()
    chosen = drawn(root, given.seed, 10**6 if given.all else given.number)
    found = list(judged(root, chosen))
    good = [one for one in found if one.at_the_line]
    if given.format == "json":
        print(json.dumps([_plain(one) for one in found], indent=1))
    else:
        _tell(found)
    return 0 if len(good) * 100 >= given.least * len(found) else 1


def _plain(found: Found) -> dict[str, object]:
    mistake = {**found.mistake._asdict(), "lines": sorted(found.mistake.lines)}
    return {**found._asdict(), "mistake": mistake}


def _tell(found: list[Found]) -> None:
    by_kind = Counter(one.mistake.kind for one in found)
    good = Counter(one.mistake.kind for one in found if one.at_the_line)
    for kind in KINDS:
        print(f"{good[kind]:4} of {by_kind[kind]:4}  {kind}")
    for one in found:
        if not one.at_the_line:
            line = min(one.mistake.lines)
            what = "elsewhere" if one.caught else "MISSED"
            print(
                f"{what}: {one.mistake.kind}, {one.mistake.file}:{line}, {one.mistake.instead!r}: {one.said}"
            )
    caught = sum(one.caught for one in found)
    print(f"{len(found)} mistakes: {caught} found, {sum(good.values())} of them at the right line.")


if __name__ == "__main__":
    sys.exit(main())
