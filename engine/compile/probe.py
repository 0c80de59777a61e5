"""What generated code tells of itself while tests run: which entries it made, and which rules applied.

Nothing of it is emitted unless a test run asks how much it covers: in production there is no trace of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.source import Span
from engine.values.value import Value
from engine.workspace.coverable import (
    APPLIES,
    KEPT,
    MADE,
    NEEDLESS,
    OMITTED,
    PASSES,
    TAKEN,
    Covered,
    name_of,
    of_row,
)
from engine.workspace.kinds.entry import EntryDocument

Told = Callable[[Value], None]


@dataclass(frozen=True, slots=True)
class Probe:
    """Gives generated code what it calls; takes down what it was told."""

    covered: Covered

    def entry(self, entry: EntryDocument) -> Told:
        """Told of each value that an entry finds, before it is mapped, converted or defaulted."""
        add, made = self.covered.seen.add, name_of(entry.span, MADE)
        places = {str(key): name_of(key.span, MADE) for key in entry.values or ()}
        defaults = (name_of(entry.span, TAKEN), name_of(entry.span, NEEDLESS))
        omissions = (name_of(entry.span, OMITTED), name_of(entry.span, KEPT))

        def told(value: Value) -> None:
            add(made)
            text = str(value).lower() if isinstance(value, bool) else str(value)
            if text in places:
                add(places[text])
            if entry.default is not None:
                add(defaults[value is not None])
            if entry.omit is not None:
                nothing = value is None or (entry.omit != "null" and value in ("", []))
                add(omissions[not nothing])

        return told

    def condition(self, span: Span) -> Told:
        """Told whether a policy applies."""
        names = (name_of(span, PASSES), name_of(span, APPLIES))

        def told(value: Value) -> None:
            if isinstance(value, bool):
                self.covered.seen.add(names[value])

        return told

    def rows(self, policy: str, rows: Sequence[tuple[int, Span]]) -> Callable[[int], None]:
        """Told of the rows of a table that apply, as bits."""
        items = [of_row(policy, number, span) for number, span in rows]
        self.covered.rows.update({item.name: item for item in items})

        def told(bits: int) -> None:
            self.covered.seen.update(item.name for place, item in enumerate(items) if bits >> place & 1)

        return told
