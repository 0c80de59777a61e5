"""What types promise, data keeps: a formula or path without mistakes neither fails on null nor gives another type.

Types, data and expressions are made by dice from a seed: small, many, and the same again from the same seed.
"""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from engine.language.compiled import EvaluationError
from engine.language.formula import compile_formula, parse_formula
from engine.language.formula_types import infer
from engine.language.functions.standard import STANDARD
from engine.language.path import compile_path, parse_path
from engine.language.path_types import infer_path
from engine.language.scope import TypeScope
from engine.language.template import compile_template, parse_template
from engine.language.template_types import infer_template
from engine.values.type import (
    BOOLEAN,
    DATE,
    DATETIME,
    INTEGER,
    MONEY,
    NULL,
    STRING,
    Any,
    Enum,
    Field,
    Listing,
    Record,
    Scalar,
    check,
    money_in,
)

STATES = Enum(values=("open", "closed", "void"))
CENTS = Scalar(name="decimal", decimals=2)
PLAIN = {
    "text": STRING,
    "state": STATES,
    "count": INTEGER,
    "price": CENTS,
    "done": BOOLEAN,
    "day": DATE,
    "at": DATETIME,
    "euros": money_in("EUR"),
    "sum": MONEY,
}
_START = datetime(2026, 1, 1, tzinfo=UTC)


def value_of(dice, kind):
    """A value of a type."""
    match kind:
        case Enum(values=texts):
            return dice.choice(texts)
        case Scalar(name="string"):
            return dice.choice(["", "a", "b c", "12"])
        case Scalar(name="integer"):
            return dice.randint(-3, 5)
        case Scalar(name="decimal"):
            return Decimal(dice.randint(-500, 500)).scaleb(-2)
        case Scalar(name="boolean"):
            return dice.choice([True, False])
        case Scalar(name="date" | "datetime" as name):
            hours = timedelta(hours=dice.randint(0, 2000))
            return _START + hours if name == "datetime" else (_START + hours).date()
        case Listing(item=item, nullable=nullable):
            return [maybe(dice, item, nullable=nullable) for _ in range(dice.randint(0, 3))]
        case Record(name="money", fields={"amount": Field(type=Scalar())}):
            currency = dice.choice(["EUR", "USD"]) if kind == MONEY else "EUR"
            return {"amount": value_of(dice, CENTS), "currency": currency}
        case Record(fields=fields):
            return {
                name: maybe(dice, one.type, nullable=one.nullable)
                for name, one in fields.items()
                if one.required or dice.random() < 0.5
            }
    raise AssertionError(kind)


def maybe(dice, kind, *, nullable):
    return None if nullable and dice.random() < 0.4 else value_of(dice, kind)


def field_of(dice, depth):
    kind = dice.choice(list(PLAIN.values()))
    if depth:
        inner = record_of(dice, depth - 1)
        kind = dice.choice([kind, inner, listing(dice, inner), listing(dice, kind)])
    return field(dice, kind)


def listing(dice, item):
    return Listing(item=item, nullable=dice.random() < 0.3)


def field(dice, kind):
    return Field(type=kind, required=dice.random() < 0.6, nullable=dice.random() < 0.4)


def record_of(dice, depth):
    """A record with a field for each plain type, as formulas want them, and some of other types."""
    some = {name: field(dice, kind) for name, kind in PLAIN.items()}
    more = {
        name: field_of(dice, depth) for name in ("items", "inner", "tags") if dice.random() < 0.7 and depth
    }
    return Record(name="thing", fields={**some, **more})


