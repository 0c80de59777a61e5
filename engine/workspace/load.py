"""The one verb: a folder to a workspace, with everything that is wrong with its files."""

from collections.abc import Sequence
from pathlib import Path

from engine.problems import Collector
from engine.spec.field import Document
from engine.workspace.decode import Decoded, Decoder
from engine.workspace.files import Files
from engine.workspace.workspace import Workspace, make_workspace
from engine.workspace.yaml_tree import read_yaml


def load_workspace(root: Path, kinds: Sequence[type[Document]]) -> tuple[Workspace, Collector]:
    """Read all documents below `root` that are of these kinds.

    Never raises for what the files hold: what can be used is in the workspace, and what is wrong in the
    collector, to which later stages add.
    """
    collector = Collector()
    files = Files(root=root.resolve())
    sources = tuple(files.documents(collector))
    decoder = Decoder(kinds, collector)
    decoded: list[Decoded] = []
    for source in sources:
        found = [decoder.decode(tree) for tree in read_yaml(source, collector)]
        decoded.extend(one for one in found if one is not None)
    documents = [one.document for one in decoded if one.document is not None]
    broken = [(one.kind, one.name) for one in decoded if one.document is None]
    return make_workspace(files, sources, documents, broken, collector), collector
