"""The one verb: a folder to a workspace, with everything that is wrong with its files.

A :class:`Reader` keeps what each file came to, so that a second look at a folder reads only what changed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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
_NO_TEXTS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRead:
    """What one file came to."""

    source: Source
    decoded: tuple[Decoded, ...]
    problems: Collector


class Reader:
    """Reads files to documents; of a file that is as it was, gives what it came to before.

    A document that did not change is the same object again, which later stages may rely on.
    """

    def __init__(self, kinds: Sequence[type[Document]]) -> None:
        """Read documents of these kinds."""
        self._decoder = Decoder(kinds, Collector())
        self._known: dict[str, FileRead] = {}
        self.kinds = tuple(kind.kind for kind in kinds)

    def read(self, source: Source) -> FileRead:
        """The documents of a file, and what is wrong with it."""
        known = self._known.get(source.name)
        if known is None or known.source.text != source.text:
            known = self._known[source.name] = self._read(source)
        return known

    def keep_only(self, names: frozenset[str]) -> None:
        """Forget all files but these."""
        self._known = {name: known for name, known in self._known.items() if name in names}

    def _read(self, source: Source) -> FileRead:
        problems = Collector()
        decoder = self._decoder.reporting_to(problems)
        found = (decoder.decode(tree) for tree in read_yaml(source, problems))
        decoded = tuple(one for one in found if one is not None)
        return FileRead(source=source, decoded=decoded, problems=problems)


def load_workspace(
    root: Path, kinds: Sequence[type[Document]], connectors: Mapping[str, Path] = _NO_MOUNTS
) -> tuple[Workspace, Collector]:
    """Read all documents below `root` that are of these kinds.

    ``connectors`` has the folders of connectors that are installed elsewhere. One that a connection uses
    is read as if it stood in `connectors/`; the others cost nothing.

    Never raises for what the files hold: what can be used is in the workspace, and what is wrong in the
    collector, to which later stages add.
    """
    return load_with(Reader(kinds), root, connectors)


def load_with(
    reader: Reader,
    root: Path,
    connectors: Mapping[str, Path] = _NO_MOUNTS,
    texts: Mapping[str, str] = _NO_TEXTS,
) -> tuple[Workspace, Collector]:
    """The same with a reader that may know some of the files, and with texts that stand for files."""
    collector = Collector()
    mounts = {f"{CONNECTORS}/{name}": folder for name, folder in connectors.items()}
    files = Files.of(root, mounts, texts)
    read = [reader.read(source) for source in files.documents(collector)]
    read += [reader.read(source) for source in files.mounted(_used(read), collector)]
    files.misplaced(reader.kinds, collector)
    reader.keep_only(frozenset(one.source.name for one in read))
    for one in read:
        collector.take(one.problems)
    found = [decoded for one in read for decoded in one.decoded]
    documents = [one.document for one in found if one.document is not None]
    broken = [(one.kind, one.name) for one in found if one.document is None]
    sources = [one.source for one in read]
    return make_workspace(files, sources, documents, broken, collector), collector


def _used(read: Sequence[FileRead]) -> Iterator[str]:
    """The mounts of the connectors that connections use."""
    for one in (decoded for file in read for decoded in file.decoded):
        if isinstance(one.document, ConnectionDocument):
            yield f"{CONNECTORS}/{one.document.connector}"
