"""Connectors made ready from their folders with the real decoder and compilers, for tests."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path

from engine.connect.catalog import Installed
from engine.connect.connector import Connector, Poll
from engine.connect.connector_plan import ConnectorPlan, build_connector
from engine.connect.connector_spec import ConnectorSpec
from engine.connect.http_connector import HttpConnector
from engine.connect.settings import Settings
from engine.connect.simulator import Response, Simulator
from engine.language.compiled import Compiled
from engine.language.formula import compile_formula
from engine.language.path import compile_path
from engine.problems import Collector
from engine.source import Source, Text
from engine.values.type import Type
from engine.workspace.decode import Decoder
from engine.workspace.yaml_tree import read_yaml

ROOT = Path(__file__).parents[2]
ACCEPTED = Response(status=202)


def at(day: date) -> Callable[[], datetime]:
    """A clock that stands at noon of a day."""
    instant = datetime.combine(day, time(12), UTC)
    return lambda: instant


def read_spec(name: str, text: str) -> ConnectorSpec:
    """A manifest; every problem in it is an assertion."""
    collector = Collector()
    decoder = Decoder([ConnectorSpec], collector)
    found = [decoder.decode(tree) for tree in read_yaml(Source(name, text), collector)]
    assert [str(problem.message) for problem in collector.problems] == []
    assert found[0] is not None
    assert isinstance(found[0].document, ConnectorSpec)
    return found[0].document


def path(text: Text, names: Mapping[str, Type]) -> Compiled:
    return compile_path(str(text), frozenset(names))


def formula(text: Text, names: Mapping[str, Type]) -> Compiled:
    return compile_formula(str(text), frozenset(names))


async def every_page(connector, source: str, since: datetime) -> Poll:
    """All pages of a poll as one."""
    items, unfit, upto, after = [], [], since, None
    while True:
        page = await connector.poll(source, since, after)
        items.extend(page.items)
        unfit.extend(page.unfit)
        upto, after = max(upto, page.upto), page.after
        if after is None:
            return Poll(items=items, unfit=unfit, upto=upto)


def installed(name: str) -> Installed:
    return Installed(name=name, package=f"connectors.{name}", folder=ROOT / "connectors" / name)


@cache
def plan_of(name: str) -> ConnectorPlan:
    item = installed(name)
    spec = read_spec(str(item.manifest), item.manifest.read_text(encoding="utf-8"))
    return build_connector(spec, item.schema, compile_path=path, compile_formula=formula)


def simulated(simulator: Simulator, connection: str = "erp", **values: str) -> Settings:
    return Settings(
        connection=connection,
        environment="test",
        simulated=True,
        base_url=simulator.base_url,
        values=values,
    )


def connect(plan: ConnectorPlan, simulator: Simulator, connection: str = "erp") -> Connector:
    return HttpConnector(plan, simulated(simulator, connection), now=simulator.now)
