"""`tidegate events`."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli import options, output

if TYPE_CHECKING:
    from engine.flowtest import Coverage, Covered
    from engine.preview.behaviour import Sample
    from engine.preview.corpus.sample import Played, Watching
    from engine.session import Session


@click.group("events")
def command() -> None:
    """Work with files of events."""


@command.command("sample")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--output",
    "-o",
    "out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the events that are chosen here.",
)
@click.option("--most", type=click.IntRange(1), help="So many events at most.")
@click.option("--as", "as_event", help="Each line is the data of this event, rather than an envelope.")
@click.option("--at", type=options.Instant(), help="When an event is accepted that does not say it.")
@click.option("--missing", is_flag=True, help="List what no event of FILE comes by.")
@options.workspace
@options.output_format()
@click.option("--quiet", is_flag=True, help="Show no progress.")
def sample(
    file: Path,
    out: Path,
    most: int | None,
    as_event: str | None,
    at: datetime | None,
    folder: Path | None,
    form: str,
    *,
    missing: bool,
    quiet: bool,
) -> None:
    """Choose a few events of FILE that come by everything that all of them come by.

    That is what `tidegate test --coverage` counts: fields of mappings, outcomes of policies, rows of tables,
    steps, branches and edges of flows. An event that is chosen brings those that it needs before it. They
    stay in their order, and are played as `tidegate diff` plays them: no system is asked.
    """
    from engine import flowtest
    from engine.clock import SystemClock
    from engine.preview.corpus.sample import chosen, picked
    from engine.session import load

    covered = flowtest.Covered()
    session = load(folder, covered=covered)
    now = at or SystemClock().now()
    with output.progress("events", quiet=quiet or form == "json") as shown:
        found = _played(session, covered, _counting(_samples(file, as_event, now), shown))
    numbers = chosen(found.candidates, most)
    with file.open("rb") as lines:
        out.write_bytes(b"".join(line.rstrip(b"\r\n") + b"\n" for line in picked(lines, numbers)))
    of_sample = _played(session, covered, _samples(out, as_event, now))
    coverages = [_coverage(session, covered, one.seen) for one in (of_sample, found)]
    if form == "json":
        output.json(_as_json(found, len(numbers), coverages))
    else:
        _tell(found, out, len(numbers), coverages, missing=missing)


def _samples(file: Path, as_event: str | None, now: datetime) -> "Iterator[Sample]":
    from engine.preview.behaviour import read_samples

    with file.open("rb") as lines:
        yield from read_samples(lines, str(file), as_event, now)


def _counting(samples: "Iterator[Sample]", shown: output.Progress) -> "Iterator[Sample]":
    for number, one in enumerate(samples, 1):
        yield one
        shown.show(number)


def _played(session: "Session", covered: "Covered", samples: "Iterator[Sample]") -> "Played":
    from engine.preview.corpus.sample import played
    from engine.revisions import release_of

    return played(release_of(session).side, samples, _watching(session, covered))


def _watching(session: "Session", covered: "Covered") -> "Watching":
    from engine import flowtest
    from engine.preview.corpus.sample import Watching

    counted = frozenset(item.name for item in _coverage(session, covered, set()).items)
    return Watching(code=covered.seen, of_run=flowtest.seen_of, of_no_run=flowtest.stays_of, counted=counted)


def _coverage(session: "Session", covered: "Covered", seen: set[str]) -> "Coverage":
    from engine import flowtest

    return flowtest.coverage(session.workspace, session.ready.plan, covered, seen, None)


def _as_json(found: "Played", chosen: int, coverages: "list[Coverage]") -> dict[str, Any]:
    from engine import flowtest

    return {
        "events": found.events,
        "refused": found.refused,
        "chosen": chosen,
        "sample": flowtest.as_json(coverages[0]),
        "all": flowtest.as_json(coverages[1]),
    }


def _tell(found: "Played", out: Path, chosen: int, coverages: "list[Coverage]", *, missing: bool) -> None:
    from engine import flowtest

    sample, all_ = coverages
    output.line(f"{out} has {chosen:,} of {found.events:,} events.")
    if found.refused:
        output.line(f"{found.refused:,} are no events of this workspace.")
    output.line(
        f"They come by {sample.covered:,} of the {all_.covered:,} things that all of them come by"
        f" ({flowtest.share(all_)}% of the {len(all_.items):,} that there are)."
    )
    if missing:
        output.line("")
        output.line(flowtest.render_coverage_text(all_))