SCALARS = {
    "text": ["'a'", "'open'", "upper({text})", "{text} + {text}", "str({count})", "str({day})", "join([{text}, {price}], '-')",
             "replace({text}, 'a', 'b')", "{text}[0:1]", "default({ref}, 'x')", "{ref} or 'none'", "{euros}.currency"],
    "count": ["1", "0", "{count} + {count}", "{count} * {count}", "len({text})", "-{count}", "{day} - {day}", "year({day})",
              "round({price})", "int({price})", "len([1 for {new} in [{count}, {count}]])", "{ref} or 0", "default({ref}, 1)",
              "sum([{count}, {count}])", "max({count}, {count})", "{count} // 2", "{count} % 3", "abs({count})"],
    "price": ["1.50", "{price} + {price}", "{price} * {price}", "{price} / 4", "{count} + {price}", "round({price}, 2)",
              "min([{price}, {price}])", "sum([{price}, {count}])", "decimal({count})", "clamp({price}, 0, 5)", "{euros}.amount",
              "default({ref}, 0)", "average([{price}, {count}])", "hours_between({at}, {at})"],
    "done": ["True", "{count} > {count}", "{price} <= {count}", "{day} < {day}", "{at} >= {at}", "{text} == {text}",
             "{state} == 'open'", "{state} in ('open', 'void')", "not {done}", "{done} and {done}", "{done} or {done}",
             "{ref} is None", "{ref} is not None", "{ref} is not None and {done}", "{ref} is None or {done}", "'a' in {text}",
             "any([{done}, {done}])", "exceeds({euros}, {euros})", "{count} == {price}", "bool({ref})", "{count} in [1, 2]"],
    "day": ["date('2026-02-03')", "add_days({day}, {count})", "month_end({day})", "date({at}, 'UTC')", "max([{day}, {day}])"],
    "at": ["datetime('2026-02-03T00:00:00Z')", "add_hours({at}, {price})", "min([{at}, {at}])"],
    "state": ["'open'", "{ref}"],
    "euros": ["money({price}, 'EUR')", "add_money({euros}, {euros})", "multiply_money({euros}, {count})", "round_money({euros})"],
    "sum": ["money({price}, 'USD')", "{euros}", "multiply_money({sum}, {price})"],
}  # fmt: skip
WRAPS = [
    "{same} if {done} else {same}",
    "{kept} if {kept} is not None else {same}",
    "{same} if {kept} is None else {kept}",
    "{kept} if not ({kept} is None or {done}) else {same}",
    "{same} if {kept} is None or {done} else {same}",
    "first([{same} for {new} in [1, 2] if {done}], {same})",
    "default({same}, {same})",
    "[{new} for {new} in [{kept}, {same}] if {new} is not None][0]",
]


def references(kind):
    """The places in a record where values are, each with its type."""
    found = []

    def walk(record, before, depth):
        for name, one in record.fields.items():
            found.append((f"{before}.{name}", one.type))
            if isinstance(one.type, Record) and one.type.name == "thing" and depth:
                walk(one.type, f"{before}.{name}", depth - 1)

    walk(kind, "thing", 2)
    return found


def formula_of(dice, places, wanted, depth=3):
    """A formula that may be of a type; whether it is, the checker says."""
    own = [path for path, found in places if found == PLAIN[wanted]]
    if not depth or dice.random() < 0.2:
        return dice.choice(own)

    def part(name):
        if name == "new":
            return f"c{dice.getrandbits(40)}"
        if name in ("ref", "kept"):
            return dice.choice(own if dice.random() < 0.9 else [path for path, _ in places])
        inner = formula_of(dice, places, wanted if name == "same" else name, depth - 1)
        return inner if re.fullmatch(r"[\w.]+", inner) else f"({inner})"

    patterns = WRAPS if dice.random() < 0.3 else SCALARS[wanted]
    return filled(dice.choice(patterns), part)


def filled(pattern, part):
    """A pattern with a part for each name in braces; one that is named twice in a wrap is the same."""
    kept = {}

    def one(found):
        if found[1] is None:
            return found[0][0]
        if found[1] not in ("kept", "new"):
            return part(found[1])
        return kept.get(found[1]) or kept.setdefault(found[1], part(found[1]))

    return re.sub(r"\{\{|\}\}|\{(\w+)\}", one, pattern)


def all_known(typing):
    """Whether no part is of a type of which nothing is known: of those the types promise nothing."""
    return not any(_unknown(known.type) for _, known in typing.parts())


def _unknown(kind):
    return isinstance(kind, Any) or (isinstance(kind, Listing) and _unknown(kind.item))


# What may go wrong at run time though all types are right; docs/expressions.md names them.
DOCUMENTED = re.compile(
    r"divided by 0|is 0;|empty|too large|too far|is not a number|are needed|no item|lower bound"
)


def keeps(known, value):
    """Whether a value is what was known about it."""
    if value is None:
        return known.may_be_null or known.type == NULL
    return isinstance(known.type, Any) or check(known.type, value) == []


