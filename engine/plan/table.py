"""Reference data as the plan holds it: rows by key, and by day where rows have one."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeAlias

from engine.language.compiled import EvaluationError
from engine.values.value import Value

Row: TypeAlias = Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows by key: the value of the only key column, or a tuple of those of several.

    Of a table without effective dates, ``rows`` holds one row a key in a list of one.
    """

    name: str
    key: tuple[str, ...]
    rows: Mapping[object, Sequence[Row]]
    start: str | None = None  # the column of the first day on which a row holds
    end: str | None = None  # the column of the last one; null there means that it still holds
    first_rows: Mapping[object, Row] = field(init=False, repr=False)  # the only row of each key, without days

    def __post_init__(self) -> None:
        """Put the rows of a table without days where generated code finds them in one step."""
        object.__setattr__(self, "first_rows", {key: rows[0] for key, rows in self.rows.items() if rows})

    def find(self, key: object) -> Row | None:
        """The row with this key; None when there is none."""
        return self.first_rows.get(key)

    def find_on(self, key: object, on: Value) -> Row | None:
        """The row with this key that holds on a day, both its first and its last day included.

        Raises:
            EvaluationError: when `on` is not a day.

        """
        if isinstance(on, datetime) or not isinstance(on, date):
            raise EvaluationError(f"table {self.name} is asked about {on!r}, which is not a date")
        found = self.rows.get(key)
        if not found:
            return None
        assert self.start is not None
        place = bisect_right([row[self.start] for row in found], on) - 1  # type: ignore[type-var]
        if place < 0:
            return None
        row = found[place]
        last = row.get(self.end) if self.end else None
        return None if isinstance(last, date) and last < on else row
