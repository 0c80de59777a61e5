"""The fast form of a generated function and the careful one, on data of every kind: the same function."""

from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.language.compiled import EvaluationError
from tests.compile.making import ORDER, compiled
from tests.depth import examples

MAPPING = """\
entity: made
key: id
open: true
fields: {id: {type: string}}
---
table: clients
key: {id: string}
columns: {name: string}
rows: [{id: c1, name: One}, {id: c2, name: Two}]
---
mapping: m
inputs: {order: canonical/order@1}
output: canonical/made@1
let:
  known: {table: clients, key: order.client.id}
fields:
  id: order.id
  client: {path: order.client.name, default: nobody}
  named: {expr: "order.client.id + ', ' + order.id + '!'"}
  total: {path: order.total, as: decimal(2)}
  sizes: order.lines[*].size
  big: order.lines[?size > `2`].sku
  first: {path: "order.tags[0]", required: false}
  found: {path: known.name, required: false}
  told: {template: "{{ order.client.id }}: {{ order.status }}"}
  lines:
    each: order.lines
    fields: {sku: {path: item.sku, required: false}}
"""

PLAN = compiled(ORDER, MAPPING).plan
GOOD = {
    "id": "o1",
    "status": "open",
    "total": Decimal("12.345"),
    "count": 2,
    "paid": True,
    "lines": [{"sku": "a", "size": 1}, {"sku": "b", "size": 3}, {}],
    "tags": ["x"],
    "client": {"id": "c1", "name": "One"},
}
BROKEN = [None, True, 0, Decimal("1.5"), "", "text", [], [None], ["a"], {}, {"id": None}, {"size": "x"}]


def outcome(call, data):
    try:
        return call({"order": data})
    except EvaluationError as error:
        return str(error)


def forms():
    """The function as it is called, and the form to which it turns when something is not as its type says."""
    fast = PLAN.mappings["m"].make
    outcome(fast, GOOD)  # generated text is read when it is first called
    (careful,) = (value for name, value in fast.__globals__.items() if name.startswith("carefully"))
    return fast, careful


def places(data, before=()):
    """Every place in data."""
    if before:
        yield before
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in inner:
        yield from places(value, (*before, key))


def changed(data, place, value):
    """The data with another value at a place, or without one there when it is `...`."""
    first, *rest = place
    made = data.copy()
    if rest:
        made[first] = changed(data[first], rest, value)
    elif value is ... and isinstance(made, dict):
        del made[first]
    else:
        made[first] = None if value is ... else value
    return made


@pytest.mark.parametrize("place", list(places(GOOD)), ids=str)
@pytest.mark.parametrize("value", [..., *BROKEN], ids=repr)
def test_one_value_that_is_not_as_its_type_says(place, value):
    fast, careful = forms()
    data = changed(GOOD, place, value)
    assert outcome(fast, data) == outcome(careful, data)


anything = st.recursive(
    st.sampled_from(BROKEN) | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "name", "sku", "size", "client"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@settings(max_examples=examples(400))
@given(data=st.dictionaries(st.sampled_from(sorted(GOOD)), anything, max_size=8) | anything)
@example(data=GOOD)
def test_any_data(data):
    fast, careful = forms()
    merged = {**GOOD, **data} if isinstance(data, dict) else data
    assert outcome(fast, merged) == outcome(careful, merged)
    assert outcome(fast, data) == outcome(careful, data)


def test_what_is_as_its_type_says_is_done_once():
    fast, careful = forms()
    (name,) = (name for name in fast.__globals__ if name.startswith("carefully"))
    fast.__globals__[name] = None
    try:
        assert outcome(fast, GOOD)["big"] == ["b"]
    finally:
        fast.__globals__[name] = careful
