"""Tests in several processes: copies of this one, so that nothing is compiled twice."""

import multiprocessing
import os
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from engine.flowtest.result import Edit, Failure, Result
from engine.flowtest.suite import One, Suite
from engine.source import Source, Span

WORTH_A_PROCESS = 400  # so many cases take longer than starting a process and sending its results back
MOST = 64

_Sent = tuple[int, tuple[tuple[object, ...], ...], float, frozenset[str]]
_Place = tuple[str, int, int]


class WorkerLostError(Exception):
    """A process ended before its tests did."""


def processes_for(cases: int, wanted: str) -> int:
    """How many processes to use: what is wanted, or as many as are worth it.

    Raises:
        ValueError: for anything but a number from 1, or `auto`.

    """
    if "fork" not in multiprocessing.get_all_start_methods():
        return 1
    if wanted == "auto":
        cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return max(1, min(cpus, cases // WORTH_A_PROCESS))
    number = int(wanted)
    if not 1 <= number <= MOST:
        raise ValueError(wanted)
    return min(number, max(1, cases))


def run_in_processes(
    suite: Suite, chosen: Sequence[One], seconds: Callable[[], float], processes: int
) -> Iterator[Result]:
    """The results of cases, in their order.

    Raises:
        WorkerLostError: when a process ends before its time.

    """
    if processes <= 1:
        yield from (suite.run(one, seconds) for one in chosen)
        return
    context = multiprocessing.get_context("fork")
    started: list[tuple[BaseProcess, Connection]] = []
    for number in range(processes):
        ours, theirs = context.Pipe(duplex=False)
        process: BaseProcess = context.Process(
            target=_work, args=(suite, chosen, seconds, number, processes, theirs)
        )
        process.start()
        theirs.close()
        started.append((process, ours))
    found: dict[int, Result] = {}
    for process, pipe in started:
        found.update(_received(pipe, chosen))
        process.join()
    yield from (found[number] for number in range(len(chosen)))


def _work(
    suite: Suite,
    chosen: Sequence[One],
    seconds: Callable[[], float],
    number: int,
    processes: int,
    pipe: Connection,
) -> None:
    """Run every so-manieth case, and send what came of it."""
    some = range(number, len(chosen), processes)
    pipe.send_bytes(pickle.dumps([_packed(place, suite.run(chosen[place], seconds)) for place in some]))
    pipe.close()


def _packed(place: int, result: Result) -> _Sent:
    """A result without the texts that both sides know."""
    failures = tuple(
        (
            failure.message,
            _place(failure.span),
            failure.expected,
            failure.found,
            failure.help,
            tuple((_place(edit.span), edit.value) for edit in failure.edits),
        )
        for failure in result.failures
    )
    return place, failures, result.seconds, result.seen


def _place(span: Span) -> _Place:
    return span.source.name, span.start, span.end


def _received(pipe: Connection, chosen: Sequence[One]) -> dict[int, Result]:
    try:
        sent: list[_Sent] = pickle.loads(pipe.recv_bytes())  # noqa: S301 - from a copy of this very process
    except EOFError:
        raise WorkerLostError("a process that ran tests ended before they did") from None
    sources = {one.document.span.source.name: one.document.span.source for one in chosen}
    return {place: _unpacked(chosen[place], sources, rest) for place, *rest in sent}


def _unpacked(one: One, sources: Mapping[str, Source], sent: Sequence[object]) -> Result:
    failures, seconds, seen = sent
    assert isinstance(failures, tuple)
    assert isinstance(seconds, float)
    assert isinstance(seen, frozenset)
    made = tuple(_failure(sources, *failure) for failure in failures)
    return replace(Result(document=one.document, case=one.case, failures=made), seconds=seconds, seen=seen)


def _failure(  # noqa: PLR0913, PLR0917 - the parts of a failure
    sources: Mapping[str, Source],
    message: str,
    place: _Place,
    expected: str | None,
    found: str | None,
    help_: tuple[str, ...],
    edits: tuple[tuple[_Place, object], ...],
) -> Failure:
    return Failure(
        message=message,
        span=_span(sources, place),
        expected=expected,
        found=found,
        help=help_,
        edits=tuple(Edit(span=_span(sources, where), value=value) for where, value in edits),  # type: ignore[arg-type]
    )


def _span(sources: Mapping[str, Source], place: _Place) -> Span:
    name, start, end = place
    return Span(sources[name], start, end)
