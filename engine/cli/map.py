"""`tidegate map`."""

import contextlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import click

from engine.cli import options, output
from engine.errors import InputError
from engine.values.value import Value

if TYPE_CHECKING:
    from engine.cli.playground import Made
    from engine.preview.inputs import Given
    from engine.session import Session
    from engine.values.type import Type

MOST = 5
"""So many misfits of an input are told."""

FROM = (
    click.option(
        "--input",
        "source",
        type=click.File("rb"),
        default="-",
        help="The inputs, as JSON; - for standard input.",
    ),
    click.option(
        "--event",
        metavar="FILE#N",
        help="Take the inputs of a recorded event: the first of a file, or number N.",
    ),
    click.option(
        "--from-ledger", "recorded", metavar="ID", help="Take those of a run or an event that the ledger has."
    ),
    click.option("--as", "as_event", help="With --event: each line is the data of this event."),
    click.option("--at", type=options.Instant(), help="With --event: when one came that does not say it."),
    options.ledger,
    options.environment,
)


class _Record(NamedTuple):
    """What is put through a mapping, and where it comes from."""

    value: Value
    title: str
    known: Mapping[str, Value]  # cross references, by the keys of their look-ups


@click.command("map")
@click.argument("name")
@options.gathered("given", FROM)
@click.option("--watch", is_flag=True, help="Show it again at each save, and what is otherwise.")
@options.workspace
def command(name: str, given: dict[str, Any], folder: Path | None, *, watch: bool) -> None:
    """Put a record through the mapping NAME and print what it makes.

    The input is a record with the inputs of the mapping by name; for a mapping with one input, that
    input itself will do. With --event or --from-ledger it is what a flow gave to the mapping when it worked
    that event. Cross references are shown as `?entity:id@system` where no run was told of them. In what an
    input does not fit its type, for which a run would not begin, is noted beside the result.

    With --watch, edit the mapping in your editor: each save shows what it makes now, field by field, beside
    what it made at the start.
    """
    from engine.session import load

    session = load(folder)
    _require_mapping(session, name)
    record = _record(session, name, given)
    if watch:
        _watch(session, name, record, folder)
        return
    made = _made(session, name, record)
    for note in made.notes:
        output.line(f"note: {note}", error=True)
    output.json(made.value)


def _watch(session: "Session", name: str, record: _Record, folder: Path | None) -> None:
    from engine.cli.playground import Playground, watch
    from engine.session import load

    def make() -> "Made":
        now = load(folder)
        _require_mapping(now, name)
        return _made(now, name, record)

    title = f"{name} · {record.title}"
    playground = Playground(session.workspace.files.root, make)
    with contextlib.suppress(KeyboardInterrupt):
        watch(playground, title, is_terminal=sys.stdout.isatty())


def _require_mapping(session: "Session", name: str) -> None:
    from engine.problems.suggest import did_you_mean

    mappings = session.ready.plan.mappings
    if name not in mappings:
        raise InputError(" ".join([f"there is no mapping {name!r}.", *did_you_mean(name, mappings)]))


def _made(session: "Session", name: str, record: _Record) -> "Made":
    """What the mapping makes of the record.

    Raises:
        InputError: when it cannot make anything of it.

    """
    from engine.cli.playground import Made
    from engine.language.compiled import ASK, EvaluationError
    from engine.values.type import DecodeError

    ready = session.ready
    mapping = ready.plan.mappings[name]
    scope = _scope(mapping.inputs, record.value)

    def ask(entity: str, canonical_id: Value, system: str) -> Value:
        shown = _shown_reference(entity, canonical_id, system)
        return record.known.get(f"xref:{entity}:{canonical_id}:{system}", shown)

    try:
        for key, decode in mapping.decode.items():
            scope[key] = decode(scope[key])
        made = mapping.make({**scope, ASK: ask})  # type: ignore[dict-item]
    except (EvaluationError, DecodeError) as error:
        raise InputError(str(error)) from error
    return Made(made, tuple(_misfits(ready.inputs["mapping", name], scope)))


def _record(session: "Session", name: str, given: dict[str, Any]) -> _Record:
    if given["event"] is not None and given["recorded"] is not None:
        raise click.UsageError("The record is taken from a file of events or from the ledger, not from both.")
    if given["event"] is not None:
        return _of(name, given["event"], _of_file(session, name, given))
    if given["recorded"] is not None:
        return _of(name, given["recorded"], _of_ledger(session, name, given))
    return _Record(_read(given["source"]), "a record that was given", {})


def _read(source: BinaryIO) -> Value:
    from engine.values.json_text import JsonError, read_json

    content = source.read()
    if not content.strip():
        raise InputError(f"{source.name} is empty: name a record with --input, --event or --from-ledger")
    try:
        return read_json(content)
    except JsonError as error:
        raise InputError(f"{source.name} is not JSON: {error}") from error


def _of_file(session: "Session", name: str, given: dict[str, Any]) -> "list[Given]":
    from engine.clock import SystemClock
    from engine.preview.behaviour import read_samples
    from engine.preview.inputs import given_by_event
    from engine.revisions import release_of

    file, _, number = str(given["event"]).rpartition("#")
    path = Path(file if file and number.isdecimal() else given["event"])
    try:
        lines = path.open("rb")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    with lines:
        samples = read_samples(lines, str(path), given["as_event"], given["at"] or SystemClock().now())
        wanted = int(number) if file and number.isdecimal() else 1
        return given_by_event(release_of(session).side, samples, wanted, name)


def _of_ledger(session: "Session", name: str, given: dict[str, Any]) -> "list[Given]":
    from engine.cli import recording
    from engine.preview.inputs import given_by_runs
    from engine.revisions import release_of

    with ExitStack() as stack:
        source = recording.source(stack, session, given["ledger_url"], given["environment"])
        one = source.reader.run(given["recorded"])
        rows = [one] if one is not None else source.reader.runs_of_event(given["recorded"])
        states = [source.recovery.run(row).state for row in rows]
        return [*given_by_runs(states, release_of(session).side, name)]


def _of(name: str, place: str, found: "list[Given]") -> _Record:
    """The record of the first run that has all of it.

    Raises:
        InputError: when there is none.

    """
    if not found:
        raise InputError(
            f"no flow that {place} starts puts anything through {name!r}, or there is no such event or run"
        )
    first = found[0]
    if first.lacks:
        lacks = ", ".join(f"`{one}`" for one in first.lacks)
        raise InputError(
            f"the run of {first.flow} for {first.event} has no {lacks}: a step works it out, or it did not "
            "come so far; write the inputs into a file and give it as --input"
        )
    return _Record(dict(first.inputs), f"{first.event} in {first.flow}", first.known)


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
