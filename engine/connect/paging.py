"""Where in the pages of an answer we are: a place that can be written down and gone on from later."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.connect.connector_plan import PagingPlan
from engine.values.value import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """The next page to ask for."""

    paging: PagingPlan
    target: str | None = None  # path and query, where the answer before said so
    passed: int = 0
    number: int = 1

    @classmethod
    def read(cls, paging: PagingPlan, written: Value) -> "Cursor":
        """What :meth:`written` gave; the first page for None, or for what another kind of paging wrote."""
        if not isinstance(written, Mapping):
            return cls(paging=paging)
        target, passed, number = written.get("target"), written.get("passed"), written.get("number")
        return cls(
            paging=paging,
            target=target if isinstance(target, str) else None,
            passed=passed if isinstance(passed, int) else 0,
            number=number if isinstance(number, int) else 1,
        )

    def written(self) -> Value:
        """The place as plain data."""
        if self.target is not None:
            return {"target": self.target}
        return {"passed": self.passed, "number": self.number}

    def behind(self, found: int) -> "Cursor":
        """The page after this one, which had so many items."""
        return Cursor(paging=self.paging, passed=self.passed + found, number=self.number + 1)

    def parameters(self) -> dict[str, str]:
        """What is added to the query."""
        if self.paging.offset is not None:
            return {self.paging.offset: str(self.passed)}
        return {self.paging.page: str(self.number)} if self.paging.page is not None else {}
