"""The one JSON reader and the one JSON writer.

Reading is strict (RFC 8259 and more): UTF-8, no NaN or Infinity, no duplicate keys, no lone
surrogates, bounded size and depth; every number is exact: an int, or a Decimal when it is written
with a fraction or an exponent. Writing is exact as well: a Decimal leaves as the JSON number that
it is. This is the only module that knows jiter and orjson.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import cast

import jiter
import orjson

from engine.values.value import Value

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 64
MAX_EXPONENT = 1_000  # 1e1000000000 is nine bytes of text and a gigabyte of digits

# Every digit as 0, both signs as +, a point as a digit, a brace as a bracket: what is searched for in a text
# is then nearly a plain text itself.
_FOLDED = bytes.maketrans(b"123456789.-E{", b"0000000000+e[")
# A number beyond the bound has an exponent of three digits, or very many digits.
_EXPONENT = re.compile(rb"0e\+?000")
_MANY = MAX_EXPONENT // 2
_DIGITS = b"0" * _MANY
_BEFORE_NUMBER = b" \t\r\n:,["


class JsonError(ValueError):
    """The text is not JSON that Tidegate accepts; the message says what and where."""


def read_json(data: bytes | str, *, most: int = MAX_BYTES) -> Value:
    """Read one JSON document, of so many bytes at most.

    Raises:
        JsonError: for anything but one document within the bounds.

    """
    if isinstance(data, str):
        try:
            data = data.encode()
        except UnicodeEncodeError as error:
            raise JsonError("the text holds half of a surrogate pair") from error
    if len(data) > most:
        raise JsonError(f"the document has {len(data):,} bytes; at most {most:,} are read")
    try:
        value = jiter.from_json(
            data,
            allow_inf_nan=False,
            catch_duplicate_keys=True,
            float_mode="decimal",
            cache_mode="keys",
        )
    except ValueError as error:
        raise JsonError(str(error)) from error
    folded = data.translate(_FOLDED)
    # Counting brackets is cheap and nearly always settles that the document is shallow.
    if folded.count(b"[") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise JsonError(f"the document is nested deeper than {MAX_DEPTH} levels")
    if _may_be_large(folded) and not _bounded(value):
        raise JsonError(f"a number has an exponent beyond {MAX_EXPONENT}")
    return cast("Value", value)


def write_json(value: object, *, sort_keys: bool = False, indent: bool = False) -> bytes:
    """Write one JSON document, compact unless `indent` is asked for.

    Dates are ISO 8601 text, instants RFC 3339 text in UTC with `Z`.

    Raises:
        TypeError: for something that is not a value.

    """
    option = _OPTIONS | (orjson.OPT_SORT_KEYS if sort_keys else 0) | (orjson.OPT_INDENT_2 if indent else 0)
    try:
        return orjson.dumps(value, default=_write_other, option=option)
    except TypeError as error:
        if "64-bit" not in str(error):
            raise
        return orjson.dumps(_wrap_large(value), default=_write_other, option=option)


_OPTIONS = (
    orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_PASSTHROUGH_DATACLASS
)


def _write_other(value: object) -> object:
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise TypeError("a number that is not finite cannot be written as JSON")
        return orjson.Fragment(str(value))
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def _wrap_large(value: object) -> object:
    """The same value with every whole number beyond 64 bits, which orjson refuses, as a fragment."""
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**64:
        return orjson.Fragment(str(value))
    if isinstance(value, Mapping):
        return {key: _wrap_large(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_wrap_large(item) for item in value]
    return value


def written(value: object) -> object:
    """A value that many documents hold, written once: :func:`write_json` puts it in as it is."""
    return orjson.Fragment(write_json(value))


def instant_text(value: datetime) -> str:
    """An instant as RFC 3339 text in UTC, with microseconds only where there are some."""
    if value.tzinfo is None:
        raise TypeError("an instant without a time zone cannot be written")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _depth(value: object) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        inner: list[object] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        level = [item for item in inner if isinstance(item, dict | list)]
    return depth


def _may_be_large(folded: bytes) -> bool:
    """Whether something looks like a number with a large exponent, outside of a word, or with many digits."""
    # So many digits in a row stand at two places in a row of those that are half as far apart.
    if b"00" in folded[:: _MANY // 2] and _DIGITS in folded:
        return True
    if _EXPONENT.search(folded) is None:
        return False
    for found in _EXPONENT.finditer(folded):
        place = found.start()
        while place >= 0 and folded[place] in b"0+":
            place -= 1
        if place < 0 or folded[place] in _BEFORE_NUMBER:
            return True
    return False


def _bounded(value: object) -> bool:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, Decimal) and abs(item.adjusted()) > MAX_EXPONENT:
            return False
    return True
