"""`tidegate test`."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import click

from engine.cli import options, output
from engine.values.instant import in_utc

if TYPE_CHECKING:
    from engine.flowtest import Coverage, Covered, One, Result
    from engine.session import Session


class _Instant(click.ParamType[datetime]):
    """An instant with its zone."""

    name = "INSTANT"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            written = datetime.fromisoformat(value)
            found = None if written.tzinfo is None else in_utc(written)
        except ValueError:
            found = None
        if found is None:
            self.fail(f"{value!r} is no instant; write one such as 2026-05-29T18:00:00Z", param, ctx)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """Which tests are run, and how."""

    wanted: tuple[str, ...]
    containing: str | None
    failed: bool
    at: datetime | None
    jobs: str
    recording: bool

    @property
    def everything(self) -> bool:
        """Whether all tests are run."""
        return not (self.wanted or self.containing or self.failed)

    def run(self, opened: "_Opened") -> "list[Result]":
        """The results, in the order of files."""
        from engine import flowtest

        session = opened.session
        chosen = self._chosen(opened.whole)
        sound = {id(document) for document in session.workspace.documents}
        fit = [one for one in chosen if id(one.document) in sound]
        try:
            processes = flowtest.processes_for(len(fit), self.jobs)
        except ValueError as error:
            raise click.BadParameter(f"{self.jobs!r} is no number of processes", param_hint="-j") from error
        ready = session.ready
        subject = flowtest.Subject(
            plan=ready.plan,
            connectors=ready.connectors,
            types=ready.types,
            inputs=ready.inputs,
            policy=ready.policy,
            covered=opened.covered,
        )
        how = flowtest.Options(at=self.at, recording=self.recording)
        suite = flowtest.Suite(session.workspace, subject, how)
        ran = iter(flowtest.run_in_processes(suite, fit, perf_counter, processes))
        return [next(ran) if id(one.document) in sound else flowtest.left_out(one) for one in chosen]

    def _chosen(self, session: "Session") -> "list[One]":
        from engine import flowtest

        try:
            chosen = flowtest.choose(session.workspace, self.wanted, self.containing)
        except flowtest.NothingChosenError as error:
            raise click.UsageError(str(error)) from error
        found = flowtest.cases(chosen, self.containing)
        if not self.failed:
            return found
        last = _Last(session.workspace.files.root).read()
        return [one for one in found if flowtest.key_of(one) in last]


@click.command("test")
@click.argument("wanted", nargs=-1, metavar="[FLOW|MAPPING|POLICY|TEST|PATH]...")
@options.workspace
@options.output_format("junit")
@click.option(
    "-k", "containing", metavar="TEXT", help="Only tests whose name, subject or example contains TEXT."
)
@click.option("--failed", is_flag=True, help="Only the tests that failed the last time.")
@click.option("--at", type=_Instant(), help="Run every test at this instant instead of its own `now`.")
@click.option(
    "-j",
    "--jobs",
    default="auto",
    show_default=True,
    metavar="N|auto",
    help="How many processes; `auto` starts more than one only for many tests.",
)
@click.option("--coverage", "covering", is_flag=True, help="Say what the tests have not come by.")
@click.option(
    "--coverage-format",
    "coverage_form",
    type=click.Choice(["text", "json", "lcov", "cobertura"]),
    default="text",
    show_default=True,
    help="How to say it; all but text goes to a file.",
)
@click.option(
    "--coverage-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="That file; coverage.json, lcov.info or coverage.xml when left out.",
)
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="Fail when less is covered.",
)
@click.option("--update", is_flag=True, help="Write what happened into `expect`, and show what changed.")
@click.option("--force", is_flag=True, help="Let --update write on a CI server as well.")
def command(
    wanted: tuple[str, ...],
    folder: Path | None,
    form: str,
    containing: str | None,
    at: datetime | None,
    jobs: str,
    coverage_form: str,
    coverage_file: Path | None,
    fail_under: float | None,
    *,
    covering: bool,
    failed: bool,
    update: bool,
    force: bool,
) -> None:
    """Run the tests that stand beside flows, mappings and policies: no network, no ledger, frozen time.

    The very code that runs in production decides; the test answers what it asks. A call that a test does
    not answer fails it. The exit code is 1 when a test fails, and 5 when there is none to run.
    """
    if update:
        _may_update(at, force=force)
    asked = _Asked(wanted=wanted, containing=containing, failed=failed, at=at, jobs=jobs, recording=update)
    covering = covering or coverage_form != "text" or coverage_file is not None or fail_under is not None
    opened = _Opened.of(folder, covering=covering)
    results = asked.run(opened)
    if update and not all(result.passed for result in results):
        _ = opened.whole.ready  # what is wrong in a part may be why the others differ
        _update(opened.session, results)
        opened = _Opened.of(folder, covering=covering)
        results = replace(asked, recording=False).run(opened)
    _Last(opened.session.workspace.files.root).write(results)
    found = opened.coverage(results, everything=asked.everything)
    _print(results, form, at, found if coverage_form == "text" and coverage_file is None else None)
    enough = found is None or _report(found, coverage_form, coverage_file, fail_under)
    opened.tell_of_problems()
    if not results and not failed and opened.is_whole:
        output.line(f"tidegate: {_none(containing)}", error=True)
        sys.exit(NOTHING)
    sys.exit(0 if enough and opened.is_whole and all(result.passed for result in results) else 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """A workspace, and what its generated code takes down when coverage is asked for."""

    session: "Session"  # what of it can be tested
    whole: "Session"
    covered: "Covered | None"

    @classmethod
    def of(cls, folder: Path | None, *, covering: bool) -> "_Opened":
        """The workspace of a folder."""
        from engine.flowtest import Covered
        from engine.session import load, sound_part

        covered = Covered() if covering else None
        whole = load(folder, covered=covered)
        if whole.compiled is not None:
            return cls(session=whole, whole=whole, covered=covered)
        covered = Covered() if covering else None
        return cls(session=sound_part(whole, covered), whole=whole, covered=covered)

    @property
    def is_whole(self) -> bool:
        """Whether all of the workspace can be tested."""
        return self.whole.compiled is not None

    def tell_of_problems(self) -> None:
        """Say why a part was not tested, where that is so; beside the report, which may be for a program."""
        from engine.errors import InputError

        try:
            _ = self.whole.ready
        except InputError as error:
            output.line(f"tidegate: {error}", error=True)

    def coverage(self, results: "Sequence[Result]", *, everything: bool) -> "Coverage | None":
        """How much was covered: of everything, or of what the chosen tests are about."""
        from engine import flowtest

        if self.covered is None:
            return None
        seen = {name for result in results for name in result.seen}
        tests = None if everything else [result.document for result in results]
        session = self.session
        return flowtest.coverage(session.workspace, session.ready.plan, self.covered, seen, tests)


def _report(found: "Coverage", form: str, file: Path | None, fail_under: float | None) -> bool:
    """Write coverage into its file; whether there is enough of it."""
    from engine import flowtest

    render = {
        "json": flowtest.render_coverage_json,
        "lcov": flowtest.render_lcov,
        "cobertura": flowtest.render_cobertura,
    }.get(form, flowtest.render_coverage_text)
    names = {"json": "coverage.json", "lcov": "lcov.info", "cobertura": "coverage.xml"}
    path = file or (Path(names[form]) if form in names else None)
    if path is not None:
        path.write_text(render(found).rstrip("\n") + "\n", encoding="utf-8")
        output.line(f"Coverage is in {path}.", error=True)
    if fail_under is None or found.percent >= fail_under:
        return True
    told = f"{flowtest.share(found)}% is covered, and {fail_under:g}% is asked for"
    output.line(f"tidegate: {told}", error=True)
    return False


def _print(results: "Sequence[Result]", form: str, at: datetime | None, covered: "Coverage | None") -> None:
    from engine import flowtest

    match form:
        case "json":
            more = {} if covered is None else {"coverage": flowtest.as_json(covered)}
            output.raw(flowtest.render_json(results, more))
        case "junit":
            output.raw(flowtest.render_junit(results))
        case _:
            note = "" if at is None else _AT.format(at.isoformat().replace("+00:00", "Z"))
            output.raw(flowtest.render_text(results, _paint, note))
            if covered is not None:
                output.line()
                output.line(flowtest.render_coverage_text(covered))


NOTHING = 5  # the exit code when no test was run, so that a name that is misspelt does not pass


def _none(containing: str | None) -> str:
    if containing is None:
        return "there is no test to run"
    return f"no test was run: the name, subject or example of none contains {containing!r}"


_AT = (
    "Every test is run at {}, whatever its own `now`. Expectations are compared as they stand: "
    "a difference says what the moment changes."
)


def _paint(style: str, text: str) -> str:
    given: dict[str, dict[str, bool | str]] = {
        "good": {"fg": "green"},
        "bad": {"fg": "red"},
        "bold": {"bold": True},
        "dim": {"dim": True},
    }
    return output.styled(output.clean(text), **given[style])


# --- expectations written anew ------------------------------------------------------------------


def _may_update(at: datetime | None, *, force: bool) -> None:
    if at is not None:
        raise click.UsageError("--update writes down what happens at a test's own `now`: leave out --at.")
    if os.environ.get("CI", "").lower() not in ("", "0", "false") and not force:
        raise click.UsageError(
            "--update on a CI server would make every test pass. Run it at your desk, and look at what "
            "changed; --force writes all the same."
        )


def _update(session: "Session", results: "Sequence[Result]") -> None:
    """Write what happened into the files, and show what changed."""
    from engine import flowtest

    files, left = flowtest.updated(results)
    for file in files:
        path = session.workspace.files.root / file.source.name
        content = file.content(path.read_bytes())
        if content is None:
            output.fail(f"{file.source.name} was changed while its tests ran; run them again")
        path.write_bytes(content)
        for text in file.diff():
            style = {"+": "good", "-": "bad", "@": "dim"}.get(text[:1], "")
            output.raw(_paint(style, text) if style else output.clean(text))
    for result, failure in left:
        why = _EXAMPLES_DIFFER if failure.edits else failure.message
        output.line(f"not updated: {failure.place} {result.title}: {why}")
    if files:
        output.line("Look at what changed: from now on it is what is expected.")
        output.line()


_EXAMPLES_DIFFER = (
    "its examples do not agree on what is written here; write the keys that you mean,"
    " and what differs as `run: $(run)`, with a column `run`"
)


# --- what failed the last time ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Last:
    """The names of the tests of a workspace that failed the last time; kept in the user's cache."""

    root: Path

    @property
    def _file(self) -> Path:
        caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        name = sha256(str(self.root).encode()).hexdigest()[:16]
        return Path(caches) / "tidegate" / f"failed-{name}.txt"

    def read(self) -> frozenset[str]:
        """Their names."""
        try:
            return frozenset(self._file.read_text(encoding="utf-8").splitlines())
        except OSError:
            return frozenset()

    def write(self, results: "Sequence[Result]") -> None:
        """Keep the names of those that failed now, and of those that failed before and were not run."""
        from engine import flowtest

        passed = {flowtest.key_of(result) for result in results if result.passed}
        failed = {flowtest.key_of(result) for result in results if not result.passed}
        names = sorted((self.read() - passed) | failed)
        with suppress(OSError):  # a cache: who cannot write one runs all tests
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
