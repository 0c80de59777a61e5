"""Who is behind an act, and who is told of it, when no document and no person says so."""

import unicodedata

ENGINE = "tidegate"  # what the engine does by itself bears this name; no person may act under it
OPERATIONS = "integration-operations"  # told of what has no owner


def same_person(text: str | None) -> str:
    """A name as it is compared: whoever writes it in another case, width or spacing is the same."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text or "").casefold())
    seen = (one for one in plain if one.isspace() or unicodedata.category(one) not in {"Cf", "Cc"})
    return " ".join("".join(seen).split())
