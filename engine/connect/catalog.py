"""The connectors that exist: by name, with their folders, from entry points or handed in.

Reading what a connector says of itself imports none of its Python; opening one may. The catalog is a
value: it can be reduced to a few connectors, or made of a folder in a test.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Self, TypeAlias, cast

from engine.connect.broker import BROKERS, BrokerConnector
from engine.connect.connector import Connector
from engine.connect.connector_plan import ConnectorPlan
from engine.connect.settings import Settings
from engine.errors import ConfigurationError, InputError
from engine.values.json_text import JsonError, read_json
from engine.values.schema import Schema

if TYPE_CHECKING:
    from engine.connect.simulator import Simulator

GROUP = "tidegate.connectors"
MANIFEST = "connector.yaml"
MAX_SCHEMA_BYTES = 1024 * 1024

Now: TypeAlias = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A connector that is there: its name, its Python package, and the folder with its manifest."""

    name: str
    package: str
    folder: Path

    @property
    def manifest(self) -> Path:
        """Where `connector.yaml` is."""
        return self.folder / MANIFEST

    def schema(self, file: str) -> Schema:
        """A schema file of its folder, by relative name.

        Raises:
            InputError: when there is no such file inside the folder, or it is no JSON object.

        """
        path = (self.folder / file).resolve()
        if not path.is_relative_to(self.folder.resolve()) or not path.is_file():
            raise InputError(f"connector {self.name!r} has no file {file!r}")
        if path.stat().st_size > MAX_SCHEMA_BYTES:
            raise InputError(f"{file!r} of connector {self.name!r} is larger than {MAX_SCHEMA_BYTES:,} bytes")
        try:
            found = read_json(path.read_bytes())
        except JsonError as error:
            raise InputError(f"{file!r} of connector {self.name!r}: {error}") from error
        if not isinstance(found, Mapping):
            raise InputError(f"{file!r} of connector {self.name!r} is no JSON object")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """Connectors by name."""

    installed: Mapping[str, Installed] = field(default_factory=dict)

    @classmethod
    def found(cls) -> Self:
        """All connectors that distributions in this environment announce."""
        return cls.of(entry_points(group=GROUP))

    @classmethod
    def of(cls, announced: Iterable[EntryPoint]) -> Self:
        """The connectors of some entry points; one whose package is not there is left out."""
        made = (
            Installed(name=point.name, package=point.value, folder=folder)
            for point in announced
            if (folder := _folder(point.value)) is not None
        )
        return cls(installed={item.name: item for item in sorted(made, key=lambda item: item.name)})

    def restricted(self, names: Iterable[str]) -> Self:
        """A catalog of these connectors only."""
        wanted = frozenset(names)
        return type(self)(installed={name: item for name, item in self.installed.items() if name in wanted})

    def get(self, name: str) -> Installed:
        """One connector.

        Raises:
            ConfigurationError: when there is none of that name.

        """
        found = self.installed.get(name)
        if found is None:
            known = ", ".join(self.installed) or "none"
            raise ConfigurationError(f"no connector is called {name!r}; installed: {known}")
        return found

    def open(self, plan: ConnectorPlan, settings: Settings, *, now: Now) -> Connector:
        """A connector for one connection: the HTTP one, unless the package has a `connector.py`.

        That module exports ``connector(plan, settings, now) -> Connector``.
        """
        installed = self.installed.get(plan.name)  # none for a connector that a workspace describes itself
        own = None if installed is None else _own_module(installed, "connector")
        if own is None and plan.base_url.startswith(("file:", "sftp:")):
            from engine.connect.places import FolderConnector

            return FolderConnector(plan, settings)
        if own is None and plan.base_url.startswith(BROKERS):
            return BrokerConnector(plan.base_url, settings)
        if own is None:
            # Late, because checking a workspace needs no network and should not pay for one.
            from engine.connect.http_connector import HttpConnector

            return HttpConnector(plan, settings, now=now)
        return cast("Connector", own.connector(plan, settings, now))

    def simulator(self, name: str) -> "type[Simulator]":
        """The class that behaves as the connector's system does: the `SIMULATOR` of its package.

        Raises:
            ConfigurationError: when the connector has none.

        """
        own = _own_module(self.get(name), "simulator")
        if own is None:
            raise ConfigurationError(f"connector {name!r} has no simulator")
        return cast("type[Simulator]", own.SIMULATOR)


def _folder(package: str) -> Path | None:
    try:
        found = find_spec(package)
    except ModuleNotFoundError:
        return None
    if found is None or not found.submodule_search_locations:
        return None
    return Path(found.submodule_search_locations[0])


def _own_module(item: Installed, name: str) -> ModuleType | None:
    if not (item.folder / f"{name}.py").is_file():
        return None
    return import_module(f"{item.package}.{name}")
