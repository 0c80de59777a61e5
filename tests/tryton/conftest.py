"""A real Tryton, fresh for each file of tests, and the connector on it."""

import asyncio
import re
import zlib
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path

import pytest

from connectors.tryton import connector as tryton
from connectors.tryton.server import TrytonServer
from engine.connect import Effect, Secret, Settings
from tests.connect import opening
from tests.tryton.proxy import LosingProxy

FOLDER = Path(tryton.__file__).parent
# Of the three fiscal years the first, so that every day in it is past, whenever the tests run.
YEAR = date.today().year - 1  # noqa: DTZ011 - the server asks the machine too


@pytest.fixture(scope="session")
def plan():
    """The manifest, made ready."""
    return opening.plan_of("tryton")


@pytest.fixture(scope="module")
def server():
    with TrytonServer() as facts:
        yield facts


class Erp:
    """The connector, called as the runtime calls it, from tests that are not asynchronous."""

    def __init__(self, plan, facts, *, url=None, user="integration", **values):
        self._runner = asyncio.Runner()
        self._plan = plan
        self._numbers = count(1)
        settings = Settings(
            connection="erp",
            environment="test",
            values={
                "server": url or facts.base_url,
                "database": facts.database,
                "auth.username": user,
                "auth.password": Secret(facts.passwords[user]),
                **values,
            },
        )
        self.connector = tryton.connector(plan, settings, lambda: datetime(YEAR, 3, 31, tzinfo=UTC))

    def _do(self, awaitable):
        return self._runner.run(awaitable)

    def effect(self, operation, payload):
        return Effect(
            key=f"test/{next(self._numbers)}", connection="erp", operation=operation, payload=payload
        )

    def write(self, operation, **payload):
        """The outcome of one attempt."""
        (outcome,) = self._do(self.connector.write([self.effect(operation, payload)]))
        return outcome

    def look_up(self, operation, **payload):
        return self._do(self.connector.look_up(self.effect(operation, payload)))

    def read(self, operation, **parameters):
        """The answer, after a check that it is what the manifest promises."""
        answer = self._do(self.connector.read(operation, parameters))
        schema = self._plan.operation(operation).output
        assert answer is None or schema.complaints(answer) == []
        return answer

    def poll(self, source, since):
        found = self._do(self.connector.poll(source, since))
        schema = self._plan.sources[source].output
        assert [wrong for item in found.items for wrong in schema.complaints(item)] == []
        return found

    def rpc(self, method, *params):
        """A call past the connector, for what only a person at the ERP does."""
        return self._do(self.connector._erp.call(method, *params))

    def rows(self, model, domain, fields):
        return self._do(self.connector._erp.rows(model, domain, fields))

    def close(self):
        self._do(self.connector.aclose())
        self._runner.close()


@pytest.fixture
def connect(plan, server):
    """Makes connectors, and closes them after the test."""
    made = []

    def make(**settings):
        made.append(Erp(plan, server, **settings))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def erp(connect):
    return connect()


@pytest.fixture
def between(server, connect):
    """A proxy before the server, and a connector that talks to it."""
    with LosingProxy(server.base_url) as proxy:
        yield proxy, connect(url=proxy.url)


@pytest.fixture
def key(request):
    """A word that no other test of the file uses."""
    name = re.sub(r"\W+", "-", request.node.name.removeprefix("test_")).strip("-")
    return f"{name[:30]}-{zlib.crc32(request.node.name.encode()):08x}"


@pytest.fixture
def project(erp, key):
    """A customer with a project billed by time, which has one task at 150 an hour."""
    erp.write("save_customer", code=f"C-{key}", name="Acme", payment_term="30 days")
    task = {"external_id": f"T-{key}", "name": "Build", "product": "CONSULT-H", "price": 150, "hours": 40}
    made = erp.write(
        "create_project",
        external_id=f"P-{key}",
        name="Rollout",
        customer=f"C-{key}",
        invoice_method="timesheet",
        tasks=[task],
    )
    assert made.found is False
    return f"P-{key}"
