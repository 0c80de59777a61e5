"""Which release a replay works by. Nobody is given old rules, or new ones, without having said so."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from engine.errors import InputError
from engine.ledger import LedgerReader
from engine.runtime.bench import Choice

SAME, CURRENT = "same", "current"
SHORTEST = 6  # characters of a release that name it


def chosen(choice: Choice, reader: LedgerReader, runs: Sequence[str], current: str) -> Choice:
    """The choice with the fingerprint of its release; None where each run is worked by the one it began on.

    Raises:
        InputError: when nothing was said and runs began on other releases than the current one; or when no
            release, or more than one, is called what was said.

    """
    wanted = choice.release
    if wanted is None:
        _require_one(reader, runs, current)
        return choice
    if wanted == SAME:
        return replace(choice, release=None)
    return replace(choice, release=current if wanted == CURRENT else _named(reader, wanted, current))


def _require_one(reader: LedgerReader, runs: Sequence[str], current: str) -> None:
    began = Counter(row.release for run in runs if (row := reader.run(run)) is not None)
    others = {release: count for release, count in began.items() if release != current}
    if others:
        said = ", ".join(f"{count} on {release[:12]}" for release, count in others.items())
        raise InputError(
            f"the current release is {current[:12]}, and these began on another one ({said}): say "
            "--release same for the rules by which each began, or --release current"
        )


def _named(reader: LedgerReader, wanted: str, current: str) -> str:
    known = {row.fingerprint for row in reader.releases(limit=10_000)} | {current}
    found = sorted(name for name in known if name.startswith(wanted)) if len(wanted) >= SHORTEST else []
    if len(found) != 1:
        why = "more than one release is" if found else "no release is"
        raise InputError(f"{why} called {wanted!r}; say same, current, or the beginning of its name")
    return found[0]
