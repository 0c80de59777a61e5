"""Which other parts a document depends on, by the keys that name them."""

from collections.abc import Iterator, Mapping

from engine.compile.build_versions import name_of_event
from engine.compile.compilation import Compilation
from engine.compile.meaning_of_text import texts_in
from engine.source import Text
from engine.workspace.kinds.model import EntityDocument
from engine.workspace.kinds.reference import ConnectionDocument

# By the description and its key: the kind of what is named there.
_NAMED: Mapping[tuple[str, str], str] = {
    ("StepDocument", "map"): "mapping",
    ("StepDocument", "check"): "policy",
    ("StepDocument", "emit"): "event",
    ("StepDocument", "read"): "operation",
    ("StepDocument", "write"): "operation",
    ("UndoDocument", "call"): "operation",
    ("TriggerDocument", "event"): "event",
    ("WaitDocument", "event"): "event",
    ("UntilDocument", "event"): "event",
    ("AfterDocument", "event"): "event",
    ("ComesDocument", "event"): "event",
    ("QuietDocument", "event"): "event",
    ("ComesDocument", "flow"): "flow",
    ("EntryDocument", "table"): "table",
    ("ByDocument", "table"): "table",
    ("CalendarUseDocument", "name"): "calendar",
    ("ScheduleDocument", "calendar"): "calendar",
    ("WindowDocument", "calendar"): "calendar",
    ("SourceDocument", "map"): "mapping",
    ("SourceDocument", "from"): "source",
    ("DeprecatesDocument", "up"): "mapping",
    ("EarlierDocument", "data"): "type",
    ("EarlierDocument", "up"): "mapping",
    ("EarlierDocument", "down"): "mapping",
    ("ConnectionDocument", "connector"): "connector",
    ("EventDocument", "data"): "type",
    ("MappingDocument", "inputs"): "type",
    ("MappingDocument", "output"): "type",
    ("PolicyDocument", "inputs"): "type",
}


class Uses:
    """Collects what one document depends on."""

    def __init__(self, compilation: Compilation) -> None:
        """With nothing found yet."""
        self._compilation = compilation
        self.found: set[str] = set()

    def named(self, owner: str, key: str, text: str) -> None:
        """Take down what a key names, if it names anything."""
        kind = _NAMED.get((owner, key))
        if kind in ("operation", "source"):
            self.found.update(self._of_connection(kind, text))
        elif kind == "type":
            system, _, name = text.partition("/")
            if system == "canonical":
                self.found.add(f"entity {name}")
        elif kind == "event":
            self.found.add(f"event {name_of_event(text)}")
        elif kind is not None:
            self.found.add(f"{kind} {text}")

    def expression(self, text: Text) -> None:
        """Take down the calendars that an expression asks."""
        for name in texts_in(text):
            if name in self._compilation.calendars:
                self.found.add(f"calendar {name}")

    def _of_connection(self, kind: str, text: str) -> Iterator[str]:
        connection, _, name = text.partition(".")
        if connection == "entity":
            versions = [one.version for one in self._compilation.versions(EntityDocument) if one.name == name]
            yield f"entity {name}@{max(versions, default=1)}"
            return
        yield f"connection {connection}"
        document = self._compilation.documents(ConnectionDocument).get(connection)
        if document is not None:
            yield f"{kind} {document.connector}.{name}"
