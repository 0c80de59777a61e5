"""A workspace as it is opened: its documents, what is wrong with them, and what it compiles to."""

from dataclasses import dataclass, replace
from pathlib import Path

from engine.compile.compile import Compiled, compile_workspace
from engine.compile.incremental import Incremental, uncollected
from engine.connect.catalog import Catalog
from engine.connect.connector_spec import ConnectorSpec
from engine.errors import InputError
from engine.problems import Collector, Report, Severity
from engine.problems.render.text import render_text
from engine.workspace.coverable import Covered
from engine.workspace.files import WorkspaceError, find_root
from engine.workspace.kinds import KINDS
from engine.workspace.load import load_workspace
from engine.workspace.workspace import Workspace

ALL_KINDS = (*KINDS, ConnectorSpec)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A workspace as it was found."""

    workspace: Workspace
    collector: Collector
    compiled: Compiled | None  # None when there are problems
    catalog: Catalog

    def report(self) -> Report:
        """What is wrong with the workspace."""
        return self.collector.report()

    @property
    def ready(self) -> Compiled:
        """What the workspace compiles to.

        Raises:
            InputError: when it has problems; they are told by `tidegate validate`.

        """
        if self.compiled is None:
            # Warnings stop nothing, so they do not belong to the reason.
            errors = self.collector.count(Severity.ERROR)
            shown = render_text(self.collector.report(shown=min(3, errors)))
            raise InputError(f"the workspace has problems; `tidegate validate` lists them all\n{shown}")
        return self.compiled


def load(
    folder: Path | None,
    catalog: Catalog | None = None,
    covered: Covered | None = None,
    *,
    is_kept: bool = False,
) -> Session:
    """Load and compile the workspace that `folder`, or the present folder, lies in.

    With ``covered`` the code that is made takes down there what it comes by, for tests. A release that
    ``is_kept`` by a ledger was found right by its rules when it was new, and is not put to them again.

    Raises:
        InputError: when there is no workspace.

    """
    root = root_of(folder)
    catalog = catalog or Catalog.found()
    with uncollected():
        workspace, collector = load_workspace(root, ALL_KINDS, folders_of(catalog))
        compiled = compile_workspace(workspace, collector, covered, is_kept=is_kept)
    return Session(workspace=workspace, collector=collector, compiled=compiled, catalog=catalog)


def sound_part(session: Session, covered: Covered | None = None) -> Session:
    """What of a workspace can be used though something in it is wrong; never to run, only to be tested.

    Raises:
        InputError: when nothing can.

    """
    from engine.compile.sound import sound_part as part_of

    with uncollected():
        found = part_of(session.workspace, session.collector, covered)
    if found is None:
        _ = session.ready  # says what is wrong
        raise InputError("nothing in the workspace can be tested")
    return replace(session, workspace=found[0], compiled=found[1])


def incremental(folder: Path | None, catalog: Catalog | None = None) -> Incremental:
    """The workspace that `folder` lies in, to be looked at again and again as its texts change.

    Raises:
        InputError: when there is no workspace.

    """
    root = root_of(folder)
    return Incremental(root, ALL_KINDS, folders_of(catalog or Catalog.found()))


def root_of(folder: Path | None) -> Path:
    """The root of the workspace that `folder`, or the present folder, lies in.

    Raises:
        InputError: when there is none.

    """
    try:
        return find_root(folder or Path.cwd(), exactly=folder is not None)
    except WorkspaceError as error:
        raise InputError(str(error)) from error


def folders_of(catalog: Catalog) -> dict[str, Path]:
    """The folder of each connector that is installed, by its name."""
    return {name: item.folder for name, item in catalog.installed.items()}
