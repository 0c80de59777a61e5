"""What a workspace and the connectors offer to those who write documents: schemas, operations, simulators."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from engine.compile.published import published_schema
from engine.connect.catalog import Catalog
from engine.connect.connector_spec import ConnectorSpec
from engine.session.loading import ALL_KINDS, Session
from engine.spec.json_schema import schemas_of
from engine.values.json_text import write_json
from engine.workspace.kinds.model import EntityDocument
from engine.workspace.kinds.reference import ConnectionDocument

if TYPE_CHECKING:
    from engine.connect.simulator import Simulator


def simulators() -> dict[str, Callable[[], "type[Simulator]"]]:
    """What imports the class of each simulator, by the name of its connector."""
    catalog = Catalog.found()
    names = [item.name for item in catalog.installed.values() if (item.folder / "simulator.py").is_file()]
    return {name: partial(catalog.simulator, name) for name in names}


def pack_folder() -> Path:
    """The folder of the pack: beside the engine in a checkout, inside it when installed from a wheel."""
    engine = Path(__file__).parents[1]
    inside = engine / "pack"
    return inside if inside.is_dir() else engine.parent


def editor_schemas() -> dict[str, bytes]:
    """The JSON Schemas of all kinds of documents by the name of their file, as an editor wants them."""
    return {name: write_json(schema, indent=True) + b"\n" for name, schema in schemas_of(ALL_KINDS).items()}


def entity_schemas(session: Session) -> dict[str, bytes]:
    """The JSON Schemas of the entities of a workspace, in every version, by `canonical/NAME@VERSION`."""
    documents = (one for one in session.workspace.documents if isinstance(one, EntityDocument))
    return {
        f"canonical/{one.name}@{one.version}": write_json(published_schema(one), indent=True) + b"\n"
        for one in documents
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Something that a connection can read, write, or receive."""

    verb: str  # read, write, or source
    name: str  # "erp.save_customer"
    record: str  # the type that is written or comes, such as "netsuite/customer_input@2025.1"; or nothing


def offers(session: Session) -> list[Offer]:
    """What the connections of a workspace offer to flows and events, in their order."""
    found = []
    for connection in session.workspace.of(ConnectionDocument).values():
        connector = session.workspace.of(ConnectorSpec).get(str(connection.connector))
        for verb, name, schema in () if connector is None else _offered(connector):
            record = "" if connector is None or schema is None else _record_name(connector, schema)
            found.append(Offer(verb=verb, name=f"{connection.name}.{name}", record=record))
    return found


def _offered(connector: ConnectorSpec) -> Iterator[tuple[str, str, str | None]]:
    for name, operation in connector.operations.items():
        yield str(operation.does), name, operation.input or operation.output
    for name, source in connector.sources.items():
        yield "source", name, source.output


def record_schemas(session: Session) -> dict[str, bytes]:
    """The JSON Schemas of the records that connections take and give, by `netsuite/customer_input@2025.1`."""
    found = {}
    for connector in session.workspace.of(ConnectorSpec).values():
        beside = connector.name.span.source
        for schema in (schema for _, _, schema in _offered(connector) if schema is not None):
            found[_record_name(connector, schema)] = session.workspace.files.read_bytes(schema, beside=beside)
    return found


def _record_name(connector: ConnectorSpec, schema: str) -> str:
    """`schemas/customer_input.json` as types are called."""
    return f"{connector.name}/{PurePosixPath(schema).stem}@{connector.api.version}"
