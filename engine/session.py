"""What a command opens: a workspace and its plan, a ledger, connections. It has no verbs of its own."""

import os
import tempfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, cast

from engine.clock import Clock
from engine.compile.compile import Compiled, compile_workspace
from engine.compile.evaluate import evaluate
from engine.compile.incremental import Incremental, uncollected
from engine.compile.published import published_schema
from engine.connect.catalog import Catalog
from engine.connect.connector_plan import ConnectorPlan
from engine.connect.connector_spec import ConnectorSpec
from engine.connect.settings import Settings, resolve_settings, secret_resolver
from engine.errors import ConfigurationError, InputError
from engine.plan.plan import FlowPlan, Plan
from engine.plan.step import ENTITY, ReadStep, WriteStep
from engine.problems import Collector, Report, Severity
from engine.problems.render.text import render_text
from engine.spec.json_schema import schemas_of
from engine.values.actors import ENGINE
from engine.values.json_text import JsonError, read_json, write_json
from engine.values.value import Value
from engine.workspace.coverable import Covered
from engine.workspace.files import WorkspaceError, find_root
from engine.workspace.kinds import KINDS
from engine.workspace.kinds.environment import EnvironmentDocument
from engine.workspace.kinds.flow_test import FlowTestDocument
from engine.workspace.kinds.model import EntityDocument
from engine.workspace.kinds.reference import CalendarDocument, ConnectionDocument
from engine.workspace.load import load_workspace
from engine.workspace.workspace import Workspace

# What only a command that runs something needs is imported by the functions for it: a workspace is checked
# in less time than the library of the ledger takes to import.
if TYPE_CHECKING:
    from engine.connect.simulator import Simulator
    from engine.ledger import Ledger, LedgerReader
    from engine.runtime.connections import Connections
    from engine.runtime.triggers.webhook import Hook

ALL_KINDS = (*KINDS, ConnectorSpec)
MAX_RELEASE = 128 * 1024 * 1024  # bytes of all files of a release together


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
    root = _root(folder)
    catalog = catalog or Catalog.found()
    with uncollected():
        workspace, collector = load_workspace(root, ALL_KINDS, _folders(catalog))
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


def _root(folder: Path | None) -> Path:
    try:
        return find_root(folder or Path.cwd(), exactly=folder is not None)
    except WorkspaceError as error:
        raise InputError(str(error)) from error


def _folders(catalog: Catalog) -> dict[str, Path]:
    return {name: item.folder for name, item in catalog.installed.items()}


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
        return _root(folder), _any
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


def incremental(folder: Path | None, catalog: Catalog | None = None) -> Incremental:
    """The workspace that `folder` lies in, to be looked at again and again as its texts change.

    Raises:
        InputError: when there is no workspace.

    """
    root = _root(folder)
    return Incremental(root, ALL_KINDS, _folders(catalog or Catalog.found()))


def simulators() -> dict[str, Callable[[], "type[Simulator]"]]:
    """What imports the class of each simulator, by the name of its connector."""
    catalog = Catalog.found()
    names = [item.name for item in catalog.installed.values() if (item.folder / "simulator.py").is_file()]
    return {name: partial(catalog.simulator, name) for name in names}


def pack_folder() -> Path:
    """The folder of the pack: beside the engine in a checkout, inside it when installed from a wheel."""
    inside = Path(__file__).parent / "pack"
    return inside if inside.is_dir() else Path(__file__).parent.parent


def editor_schemas() -> dict[str, bytes]:
    """The JSON Schemas of all kinds of documents by the name of their file, as an editor wants them."""
    return {name: write_json(schema, indent=True) + b"\n" for name, schema in schemas_of(ALL_KINDS).items()}


