"""`tidegate map`."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from engine.cli import options, output
from engine.errors import InputError
from engine.values.value import Value

if TYPE_CHECKING:
    from engine.values.type import Type

MOST = 5
"""So many misfits of an input are told."""


@click.command("map")
@click.argument("name")
@click.option(
    "--input", "source", type=click.File("rb"), default="-", help="The inputs, as JSON; - for standard input."
)
@options.workspace
def command(name: str, source: BinaryIO, folder: Path | None) -> None:
    """Put a record through the mapping NAME and print what it makes.

    The input is a record with the inputs of the mapping by name; for a mapping with one input, that
    input itself will do. Cross references are shown as `?entity:id@system`. In what an input does not fit
    its type, for which a run would not begin, is noted beside the result.
    """
    from engine.language.compiled import ASK, EvaluationError
    from engine.problems.suggest import did_you_mean
    from engine.session import load
    from engine.values.json_text import JsonError, read_json
    from engine.values.type import DecodeError

    ready = load(folder).ready
    mappings = ready.plan.mappings
    mapping = mappings.get(name)
    if mapping is None:
        raise InputError(" ".join([f"there is no mapping {name!r}.", *did_you_mean(name, mappings)]))
    try:
        given = read_json(source.read())
    except JsonError as error:
        raise InputError(f"{source.name} is not JSON: {error}") from error
    scope = _scope(mapping.inputs, given)
    try:
        for key, decode in mapping.decode.items():
            scope[key] = decode(scope[key])
        made = mapping.make({**scope, ASK: _shown_reference})  # type: ignore[dict-item]
    except (EvaluationError, DecodeError) as error:
        raise InputError(str(error)) from error
    for wrong in _misfits(ready.inputs["mapping", name], scope):
        output.line(f"note: {wrong}", error=True)
    output.json(made)


def _scope(inputs: tuple[str, ...], given: Value) -> dict[str, Value]:
    if isinstance(given, Mapping) and set(inputs) <= given.keys():
        return {name: given[name] for name in inputs}
    if len(inputs) == 1:
        return {inputs[0]: given}
    missing = [name for name in inputs if not isinstance(given, Mapping) or name not in given]
    raise InputError(f"the input lacks {', '.join(missing)}; the mapping takes {', '.join(inputs)}")


def _misfits(types: Mapping[str, "Type"], scope: Mapping[str, Value]) -> Iterator[str]:
    """In what inputs are not of their types; of what a step gives, only what is asked for need be there."""
    from engine.values.type import Record, check

    for name, kind in types.items():
        if isinstance(kind, Record) and kind.name in ("check", "receipt"):
            continue
        yield from (f"`{name}` does not fit: {wrong}" for wrong in islice(check(kind, scope[name]), MOST))


def _shown_reference(entity: str, canonical_id: Value, system: str) -> Value:
    return f"?{entity}:{canonical_id}@{system}"
