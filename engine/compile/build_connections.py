"""Connections: when their systems are left alone, how hard they are worked, how patient we are with them."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from engine.compile import problems
from engine.compile.check_settings import check_settings
from engine.compile.compilation import Compilation
from engine.connect.connection_plan import ConnectionPlan, ConnectionRetry, breaker_of, never, retries_of
from engine.connect.connector_plan import ConnectorPlan
from engine.connect.pace import rates_of
from engine.language.calendar import Calendar
from engine.language.compiled import EvaluationError
from engine.language.windows import AnyWindow, closed_until, parse_window
from engine.source import Text
from engine.workspace.kinds.reference import (
    ConnectionDocument,
    ConnectionLimitsDocument,
    WindowDocument,
)


def build_connections(compilation: Compilation) -> None:
    """Every connection, beside its connector and its settings."""
    for document in compilation.documents(ConnectionDocument).values():
        check_settings(compilation, document)
        compilation.connections[str(document.name)] = _connection(compilation, document)


def _connection(compilation: Compilation, document: ConnectionDocument) -> ConnectionPlan:
    limits, retry = document.limits, document.retry
    connector = compilation.connectors.get(str(document.connector))
    if limits is not None and connector is not None:
        _check_concurrency(compilation, limits, connector)
    return ConnectionPlan(
        owner=None if document.owner is None else str(document.owner),
        concurrency=None if limits is None else limits.concurrency,
        rates=() if limits is None else rates_of(limits.rate),
        breaker=None if limits is None else breaker_of(limits.breaker),
        batch_most=None if limits is None or limits.batch is None else limits.batch.most,
        batch_seconds=_batch_seconds(limits),
        retries=None if limits is None else retries_of(limits.retries),
        retry=ConnectionRetry()
        if retry is None
        else ConnectionRetry(
            attempts=retry.attempts,
            patience_seconds=None if retry.patience is None else float(retry.patience.seconds),
            longest_seconds=None if retry.longest is None else float(retry.longest.seconds),
        ),
        closed_until=_closed_until(compilation, document),
    )


def _batch_seconds(limits: ConnectionLimitsDocument | None) -> float | None:
    written = None if limits is None or limits.batch is None else limits.batch.within_milliseconds
    return None if written is None else written / 1_000


def _check_concurrency(
    compilation: Compilation, limits: ConnectionLimitsDocument, connector: ConnectorPlan
) -> None:
    if limits.concurrency is not None and limits.concurrency > connector.concurrency:
        place = limits.keys["concurrency"]
        compilation.report(
            problems.more_than_allowed(place, limits.concurrency, connector.name, connector.concurrency)
        )


def _closed_until(
    compilation: Compilation, document: ConnectionDocument
) -> Callable[[datetime], datetime | None]:
    windows = [found for one in document.windows if (found := _window(compilation, one)) is not None]
    return partial(closed_until, tuple(windows)) if windows else never


def _window(compilation: Compilation, written: WindowDocument) -> AnyWindow | None:
    calendar = None
    if written.calendar is not None:
        calendar = calendar_of(compilation, written.calendar)
        if calendar is None:
            return None
    return window_of(compilation, written.closed, calendar)


def window_of(compilation: Compilation, text: Text, calendar: Calendar | None) -> AnyWindow | None:
    """A stretch of time as it is written; None, and a problem, when it is none."""
    try:
        return parse_window(str(text), calendar)
    except ValueError as error:
        why, _, helps = str(error).partition("; ")
        compilation.report(problems.bad_window(text, why, helps))
        return None


def calendar_of(compilation: Compilation, name: Text) -> Calendar | None:
    """A calendar that is the same for everybody; None, and a problem, when there is none."""
    find = compilation.calendars.get(str(name))
    if find is None:
        compilation.unknown("calendar", name, compilation.calendars)
        return None
    if str(name) in compilation.calendar_tables:
        compilation.report(problems.calendar_by_key(name))
        return None
    try:
        return find(None)
    except EvaluationError:  # what is wrong with the calendar was reported where it stands
        return None
