"""When flows of a label go before others, as calendars say."""

from collections.abc import Callable
from datetime import datetime, timedelta

from engine.compile import problems
from engine.compile.build_connections import calendar_of, window_of
from engine.compile.compilation import Compilation
from engine.language.calendar import Calendar, Cycle
from engine.plan.plan import BoostPlan
from engine.workspace.kinds.flow import FlowDocument
from engine.workspace.kinds.reference import CalendarDocument, PriorityDocument

_DAY = timedelta(days=1)


def build_boosts(compilation: Compilation) -> None:
    """Every time in which some flows go before others."""
    labels = {str(label) for flow in compilation.documents(FlowDocument).values() for label in flow.labels}
    for document in compilation.documents(CalendarDocument).values():
        for written in document.priorities:
            for label in (one for one in written.labels if str(one) not in labels):
                compilation.report(problems.unknown_label(label, sorted(labels)))
            boost = _boost(compilation, document, written)
            if boost is not None:
                compilation.boosts.append(boost)


def _boost(
    compilation: Compilation, document: CalendarDocument, written: PriorityDocument
) -> BoostPlan | None:
    calendar = calendar_of(compilation, document.calendar)
    holds = None if calendar is None else _holds(compilation, document, written, calendar)
    if holds is None:
        return None
    return BoostPlan(labels=frozenset(str(label) for label in written.labels), more=written.more, holds=holds)


def _holds(
    compilation: Compilation, document: CalendarDocument, written: PriorityDocument, calendar: Calendar
) -> Callable[[datetime], bool] | None:
    """Whether an instant lies in the time."""
    if written.when is not None:
        window = window_of(compilation, written.when, calendar)
        return None if window is None else lambda at: window.until(at) is not None
    before, after = written.before_cutoff, written.after_cutoff
    assert before is not None
    if document.cycles is None:
        compilation.report(problems.no_cutoff(written.keys["before_cutoff"], str(document.calendar)))
        return None
    early = timedelta(seconds=before.seconds)
    late = timedelta(seconds=0 if after is None else after.seconds)
    return lambda at: any(one.cutoff - early <= at < one.cutoff + late for one in _near(calendar, at, early))


def _near(calendar: Calendar, at: datetime, early: timedelta) -> list[Cycle]:
    """The cycles whose cutoffs may be near: those around an instant, and those that begin a little later."""
    around = calendar.cycle(calendar.local_date(at))
    found = [calendar.cycle(around.start - _DAY), around]
    found.insert(0, calendar.cycle(found[0].start - _DAY))
    last = calendar.local_date(at + early)
    while found[-1].end < last:
        found.append(calendar.cycle(found[-1].end + _DAY))
    return [*found, calendar.cycle(found[-1].end + _DAY)]
