"""Numbers for a monitoring system, in the text format of Prometheus: what was done, and what is open.

They are worked out when they are asked for, from what the runner counts anyway and from the ledger's totals,
so that nothing on the way of an event knows of them. Labels are names of tables and statuses: few, and none
of them from data.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from engine.ledger import LedgerReader, read_instant
from engine.runtime.runner import Runner

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


class _Numbers(Collector):
    def __init__(self, runner: Runner, reader: LedgerReader, now: Callable[[], datetime]) -> None:
        self._runner = runner
        self._reader = reader
        self._now = now

    def collect(self) -> Iterator[Metric]:
        tally = self._runner.executor.tally
        for name, about in _COUNTED.items():
            yield CounterMetricFamily(f"tidegate_{name}", about, value=getattr(tally, name))
        backlog = self._runner.backlog()
        for name, about in _BACKLOG.items():
            yield GaugeMetricFamily(f"tidegate_{name}", about, value=_number(backlog.get(name)))
        yield from self._standing()

    def _standing(self) -> Iterator[Metric]:
        found = GaugeMetricFamily(
            "tidegate_ledger", "Rows of the ledger by table and status.", labels=("table", "status")
        )
        for table, counts in sorted(self._reader.counts().items()):
            for status, number in sorted(counts.items()):
                found.add_metric((table, status), number)
        yield found
        oldest = self._reader.open_runs(limit=1)
        age = (self._now() - read_instant(oldest[0].now)).total_seconds() if oldest else 0.0
        yield GaugeMetricFamily(
            "tidegate_oldest_open_run_seconds",
            "How long ago the oldest run began that is not over.",
            value=age,
        )


def _number(value: object) -> float:
    return float(value) if isinstance(value, int) else 0.0


def application(runner: Runner, reader: LedgerReader, now: Callable[[], datetime]) -> Starlette:
    """The ASGI application: `GET /metrics`."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Numbers(runner, reader, now))

    async def metrics(request: Request) -> Response:
        del request
        return Response(generate_latest(registry), media_type=CONTENT_TYPE)

    return Starlette(routes=[Route("/metrics", metrics)])
