"""Near names: what an author may have meant."""

from collections.abc import Iterable
from difflib import get_close_matches

MOST = 3
CUTOFF = 0.6
LONGEST = 80  # comparing takes time with the square of the length
COMPARED = 5_000


def near_names(name: str, names: Iterable[str]) -> tuple[str, ...]:
    """The names most like `name`, at most three, the nearest first."""
    candidates = sorted({str(other) for other in names if len(other) <= LONGEST})[:COMPARED]
    if not name or len(name) > LONGEST:
        return ()
    folded = {other.casefold(): other for other in reversed(candidates)}
    close = get_close_matches(name.casefold(), list(folded), n=MOST, cutoff=CUTOFF)
    return tuple(folded[other] for other in close)


ALMOST = 0.8  # of the letters, in their order


def misspelt(name: str, names: Iterable[str]) -> tuple[str, ...]:
    """The names of which `name` is surely meant to be one, where others may stand as well.

    Short names are near each other by chance, and names that differ in digits alone, as `line1` and `line2`
    do, are told apart on purpose.
    """
    if len(name) < SHORTEST:
        return ()
    plain = _without_digits(name)
    close = get_close_matches(name, near_names(name, names), n=MOST, cutoff=ALMOST)
    return tuple(other for other in close if _without_digits(other) != plain)


SHORTEST = 4


def _without_digits(name: str) -> str:
    return "".join(char for char in name if not char.isdigit())


def did_you_mean(name: str, names: Iterable[str]) -> tuple[str, ...]:
    """A help line that names what is near; no line when nothing is."""
    near = near_names(name, names)
    return (f"did you mean {or_list(near)}?",) if near else ()


SHOWN_NAMES = 8


def there_are(names: Iterable[str]) -> str:
    """The names that there are, the first of many; nothing where there are none."""
    found = list(names)
    known = [f"`{name}`" for name in found[:SHOWN_NAMES]]
    if len(found) > SHOWN_NAMES:
        return f"there are {', '.join(known)} and {len(found) - SHOWN_NAMES} more"
    if len(known) < 2:
        return f"there is {known[0]}" if known else ""
    return f"there are {', '.join(known[:-1])} and {known[-1]}"


def or_list(names: Iterable[str]) -> str:
    """Names as a person lists them: `a`, `a` or `b`, `a`, `b` or `c`."""
    quoted = [f"`{name}`" for name in names]
    if len(quoted) < 2:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"
