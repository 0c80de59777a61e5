"""Pseudonyms: what stands for a personal value, worked out from the value and a secret key.

The same value has the same pseudonym under the same key, wherever and whenever it is met, so that what was
joined by it still is. Without the key a value cannot be found by trying all that are likely. The form is kept
where something may depend on it: an address of e-mail stays one, a day a day, a number has as many digits.

What lives here: values alone. What does not: which of them are personal
(:mod:`engine.preview.corpus.personal`).
"""

import calendar
import hmac
import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Final, NamedTuple

from engine.errors import InputError
from engine.values.value import Value

SHORTEST_KEY = 16  # bytes
LETTERS = (
    12  # of a pseudonym for words: 48 bits, so that two of a million values meet once in some hundred firms
)
_ROUNDS = 8
_REMEMBERED = 100_000

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_WORDS = re.compile(r"[^\W\d_]{2,}")
_SHAPES = ("0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_SHAPE: Final = {letter: letters for letters in _SHAPES for letter in letters}


class Bounds(NamedTuple):
    """What a text has to fit."""

    shortest: int = 0
    longest: int | None = None
    pattern: str | None = None

    def holds(self, text: str) -> bool:
        """Whether a text fits."""
        return (
            len(text) >= self.shortest
            and (self.longest is None or len(text) <= self.longest)
            and (self.pattern is None or re.search(self.pattern, text) is not None)
        )


NO_BOUNDS = Bounds()


class Pseudonyms:
    """Gives pseudonyms under one key."""

    def __init__(self, key: bytes) -> None:
        """Under this key.

        Raises:
            InputError: when the key is so short that it could be guessed.

        """
        if len(key) < SHORTEST_KEY:
            raise InputError(
                f"a key for pseudonyms has at least {SHORTEST_KEY} bytes, since a shorter one can be "
                "guessed; `--new-key` makes one"
            )
        self._key = key
        self._known: dict[tuple[str, Bounds], str] = {}

    def of(self, value: Value, bounds: Bounds = NO_BOUNDS) -> Value:
        """The pseudonym of a plain value; a truth becomes false, since there are but two of them."""
        match value:
            case bool():
                return False
            case str():
                return self.text(value, bounds)
            case int():
                return self._number(value)
            case Decimal():
                return Decimal(self._number(int(value.scaleb(_places(value))))).scaleb(-_places(value))
            case datetime():
                return datetime.combine(self._day(value.date()), value.timetz())
            case date():
                return self._day(value)
            case _:
                return value

    def text(self, value: str, bounds: Bounds = NO_BOUNDS) -> str:
        """The pseudonym of a text, in its own form, or in its very shape where the other would not fit."""
        known = self._known.get((value, bounds))
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[value, bounds] = self._text(value, bounds)
        return known

    def one_of(self, value: str, choices: Sequence[str]) -> str:
        """Another of a few texts: each stands for one, so that as many are told apart as before."""
        if value not in choices:
            return self.text(value)
        ordered = sorted(choices)
        return ordered[self._permuted("|".join(ordered), ordered.index(value), len(ordered))]

    def _text(self, value: str, bounds: Bounds) -> str:
        if not value.strip():
            return value
        made = self._in_form(unicodedata.normalize("NFC", value))
        return made if bounds.holds(made) else self._in_shape(value)

    def _in_form(self, value: str) -> str:
        if _EMAIL.fullmatch(value):
            name, _, domain = value.casefold().rpartition("@")
            return f"u{self._hash('name', name)[:LETTERS]}@d{self._hash('domain', domain)[:6]}.example"
        if (day := _day_of(value)) is not None:
            return f"{self._day(day).isoformat()}{value[10:]}"
        # A number of a telephone, of an account, of a person; other letters and digits have no shape to keep.
        if _WORDS.search(value) is None and not any(map(_is_foreign, value)):
            return self._in_shape(value)
        return f"p-{self._hash('text', value)[:LETTERS]}"

    def _in_shape(self, value: str) -> str:
        """A text in which digits stand for digits and letters for letters; no two become the same."""
        sets = [_SHAPE.get(letter) for letter in value]
        number, size = 0, 1
        for letter, letters in zip(value, sets, strict=True):
            if letters is not None:
                number, size = number * len(letters) + letters.index(letter), size * len(letters)
        shape = "".join(
            letters[0] if letters else letter for letter, letters in zip(value, sets, strict=True)
        )
        number = self._permuted(shape, number, size)
        # Of other letters and digits it is not known which there are: they are told apart as well as may be.
        others = iter(_letters(self._hash("others", value), sum(map(_is_foreign, value)), self._hash))
        made: list[str] = []
        for letter, letters in zip(reversed(value), reversed(sets), strict=True):
            if letters is None:
                made.append(next(others) if _is_foreign(letter) else letter)
            else:
                number, place = divmod(number, len(letters))
                made.append(letters[place])
        return "".join(reversed(made))

    def _number(self, value: int) -> int:
        """Another number with as many digits and the same sign; zero stays."""
        digits = str(abs(value))
        least: int = 10 ** (len(digits) - 1)
        if value == 0:
            return 0
        found = least + self._permuted(f"number {len(digits)}", abs(value) - least, 9 * least)
        return found if value > 0 else -found

    def _day(self, value: date) -> date:
        """Another day of the same year."""
        days = 366 if calendar.isleap(value.year) else 365
        number = self._permuted(f"day {value.year}", value.timetuple().tm_yday - 1, days)
        return date.fromordinal(date(value.year, 1, 1).toordinal() + number)

    def _hash(self, about: str, text: str) -> str:
        return hmac.new(self._key, f"{about}\0{text}".encode(), sha256).hexdigest()

    def _permuted(self, about: str, number: int, size: int) -> int:
        """The place of a number below ``size`` in an order that the key makes: no two have the same place.

        A Feistel network over the next power of four, walked until it ends below the size.
        """
        if size <= 1:
            return number
        bits = max(1, ((size - 1).bit_length() + 1) // 2)
        found = self._mixed(about, number, bits)
        while found >= size:
            found = self._mixed(about, found, bits)
        return found

    def _mixed(self, about: str, number: int, bits: int) -> int:
        left, right = number >> bits, number & ((1 << bits) - 1)
        for turn in range(_ROUNDS):
            mixed = self._hash(f"{about}\0{bits}\0{turn}", f"{right:x}")
            left, right = right, left ^ _bits(mixed, bits, self._hash)
        return left << bits | right


def _bits(digest: str, bits: int, more: Callable[[str, str], str]) -> int:
    """So many bits of a digest, which is made longer where it has too few."""
    while len(digest) * 4 < bits:
        digest += more("more", digest)
    return int(digest, 16) & ((1 << bits) - 1)


def _is_foreign(letter: str) -> bool:
    """Whether it is a letter or a digit, and none of those that are replaced by their like."""
    return letter.isalnum() and letter not in _SHAPE


def _letters(digest: str, number: int, more: Callable[[str, str], str]) -> str:
    """So many small letters that follow from a digest."""
    value = _bits(digest, 5 * number, more)
    return "".join(_SHAPES[1][(value >> 5 * place) % 26] for place in range(number))


def _places(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _day_of(value: str) -> date | None:
    if _DAY.match(value) is None or value[10:11] not in ("", "T", " "):
        return None
    try:
        datetime.fromisoformat(value)
        return date.fromisoformat(value[:10])
    except ValueError:
        return None
