"""Checking a workspace as a whole, for the part of it that was asked for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from engine.connect.catalog import Catalog
from engine.errors import InputError
from engine.problems import Report
from engine.session.loading import incremental, root_of
from engine.workspace.files import WorkspaceError, find_root


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A workspace that was checked as a whole, with the problems of the part that was asked for."""

    report: Report
    files: tuple[str, ...]  # of the part
    documents: int  # of the part
    all_documents: int
    elsewhere: int  # problems in other files


def check(
    where: Sequence[Path] = (),
    folder: Path | None = None,
    catalog: Catalog | None = None,
    *,
    today: date | None = None,
) -> Checked:
    """Check a workspace; nothing is made ready to run.

    ``where`` has folders and files of it, or the workspace itself. Without them it is that which `folder`,
    or the present folder, lies in. After ``today`` a version that has ended may not be used.

    Raises:
        InputError: when there is no workspace.
        OutsideError: when a file or folder does not lie in the workspace of the first one.

    """
    root, within = _part(where, folder)
    looking = incremental(root, catalog)
    looking.today = today
    look = looking.update()
    report, whole = look.collector.report(within=within), look.report()
    documents = look.workspace.documents
    return Checked(
        report=report,
        files=tuple(source.name for source in look.workspace.sources if within(source.name)),
        documents=sum(within(one.name.span.source.name) for one in documents),
        all_documents=len(documents),
        elsewhere=whole.errors + whole.warnings - report.errors - report.warnings,
    )


class OutsideError(InputError):
    """A file or folder lies in another workspace than the one that is checked, or in none."""


def _part(where: Sequence[Path], folder: Path | None) -> tuple[Path, Callable[[str], bool]]:
    """The workspace, and which of its files are meant, by their names."""
    if folder is None and len(where) == 1 and where[0].is_dir():
        try:
            return find_root(where[0], exactly=True), _any
        except WorkspaceError:
            pass  # a folder inside of one
    if not where:
        return root_of(folder), _any
    first = where[0] if where[0].is_dir() else where[0].absolute().parent
    try:
        root = find_root(folder or first, exactly=folder is not None)
    except WorkspaceError as error:
        raise InputError(str(error)) from error
    return root, _within(root, where)


def _any(name: str) -> bool:
    del name
    return True


def _within(root: Path, where: Sequence[Path]) -> Callable[[str], bool]:
    """Whether a file, by its path from the root, is one of these or lies in one of these."""
    names: list[str] = []
    for path in where:
        # Not to follow a link of that name: a problem has the name under which the file was found.
        place = path.resolve() if path.name in {"", ".."} else path.parent.resolve() / path.name
        if not place.is_relative_to(root):
            raise OutsideError(f"{path} does not lie in the workspace {root}")
        names.append(place.relative_to(root).as_posix())
    folders, wanted = tuple(f"{name}/" for name in names), frozenset(names)
    return lambda name: "." in wanted or name in wanted or name.startswith(folders)
