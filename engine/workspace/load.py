"""The one verb: a folder to a workspace, with everything that is wrong with its files."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from engine.problems import Collector
from engine.source import Source
from engine.spec.field import Document
from engine.workspace.decode import Decoded, Decoder
from engine.workspace.files import Files
from engine.workspace.kinds.reference import ConnectionDocument
from engine.workspace.workspace import Workspace, make_workspace
from engine.workspace.yaml_tree import read_yaml

CONNECTORS = "connectors"

_NO_MOUNTS: Mapping[str, Path] = MappingProxyType({})


def load_workspace(
    root: Path, kinds: Sequence[type[Document]], connectors: Mapping[str, Path] = _NO_MOUNTS
) -> tuple[Workspace, Collector]:
    """Read all documents below `root` that are of these kinds.

    ``connectors`` has the folders of connectors that are installed elsewhere. One that a connection uses
    is read as if it stood in `connectors/`; the others cost nothing.

    Never raises for what the files hold: what can be used is in the workspace, and what is wrong in the
    collector, to which later stages add.
    """
    collector = Collector()
    files = Files.of(root, {f"{CONNECTORS}/{name}": folder for name, folder in connectors.items()})
    decoder = Decoder(kinds, collector)
    sources = list(files.documents(collector))
    decoded = _decode(sources, decoder, collector)
    used = {str(one.document.connector) for one in decoded if isinstance(one.document, ConnectionDocument)}
    more = list(files.mounted((f"{CONNECTORS}/{name}" for name in used), collector))
    decoded += _decode(more, decoder, collector)
    documents = [one.document for one in decoded if one.document is not None]
    broken = [(one.kind, one.name) for one in decoded if one.document is None]
    return make_workspace(files, (*sources, *more), documents, broken, collector), collector


def _decode(sources: Iterable[Source], decoder: Decoder, collector: Collector) -> list[Decoded]:
    found = (decoder.decode(tree) for source in sources for tree in read_yaml(source, collector))
    return [one for one in found if one is not None]
