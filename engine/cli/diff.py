"""`tidegate diff`."""

import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli import options, output

if TYPE_CHECKING:
    from engine.preview.behaviour import Sample
    from engine.preview.report import Report
    from engine.session import Session


_CURRENCY = re.compile("[A-Z]{3}")


class FailOn(click.ParamType):  # type: ignore[type-arg]
    """`breaking`, `behaviour`, or money beyond which it fails: `money:5000EUR`."""

    name = "what"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Decimal, str]:
        """The word, and an amount with its currency where it has one."""
        word, _, rest = str(value).partition(":")
        if word in ("breaking", "behaviour") and not rest:
            return word, Decimal(0), ""
        amount, currency = rest[:-3].strip(), rest[-3:]
        try:
            number = Decimal(amount)
        except InvalidOperation:
            number = Decimal("NaN")
        if word != "money" or not number.is_finite() or number < 0 or not _CURRENCY.fullmatch(currency):
            self.fail(f"is breaking, behaviour, or an amount as in money:5000EUR, not {value!r}", param, ctx)
        return word, number, currency


PLAYED = (
    click.option(
        "--events",
        "file",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        help="Play the events of this file through both, one event a line.",
    ),
    click.option("--as", "as_event", help="Each line is the data of this event, rather than an envelope."),
    click.option("--recorded", is_flag=True, help="Play the events that the ledger recorded through both."),
    click.option("--from", "since", type=options.Instant(), help="Only those accepted then or later."),
    click.option("--to", "until", type=options.Instant(), help="Only those accepted before this instant."),
    click.option("--at", type=options.Instant(), help="When an event is accepted that does not say it."),
    click.option(
        "--by",
        multiple=True,
        default=("legal_entity", "cycle"),
        show_default=True,
        help="A field by which money is sorted. May be given several times.",
    ),
    options.ledger,
    options.environment,
)


@click.command("diff")
@click.argument("old")
@click.argument("new", required=False)
@options.gathered("played", PLAYED)
@click.option(
    "--examples", default=3, show_default=True, help="So many of each kind of difference are shown."
)
@click.option(
    "--fail-on",
    "fail_on",
    multiple=True,
    type=FailOn(),
    help="End with exit code 1 when a change is breaking, touches behaviour, or changes amounts by more than "
    "so much (money:5000EUR). May be given several times.",
)
@options.workspace
@options.output_format("markdown", "html")
@click.option(
    "--output", "-o", "out", type=click.Path(path_type=Path, dir_okay=False), help="Write the report here."
)
def command(
    old: str,
    new: str | None,
    played: dict[str, Any],
    examples: int,
    fail_on: tuple[tuple[str, Decimal, str], ...],
    folder: Path | None,
    form: str,
    out: Path | None,
) -> None:
    """Say what the workspace NEW says and does otherwise than OLD.

    Each is a folder, git:REVISION for this workspace as it is in git, or release:FINGERPRINT for one that
    the ledger keeps. NEW is this workspace when it is left out. With --events or --recorded, events are
    played through both: nothing is asked of any system, and nothing is written. The exit code is 0 however
    much has changed, unless --fail-on says otherwise.
    """
    if any(word == "money" for word, _, _ in fail_on) and not _are_played(played):
        raise click.UsageError("What becomes of money shows by events: say --events FILE, or --recorded.")
    report = _compared(old, new, folder, played)
    told = told_as(report, form, examples)
    if out is None:
        output.line(told)
    else:
        out.write_text(f"{told}\n", encoding="utf-8")
    sys.exit(1 if any(fails(report, *one) for one in fail_on) else 0)


def _are_played(played: dict[str, Any]) -> bool:
    """Whether events are to be played at all."""
    return any(played[name] for name in ("file", "recorded", "since", "until"))


def told_as(report: "Report", form: str, examples: int) -> str:
    """A report in one of its forms; of differences that are alike, so many examples."""
    from engine.preview.report import as_json, html, markdown, text
    from engine.values.json_text import write_json

    match form:
        case "json":
            return write_json(as_json(report), indent=True).decode()
        case "markdown":
            return markdown(report, examples)
        case "html":
            return html(report)
        case _:
            return text(report, examples)


def _compared(old: str, new: str | None, folder: Path | None, played: dict[str, Any]) -> "Report":
    from engine.preview.behaviour import play_both
    from engine.preview.meaning import compare
    from engine.preview.report import Report, Side
    from engine.revisions import opened, release_of
    from engine.session import load

    ledger = played["ledger_url"]
    with ExitStack() as stack:
        before = stack.enter_context(opened(old, folder, ledger))
        after = load(folder) if new is None else stack.enter_context(opened(new, folder, ledger))
        releases = release_of(before), release_of(after)
        changes = compare(releases[0].meaning, releases[1].meaning)
        samples = _samples(stack, after, played)
        behaviour = None
        if samples is not None:
            behaviour = play_both(*releases, changes, samples, tuple(played["by"]))
    return Report(
        old=Side(name=old, release=releases[0].meaning.release),
        new=Side(name=new or "this workspace", release=releases[1].meaning.release),
        changes=changes,
        plans=(before.ready.plan, after.ready.plan),
        behaviour=behaviour,
    )


def _samples(stack: ExitStack, session: "Session", played: dict[str, Any]) -> "Iterator[Sample] | None":
    """The events to be played; None when none are."""
    from engine.clock import SystemClock

    file, since, until = played["file"], played["since"], played["until"]
    recorded = played["recorded"] or since is not None or until is not None
    if file is not None and recorded:
        raise click.UsageError("Events are taken from a file or from the ledger, not from both.")
    if file is not None:
        from engine.preview.behaviour import read_samples

        lines = stack.enter_context(file.open("rb"))
        return read_samples(lines, str(file), played["as_event"], played["at"] or SystemClock().now())
    if not recorded:
        return None
    from engine.cli import recording
    from engine.preview.recorded import recorded_samples

    source = recording.source(stack, session, played["ledger_url"], played["environment"])
    return recorded_samples(source.reader, source.recovery, since, until, source.left_out)


def fails(report: "Report", word: str, amount: Decimal, currency: str) -> bool:
    """Whether a report has what somebody wants no change to have."""
    match word:
        case "breaking":
            return report.breaks
        case "behaviour":
            return report.changes_behaviour
        case _:
            return report.money_beyond(amount, currency)
