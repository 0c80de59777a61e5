"""The settings of connections, held against those that their connectors know."""

from collections.abc import Iterator, Mapping

from engine.compile import problems
from engine.compile.compilation import Compilation
from engine.connect.known_settings import known_settings
from engine.source import Span
from engine.spec.field import Raw
from engine.values.value import Value
from engine.workspace.kinds.reference import ConnectionDocument

REFERENCES = ("secret", "env")  # what stands for a value that is kept elsewhere


def check_settings(compilation: Compilation, document: ConnectionDocument) -> None:
    """Report the settings of a connection that its connector does not know."""
    connector = compilation.connectors.get(str(document.connector))
    if connector is None:
        return
    known = known_settings(connector.spec)
    for written in document.environments.values():
        for path in _settings(written.value, ()):
            name = ".".join(path)
            if name not in known and f"{path[0]}.*" not in known:
                named = sorted(one for one in known if not one.endswith("*") and one != "simulated")
                compilation.report(
                    problems.unknown_setting(_place(written, path), name, connector.name, named)
                )


def _settings(value: Value, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The path of each setting; one inside of another is a setting of its own."""
    if isinstance(value, Mapping) and not (len(value) == 1 and next(iter(value)) in REFERENCES and path):
        for name, inner in value.items():
            yield from _settings(inner, (*path, str(name)))
    elif path:
        yield path


def _place(written: Raw, path: tuple[str, ...]) -> Span:
    """Where the name of a setting is written: before the place of its value, which is what is known."""
    place = written.places.get(path, written.span)
    start = place.source.text.rfind(path[-1], 0, place.start)
    if start < 0 or place.source.text[start + len(path[-1]) : place.start].strip(" \n\"'{") != ":":
        return place
    return Span(place.source, start, start + len(path[-1]))
