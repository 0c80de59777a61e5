"""Workspaces by what names them: a folder, a revision of git, a release that a ledger keeps.

    folder/or/path          a folder
    git:main                the same workspace as it is in a revision of git
    release:3f0c9a...       a release of the ledger, by its fingerprint or how that begins

What lives here: bringing the files into a folder of their own, where they have none. What does not:
loading them (:mod:`engine.session`) and comparing them (:mod:`engine.preview`).
"""

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.connect.catalog import Catalog
from engine.errors import InputError
from engine.plan.step import ENTITY
from engine.preview.behaviour import Release, Side
from engine.preview.corpus import Personal, personal_of
from engine.session import Session, load, manifests, unpack_release
from engine.values.type import decoder
from engine.workspace.files import WorkspaceError, find_root

GIT, RELEASE = "git:", "release:"
SHORT = 12


@contextmanager
def opened(name: str, folder: Path | None, ledger_url: str) -> Iterator[Session]:
    """The workspace that is meant; its files are there as long as it is open.

    ``folder`` is the workspace whose revision in git is meant, where that is.

    Raises:
        InputError: when there is none, or it has problems.

    """
    if name.startswith(RELEASE):
        with _temporary() as place:
            _release(name.removeprefix(RELEASE), ledger_url, place)
            yield _loaded(name, place, Catalog.found().restricted(()), is_kept=True)
    elif name.startswith(GIT):
        with _temporary() as place:
            _revision(name.removeprefix(GIT), folder, place)
            yield _loaded(name, place, None)
    else:
        path = Path(name)
        if not path.is_dir():
            raise InputError(f"{name!r} is no folder; write a folder, git:REVISION or release:FINGERPRINT")
        yield _loaded(name, path, None)


def release_of(session: Session) -> Release:
    """What a comparison has to know of a workspace."""
    operations = {
        f"{connection}.{name}": operation
        for connection, plan in manifests(session).items()
        for name, operation in plan.operations.items()
    }
    ready = session.ready
    entities = {f"{ENTITY}.{name}": entity.decode for name, entity in ready.plan.entities.items()}
    side = Side(
        plan=ready.plan,
        decoders={
            **entities,
            **{name: decoder(one.gives) for name, one in operations.items() if not one.writes},
        },
        returns={name: frozenset(one.returns) for name, one in operations.items() if one.writes},
    )
    return Release(side=side, meaning=ready.meaning())


def personal_in(session: Session, hide: Collection[str], keep: Collection[str]) -> Personal:
    """Where personal data stands in the records of a workspace; some fields a person says."""
    ready = session.ready
    reads = {
        f"{connection}.{name}": operation.gives
        for connection, plan in manifests(session).items()
        for name, operation in plan.operations.items()
        if not operation.writes
    }
    return personal_of(ready.plan, ready.meaning(), ready.types, reads, hide=hide, keep=keep)


def _loaded(name: str, folder: Path, catalog: Catalog | None, *, is_kept: bool = False) -> Session:
    session = load(folder, catalog, is_kept=is_kept)
    try:
        _ = session.ready
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    return session


@contextmanager
def _temporary() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tidegate-diff-") as name:
        yield Path(name)


def _release(wanted: str, ledger_url: str, place: Path) -> None:
    from engine.ledger import open_reader

    reader = open_reader(ledger_url)
    try:
        known = [row for row in reader.releases(limit=10_000) if row.fingerprint.startswith(wanted)]
        row = reader.release(known[0].fingerprint) if len(known) == 1 and wanted else None
    finally:
        reader.close()
    if row is None:
        how = "several releases begin" if known and wanted else "no release begins"
        raise InputError(f"in the ledger {how} with {wanted!r}; `tidegate status` names the active one")
    unpack_release(row.content, place)


def _revision(revision: str, folder: Path | None, place: Path) -> None:
    """Write the workspace as it is in a revision of git; what is ignored or not committed is not in it."""
    try:
        root = find_root(folder or Path.cwd(), exactly=folder is not None)
    except WorkspaceError as error:
        raise InputError(str(error)) from error
    if not revision or revision.startswith("-"):
        raise InputError(f"{revision!r} is no revision of git")
    packed = _git(root, "archive", "--format=tar", revision)
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(place, filter="data")


def _git(root: Path, *words: str) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, check=False)  # noqa: S603, S607 - no shell, and the words are checked
    except FileNotFoundError as error:
        raise InputError("git is not installed, so a revision cannot be read") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise InputError(f"git does not give that revision: {said[-1] if said else 'no reason given'}")
    return done.stdout
