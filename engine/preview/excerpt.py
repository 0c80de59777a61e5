"""Values for a reader of one line: long texts are cut so that what differs in them can still be seen."""

import re
from itertools import takewhile

LED = 16  # characters before the first that differs
_MONEY = re.compile(r'\{"amount":(-?[0-9.]+),"currency":"([A-Z]{3})"\}')


def money_said(text: str) -> str:
    """`{"amount":210.00,"currency":"EUR"}` as people write it: `210.00 EUR`."""
    return _MONEY.sub(r"\1 \2", text)


def cut(text: str, most: int) -> str:
    """The text in at most so many characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def apart(old: str, new: str, most: int) -> tuple[str, str]:
    """Both texts in at most so many characters each; two that differ do so in what is left of them."""
    if max(len(old), len(new)) <= most:
        return old, new
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))
    begin = max(0, alike - LED) if alike > most // 2 else 0
    lead = "…" if begin else ""
    return cut(f"{lead}{old[begin:]}", most), cut(f"{lead}{new[begin:]}", most)
