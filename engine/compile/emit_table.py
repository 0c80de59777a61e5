"""The code of a decision table: each column to the rows that are true for its value, and those in common.

A value is looked up among the parts of its column, the same by which the table was checked; rows are bits
of a number. So a table of two hundred rows costs one look-up for each column.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from engine.compile.body import Body, Target
from engine.compile.decision_table import Column, DecisionTable
from engine.compile.domain import Domain
from engine.compile.facts import Fact, said
from engine.compile.unary_tests import OTHER, TEXT, TRUTH, UNKNOWN, Only
from engine.language.compiled import EvaluationError
from engine.values.value import Value


def emit_matches(body: Body, table: DecisionTable, policy: str) -> tuple[str, list[str]]:
    """Emit the search for the rows that apply: the local of their bits, and those of the columns' values.

    Of a table in which one row has to apply, only its bit is left.
    """
    emitter, values, masks = body.emitter, [], []
    for column in table.columns:
        body.need(column.entry)
        value = body.entry(column.entry, Target(column.name, str(column.name), None)).atom
        values.append(value)
        masks.append(f"{emitter.constant(_looked_up(column), 'rows')}({value})")
    rows = emitter.assign(" & ".join(masks))
    if table.hit == "all":
        return rows, values
    complain = emitter.constant(_uncovered(policy, [str(column.name) for column in table.columns]))
    with emitter.block(f"if not {rows}:"):
        emitter.line(f"{complain}(({', '.join(values)},))")
    return emitter.assign(f"{rows} & -{rows}"), values


def _looked_up(column: Column) -> Callable[[Value], int]:
    """The rows that are true for a value of a column, as bits."""
    domain, otherwise = column.domain, column.rows_of_anything()
    by_part = [column.rows_of(part) for part in range(len(domain.parts))]
    if domain.family in (TEXT, TRUTH):
        return _of_words(domain, by_part, otherwise)
    part_of = domain.part_of

    def rows_of(value: Value) -> int:
        part = part_of(value)
        return otherwise if part is None else by_part[part]

    return rows_of


def _of_words(domain: Domain, by_part: Sequence[int], otherwise: int) -> Callable[[Value], int]:
    """The same for texts, and for true and false: one look into a table."""
    other_text = otherwise if domain.other_text is None else by_part[domain.other_text]
    known = {value: by_part[part] for value, part in domain.texts.items()}
    truths = domain.family == TRUTH

    def rows_of(value: Value) -> int:
        if isinstance(value, str) or value is None or (truths and isinstance(value, bool)):
            return known.get(value, other_text if isinstance(value, str) else otherwise)
        return otherwise

    return rows_of


def _uncovered(policy: str, names: Sequence[str]) -> Callable[[Sequence[Value]], NoReturn]:
    """Says that no row applies: the values are not what their types promise, or the table was not checked."""

    def complain(values: Sequence[Value]) -> NoReturn:
        told = ", ".join(f"{name} = {said(value)}" for name, value in zip(names, values, strict=True))
        raise EvaluationError(f"no row of policy {policy} covers {told}")

    return complain


def facts_of_row(table: DecisionTable, row: int, values: Sequence[str]) -> list[Fact]:
    """What a row looked at."""
    return [
        Fact(str(column.name), values[index], _same, column.domain.family not in (OTHER, UNKNOWN))
        for index, column in ((index, table.columns[index]) for index, _ in table.words(row))
    ]


def _same(value: Value) -> Value:
    return value


def sentence_of_row(table: DecisionTable, row: int, base: str) -> Callable[[Mapping[str, Value]], str]:
    """A function of facts to a sentence: words of the rule, the row, facts, and tests that they passed."""
    tests = {
        str(table.columns[index].name): words
        for index, words in table.words(row)
        if not _is_one_value(table.columns[index], row)
    }
    number, words = table.rows[row].number, base.rstrip(". ")

    def sentence(facts: Mapping[str, Value]) -> str:
        told = [
            f"{label} = {said(value)}" + (f" ({tests[label]})" if label in tests else "")
            for label, value in facts.items()
            if label != ROW
        ]
        return f"{words} (row {number}): {', '.join(told)}." if told else f"{words} (row {number})."

    return sentence


def _is_one_value(column: Column, row: int) -> bool:
    tests = column.tests[row]
    return len(tests) == 1 and isinstance(tests[0], Only)


ROW = "row"
"""Under which the facts of a table name the row."""

__all__ = ["ROW", "emit_matches", "facts_of_row", "sentence_of_row"]
