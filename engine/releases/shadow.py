"""A release in the shadow of the active one: it decides what comes in, beside it and without effects.

What the active release does is in the ledger. Here it is only read, event by event in the order in which they
were accepted, as soon as their runs have come to rest; and both releases decide it by the core, with what
systems and people answered then. Nothing that is decided here can reach a system: there is none.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.ledger import LedgerReader
from engine.ledger.instants import read_instant
from engine.ledger.rows import EventRow
from engine.preview.behaviour import Sample, play_both
from engine.preview.behaviour.lines import sample_of
from engine.preview.meaning import compare
from engine.preview.recorded import is_settled, recorded_events
from engine.preview.report import Report, Side
from engine.preview.report.words import played, summary
from engine.releases.deploying import ready
from engine.releases.plan import ReleasePlan
from engine.revisions import release_of
from engine.runtime.recover import Recovery
from engine.session import Session
from engine.values.value import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """How what comes in is followed."""

    after: int  # the seq of the event behind which it begins
    now: Callable[[], datetime]
    pause: Callable[[], bool]  # waits a while; whether it goes on
    patience: timedelta  # after which an event is taken as far as it came
    told: Callable[[int], None] = lambda _number: None  # how many events were decided so far
    left_out: Callable[[EventRow], None] = lambda _row: None  # of each of which something was pruned


def live_samples(reader: LedgerReader, recovery: Recovery, how: Following) -> Iterator[Sample]:
    """What comes in, in its order, until it is enough; what came by then is given to the end.

    An event is given when everything that it led to rests, or when that takes too long: what was not answered
    by then is counted as not compared.
    """
    after, number = how.after, 0

    def is_ready(row: EventRow) -> bool:
        late = read_instant(row.accepted_at) + how.patience < how.now()
        return late or is_settled(reader, row)

    going = True
    while going:
        going = how.pause()
        for event in recorded_events(reader, recovery, after=after, is_ready=is_ready, left_out=how.left_out):
            after, number = event.seq, number + 1
            yield sample_of(event.line, read_instant(str(event.line["accepted_at"])))
            how.told(number)


def shadowed(plan: ReleasePlan, before: Session, samples: Iterator[Sample], by: tuple[str, ...]) -> Report:
    """What the release of a plan decides otherwise than the one before it, of the events that come in.

    Raises:
        InputError: when the plan holds another release than it names.

    """
    after = ready(plan, compared=True)
    releases = release_of(before), release_of(after)
    changes = compare(releases[0].meaning, releases[1].meaning)
    return Report(
        old=Side(name="active", release=releases[0].meaning.release),
        new=Side(name="shadow", release=releases[1].meaning.release),
        changes=changes,
        plans=(before.ready.plan, after.ready.plan),
        behaviour=play_both(*releases, changes, samples, by),
    )


def said(plan: ReleasePlan, report: Report, began: str, ended: str, left_out: int) -> dict[str, Value]:
    """What is kept of it in the audit; so many events were left out."""
    found = report.behaviour
    assert found is not None
    return {
        "plan": plan.hash,
        "release": plan.release,
        "base": report.old.release,
        "began": began,
        "ended": ended,
        "events": found.events,
        "left_out": left_out,
        "runs": found.runs,
        "differing": found.differing,
        "not_compared": len(found.unplayed),
        "summary": summary(found),
        "played": played(found),
    }