def made(seed):
    """A type, a formula over it, what it is meant to be, and some data of the type."""
    dice = Random(seed)
    kind = record_of(dice, 2)
    wanted = dice.choice(sorted(SCALARS))
    text = formula_of(dice, references(kind), wanted)
    return kind, text, [value_of(dice, kind) for _ in range(4)]


FAILED = object()


def outcome(compiled, data):
    """What an expression gives; FAILED where it fails in a way that types do not rule out."""
    try:
        return compiled.call({"thing": data})
    except EvaluationError as error:
        if DOCUMENTED.search(error.message):
            return FAILED
        raise AssertionError((compiled.text, error.message, data)) from error


COUNT = 150  # of expressions in each test
SEEDS = range(0, 1500, COUNT)


@pytest.mark.parametrize("start", SEEDS)
def test_a_formula_without_mistakes_does_not_fail_and_is_of_its_type(start):
    checked = 0
    for seed in range(start, start + COUNT):
        kind, text, rows = made(seed)
        scope = TypeScope(names={"thing": kind})
        typing = infer(parse_formula(text), scope, STANDARD)
        if typing.mistakes or not all_known(typing):
            continue
        checked, known = checked + 1, typing.result
        compiled = compile_formula(text, frozenset({"thing"}), types=scope)
        for data in rows:
            value = outcome(compiled, data)
            assert value is FAILED or keeps(known, value), (seed, text, known, value, data)
    assert checked >= COUNT // 20


@pytest.mark.parametrize("start", range(0, 600, COUNT))
def test_a_template_without_mistakes_does_not_fail(start):
    for seed in range(start, start + COUNT):
        kind, text, rows = made(seed)
        scope = TypeScope(names={"thing": kind})
        said = re.sub(r" is (not )?None", r" is \1none", f"({text})")
        template = f"{{% if {said} %}}{{{{ {said} }}}}{{% else %}}-{{% endif %}}"
        if " for " in said:
            continue  # templates have loops of their own
        typing = infer_template(parse_template(template), scope, STANDARD)
        if typing.mistakes or not all_known(typing):
            continue
        compiled = compile_template(template, frozenset({"thing"}), types=scope)
        for data in rows:
            outcome(compiled, data)


PATHS = [
    "<>", "<>.text", "<>[0]", "<>[].count", "<>[*].price", "<>[?count > `1`].text", "<>[?state == 'open'] | [0]", "sum(<>[].price)",
    "length(<>)", "join('-', <>[].text)", "<> || 'none'", "not_null(<>, 'x')", "max(<>[].count)", "sort_by(<>, &count)[0]",
    "map(&text, <>)", "{a: <>, b: <>}", "[<>, <>]", "to_string(<>)", "to_number(<>)", "starts_with(<>, 'a')", "<> == <>",
    "<> > <>", "abs(<>)", "<> && <>", "!<>", "reverse(<>)", "<>[].items[].count", "type(<>)", "<>[1:]", "contains(<>, 'a')",
]  # fmt: skip


def path_made(seed):
    dice = Random(seed)
    kind = record_of(dice, 2)
    places = [path for path, _ in references(kind)]
    text = dice.choice(PATHS)
    if dice.random() < 0.4:
        text = text.replace("<>", dice.choice(PATHS), 1)
    while "<>" in text:
        text = text.replace("<>", dice.choice(places), 1)
    return kind, text, [value_of(dice, kind) for _ in range(4)]


@pytest.mark.parametrize("start", SEEDS)
def test_a_path_without_mistakes_does_not_fail_and_is_of_its_type(start):
    checked = 0
    for seed in range(start, start + COUNT):
        kind, text, rows = path_made(seed)
        typing = infer_path(parse_path(text), TypeScope(names={"thing": kind}))
        if typing.mistakes or any(_unknown(known.type) for _, known, _ in typing.parts):
            continue
        checked, known = checked + 1, typing.result
        compiled = compile_path(text, ["thing"])
        for data in rows:
            try:
                value = compiled.call({"thing": data})
            except EvaluationError as error:
                raise AssertionError((seed, text, error.message, data)) from error
            assert keeps(known, value), (seed, text, known, value, data)
    assert checked >= COUNT // 20
