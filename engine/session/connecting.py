"""The connections of a workspace in an environment, with their settings, and the hooks that call us."""

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.clock import Clock
from engine.connect.connector_plan import ConnectorPlan
from engine.connect.settings import Settings, resolve_settings, secret_resolver
from engine.errors import ConfigurationError
from engine.plan.plan import Plan
from engine.plan.step import ENTITY, ReadStep, WriteStep
from engine.session.loading import Session
from engine.workspace.kinds.reference import ConnectionDocument

if TYPE_CHECKING:
    from engine.runtime.connections import Connections
    from engine.runtime.triggers.webhook import Hook


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
    *,
    only: str | None = None,
) -> "Connections":
    """Every connection of an environment. `simulated` has the address of each simulator by connection.

    What no flow uses may be left without settings, or without its simulator. With `only`, the one of this
    name is opened, and of the others there is what their manifests say.

    Raises:
        ConfigurationError: when a setting is missing, or a connection that a flow uses.

    """
    from engine.runtime.connections import Connection, Connections, connect

    found: dict[str, Connection] = {}
    if only is not None:
        found.update(described_connections(session, environment).by_name)
    used = _used_connections(session.ready.plan)
    known = _settings(session, environment, simulated, environ, only)
    for name, flow in used.items():
        if only in {None, name} and name not in known:
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


def _settings(
    session: Session,
    environment: str,
    simulated: Mapping[str, str] | None,
    environ: Mapping[str, str] | None,
    only: str | None = None,
) -> dict[str, tuple[ConnectionDocument, Settings]]:
    """The connections that are set up in an environment, or the one of a name, with their settings."""
    resolve = secret_resolver(os.environ if environ is None else environ, Path("/run/secrets"))
    found: dict[str, tuple[ConnectionDocument, Settings]] = {}
    for document in session.workspace.of(ConnectionDocument).values():
        name = str(document.name)
        written = next((raw for key, raw in document.environments.items() if key == environment), None)
        if written is not None and only in {None, name}:
            address = (simulated or {}).get(name)
            found[name] = (
                document,
                resolve_settings(name, environment, written.value, resolve, base_url=address),
            )
    return found
