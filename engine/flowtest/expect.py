"""What a test expects, held against what came of it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from engine.core import STEP_STATUSES
from engine.flowtest.alone import Single
from engine.flowtest.case import Case
from engine.flowtest.compare import (
    ABSENT,
    MISSING,
    Difference,
    Found,
    Missing,
    as_shown,
    differences,
    recorded,
)
from engine.flowtest.record import is_empty, nothing_expected, of_chapter, of_single
from engine.flowtest.result import Edit, Failure, shown
from engine.flowtest.world import NO_RUN, Chapter, Stand, runs_of
from engine.flowtest.written import Filling, Written
from engine.plan.plan import FlowPlan
from engine.source import Span, Text
from engine.spec.field import Raw
from engine.values.type import path_text
from engine.values.value import Value
from engine.workspace.kinds.flow_test import ExpectDocument


def failures(case: Case, chapters: Sequence[Chapter], whole: Chapter) -> Iterator[Failure]:
    """Every difference, act by act, and then of the whole."""
    first = len(case.acts) - len(case.document.acts)
    for number, (act, chapter) in enumerate(zip(case.acts, chapters, strict=True)):
        expected = act.expect is not None and act.expect.refused is not None
        if chapter.refused is not None and not expected:
            assert chapter.refused_at is not None
            yield Failure(message=f"the release is refused: {chapter.refused}", span=chapter.refused_at)
        if act.expect is not None:
            for failure in _demanded(case, act.expect, chapter, act=True):
                yield failure.under(f"act {number - first + 1}")
    if case.document.expect is not None:
        yield from _demanded(case, case.document.expect, whole, act=False)


def _demanded(case: Case, expect: ExpectDocument, chapter: Chapter, *, act: bool) -> Iterator[Failure]:
    if is_empty(expect):
        yield nothing_expected(expect, of_chapter(chapter, case.flows, act=act))
    else:
        yield from _Demands(case, expect, chapter, act=act).failures()


def failures_of_single(case: Case, single: Single) -> Iterator[Failure]:
    """Every difference, of a mapping or a policy alone."""
    expect = case.document.expect
    if expect is None:  # the compiler refuses it
        return
    if is_empty(expect):
        yield nothing_expected(expect, of_single(single))
        return
    if expect.problem is not None:
        yield from _problem(case.filling, expect.problem, single.failed)
    elif single.failed is not None:
        yield Failure(message="it fails", span=expect.span, expected="a result", found=single.failed)
        return
    if expect.output is not None:
        yield from _compared("output", case.filling.written(expect.output), single.output, exact=expect.exact)
    yield from _of_policy(case, expect, single)


def _of_policy(case: Case, expect: ExpectDocument, single: Single) -> Iterator[Failure]:
    result = single.result or {}
    if expect.outcome is not None:
        why = "; ".join(str(reason) for reason in result.get("reasons", {}).values())
        yield from _word("outcome", expect.outcome, case.filling, single.outcome, why)
    if expect.reason is not None:
        reasons = list(result.get("reasons", {}).values())
        yield from _compared(
            "reason", case.filling.written(expect.reason), reasons[0] if reasons else MISSING
        )
    yield from _alerts(expect, case.filling, single.alerts)
    for name, raw in expect.steps.items():
        found = result.get(str(name), MISSING)
        yield from _compared(str(name), case.filling.written(raw), found, exact=expect.exact)


class _Demands:
    """One `expect`, and what it is held against."""

    def __init__(self, case: Case, expect: ExpectDocument, chapter: Chapter, *, act: bool) -> None:
        self._case = case
        self._filling = case.filling
        self._expect = expect
        self._chapter = chapter
        self._act = act

    def failures(self) -> Iterator[Failure]:
        expect, chapter, written = self._expect, self._chapter, self._filling.written
        yield from self._ends()
        for name, raw in expect.writes.items():
            yield from self._calls(
                f"writes.{name}", written(raw), chapter.writes.get(str(name), []), "written"
            )
        for name in expect.no_writes:
            for payload in chapter.writes.get(str(name), []):
                text = shown(as_shown(payload))
                yield Failure(message=f"writes.{name}", span=name.span, expected="written never", found=text)
        for name, raw in expect.emits.items():
            yield from self._calls(f"emits.{name}", written(raw), chapter.emits.get(str(name), []), "emitted")
        yield from _alerts(expect, self._filling, chapter.alerts)
        yield from self._holds()
        for name, raw in expect.steps.items():
            yield from self._step(str(name), written(raw))
        for name, raw in expect.runs.items():
            yield from self._runs(name, written(raw))

    def _ends(self) -> Iterator[Failure]:
        """How the run ends, and why."""
        expect = self._expect
        if expect.refused is not None:
            yield from _problem(self._filling, expect.refused, self._chapter.refused, "refused")
        if expect.run is None and expect.problem is None:
            return
        stands = self._stands(self._case.flows[0])
        if len(stands) > 1 and expect.run is not None:
            yield self._several(expect.run.span, stands)
            return
        status, why = (stands[0].status, stands[0].reason) if stands else (NO_RUN, None)
        if expect.run is not None:
            yield from _word("run", expect.run, self._filling, status, why or "")
        if expect.problem is not None:
            whys = [stand.reason for stand in stands if stand.reason]
            yield from _problem(self._filling, expect.problem, "; ".join(whys) or None)

    def _stands(self, flow: FlowPlan) -> list[Stand]:
        return runs_of(self._chapter, flow, act=self._act)

    def _several(self, span: Span, stands: Sequence[Stand]) -> Failure:
        name = stands[0].flow.name
        each = shown([stand.status for stand in stands])
        return Failure(
            message=f"there are {len(stands)} runs of {name}",
            span=span,
            help=(f"say how each ends: runs: {{{name}: {each}}}",),
        )

    def _calls(self, path: str, expected: Written, calls: list[Value], done: str) -> Iterator[Failure]:
        """A record is one call, a list is so many, in order; `$contains` and `$unordered` are of all."""
        value, exact = expected.value, self._expect.exact
        several = isinstance(value, list)
        if isinstance(value, Mapping) and not value.keys().isdisjoint(("$contains", "$unordered")):
            yield from _compared(path, expected, calls, exact=exact)
            return
        wanted = [expected.part(index) for index in range(len(value))] if several else [expected]  # type: ignore[arg-type]
        if value == ABSENT:
            wanted = []
        if len(wanted) != len(calls):
            yield _miscounted(path, expected, calls, done, len(wanted))
            return
        for number, (one, call) in enumerate(zip(wanted, calls, strict=True)):
            yield from _compared(f"{path}[{number}]" if several else path, one, call, exact=exact)

    def _holds(self) -> Iterator[Failure]:
        if self._expect.holds is None:
            return
        written = self._filling.written(self._expect.holds)
        value = written.value
        wanted = sorted(str(name) for name in (value if isinstance(value, list) else [value]))
        found = sorted(policy for stand in self._chapter.stands for policy in stand.holds)
        if wanted != found:
            yield _failure("holds", written, (), Difference((), wanted, found), cast("Value", found))

    def _step(self, name: str, expected: Written) -> Iterator[Failure]:
        flow = self._case.flows[0]
        stands = [stand for stand in self._stands(flow) if stand.state is not None]
        if len(stands) > 1:
            yield self._several(expected.place(), stands)
        elif not stands:
            text = shown(expected.value)
            yield Failure(message=name, span=expected.place(), expected=text, found="no run was started")
        else:
            yield from _step(name, expected, stands[0], exact=self._expect.exact)

    def _runs(self, name: Text, expected: Written) -> Iterator[Failure]:
        """The runs of one flow: each by how it ends, or by its parts."""
        flow = next((flow for flow in self._case.flows if flow.name == name), None)
        stands = [] if flow is None else self._stands(flow)
        value = expected.value
        if isinstance(value, list):
            wanted = [expected.part(index) for index in range(len(value))]
        else:
            wanted = [] if value == NO_RUN else [expected]
        if len(wanted) != len(stands):
            found = shown([stand.status for stand in stands])
            said = f"{_counted(len(wanted))}, {shown(value)}"
            difference = Difference((), value, MISSING, said)
            new: Value = [stand.status for stand in stands] if len(stands) != 1 else stands[0].status
            failure = _failure(f"runs.{name}", expected, (), difference, new or NO_RUN)
            yield Failure(
                message=failure.message,
                span=failure.span,
                expected=said,
                found=f"{_counted(len(stands))}, {found}",
                edits=failure.edits,
            )
            return
        for number, (one, stand) in enumerate(zip(wanted, stands, strict=True)):
            path = f"runs.{name}[{number}]" if len(wanted) > 1 else f"runs.{name}"
            yield from _run(path, one, stand, exact=self._expect.exact)


def _counted(number: int) -> str:
    return {0: "no run", 1: "one run"}.get(number, f"{number} runs")


def _run(path: str, expected: Written, stand: Stand, *, exact: bool) -> Iterator[Failure]:
    if not isinstance(expected.value, Mapping):
        yield from _compared(path, expected, stand.status)
        return
    for key in expected.value:
        part = expected.part(key)
        if key == "run":
            yield from _compared(f"{path}.run", part, stand.status)
        elif key == "problem":
            found = Difference((), part.value, stand.reason or MISSING, f"a reason with {part.value!r} in it")
            if str(part.value) not in (stand.reason or ""):
                yield _failure(f"{path}.problem", part, (), found, None, editable=False)
        else:
            yield from (failure.under(path) for failure in _step(key, part, stand, exact=exact))


def _word(name: str, expected: Text, filling: Filling, found: str, why: str) -> Iterator[Failure]:
    """A word of a few, such as how a run ends."""
    wanted, span = filling.text(expected)
    if wanted != found:
        said = f"{found} ({why})" if why else found
        edits = (Edit(span=span, value=found),)
        yield Failure(message=name, span=span, expected=wanted, found=said, edits=edits)


def _problem(filling: Filling, expected: Text, found: str | None, name: str = "problem") -> Iterator[Failure]:
    wanted, span = filling.text(expected)
    if wanted not in (found or ""):
        said = f"a reason with {wanted!r} in it"
        edits = () if found is None else (Edit(span=span, value=found),)
        yield Failure(message=name, span=span, expected=said, found=found or "no reason", edits=edits)


def _miscounted(path: str, expected: Written, calls: list[Value], done: str, wanted: int) -> Failure:
    said = f"{done} {_times(len(calls))}" + "".join(f"\n{shown(as_shown(call))}" for call in calls[:3])
    found = [as_shown(call) for call in calls]
    place = expected.own_place()
    value = found[0] if len(found) == 1 else found
    return Failure(
        message=path,
        span=expected.place(),
        expected=f"{done} {_times(wanted)}",
        found=said,
        edits=() if place is None else (Edit(span=place, value=value),),
    )


def _times(number: int) -> str:
    return {0: "never", 1: "once"}.get(number, f"{number} times")


def _compared(path: str, expected: Written, found: Found, *, exact: bool = False) -> Iterator[Failure]:
    """The parts that differ, each at its place."""
    for difference in differences(expected.value, found, exact=exact):
        inner = path_text(difference.path)
        where = f"{path}{inner}" if inner.startswith("[") or not inner else f"{path}.{inner}"
        yield _differing(where, expected, found, difference, exact=exact)


def _differing(
    where: str, expected: Written, found: Found, difference: Difference, *, exact: bool
) -> Failure:
    """One difference; what is expected is written anew where it stands, or the record around it is."""
    own = expected.own_place(difference.path)
    if own is not None and not isinstance(difference.expected, Missing):
        return _failure(where, expected, difference.path, difference, _instead(difference))
    if own is not None and difference.expected is MISSING and not isinstance(difference.found, Missing):
        return _failure(where, expected, difference.path, difference, as_shown(difference.found))
    around = recorded(expected.value, found, exact=exact)
    failure = _failure(where, expected, difference.path, difference, None, editable=False)
    place = expected.own_place()
    if place is None:
        return failure
    return Failure(
        message=failure.message,
        span=failure.span,
        expected=failure.expected,
        found=failure.found,
        edits=(Edit(span=place, value=around),),
    )


def _instead(difference: Difference) -> Value:
    return recorded(cast("Value", difference.expected), difference.found)


def _failure(
    message: str,
    expected: Written,
    path: tuple[str | int, ...],
    difference: Difference,
    instead: Value,
    *,
    editable: bool = True,
) -> Failure:
    place = expected.own_place(path) if editable else None
    return Failure(
        message=message,
        span=expected.place(path),
        expected=difference.wanted or _shown(difference.expected),
        found=_shown(difference.found),
        edits=() if place is None else (Edit(span=place, value=instead),),
    )


def _shown(value: Found) -> str:
    return "nothing" if isinstance(value, Missing) else shown(as_shown(value))


def _alerts(expect: ExpectDocument, filling: Filling, alerts: Sequence[Value]) -> Iterator[Failure]:
    """Each alert that is expected is one that was raised; others may be raised as well."""
    left = list(alerts)
    for raw in _each(expect.alerts, filling):
        fitting = next((alert for alert in left if not any(differences(raw.value, alert))), None)
        if fitting is not None:
            left.remove(fitting)
        elif len(left) == 1:
            yield from _compared("alerts", raw, left[0])
        else:
            found = "no such alert" + "".join(f"\n{shown(alert)}" for alert in left[:5])
            yield Failure(message="alerts", span=raw.place(), expected=shown(raw.value), found=found)
    if "alerts" in expect.keys and not expect.alerts:
        for alert in left:
            span = expect.keys["alerts"]
            yield Failure(message="alerts", span=span, expected="nobody is told", found=shown(alert))


def _each(raws: Sequence[Raw], filling: Filling) -> Iterator[Written]:
    """Written values; a column may stand for a list of them."""
    for raw in raws:
        written = filling.written(raw)
        if isinstance(written.value, list):
            yield from (written.part(index) for index in range(len(written.value)))
        else:
            yield written


def _step(name: str, expected: Written, stand: Stand, *, exact: bool) -> Iterator[Failure]:
    """A step's value in part; or, where a status is written, where it stands."""
    state = stand.state
    step = None if state is None else stand.flow.step(name)
    if state is None or step is None:  # the compiler refuses names of steps that there are not
        found = "no run was started" if state is None else "there is no such step"
        yield Failure(message=name, span=expected.place(), expected=shown(expected.value), found=found)
        return
    status = STEP_STATUSES[state.steps[step.index]]
    # A check that holds or rejects has no value, and still says what it has found.
    note = cast("Mapping[str, Value]", state.trace.get(name, {}))
    if isinstance(expected.value, str) and expected.value in STEP_STATUSES:
        if expected.value != status:
            said = f"{status}{_why(note)}"
            yield _stated(name, expected, expected.value, said, status)
        return
    said_of_it = note if "fired" in note or "items" in note else MISSING
    value = cast("Found", state.scope.get(name, cast("Value", said_of_it)))
    if isinstance(value, Missing):
        text = f"no value: it is {status}{_why(note)}"
        yield _stated(name, expected, shown(expected.value), text, status)
        return
    yield from _compared(name, expected, value, exact=exact)


def _stated(name: str, expected: Written, wanted: str, found: str, status: str) -> Failure:
    """A step that does not stand where it should."""
    place = expected.own_place()
    return Failure(
        message=name,
        span=expected.place(),
        expected=wanted,
        found=found,
        edits=() if place is None else (Edit(span=place, value=status),),
    )


def _why(note: Mapping[str, Value]) -> str:
    said = next((str(note[word]) for word in ("failed", "skipped", "unknown") if word in note), "")
    return f" ({said})" if said else ""
