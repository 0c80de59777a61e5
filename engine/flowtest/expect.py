"""What a test expects, held against what came of it."""

from collections.abc import Iterator, Mapping
from typing import cast

from engine.core import STEP_STATUSES
from engine.flowtest.case import Case
from engine.flowtest.compare import MISSING, Missing, as_shown, differences
from engine.flowtest.play import Played
from engine.flowtest.result import Failure, TestError, shown
from engine.flowtest.written import Written, written
from engine.source import Span
from engine.spec.field import Raw
from engine.values.type import path_text
from engine.values.value import Value
from engine.workspace.files import Files


def failures(case: Case, played: Played, files: Files) -> Iterator[Failure]:
    """Every difference, in the order in which a test is written."""
    expect = case.document.expect
    yield from _run(case, played)
    for name, raw in expect.writes.items():
        yield from _calls(f"writes.{name}", written(files, raw), played.writes.get(str(name), []), "written")
    for name in expect.no_writes:
        for payload in played.writes.get(str(name), []):
            text = shown(as_shown(payload))
            yield Failure(message=f"writes.{name}", span=name.span, expected="written never", found=text)
    for name, raw in expect.emits.items():
        yield from _calls(f"emits.{name}", written(files, raw), played.emits.get(str(name), []), "emitted")
    yield from _alerts(expect.alerts, played, files)
    yield from _holds(case, played)
    for name, raw in expect.steps.items():
        yield from _step(str(name), written(files, raw), played)


def _run(case: Case, played: Played) -> Iterator[Failure]:
    expect = case.document.expect
    said = f" ({played.reason})" if played.reason else ""
    if expect.run is not None and str(expect.run) != played.status:
        yield Failure(
            message="run", span=expect.run.span, expected=str(expect.run), found=f"{played.status}{said}"
        )
    if expect.problem is not None and str(expect.problem) not in (played.reason or ""):
        yield Failure(
            message="problem",
            span=expect.problem.span,
            expected=f"a reason with {str(expect.problem)!r} in it",
            found=played.reason or "no reason",
        )


def _calls(path: str, expected: Written, calls: list[Value], done: str) -> Iterator[Failure]:
    """A record is one call, a list is so many calls, in order."""
    several = isinstance(expected.value, list)
    wanted = [expected.part(index) for index in range(len(expected.value))] if several else [expected]  # type: ignore[arg-type]
    if len(wanted) != len(calls):
        yield Failure(
            message=path,
            span=expected.place(),
            expected=f"{done} {_times(len(wanted))}",
            found=f"{done} {_times(len(calls))}"
            + "".join(f"\n{shown(as_shown(call))}" for call in calls[:3]),
        )
        return
    for number, (one, call) in enumerate(zip(wanted, calls, strict=True)):
        yield from _compared(f"{path}[{number}]" if several else path, one, call)


def _times(number: int) -> str:
    return {0: "never", 1: "once"}.get(number, f"{number} times")


def _compared(path: str, expected: Written, found: "Value | Missing") -> Iterator[Failure]:
    for difference in differences(expected.value, found):
        inner = path_text(difference.path)
        where = f"{path}{inner}" if inner.startswith("[") or not inner else f"{path}.{inner}"
        yield _failure(where, expected.place(difference.path), difference.expected, difference.found)


def _failure(message: str, span: Span, expected: Value, found: "Value | Missing") -> Failure:
    text = "nothing" if isinstance(found, Missing) else shown(as_shown(found))
    return Failure(message=message, span=span, expected=shown(expected), found=text)


def _alerts(expected: tuple[Raw, ...], played: Played, files: Files) -> Iterator[Failure]:
    """Each alert that is expected is one that was raised; others may be raised as well."""
    left = list(played.alerts)
    for raw in expected:
        wanted = written(files, raw)
        fitting = next((alert for alert in left if not any(differences(wanted.value, alert))), None)
        if fitting is not None:
            left.remove(fitting)
        elif len(left) == 1:
            yield from _compared("alerts", wanted, left[0])
        else:
            found = "no such alert" + "".join(f"\n{shown(alert)}" for alert in left[:5])
            yield Failure(message="alerts", span=wanted.place(), expected=shown(wanted.value), found=found)


def _holds(case: Case, played: Played) -> Iterator[Failure]:
    expect = case.document.expect
    span = expect.keys.get("holds")
    if span is None:
        return
    wanted, found = sorted(str(name) for name in expect.holds), sorted(played.holds.values())
    if wanted != found:
        yield Failure(message="holds", span=span, expected=shown(wanted), found=shown(found))


def _step(name: str, expected: Written, played: Played) -> Iterator[Failure]:
    """A step's value in part; or, where a status is written, where it stands."""
    state = played.state
    if state is None:
        yield Failure(
            message=name, span=expected.place(), expected=shown(expected.value), found="no run was started"
        )
        return
    step = state.flow.step(name)
    if step is None:  # the compiler refuses such a name
        raise TestError(f"flow {state.flow.name} has no step {name}", expected.place())
    status = STEP_STATUSES[state.steps[step.index]]
    if isinstance(expected.value, str) and expected.value in STEP_STATUSES:
        if expected.value != status:
            yield Failure(message=name, span=expected.place(), expected=expected.value, found=status)
        return
    # A check that holds or rejects has no value, and still says what it has found.
    note = cast("Mapping[str, Value]", state.trace.get(name, {}))
    found = state.scope.get(name, note if "fired" in note or "items" in note else MISSING)
    if isinstance(found, Missing):
        yield Failure(
            message=name, span=expected.place(), expected=shown(expected.value), found=_why_none(status, note)
        )
        return
    yield from _compared(name, expected, found)


def _why_none(status: str, note: Mapping[str, Value]) -> str:
    said = next((str(note[word]) for word in ("failed", "skipped", "unknown") if word in note), "")
    return f"no value: it is {status}" + (f" ({said})" if said else "")
