"""A line of text as it stands on a terminal: tabs, wide characters, and nothing that commands it."""

import unicodedata

TAB = "    "


def safe(text: str) -> str:
    """The text without characters that would move the cursor, change colours or turn the direction."""
    return "".join(char if char == "\t" or _is_shown(char) else "\ufffd" for char in text)


def _is_shown(char: str) -> bool:
    return unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} or char in "\u200c\u200d"


def shown(text: str) -> str:
    """The text as it is printed."""
    return safe(text).replace("\t", TAB)


def width(text: str) -> int:
    """How many columns the text takes when printed."""
    return sum(_columns(char) for char in shown(text))


def _columns(char: str) -> int:
    if unicodedata.combining(char) or char in "\u200c\u200d":
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1
