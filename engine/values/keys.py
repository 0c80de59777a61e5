"""Texts that come from outside and become keys: every store has to be able to keep them and to find them."""

from hashlib import sha256

LONGEST_KEY = 200  # characters; of the longest, several fit into one entry of an index of any database


def as_key(text: str) -> str:
    """The text itself, or its hash where no store could keep it: it is too long, or holds the character NUL.

    The same text is always the same key, and no two texts share one.
    """
    if len(text) <= LONGEST_KEY and "\0" not in text:
        return text
    return f"sha256:{sha256(text.encode(errors='surrogatepass')).hexdigest()}"
