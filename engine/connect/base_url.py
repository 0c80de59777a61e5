"""The base URL of a connection: the manifest's, with the connection's settings put in."""

import re
from urllib.parse import urlsplit

from engine.connect.connector_spec import ConnectorSpec
from engine.connect.settings import Settings
from engine.connect.template import Placeholder, template
from engine.errors import ConfigurationError

# What may stand in a part of a host name or of a path; a whole URL is checked by the HTTP client.
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def filled_base_url(spec: ConnectorSpec, settings: Settings) -> str:
    """The base URL; where a simulator listens, when the connection is simulated.

    Raises:
        ConfigurationError: when a setting is missing, or is not what it should be.

    """
    if settings.simulated:
        if settings.base_url is None:
            raise ConfigurationError(
                f"connection {settings.connection!r} is simulated, and no simulator runs: start one with "
                f"`tidegate simulate {spec.connector}`, and say where it listens with "
                f"`--simulator {settings.connection}=URL`"
            )
        _refuse_without_path(spec, settings.connection, settings.base_url)
        return settings.base_url
    written = template(spec.base_url)
    pieces = [
        piece if isinstance(piece, str) else _setting(spec, settings, piece, whole=index == 0)
        for index, piece in enumerate(written.pieces)
    ]
    return "".join(pieces)


def _refuse_without_path(spec: ConnectorSpec, connection: str, address: str) -> None:
    """Refuse an address that ends with its port, where that of the system goes on with a path.

    Every request would be answered with 404, and tried again. With a slash at its end it is taken as it is.
    """
    path = urlsplit(str(spec.base_url)).path
    if path.strip("/") and "{" not in path and not urlsplit(address).path:
        raise ConfigurationError(
            f"connection {connection!r}: {address!r} lacks the path of {spec.connector}; "
            f"its simulator listens on {address + path!r}"
        )


def _setting(spec: ConnectorSpec, settings: Settings, piece: Placeholder, *, whole: bool) -> str:
    name = ".".join(piece.name)
    said = next((item for key, item in spec.settings.items() if key == name), None)
    default = None if said is None or said.default is None else str(said.default)
    value = settings.text(name) if default is None or name in settings.values else default
    pattern = re.compile(str(said.pattern)) if said is not None and said.pattern is not None else None
    if (pattern is not None and not pattern.fullmatch(value)) or (not whole and not _PART.fullmatch(value)):
        raise ConfigurationError(f"connection {settings.connection!r}: {value!r} is no {name!r}")
    return value
