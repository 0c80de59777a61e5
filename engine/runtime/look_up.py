"""What the ledger itself can answer: cross references and entity snapshots, this turn's first."""

from engine.core import LookUpCommand, ReadCommand
from engine.core.accept import of_version
from engine.ledger import LedgerReader
from engine.ledger.rows import EntityRow, NewXref
from engine.plan.plan import Plan
from engine.plan.step import ENTITY
from engine.values.json_text import read_json
from engine.values.keys import as_key
from engine.values.value import Value


class LookUps:
    """Answers from the ledger, and from what the turn is about to commit to it."""

    def __init__(self, reader: LedgerReader, plan: Plan) -> None:
        """Read from this ledger."""
        self._reader = reader
        self._plan = plan
        self._changed = {event.entity for event in plan.events.values() if event.earlier is not None}
        self.begin_turn()

    def begin_turn(self) -> None:
        """What was fresh is in the ledger now."""
        self._snapshots: dict[tuple[str, str], Value] = {}
        self._ids: dict[tuple[str, str, str], str] = {}

    def keep_entity(self, entity: str, entity_id: str, data: Value) -> None:
        """A snapshot that this turn commits."""
        self._snapshots[entity, entity_id] = data

    def keep_xref(self, row: NewXref) -> None:
        """A cross reference that this turn commits."""
        self._ids[row.entity, row.canonical_id, row.system] = row.external_id

    def is_versioned(self, command: LookUpCommand | ReadCommand) -> bool:
        """Whether a snapshot may be that of an earlier version, so that it matters who reads it."""
        return isinstance(command, ReadCommand) and command.operation in self._changed

    def answer(self, command: LookUpCommand | ReadCommand, release: str | None = None) -> tuple[str, Value]:
        """The kind of the answer, and the answer; None when the ledger knows of nothing.

        A run of another `release` than that of the plan is given snapshots as they were kept.
        """
        if isinstance(command, LookUpCommand):
            return "xref", self._xref(command)
        return ENTITY, self._entity(command, release)

    def _xref(self, command: LookUpCommand) -> Value:
        fresh = self._ids.get((command.entity, command.canonical_id, command.system))
        if fresh is not None:
            return fresh
        found = self._reader.xref(command.entity, command.canonical_id, command.system)
        return None if found is None else found.external_id

    def _entity(self, command: ReadCommand, release: str | None) -> Value:
        entity_id = as_key(str(command.parameters["id"]))
        fresh = self._snapshots.get((command.operation, entity_id))
        if fresh is not None:
            return fresh
        row = self._reader.latest(command.operation, entity_id)
        if row is None:
            return None
        is_ours = release is None or release == self._plan.release
        value = self._newer(row) if is_ours and row.entity in self._changed else read_json(row.body)
        entity = self._plan.entities.get(command.operation)
        return value if entity is None or entity.decode is None else entity.decode(value)

    def _newer(self, row: EntityRow) -> Value:
        """A snapshot by an event that may have been accepted as an earlier version, as that of the newer."""
        value = read_json(row.body)
        event = None if row.event_id is None else self._reader.event(row.event_id)
        spoken = None if event is None else self._plan.events.get(event.type)
        return value if event is None or spoken is None else of_version(spoken, value, event.version)[0]
