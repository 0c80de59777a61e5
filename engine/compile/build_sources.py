"""Where events come from: the native sources that feed them, and the schedules by which they are due."""

from collections.abc import Callable, Mapping
from datetime import time

from engine.compile import problems
from engine.compile.body import Body
from engine.compile.build_calendars import is_zone
from engine.compile.collect_models import TICK
from engine.compile.compilation import Compilation
from engine.compile.expressions import Expressions
from engine.compile.fit import contradicts
from engine.language.compiled import Compiled, EvaluationError
from engine.language.schedule import Due, InCycle, ScheduleError, cron, in_cycles
from engine.plan.plan import SchedulePlan, SourcePlan
from engine.source import Text
from engine.values.type import ANY, Type, describe
from engine.values.value import Value
from engine.workspace.kinds.model import EventDocument, ScheduleDocument, SourceDocument
from engine.workspace.kinds.reference import ConnectionDocument

SCHEDULE = "schedule"  # the connection that stands for clock and calendar


def build_sources(compilation: Compilation) -> None:
    """Which native records become which events."""
    for document in compilation.documents(EventDocument).values():
        for source in document.sources:
            if source.schedule is not None:
                build_schedule(compilation, document, source, source.schedule)
                continue
            found = None if source.origin is None else _source(compilation, document, source, source.origin)
            if found is not None:
                compilation.sources.append(found)


def _source(
    compilation: Compilation, document: EventDocument, source: SourceDocument, origin: Text
) -> SourcePlan | None:
    connection, name = str(origin).split(".")
    known = compilation.documents(ConnectionDocument)
    if connection not in known:
        compilation.unknown("connection", origin, known, name=connection)
        return None
    connector = compilation.connectors.get(str(known[connection].connector))
    if connector is not None and name not in connector.sources:
        of, place = f"connection `{connection}`", len(connection) + 1
        compilation.unknown("source", origin, connector.sources, of=of, name=name, offset=place)
        return None
    record = None if connector is None else connector.sources[name].output.type
    return inbound(compilation, document, source, (connection, name), record)


def inbound(
    compilation: Compilation,
    document: EventDocument,
    source: SourceDocument,
    place: tuple[str, str],
    record: "Type | None",
) -> SourcePlan | None:
    """How records of a place, its connection and source, become an event; their type may not be known."""
    wanted, earlier = _version_made(compilation, document, source)
    when = None if source.when is None else _condition(compilation, source.when, document, wanted)
    mapping = compilation.mappings.get(str(source.map))
    if mapping is None:
        compilation.unknown("mapping", source.map, compilation.mappings)
        return None
    if len(mapping.inputs) != 1:
        compilation.report(problems.inbound_inputs(source.map, mapping.inputs))
        return None
    signature = compilation.mapping_types[mapping.name]
    if record is not None:
        ((taken, reads),) = signature.inputs.items()
        if contradicts(reads, record):
            told = describe(reads), describe(record)
            compilation.report(problems.input_of_other_type(source.map, taken, *told, can_be_given=False))
    if ANY not in (wanted, signature.output) and signature.output != wanted:
        told = describe(wanted), describe(signature.output)
        compilation.report(problems.other_type_wanted(source.map, *told))
    return SourcePlan(
        connection=place[0],
        source=place[1],
        event=str(document.name),
        make=_of_record(mapping.make, mapping.inputs[0]),
        when=when,
        mapping=mapping.name,
        earlier=earlier,
    )


def _version_made(
    compilation: Compilation, document: EventDocument, source: SourceDocument
) -> tuple[Type, str | None]:
    """The type that a source is to make, and the version of the event where that is the earlier one."""
    kind = compilation.event_types.get(str(document.name), ANY)
    signature = compilation.mapping_types.get(str(source.map))
    if document.deprecates is not None and signature is not None and signature.output != kind:
        name = f"{document.name}@{document.deprecates.version}"
        earlier = compilation.earlier.get(name)
        if earlier is not None and signature.output == earlier.type:
            return earlier.type, name
    return kind, None


def _condition(compilation: Compilation, text: Text, document: EventDocument, kind: Type) -> Compiled:
    return Body(compilation, Expressions(compilation), {"data": kind}).compiled_condition(
        f"{document.name} when", text
    )


def _of_record(
    make: Callable[[Mapping[str, Value]], Value], name: str
) -> Callable[[Mapping[str, Value]], Value]:
    """A mapping of one input, whatever that is called, as a function of `record`."""

    def made(scope: Mapping[str, Value]) -> Value:
        return make({**scope, name: scope["record"]})

    return made


def build_schedule(
    compilation: Compilation, document: EventDocument, source: SourceDocument, schedule: ScheduleDocument
) -> None:
    """An event that is due by a clock or a calendar."""
    name = str(schedule.name or document.name)
    found = inbound(compilation, document, source, (SCHEDULE, name), TICK)
    if any(one.name == name for one in compilation.schedules):
        compilation.report(problems.schedule_twice(schedule.name or source.map, name))
        return
    due = (
        _by_cron(compilation, schedule) if schedule.cron is not None else _by_calendar(compilation, schedule)
    )
    if found is None or due is None:
        return
    zone, when = due
    compilation.schedules.append(
        SchedulePlan(
            name=name,
            source=found,
            rule=_rule(schedule, zone),
            zone=zone,
            due=when,
            missed=str(schedule.missed),
            limit=schedule.limit,
        )
    )


def _rule(schedule: ScheduleDocument, zone: str) -> str:
    if schedule.cron is not None:
        return f"{schedule.cron} {zone}"
    said = (schedule.calendar, schedule.key, schedule.after, schedule.business_days, schedule.at)
    return " ".join(str(one) for one in said if one is not None)


def _by_cron(compilation: Compilation, schedule: ScheduleDocument) -> tuple[str, Due] | None:
    assert schedule.cron is not None
    if schedule.time_zone is None or not is_zone(str(schedule.time_zone)):
        compilation.report(problems.schedule_zone(schedule.cron, schedule.time_zone))
        return None
    try:
        return str(schedule.time_zone), cron(str(schedule.cron), str(schedule.time_zone))
    except ScheduleError as error:
        compilation.report(problems.bad_schedule(schedule.cron, str(error)))
        return None


def _by_calendar(compilation: Compilation, schedule: ScheduleDocument) -> tuple[str, Due] | None:
    assert schedule.calendar is not None
    find = compilation.calendars.get(str(schedule.calendar))
    if find is None:
        compilation.unknown("calendar", schedule.calendar, compilation.calendars)
        return None
    try:
        calendar = find(None if schedule.key is None else str(schedule.key))
        return calendar.zone, in_cycles(calendar, _in_cycle(schedule))
    except (EvaluationError, ScheduleError) as error:
        if ("calendar", str(schedule.calendar)) not in compilation.workspace.broken:
            compilation.report(problems.bad_schedule(schedule.calendar, str(error)))
        return None


def _in_cycle(schedule: ScheduleDocument) -> InCycle:
    return InCycle(
        after=str(schedule.after),  # type: ignore[arg-type]
        business_days=schedule.business_days,
        at=None if schedule.at is None else time.fromisoformat(str(schedule.at)),
    )
