"""What is left of a text that was pruned: a mark with its hash, so that whoever has the text can prove it."""

from engine.values.canonical import text_hash

START = '{"tidegate:pruned":"'


def mark_of(text: str | bytes) -> str:
    """What is put in the place of a text; it is JSON, as what it replaces."""
    return mark_for(text_hash(text.encode() if isinstance(text, str) else text))


def mark_for(hashed: str) -> str:
    """The mark of a text that has this hash."""
    return f'{START}{hashed}"}}'


def readable(text: str) -> str:
    """A text as a person is shown it, also when only its mark is left."""
    return "(pruned)" if is_pruned(text) else text


def is_pruned(text: str | bytes | None) -> bool:
    """Whether only the mark of a text is left."""
    if isinstance(text, bytes):
        return text.startswith(START.encode())
    return text is not None and text.startswith(START)
