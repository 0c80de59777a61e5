"""What a comparison found, as one value that every form of it is written from."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from engine.plan.plan import Plan
from engine.preview.behaviour import Behaviour
from engine.preview.meaning import BREAKING, Change
from engine.preview.meaning.change import BEHAVIOUR, CLASSES, SEVERITIES, USE


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two, by the name that a person gave it, and its release."""

    name: str
    release: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What two releases say and do otherwise."""

    old: Side
    new: Side
    changes: Sequence[Change]
    plans: tuple[Plan, Plan]  # for pictures of flows
    behaviour: Behaviour | None = None  # None where no events were played

    @property
    def is_the_same(self) -> bool:
        """Whether the two have one name: the same documents, however they are written."""
        return self.old.release == self.new.release

    def touching(self) -> dict[str, int]:
        """How many changes touch what."""
        return _counted(CLASSES, (change.touches for change in self.changes))

    def severities(self) -> dict[str, int]:
        """How many changes are how severe."""
        return _counted(SEVERITIES, (change.severity for change in self.changes))

    @property
    def breaks(self) -> bool:
        """Whether a change breaks something."""
        return any(change.severity == BREAKING for change in self.changes)

    @property
    def changes_behaviour(self) -> bool:
        """Whether anything decides otherwise: as documents say, or as the events that were played show."""
        found = self.behaviour
        does = found is not None and (found.differs or bool(found.unplayed))
        return does or any(change.touches in (BEHAVIOUR, USE) for change in self.changes)

    def money_beyond(self, amount: Decimal, currency: str) -> bool:
        """Whether amounts of a currency change by more, or nobody knows: runs, or all, were not compared."""
        found = self.behaviour
        if found is None or found.unplayed or not found.runs:
            return True
        return found.most_money(currency) > amount


def _counted(words: Iterable[str], found: Iterable[str]) -> dict[str, int]:
    numbers = Counter(found)
    return {word: numbers[word] for word in words}
