"""The diff reports something exactly when the fingerprint of what is said differs, whatever is changed."""

import random
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from importlib import import_module
from inspect import getmembers, isclass
from typing import Any

import pytest
import yaml

from engine.compile.compile import _release
from engine.compile.meaning import meaning_of
from engine.connect.catalog import Catalog
from engine.plan.meaning import Meaning, Part, Said
from engine.preview.meaning import compare
from engine.preview.meaning.judge import row_of
from engine.session import ALL_KINDS, incremental
from engine.spec.shape import ListShape, NamedShape, RecordShape, fields_of
from engine.workspace.kinds.flow_test import FlowTestDocument
from tests.preview.covered import COVERED
from tests.workspaces.systems import HOURS

Where = tuple[Any, ...]


def leaves(value: object, place: Where = ()) -> Iterator[Where]:
    """The places of all plain values, and of all keys that could be left out."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*place, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, (*place, number))
    else:
        yield place


def mutated(value: Any, dice: random.Random) -> list[Any]:
    """What may stand there instead; None to leave it out."""
    match value:
        case bool():
            return [not value, None]
        case int():
            return [value + 1, None]
        case str() if "_" in value or " " in value:
            return [value.replace(">", "<"), value.replace("*", "+"), value + "x", None]
        case str():
            words = ["retry", "half_up", "latest", "read", "decimal", "string", "utc", "finance", "nobody"]
            return [f"{value}x", dice.choice(words), None]
        case _:
            return [None]


def put(documents: list[Any], place: Where, instead: Any) -> None:
    """Change one value in place."""
    at: Any = documents
    for name in place[:-1]:
        at = at[name]
    if instead is None:
        del at[place[-1]]
    else:
        at[place[-1]] = instead


FILES = (
    "flows/billing.yaml",
    "mappings/mappings.yaml",
    "policies/policies.yaml",
    "schemas/canonical/models.yaml",
    "connectors/connections.yaml",
    "connectors/erp/connector.yaml",
)


def changes(seed: int, number: int) -> Iterator[tuple[str, str, str]]:
    """Drawn changes: a file, what it then says, and what was done to it."""
    dice = random.Random(seed)
    places = []
    for file in FILES:
        documents = list(yaml.safe_load_all((HOURS / file).read_text("utf-8")))
        places += [(file, place) for place in leaves(documents) if len(place) > 2]
    for file, place in dice.sample(places, min(number, len(places))):
        documents = list(yaml.safe_load_all((HOURS / file).read_text("utf-8")))
        at: Any = documents
        for name in place:
            at = at[name]
        instead = dice.choice(mutated(at, dice))
        put(documents, place, instead)
        yield file, yaml.safe_dump_all(documents, sort_keys=False), f"{place}: {at!r} -> {instead!r}"


def judged(seed: int, number: int) -> int:
    """How many changes were of a workspace without problems; each is reported when it has another name."""
    look = incremental(HOURS, Catalog())
    first = look.update().compilation
    before, release, found = meaning_of(first, ""), _release(first), 0
    for file, text, done in changes(seed, number):
        made = look.update({file: text})
        look.update({file: None})
        if made.collector.has_errors:
            continue
        found += 1
        told = compare(before, meaning_of(made.compilation, ""))
        differs = _release(made.compilation) != release
        assert bool(told) == differs, (file, done, told)
    return found


@pytest.mark.slow
def test_a_drawn_change_is_reported_when_it_is_one():
    assert judged(1, 40) > 10


@pytest.mark.slow
def test_every_value_of_a_workspace_may_change_and_is_told():
    assert judged(0, 10_000) > 80


def places_of(cls: type[Any], start: tuple[str, ...] = (), depth: int = 0) -> Iterator[tuple[str, ...]]:
    """The places that documents of a kind may have, names of things written as `x`."""
    for key in fields_of(cls):
        place, shape = (*start, key.key), key.shape
        while isinstance(shape, ListShape | NamedShape):
            named = isinstance(shape, NamedShape) or isinstance(shape.item, RecordShape)
            place, shape = (*place, "x") if named else place, shape.item
        yield place
        if isinstance(shape, RecordShape) and depth < 4:
            yield from places_of(shape.cls, place, depth + 1)


@pytest.mark.parametrize("kind", [kind for kind in ALL_KINDS if kind is not FlowTestDocument])
def test_every_key_of_every_document_is_judged(kind):
    for place in places_of(kind):
        if place == (kind.kind,) or place[0] == "let" or place[-1] == "needs" or kind.kind == "connector":
            continue
        assert row_of(kind.kind, place).aspect, place


def test_every_value_of_a_plan_comes_from_what_is_compared():
    """Each field of each dataclass of a plan is said by a place of a part, or follows from others."""
    names = ("plan", "step", "policy", "effect", "delay", "expectation", "ownership", "table")
    modules = [import_module(f"engine.plan.{name}") for name in names]
    modules += [
        import_module("engine.connect.connection_plan"),
        import_module("engine.connect.connector_plan"),
    ]
    found = {
        f"{name}.{field.name}"
        for module in modules
        for name, cls in getmembers(module, isclass)
        if is_dataclass(cls) and cls.__module__ == module.__name__
        for field in fields(cls)
    }
    assert found - COVERED.keys() == set(), "say in covered.py which place of a document it comes from"
    assert COVERED.keys() - found == set()


def test_what_is_said_is_compared_by_value_and_words_alone():
    def meaning(**says: Said) -> Meaning:
        part = Part(
            kind="rule",
            name="r",
            file="f",
            line=1,
            says={(name,): said for name, said in says.items()},
            uses=frozenset(),
        )
        return Meaning(release="", parts={"rule r": part})

    same = meaning(demands=Said(1, "one")), meaning(demands=Said(1, "1"))
    assert compare(*same) == []
    null = meaning(), meaning(demands=Said(None, "null"))
    assert [change.touches for change in compare(*null)] == ["behaviour"]
