"""The settings of a connection in one environment, and its secrets.

What lives here: resolving `{secret: env/NAME}` and `{env: NAME}`, and :class:`Secret`, which no log or
traceback can show. What does not: which settings a connector needs (its manifest says so).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from engine.errors import ConfigurationError
from engine.values.value import Value

# From a reference such as "env/NS_CLIENT" to the secret's text; raises ConfigurationError.
SecretResolver: TypeAlias = Callable[[str], str]

MAX_SECRET_BYTES = 64 * 1024
SIMULATED = "simulated"  # every setting that a simulated connection does not say


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """Text that is shown as `***` wherever it is printed."""

    _text: str

    def reveal(self) -> str:
        """The text itself, for the one place that sends it."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    def __str__(self) -> str:
        return "***"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a connection says in one environment. Inner keys are joined by dots: `auth.client_id`."""

    connection: str
    environment: str
    values: Mapping[str, str | Secret | tuple[Secret, ...]] = field(default_factory=dict)
    simulated: bool = False
    base_url: str | None = None  # in place of the manifest's: where a simulator listens

    def text(self, name: str) -> str:
        """A setting that is no secret, or the text of one. A simulated system accepts any.

        Raises:
            ConfigurationError: when it is not set.

        """
        found = self.values.get(name)
        if found is None and self.simulated:
            return SIMULATED
        if found is None:
            raise ConfigurationError(
                f"connection {self.connection!r} has no setting {name!r} in environment {self.environment!r}"
            )
        if isinstance(found, tuple):
            return found[0].reveal()
        return found.reveal() if isinstance(found, Secret) else found

    def secrets(self, name: str) -> tuple[Secret, ...]:
        """All secrets that hold at present under one name: two while one is being replaced."""
        found = self.values.get(name)
        if isinstance(found, tuple):
            return found
        return (Secret(self.text(name)) if not isinstance(found, Secret) else found,)

    def hidden(self) -> tuple[str, ...]:
        """The texts of all secrets, for those who must keep them out of what they write."""
        groups = (value if isinstance(value, tuple) else (value,) for value in self.values.values())
        return tuple(item.reveal() for group in groups for item in group if isinstance(item, Secret))


def resolve_settings(
    connection: str, environment: str, written: Value, resolve: SecretResolver, *, base_url: str | None = None
) -> Settings:
    """The settings of one environment as written in the connection's document, references resolved.

    A simulated environment needs no secrets: its references are not resolved, and stand-ins take their place.

    Raises:
        ConfigurationError: for something that is no setting, or a reference that leads nowhere.

    """
    if not isinstance(written, Mapping):
        raise ConfigurationError(
            f"connection {connection!r}: the settings of {environment!r} are not a record"
        )
    simulated = written.get("simulated") is True
    found: dict[str, str | Secret | tuple[Secret, ...]] = {}
    for key, value in written.items():
        if key != "simulated":
            _collect(key, value, (lambda _: SIMULATED) if simulated else resolve, found)
    return Settings(
        connection=connection, environment=environment, values=found, simulated=simulated, base_url=base_url
    )


def _collect(
    name: str, value: Value, resolve: SecretResolver, into: dict[str, str | Secret | tuple[Secret, ...]]
) -> None:
    if isinstance(value, Mapping) and value.keys() == {"secret"}:
        into[name] = Secret(resolve(str(value["secret"])))
    elif isinstance(value, Mapping) and value.keys() == {"env"}:
        into[name] = resolve(f"env/{value['env']}")
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            _collect(f"{name}.{key}", inner, resolve, into)
    elif isinstance(value, list | tuple):
        into[name] = tuple(_one_of_many(name, item, resolve) for item in value)
    elif value is not None:
        into[name] = str(value)


def _one_of_many(name: str, item: Value, resolve: SecretResolver) -> Secret:
    if isinstance(item, Mapping) and item.keys() == {"secret"}:
        return Secret(resolve(str(item["secret"])))
    raise ConfigurationError(f"setting {name!r}: a list may only hold secrets, of which each one is accepted")


def secret_resolver(environ: Mapping[str, str], folder: Path) -> SecretResolver:
    """A resolver of `env/NAME` (the process's environment) and `file/NAME` (a file in `folder`)."""

    def resolve(reference: str) -> str:
        store, _, name = reference.partition("/")
        if store == "env" and name:
            return _from_environment(environ, name)
        if store == "file" and name:
            return _from_file(folder, name)
        raise ConfigurationError(f"{reference!r} is no secret we can find: write env/NAME or file/NAME")

    return resolve


def _from_environment(environ: Mapping[str, str], name: str) -> str:
    found = environ.get(name)
    if not found:
        raise ConfigurationError(f"the environment variable {name} is not set")
    return found


def _from_file(folder: Path, name: str) -> str:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise ConfigurationError(f"there is no secret file {name!r}")
    if path.stat().st_size > MAX_SECRET_BYTES:
        raise ConfigurationError(f"the secret file {name!r} is larger than {MAX_SECRET_BYTES:,} bytes")
    return path.read_text(encoding="utf-8").strip()
