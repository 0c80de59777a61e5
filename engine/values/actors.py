"""Who is behind an act, and who is told of it, when no document and no person says so."""

import unicodedata

ENGINE = "tidegate"  # what the engine does by itself bears this name; no person may act under it
OPERATIONS = "integration-operations"  # told of what has no owner


# Letters and marks that nobody sees, beside those that Unicode calls controls and formats.
_UNSEEN = frozenset(
    chr(code)
    for first, last in (
        (0x034F, 0x034F),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x2800, 0x2800),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),
        (0xE0100, 0xE01EF),
    )
    for code in range(first, last + 1)
)


def same_person(text: str | None) -> str:
    """A name as it is compared: whoever writes it in another case, width or spacing is the same."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text or "").casefold())
    seen = "".join(one for one in plain if one.isspace() or not _is_unseen(one))
    return " ".join(unicodedata.normalize("NFKC", seen).split())


def _is_unseen(one: str) -> bool:
    return one in _UNSEEN or unicodedata.category(one) in {"Cf", "Cc"}
