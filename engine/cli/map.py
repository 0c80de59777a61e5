"""`tidegate map`."""

from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import click

from engine.cli import options, output
from engine.errors import InputError
from engine.values.value import Value


@click.command("map")
@click.argument("name")
@click.option(
    "--input", "source", type=click.File("rb"), default="-", help="The inputs, as JSON; - for standard input."
)
@options.workspace
def command(name: str, source: BinaryIO, folder: Path | None) -> None:
    """Put a record through the mapping NAME and print what it makes.

    The input is a record with the inputs of the mapping by name; for a mapping with one input, that
    input itself will do. Cross references are shown as `?entity:id@system`.
    """
    from engine.language.compiled import ASK, EvaluationError
    from engine.problems.suggest import did_you_mean
    from engine.session import load
    from engine.values.json_text import JsonError, read_json
    from engine.values.type import DecodeError

    mappings = load(folder).ready.plan.mappings
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
    output.json(made)


def _scope(inputs: tuple[str, ...], given: Value) -> dict[str, Value]:
    if isinstance(given, Mapping) and set(inputs) <= given.keys():
        return {name: given[name] for name in inputs}
    if len(inputs) == 1:
        return {inputs[0]: given}
    missing = [name for name in inputs if not isinstance(given, Mapping) or name not in given]
    raise InputError(f"the input lacks {', '.join(missing)}; the mapping takes {', '.join(inputs)}")


def _shown_reference(entity: str, canonical_id: Value, system: str) -> Value:
    return f"?{entity}:{canonical_id}@{system}"
