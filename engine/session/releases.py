"""Workspaces as a ledger keeps them: storing one as a release, and working by one that was kept."""

import tempfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from engine.clock import Clock
from engine.connect.catalog import Catalog
from engine.errors import InputError
from engine.plan.plan import Plan
from engine.session.loading import Session, load
from engine.values.actors import ENGINE
from engine.values.json_text import JsonError, read_json, write_json
from engine.workspace.files import WorkspaceError, find_root
from engine.workspace.kinds.flow_test import FlowTestDocument

if TYPE_CHECKING:
    from engine.ledger import Ledger, LedgerReader


MAX_RELEASE = 128 * 1024 * 1024  # bytes of all files of a release together


def store_release(session: Session, ledger: "Ledger", clock: Clock) -> None:
    """Keep the workspace in the ledger under its fingerprint, so that its runs can go on with it later.

    Raises:
        InputError: when the ledger has another release deployed to it.

    """
    from engine.ledger import Commit
    from engine.ledger.instants import instant
    from engine.ledger.rows import NewActivation, NewRelease

    plan = session.ready.plan
    reader = ledger.reader()
    active = reader.active_release()
    if active is not None and active.fingerprint == plan.release:
        return
    require_undeployed(reader, plan.release)
    at = instant(clock.now())
    content = snapshot(session)
    commit = Commit(action="release", subject=plan.release)
    commit.releases.append(NewRelease(plan.release, at, "", content))
    commit.activations.append(NewActivation(plan.release, at, ENGINE, "the workspace as it was found"))
    ledger.commit(commit)


def require_undeployed(reader: "LedgerReader", release: str) -> None:
    """Refuse a folder on a ledger that runs what is deployed to it, and nothing else.

    Raises:
        InputError: when it does; the sentence says what to do.

    """
    from engine.runtime.deployed import deployed_in

    found = deployed_in(reader)
    last = found.deployments[-1].release if found.deployments else release
    if last != release:
        raise InputError(
            f"this ledger runs what is deployed to it, which is release {last[:12]}, and this workspace "
            f"is release {release[:12]}: work by what is deployed (`tidegate run --released`), or have the "
            "workspace deployed (`tidegate plan`, `tidegate deploy`)"
        )


def at_work(folder: Path | None, reader: "LedgerReader") -> Session:
    """What a command works by on a ledger: the folder that it names, else what is deployed there.

    Else the workspace in which the command was given; outside of any, the release that the ledger worked by.

    Raises:
        InputError: when there is none of these.

    """
    from engine.runtime.deployed import deployed_in

    if folder is not None:
        return load(folder)
    if deployed_in(reader).deployments or (not _is_in_workspace() and reader.active_release() is not None):
        return released(reader)
    return load(None)


def _is_in_workspace() -> bool:
    try:
        find_root(Path.cwd())
    except WorkspaceError:
        return False
    return True


def released(reader: "LedgerReader") -> Session:
    """The release that a ledger points at, as it was kept: no folder is needed.

    Raises:
        InputError: when nothing was ever run on the ledger or deployed to it.

    """
    row = reader.active_release()
    if row is None:
        raise InputError("the ledger has no release yet; `tidegate plan` and `tidegate deploy` put one there")
    return kept(row.content)


def kept(content: bytes, *, compared: bool = False) -> Session:
    """A release as it was kept, ready to be worked by; or also to be ``compared`` with others.

    Raises:
        InputError: when it cannot be read, or does not compile any more.

    """
    catalog = Catalog.found()
    with tempfile.TemporaryDirectory(prefix="tidegate-release-") as folder:
        try:
            unpack_release(content, Path(folder))
        except (
            zlib.error,
            JsonError,
            AttributeError,
            TypeError,
            ValueError,
            OSError,
            RecursionError,
        ) as error:
            raise InputError(f"what was kept of the release cannot be read: {error}") from error
        session = load(Path(folder), catalog.restricted(()), is_kept=True)
        ready = session.ready
        if compared:  # which reads files that are gone with the folder
            meaning = ready.meaning()
            ready = replace(ready, meaning=lambda: meaning)
    return replace(session, catalog=catalog, compiled=ready)


def snapshot(session: Session) -> bytes:
    """A workspace as a ledger keeps it: every file that its release was made of.

    Raises:
        InputError: when it is too large to be kept.

    """
    text = write_json(_snapshot(session))
    if len(text) > MAX_RELEASE:
        raise InputError(
            f"the files of the workspace have {len(text):,} bytes together, and a release has at most "
            f"{MAX_RELEASE:,}: keep large tables in a system that flows read"
        )
    return zlib.compress(text)


def _snapshot(session: Session) -> dict[str, str]:
    """Every file that the plan was made of, by its name."""
    documents = session.workspace.documents
    tests = {one.span.source.name for one in documents if isinstance(one, FlowTestDocument)}
    others = {one.span.source.name for one in documents if not isinstance(one, FlowTestDocument)}
    # Tests are no part of a release, and what they read is not kept: without it they would be problems.
    left_out = tests - others
    kept = (source for source in session.workspace.sources if source.name not in left_out)
    names = {source.name: source.text for source in kept}
    for name in session.ready.files:
        names[name] = session.workspace.files.read_bytes(name).decode()
    return names


def plans(session: Session, ledger: "Ledger") -> Callable[[str], Plan]:
    """The plan of a release: that of this workspace, or one compiled again from what the ledger kept."""
    return plans_in(session, ledger.reader())


def plans_in(session: Session, reader: "LedgerReader") -> Callable[[str], Plan]:
    """The plan of a release of a ledger that is only read."""
    known = {session.ready.plan.release: session.ready.plan}

    def find(release: str) -> Plan:
        if release not in known:
            known[release] = _plan_of(reader, release, session.catalog)
        return known[release]

    return find


def _plan_of(reader: "LedgerReader", release: str, catalog: Catalog) -> Plan:
    row = reader.release(release)
    if row is None:
        raise InputError(f"the ledger has runs of release {release[:12]}, and not the release itself")
    with tempfile.TemporaryDirectory(prefix="tidegate-release-") as folder:
        unpack_release(row.content, Path(folder))
        return load(Path(folder), catalog.restricted(()), is_kept=True).ready.plan


def unpack_release(content: bytes, folder: Path) -> None:
    """Write the files of a release, as the ledger keeps it, into an empty folder."""
    for name, text in cast("Mapping[str, str]", read_json(_unpacked(content), most=MAX_RELEASE)).items():
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            raise InputError(f"{name!r} is no file of a workspace")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _unpacked(content: bytes) -> bytes:
    """What was packed; no more than a release may have, whatever a few bytes would grow to."""
    packed = zlib.decompressobj()
    text = packed.decompress(content, MAX_RELEASE)
    if not packed.eof:
        raise zlib.error(f"it is cut off, or has more than {MAX_RELEASE:,} bytes")
    return text
