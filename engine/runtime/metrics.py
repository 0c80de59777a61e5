"""Numbers for a monitoring system, in the text format of Prometheus: what was done, and what is open.

They are worked out when they are asked for, from what the runner counts anyway and from the ledger's totals,
so that nothing on the way of an event knows of them. Labels are names of tables, statuses and
sources: few, and none of them from data. Of several machines on one ledger each tells what it does itself;
what the ledger holds is the same for all of them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from engine.errors import LedgerError
from engine.ledger import LedgerReader, read_instant
from engine.runtime.runner import Runner
from engine.runtime.triggers.trigger import Trigger

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_COUNTED: Mapping[str, str] = {
    "events": "Events that were handed in.",
    "accepted": "Events that were accepted and committed.",
    "duplicates": "Events that were known.",
    "conflicts": "Events with a known identity and another content.",
    "runs": "Runs that were begun.",
    "effects": "Writes that were decided.",
    "retries": "Writes that are tried again.",
    "alerts": "Alerts that were raised.",
}
_BACKLOG: Mapping[str, str] = {
    "live": "Runs in memory, on their way.",
    "in_line": "Runs that wait behind their order key.",
    "to_take_up": "Runs that a process before this one left, to be taken up.",
    "arrived": "Messages that wait for the next turn.",
    "on_their_way": "Requests to other systems that are not answered yet.",
    "to_send": "Writes that wait for a place at their connection.",
    "due_again": "Writes that wait for their next attempt.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What is told of; what is None is not there at present, as while the server of the ledger is away."""

    runner: Callable[[], Runner | None]
    reader: Callable[[], LedgerReader | None]
    now: Callable[[], datetime]
    partitions: Callable[[], int] | None = None  # how many this machine has, of several
    triggers: Callable[[], Sequence[Trigger]] = tuple  # those who bring events by themselves


class _Numbers(Collector):
    def __init__(self, watched: Watched) -> None:
        self._watched = watched

    def collect(self) -> Iterator[Metric]:
        runner = self._watched.runner()
        yield GaugeMetricFamily(
            "tidegate_ready", "Whether events are worked here.", value=float(runner is not None)
        )
        if self._watched.partitions is not None:
            held = float(self._watched.partitions())
            yield GaugeMetricFamily("tidegate_partitions", "Partitions that this machine works.", value=held)
        if runner is not None:
            yield from _of_runner(runner)
        yield from _of_triggers(self._watched.triggers())
        try:
            reader = self._watched.reader()
            standing = [] if reader is None else [*self._standing(reader)]
        except LedgerError:  # the server is away: what is in memory is told all the same
            standing = []
        yield from standing

    def _standing(self, reader: LedgerReader) -> Iterator[Metric]:
        found = GaugeMetricFamily(
            "tidegate_ledger", "Rows of the ledger by table and status.", labels=("table", "status")
        )
        for table, counts in sorted(reader.counts().items()):
            for status, number in sorted(counts.items()):
                found.add_metric((table, status), number)
        yield found
        oldest = reader.open_runs(limit=1)
        age = (self._watched.now() - read_instant(oldest[0].now)).total_seconds() if oldest else 0.0
        yield GaugeMetricFamily(
            "tidegate_oldest_open_run_seconds",
            "How long ago the oldest run began that is not over.",
            value=age,
        )


def _of_triggers(triggers: Sequence[Trigger]) -> Iterator[Metric]:
    """What stands of each source; only brokers say how much waits there."""
    failing = GaugeMetricFamily(
        "tidegate_source_failing", "Whether a source gives no answer at present.", labels=("source",)
    )
    waiting = GaugeMetricFamily(
        "tidegate_source_waiting", "Messages that wait at the broker of a source.", labels=("source",)
    )
    for state in (one.state() for one in triggers):
        failing.add_metric((state.name,), float(state.error is not None))
        if state.behind is not None:
            waiting.add_metric((state.name,), state.behind)
    yield failing
    yield waiting


def _of_runner(runner: Runner) -> Iterator[Metric]:
    tally = runner.executor.tally
    for name, about in _COUNTED.items():
        yield CounterMetricFamily(f"tidegate_{name}", about, value=getattr(tally, name))
    backlog = runner.backlog()
    for name, about in _BACKLOG.items():
        yield GaugeMetricFamily(f"tidegate_{name}", about, value=_number(backlog.get(name)))


def _number(value: object) -> float:
    return float(value) if isinstance(value, int) else 0.0


def application(watched: Watched) -> Starlette:
    """The ASGI application: `GET /metrics`."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Numbers(watched))

    async def metrics(request: Request) -> Response:
        del request
        return Response(generate_latest(registry), media_type=CONTENT_TYPE)

    return Starlette(routes=[Route("/metrics", metrics)])
