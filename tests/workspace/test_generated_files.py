"""JSON Schemas and reference pages say what the descriptions say; UPDATE_RENDERINGS=1 writes them anew."""

import json
import os
from pathlib import Path

import jsonschema
import pytest

from engine.connect.connector_spec import ConnectorSpec
from engine.language.functions.reference import functions_page
from engine.language.functions.standard import STANDARD
from engine.problems import Collector
from engine.source import Source
from engine.spec.json_schema import ANY_KIND, schema_of, schemas_of
from engine.spec.reference import reference_page
from engine.spec.shape import fields_of
from engine.workspace import KINDS
from engine.workspace.decode import Decoder
from engine.workspace.raw import read_raw
from engine.workspace.yaml_tree import read_yaml

ROOT = Path(__file__).parents[2]
DOCUMENTS = (*KINDS, ConnectorSpec)
BY_KIND = {kind.kind: kind for kind in DOCUMENTS}


def check(path, text):
    if os.environ.get("UPDATE_RENDERINGS"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.is_file(), f"{path.relative_to(ROOT)} is missing"
    assert path.read_text(encoding="utf-8") == text, f"{path.relative_to(ROOT)} is stale"


@pytest.mark.parametrize("kind", BY_KIND)
def test_schema_is_not_stale(kind):
    text = json.dumps(schema_of(BY_KIND[kind]), indent=2, ensure_ascii=False) + "\n"
    check(ROOT / "schemas" / "tidegate" / f"{kind}.schema.json", text)


def test_the_schema_of_any_kind_is_not_stale():
    text = json.dumps(schemas_of(tuple(BY_KIND.values()))[ANY_KIND], indent=2, ensure_ascii=False) + "\n"
    check(ROOT / "schemas" / "tidegate" / ANY_KIND, text)


def test_the_schema_of_any_kind_takes_each_document_as_what_it_is():
    schemas = schemas_of(tuple(BY_KIND.values()))
    for kind in BY_KIND.values():
        others = {field.key for field in fields_of(kind)} & set(BY_KIND)
        found = schemas[ANY_KIND]
        while "if" in found and not set(found["if"]["required"]) <= {kind.kind, *others}:
            found = found["else"]
        assert found["then"] == {"$ref": f"{kind.kind}.schema.json"}


@pytest.mark.parametrize("kind", BY_KIND)
def test_reference_page_is_not_stale(kind):
    check(ROOT / "docs" / "reference" / f"{kind}.md", reference_page(BY_KIND[kind]))


def test_the_page_of_functions_is_not_stale():
    check(ROOT / "docs" / "reference" / "functions.md", functions_page())


def test_the_page_of_functions_has_each_once():
    page = functions_page()
    for name in {spec.name for spec in STANDARD.values()}:
        assert page.count(f"\n### {name}\n") == 1


@pytest.mark.parametrize("folder, suffix", [("schemas/tidegate", ".schema.json"), ("docs/reference", ".md")])
def test_nothing_is_left_of_kinds_that_are_gone(folder, suffix):
    found = {path.name.removesuffix(suffix) for path in (ROOT / folder).glob(f"*{suffix}")}
    assert found - {"README"} <= set(BY_KIND) | {"functions", "tidegate"}


@pytest.mark.parametrize("kind", BY_KIND)
def test_schema_is_one(kind):
    jsonschema.Draft7Validator.check_schema(schema_of(BY_KIND[kind]))


@pytest.mark.parametrize("kind", BY_KIND)
def test_records_of_a_kind_have_names_of_their_own(kind):
    page = reference_page(BY_KIND[kind])
    headings = [line for line in page.splitlines() if line.startswith("## ")]
    assert len(headings) == len(set(headings))


def values_and_verdicts(text):
    """Each document of a text as a value, and whether the decoder accepts it."""
    collector = Collector()
    decoder = Decoder(DOCUMENTS, collector)
    for tree in read_yaml(Source("x.yaml", text), collector):
        decoded = decoder.decode(tree)
        assert decoded is not None
        yield decoded.kind, plain(read_raw(tree.root, collector).value), not collector.problems


def plain(value):
    """The value with the kinds of numbers that JSON Schema knows."""
    return json.loads(json.dumps(value, default=float))


AGREED = [
    "flow: a\ntrigger: {event: b}\nsteps: {}",
    "flow: a\ntrigger: {event: b}\nsteps: {x: {read: erp.x, missing: null, needs: z, cache: 10m}}",
    "flow: a\ntrigger: {event: b}\nsteps: {x: {check: [p, q], for_each: entry.splits}}",
    "flow: a\ntrigger: {event: b}\nsteps: {x: {read: nothing}}",
    "flow: A b\ntrigger: {event: b}\nsteps: {}",
    "flow: a\nsteps: {}",
    "flow: a\ntrigger: {event: b, extra: 1}\nsteps: {}",
    "flow: a\nversion: 0\ntrigger: {event: b}\nsteps: {}",
    "flow: a\ntrigger: {event: b}\nsteps: [x]",
    "flow: a\ntrigger: {event: b}\nslo: {complete_within: soon}\nsteps: {}",
    "mapping: m\ninputs: {}\noutput: record\nfields: {a: b, c: {path: d}, e: {each: f, fields: {g: h}}}",
    "mapping: m\ninputs: {}\noutput: record\nfields: {a: {path: d, expr: e}}",
    "mapping: m\ninputs: {}\noutput: record\nfields: {a: {as: string}}",
    "mapping: m\ninputs: {}\noutput: record\nfields: {a: {table: t, key: {x: v, z: {value: 5}}, take: r}}",
    "mapping: m\ninputs: {}\noutput: record\nfields: {a: true}",
    "calendar: c\ntime_zone: Europe/Berlin\nby: {table: t, time_zone: z}",
    "calendar: c\ntime_zone: Europe/Berlin\ndays_off: [2026-12-24]",
    "entity: e\nfields: {a: string, b: {type: list, items: {ref: c}}, d: {type: nothing}}",
    "entity: e\nfields: {a: string, b: {type: list, items: {ref: c}}}",
]


@pytest.mark.parametrize("text", AGREED)
def test_schema_and_decoder_agree(text):
    for kind, value, accepted in values_and_verdicts(text):
        assert jsonschema.Draft7Validator(schema_of(BY_KIND[kind])).is_valid(value) == accepted
