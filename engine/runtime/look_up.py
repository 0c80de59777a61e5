"""What the ledger itself can answer: cross references and entity snapshots, this turn's first."""

from collections.abc import Mapping

from engine.core import LookUpCommand, ReadCommand
from engine.ledger import LedgerReader
from engine.ledger.rows import NewXref
from engine.plan.plan import EntityPlan
from engine.values.json_text import read_json
from engine.values.keys import as_key
from engine.values.value import Value

ENTITY = "entity"  # the connection that stands for the ledger's own entity store


class LookUps:
    """Answers from the ledger, and from what the turn is about to commit to it."""

    def __init__(self, reader: LedgerReader, entities: Mapping[str, EntityPlan]) -> None:
        """Read from this ledger."""
        self._reader = reader
        self._entities = entities
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

    def answer(self, command: LookUpCommand | ReadCommand) -> tuple[str, Value]:
        """The kind of the answer, and the answer; None when the ledger knows of nothing."""
        if isinstance(command, LookUpCommand):
            return "xref", self._xref(command)
        return ENTITY, self._entity(command)

    def _xref(self, command: LookUpCommand) -> Value:
        fresh = self._ids.get((command.entity, command.canonical_id, command.system))
        if fresh is not None:
            return fresh
        found = self._reader.xref(command.entity, command.canonical_id, command.system)
        return None if found is None else found.external_id

    def _entity(self, command: ReadCommand) -> Value:
        entity_id = as_key(str(command.parameters["id"]))
        fresh = self._snapshots.get((command.operation, entity_id))
        if fresh is not None:
            return fresh
        row = self._reader.latest(command.operation, entity_id)
        if row is None:
            return None
        value = read_json(row.body)
        entity = self._entities.get(command.operation)
        return value if entity is None or entity.decode is None else entity.decode(value)
