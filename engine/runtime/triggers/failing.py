"""A source that gives no answer: since when, why, and when somebody is told.

The beginning of an outage is a mark in the ledger, so that it is as old after a restart as it was before.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from engine.ledger import LedgerReader, instant, read_instant
from engine.runtime.intake import Alert, Beside
from engine.values.json_text import read_json

FAILING = "failing"


class Failing:
    """Whether one source is failing; every method gives what is to be committed for it, or nothing."""

    def __init__(self, reader: LedgerReader, name: str, patience: timedelta) -> None:
        """Take up what the ledger knows of the source."""
        self.name = name
        self.why: str | None = None
        self._patience = patience
        self._since: datetime | None = None
        mark = reader.mark(name, FAILING)
        said = None if mark is None else read_json(mark.value)
        if isinstance(said, Mapping):
            self._since = read_instant(str(said["since"]))
            self.why = str(said["why"])

    def failed(self, why: str, now: datetime) -> Beside | None:
        """It failed: noted at the first time, and told once it has lasted."""
        self.why = why
        if self._since is None:
            self._since = now
            return Beside(marks=[(FAILING, {"since": instant(now), "why": why})], raised=self._raised(now))
        raised = self._raised(now)
        return Beside(raised=raised) if raised else None

    def _raised(self, now: datetime) -> list[Alert]:
        assert self._since is not None
        if now - self._since < self._patience:
            return []
        message = f"{self.name} has brought nothing since {instant(self._since)}: {self.why}"
        return [Alert(id=self._alert_id(), message=message)]

    def _alert_id(self) -> str:
        assert self._since is not None
        return f"source/{self.name}/{instant(self._since)}"

    def recovered(self) -> Beside | None:
        """It works again: what was told is over."""
        self.why = None
        if self._since is None:
            return None
        closed = [self._alert_id()]
        self._since = None
        return Beside(marks=[(FAILING, None)], closed=closed)