def entity_schemas(session: Session) -> dict[str, bytes]:
    """The JSON Schemas of the entities of a workspace, in every version, by `canonical/NAME@VERSION`."""
    documents = (one for one in session.workspace.documents if isinstance(one, EntityDocument))
    return {
        f"canonical/{one.name}@{one.version}": write_json(published_schema(one), indent=True) + b"\n"
        for one in documents
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Something that a connection can read, write, or receive."""

    verb: str  # read, write, or source
    name: str  # "erp.save_customer"
    record: str  # the type that is written or comes, such as "netsuite/customer_input@2025.1"; or nothing


def offers(session: Session) -> list[Offer]:
    """What the connections of a workspace offer to flows and events, in their order."""
    found = []
    for connection in session.workspace.of(ConnectionDocument).values():
        connector = session.workspace.of(ConnectorSpec).get(str(connection.connector))
        for verb, name, schema in () if connector is None else _offered(connector):
            record = "" if connector is None or schema is None else _record_name(connector, schema)
            found.append(Offer(verb=verb, name=f"{connection.name}.{name}", record=record))
    return found


def _offered(connector: ConnectorSpec) -> Iterator[tuple[str, str, str | None]]:
    for name, operation in connector.operations.items():
        yield str(operation.does), name, operation.input or operation.output
    for name, source in connector.sources.items():
        yield "source", name, source.output


def record_schemas(session: Session) -> dict[str, bytes]:
    """The JSON Schemas of the records that connections take and give, by `netsuite/customer_input@2025.1`."""
    found = {}
    for connector in session.workspace.of(ConnectorSpec).values():
        beside = connector.name.span.source
        for schema in (schema for _, _, schema in _offered(connector) if schema is not None):
            found[_record_name(connector, schema)] = session.workspace.files.read_bytes(schema, beside=beside)
    return found


def _record_name(connector: ConnectorSpec, schema: str) -> str:
    """`schemas/customer_input.json` as types are called."""
    return f"{connector.name}/{PurePosixPath(schema).stem}@{connector.api.version}"


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


def require_what_open_runs_need(
    session: Session, reader: "LedgerReader", opened: Collection[str] | None = None
) -> None:
    """Refuse a workspace that does not have what runs of releases before it still read or write.

    With `opened`, the connections that are open in this environment, each of them has to be among these.

    Raises:
        ConfigurationError: when it does not; the sentence says all that is missing, and for which runs.

    """
    plan_of = plans_in(session, reader)
    missing: dict[str, None] = {}
    for release, name in reader.open_flows():
        about = f"runs of flow {name} that began by release {release[:12]} are open and still need"
        try:
            flow = plan_of(release).flows[name]
        except InputError as error:
            missing[f"{about} that release: {error}"] = None
            continue
        if (lacking := lacks(session, flow)) is not None:
            missing[f"{about} {lacking}, which the workspace does not have any more"] = None
        missing.update(
            (f"{about} {name}, which is not set up in this environment", None) for name in _shut(flow, opened)
        )
    if missing:
        raise ConfigurationError(f"{'; '.join(missing)}; keep it until they are over")


def lacks(session: Session, flow: FlowPlan) -> str | None:
    """An operation that a flow of another release uses and this workspace does not have, if there is one."""
    known = manifests(session)
    for step in flow.steps:
        if not isinstance(step, ReadStep | WriteStep) or step.connection == ENTITY:
            continue
        there = known.get(step.connection)
        if there is None or step.operation not in there.operations:
            return f"{step.connection}.{step.operation}"
    return None


def _shut(flow: FlowPlan, opened: Collection[str] | None) -> list[str]:
    """The operations of a flow whose connections are not open here."""
    steps = [
        step for step in flow.steps if isinstance(step, ReadStep | WriteStep) and step.connection != ENTITY
    ]
    return [
        f"{one.connection}.{one.operation}"
        for one in steps
        if opened is not None and one.connection not in opened
    ]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """What a release asks of the one that takes over from it in an environment."""

    approve: tuple[str, ...] = ()  # roles, one person each
    after: str | None = None  # the environment to which it was deployed before


def demands(session: Session, environment: str) -> Demands:
    """What a workspace asks of releases in an environment."""
    document = session.workspace.of(EnvironmentDocument).get(environment)
    if document is None:
        return Demands()
    after = None if document.after is None else str(document.after)
    return Demands(approve=tuple(str(role) for role in document.approve), after=after)


def manifests(session: Session) -> Mapping[str, ConnectorPlan]:
    """What the connector of each connection can do, by the name of the connection."""
    documents = session.workspace.of(ConnectionDocument).values()
    return {str(one.name): session.ready.connectors[str(one.connector)] for one in documents}


def open_connections(
    session: Session,
    environment: str,
    clock: Clock,
    simulated: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> "Connections":
    """Every connection of an environment. `simulated` has the address of each simulator by connection.

    What no flow uses may be left without settings, or without its simulator.

    Raises:
        ConfigurationError: when a setting is missing, or a connection that a flow uses.

    """
    from engine.runtime.connections import Connection, Connections, connect

    found: dict[str, Connection] = {}
    used = _used_connections(session.ready.plan)
    known = _settings(session, environment, simulated, environ)
    for name, flow in used.items():
        if name not in known:
            raise ConfigurationError(
                f"connection {name!r}, which flow {flow} uses, is not set up in environment {environment!r}"
            )
    for name, (document, settings) in known.items():
        if settings.simulated and settings.base_url is None and name not in used:
            continue
        plan = session.ready.connectors[str(document.connector)]
        use = session.ready.connections[name]
        opened = partial(session.catalog.open, settings=settings, now=clock.now)
        found[name] = connect(name, use, plan, opened)
    return Connections(found)


def described_connections(session: Session, environment: str) -> "Connections":
    """Every connection of an environment by its manifest alone: nothing can be asked of it."""
    from engine.runtime.connections import Connection, Connections, Unopened

    found: dict[str, Connection] = {}
    for document in session.workspace.of(ConnectionDocument).values():
        name = str(document.name)
        if any(key == environment for key in document.environments):
            plan = session.ready.connectors[str(document.connector)]
            found[name] = Connection(name, Unopened(name), plan)
    return Connections(found)


def _used_connections(plan: Plan) -> dict[str, str]:
    """The connections that flows read from and write to, each with a flow that does."""
    return {
        step.connection: flow.name
        for flow in plan.flows.values()
        for step in flow.steps
        if isinstance(step, WriteStep) or (isinstance(step, ReadStep) and step.connection != ENTITY)
    }


def hooks(
    session: Session,
    environment: str,
    simulated: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> "dict[str, Hook]":
    """Every source that calls us and feeds an event, by "connection/source"."""
    from engine.runtime.triggers.native import fed_by
    from engine.runtime.triggers.webhook import Heard, Hook

    ready = session.ready
    found: dict[str, Hook] = {}
    for name, (document, settings) in _settings(session, environment, simulated, environ).items():
        for native in ready.connectors[str(document.connector)].sources.values():
            events = fed_by(ready.plan, name, native.name)
            webhook = native.webhook
            if webhook is not None and events:
                secrets = settings.secrets(webhook.secret) if webhook.signature != "none" else ()
                found[f"{name}/{native.name}"] = Hook(
                    name=f"{name}.{native.name}",
                    native=native,
                    events=events,
                    secrets=secrets,
                    keys=settings.secrets(webhook.url_key) if webhook.url_key else (),
                    url=settings.text(webhook.url) if webhook.url else "",
                    heard=Heard(f"{name}.{native.name}"),
                )
    return found


def zone_of(session: Session, zone: str | None, calendar: str | None) -> str:
    """The time zone that is named, or that of a calendar, or UTC.

    Raises:
        InputError: when there is no such zone or calendar, or the calendar has several zones.

    """
    from zoneinfo import available_timezones

    if calendar is None:
        if zone is not None and zone not in available_timezones():
            raise InputError(f"there is no time zone {zone!r}; write an IANA name such as Europe/Berlin")
        return zone or "UTC"
    if zone is not None:
        raise InputError("a zone and a calendar were named; one of them says which zone it is")
    found = session.workspace.of(CalendarDocument).get(calendar)
    if found is None:
        raise InputError(f"there is no calendar {calendar!r}")
    if found.time_zone is None:
        raise InputError(f"the calendar {calendar!r} has a zone for each of several places; name a --zone")
    return str(found.time_zone)


def _settings(
    session: Session,
    environment: str,
    simulated: Mapping[str, str] | None,
    environ: Mapping[str, str] | None,
) -> dict[str, tuple[ConnectionDocument, Settings]]:
    """The connections that are set up in an environment, with their settings."""
    resolve = secret_resolver(os.environ if environ is None else environ, Path("/run/secrets"))
    found: dict[str, tuple[ConnectionDocument, Settings]] = {}
    for document in session.workspace.of(ConnectionDocument).values():
        name = str(document.name)
        written = next((raw for key, raw in document.environments.items() if key == environment), None)
        if written is not None:
            address = (simulated or {}).get(name)
            found[name] = (
                document,
                resolve_settings(name, environment, written.value, resolve, base_url=address),
            )
    return found


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Evaluates single expressions, with the calendars of a workspace if there is one without problems."""

    session: Session | None

    @classmethod
    def of(cls, folder: Path | None) -> "Evaluator":
        """With the workspace of this folder, or of the present one; without, when there is none."""
        try:
            return cls(load(folder))
        except InputError:
            if folder is not None:
                raise
            return cls(None)

    @property
    def lacks(self) -> str:
        """What of the workspace cannot be used, in a sentence; nothing where all can, or there is none."""
        if self.session is None or self.session.compiled is not None:
            return ""
        return (
            "the workspace has problems, so its calendars are not known here; `tidegate validate` lists them"
        )

    def evaluate(self, kind: str, text: str, data: Value) -> Mapping[str, Value]:
        """`{"value": ...}`, or `{"problem": {...}, "rendered": TEXT}`; never raises for what is given."""
        compiled = None if self.session is None else self.session.compiled
        functions = None if compiled is None else compiled.functions
        return evaluate(kind, text, data, functions)
