"""What changed, in a sentence for whoever reviews it."""

from engine.plan.meaning import Place
from engine.preview.excerpt import apart, cut, money_said
from engine.preview.meaning.change import Change

LONGEST = 160

_NOW = {
    "hold": ("now holds", "no longer holds"),
    "approve": ("now asks a person to agree", "no longer asks a person to agree"),
    "reject": ("now rejects", "no longer rejects"),
    "roll": ("now rolls work to another cycle", "no longer rolls work to another cycle"),
    "route": ("now routes", "no longer routes"),
    "alert": ("now alerts somebody", "no longer alerts anybody"),
    "release": ("has another way out of its hold", "has lost a way out of its hold"),
}


def say(change: Change) -> str:
    """A sentence without its part, which stands beside it."""
    if not change.place:
        return f"The {change.kind} is {'new' if change.what == 'added' else 'gone'}."
    if change.kind == "policy" and change.what != "changed" and change.place[0] == "then":
        words = _NOW.get(change.place[1] if len(change.place) == 2 else "")
        if words is not None:
            return f"It {words[change.what == 'removed']}: {_text(change.new or change.old)}."
    return _said(change, _subject(change.kind, change.place))


def _said(change: Change, subject: str) -> str:
    match change.aspect:
        case "edge":
            step, other = change.place[1], change.place[3]
            waits = "now waits for" if change.what == "added" else "no longer waits for"
            return f"Step `{step}` {waits} `{other}`."
        case "source" if change.what == "changed" and change.kind == "mapping":
            return f"{subject} is re-sourced: {_both(change)}."
        case "rounding":
            return f"{subject}: {_or(change.old, 'half_even')} → {_or(change.new, 'half_even')}."
        case _:
            return _plainly(change, subject)


def _plainly(change: Change, subject: str) -> str:
    has_name = len(change.place) > 1 and change.place[-2] in _NAMES
    match change.what:
        case "added" if has_name:
            return f"{subject} is new: {_text(change.new)}." if change.new else f"{subject} is new."
        case "added":
            return f"{subject} is now {_text(change.new)}; it was left out."
        case "removed" if has_name:
            return f"{subject} is gone: {_text(change.old)}." if change.old else f"{subject} is gone."
        case "removed":
            return f"{subject} is left out; it was {_text(change.old)}."
        case _:
            return f"{subject}: {_both(change)}."


def say_use(change: Change) -> str:
    """Of what decides otherwise by what it uses."""
    return f"It decides by {', '.join(change.via)}, which changed."


_NAMES = {
    "steps": "step",
    "fields": "field",
    "rows": "row",
    "sources": "source",
    "environments": "environment",
    "inputs": "input",
    "with": "input",
    "set": "value",
    "values": "value",
    "parameters": "parameter",
    "settings": "setting",
    "properties": "property",
}


def _subject(kind: str, place: Place) -> str:
    """`("steps", "bill", "write")` as "Step `bill`, `write`"."""
    words: list[str] = []
    rest = (
        [name for name in place if name != "from"] if kind in ("mapping", "policy", "flow") else list(place)
    )
    while rest:
        name = rest.pop(0)
        title = _NAMES.get(name)
        if title is not None and rest:
            words.append(f"{title} `{rest.pop(0)}`")
        else:
            words.append(f"`{name}`")
    text = ", ".join(words)
    return text[:1].upper() + text[1:]


def _text(text: str | None) -> str:
    return f"`{cut(money_said(text), LONGEST)}`" if text else "nothing"


def _both(change: Change) -> str:
    """What it was, and what it is."""
    if not change.old or not change.new:
        return f"{_text(change.old)} → {_text(change.new)}"
    old, new = apart(money_said(change.old), money_said(change.new), LONGEST)
    return f"`{old}` → `{new}`"


def _or(text: str | None, otherwise: str) -> str:
    return f"`{text or otherwise}`"
