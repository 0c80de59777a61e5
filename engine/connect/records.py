"""What a simulated system holds, and the journal of what was done to it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from engine.values.value import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it came in."""

    at: datetime
    method: str
    path: str
    status: int  # as answered, or as it would have been
    trouble: str | None  # what went wrong with it on purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A change that was really made."""

    kind: str
    id: str
    how: str  # created, updated, deleted
    values: Mapping[str, Value]


@dataclass(slots=True)
class Journal:
    """Everything that happened to a simulated system, in order."""

    requests: list[Asked] = field(default_factory=list)
    writes: list[Applied] = field(default_factory=list)

    def note(self, at: datetime, method: str, path: str, status: int, trouble: str | None) -> None:
        """Write down a request."""
        self.requests.append(Asked(at=at, method=method, path=path, status=status, trouble=trouble))

    def applied(self, kind: str, how: str | None = None) -> list[Applied]:
        """The changes to records of a kind."""
        return [item for item in self.writes if item.kind == kind and how in (None, item.how)]


class Table:
    """The records of one kind, by id; unique fields are found without a search."""

    def __init__(
        self,
        kind: str,
        journal: Journal,
        *,
        unique: tuple[str, ...] = (),
        first_id: int = 1,
        prefix: str = "",
    ) -> None:
        """Begin without records; ids count from `first_id`, with `prefix` before them."""
        self.kind = kind
        self._journal = journal
        self._records: dict[str, dict[str, Value]] = {}
        self._indexes: dict[str, dict[Value, str]] = {name: {} for name in unique}
        self._next = first_id
        self._prefix = prefix

    def __iter__(self) -> Iterator[dict[str, Value]]:
        return iter(list(self._records.values()))

    def __len__(self) -> int:
        return len(self._records)

    def get(self, identity: str) -> dict[str, Value] | None:
        """A record by id."""
        return self._records.get(identity)

    def find(self, name: str, value: Value) -> dict[str, Value] | None:
        """The record with a value in a unique field; the first one, for other fields."""
        if name in self._indexes:
            identity = self._indexes[name].get(value)
            return None if identity is None else self._records.get(identity)
        return next((record for record in self._records.values() if record.get(name) == value), None)

    def create(self, values: Mapping[str, Value], identity: str | None = None) -> dict[str, Value]:
        """A new record with an id of its own, under `id`."""
        if identity is None:
            identity = f"{self._prefix}{self._next}"
            self._next += 1
        record = {**values, "id": identity}
        self._records[identity] = record
        self._index(record)
        self._journal.writes.append(Applied(kind=self.kind, id=identity, how="created", values=dict(values)))
        return record

    def update(self, identity: str, values: Mapping[str, Value]) -> dict[str, Value]:
        """Change fields of a record that is there."""
        record = self._records[identity]
        record.update(values)
        self._index(record)
        self._journal.writes.append(Applied(kind=self.kind, id=identity, how="updated", values=dict(values)))
        return record

    def delete(self, identity: str) -> None:
        """Remove a record that is there."""
        record = self._records.pop(identity)
        for name, index in self._indexes.items():
            index.pop(record.get(name), None)
        self._journal.writes.append(Applied(kind=self.kind, id=identity, how="deleted", values={}))

    def _index(self, record: Mapping[str, Value]) -> None:
        for name, index in self._indexes.items():
            if record.get(name) is not None:
                index[record[name]] = str(record["id"])
