"""Who may import whom, held against every file of the house; and each rule shown able to fail."""

import pytest

from tests.architecture import reading, rules
from tests.architecture.reading import Import

HOUSE = reading.sources_below("engine", "connectors")


@pytest.fixture(scope="module")
def found() -> list[Import]:
    """Every import of the house."""
    return reading.imports(HOUSE)


def planted(**sources: str) -> list[Import]:
    """Imports of a small imaginary house; double underscores stand for dots."""
    return reading.imports({name.replace("__", "."): text for name, text in sources.items()})


def test_every_module_has_a_row_in_the_table():
    homeless = [name for name in HOUSE if reading.is_engine(name) and reading.room_of(name) is None]
    assert homeless == []


def test_rows_name_rooms_that_the_table_has():
    assert {room for row in rules.MAY_IMPORT.values() for room in row} <= rules.MAY_IMPORT.keys()


def test_the_table_is_kept(found):
    assert reading.breaches_of_table(found) == []


def test_connectors_import_the_contract_and_themselves(found):
    assert reading.breaches_of_contract(found) == []


def test_each_library_has_one_door(found):
    assert reading.breaches_of_doors(found) == []


def test_no_cycle_at_load_time(found):
    assert reading.cycle_at_load(found) is None


@pytest.mark.parametrize("room", rules.MAY_REACH)
def test_reach_is_bounded(room, found):
    assert reading.rooms_reached(room, found) <= set(rules.MAY_REACH[room])


@pytest.mark.parametrize("room", rules.NEVER_REACH)
def test_some_rooms_are_never_reached(room, found):
    assert not reading.rooms_reached(room, found) & set(rules.NEVER_REACH[room])


def test_what_decides_is_pure():
    wrong = [
        line
        for name, text in HOUSE.items()
        if reading.is_pure(name)
        for line in reading.impurities(name, text)
    ]
    assert wrong == []


class TestTheRulesCanFail:
    """Each planted house breaks one rule."""

    @pytest.mark.parametrize(
        "importer, statement",
        [
            ("engine__core__advance", "import engine.runtime.daemon"),
            ("engine__ledger__events", "from engine.plan.plan import Plan"),
            ("engine__cli__main", "from engine import console"),
            ("engine__insight__kpi", "from engine.ledger.events import store"),
            ("engine__language__compiled", "from engine.language.path import compile_path"),
            ("engine__connect__catalog", "import connectors.netsuite"),
            ("engine__utilities", "from engine.values import money"),
            ("engine__plan__plan", "def late():\n    import engine.workspace.load"),
            ("engine__plan__plan", "if TYPE_CHECKING:\n    from engine.workspace.load import Workspace"),
            ("engine__core__advance", "from ..ledger import events"),
        ],
    )
    def test_table(self, importer, statement):
        house = {"engine__console": "", "engine__ledger__events": "", importer: statement}
        assert len(reading.breaches_of_table(planted(**house))) == 1

    def test_table_lets_the_neighbour_through(self):
        house = planted(engine__core__advance="from engine.plan.plan import Plan\nimport engine.core.state")
        assert reading.breaches_of_table(house) == []

    @pytest.mark.parametrize(
        "statement",
        [
            "import engine.values.money",
            "from engine.ledger import events",
            "import connectors.netsuite",
            "import httpx",
            "from engine import connector",
        ],
    )
    def test_contract(self, statement):
        assert len(reading.breaches_of_contract(planted(connectors__kantata__connector=statement))) == 1

    def test_contract_lets_itself_through(self):
        text = "import json\nfrom engine.connect import Effect\nfrom connectors.kantata import records"
        assert reading.breaches_of_contract(planted(connectors__kantata__connector=text)) == []

    def test_what_another_program_runs_may_use_nothing_of_ours(self):
        house = planted(connectors__tryton__seed="import proteus\nimport engine.clock")
        assert len(reading.breaches_of_contract(house)) == 1

    @pytest.mark.parametrize(
        "importer, statement",
        [
            ("engine__core__advance", "import jmespath"),
            ("engine__compile__compile", "from yaml import safe_load"),
            ("engine__runtime__deliver", "import httpx._client"),
            ("engine__values__value", "import numpy"),
            ("engine__runtime__daemon", "import importlib.metadata"),
        ],
    )
    def test_doors(self, importer, statement):
        assert len(reading.breaches_of_doors(planted(**{importer: statement}))) == 1

    def test_door_is_open_where_it_stands(self):
        house = planted(
            engine__language__path="import jmespath", engine__ledger__tables="import sqlalchemy.types"
        )
        assert reading.breaches_of_doors(house) == []

    def test_cycle(self):
        house = planted(engine__a="import engine.b", engine__b="import engine.c", engine__c="import engine.a")
        assert set(reading.cycle_at_load(house)) == {"engine.a", "engine.b", "engine.c"}

    def test_a_late_import_is_no_cycle(self):
        house = planted(engine__a="import engine.b", engine__b="def f():\n    import engine.a")
        assert reading.cycle_at_load(house) is None

    def test_reach_goes_through_others_and_through_packages(self):
        house = planted(
            engine__core__advance="import engine.plan.plan",
            engine__plan__plan="import engine.language.compiled",
            engine__language="import engine.workspace.load",
        )
        assert "workspace" in reading.rooms_reached("core", house)

    @pytest.mark.parametrize(
        "text",
        [
            "import time",
            "from os import environ",
            "def f():\n    import random",
            "import datetime\nx = datetime.datetime.now()",
            "from datetime import date\nx = date.today",
            "open('x')",
            "print(1)",
            "hash('seeded anew in every process')",
        ],
    )
    def test_purity(self, text):
        assert len(reading.impurities("engine.core.advance", text)) == 1

    def test_arithmetic_on_dates_is_pure(self):
        text = "from datetime import date, timedelta\nx = date(2026, 1, 1) + timedelta(days=1)\ny = run.now"
        assert reading.impurities("engine.core.advance", text) == []
