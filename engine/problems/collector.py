"""Gathers problems: sorted by place, without echoes, and bounded.

What lives here: :class:`Collector`, which stages write to, and :class:`Report`, which renderers read.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from engine.problems.problem import Problem, Severity
from engine.source import Span

SHOWN = 100
"""So many problems are shown; of the others only the number is."""

KEPT = 10_000
"""So many are kept to be sorted; a hostile file can cause one for every few bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What is shown: the first problems by file and place, and how many more there are."""

    problems: tuple[Problem, ...]
    more: int = 0
    errors: int = 0
    warnings: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing but warnings was found."""
        return self.errors == 0


class Collector:
    """The problems of one look at a workspace, in whatever order the stages find them."""

    def __init__(self) -> None:
        """Begin with none."""
        self._kept: dict[tuple[str, str, int, int], Problem] = {}
        self._dropped = {Severity.ERROR: 0, Severity.WARNING: 0}

    def add(self, problem: Problem) -> None:
        """Take a problem, unless the same code was reported at the same place."""
        span = problem.span
        echo = (problem.code, span.source.name, span.start, span.end)
        if echo in self._kept:
            return
        if len(self._kept) < KEPT:
            self._kept[echo] = problem
        else:
            self._dropped[problem.severity] += 1

    def extend(self, problems: Iterable[Problem]) -> None:
        """Take several."""
        for problem in problems:
            self.add(problem)

    def take(self, other: "Collector") -> None:
        """Take everything that another collector was told."""
        kept = other.problems
        if not kept:  # then none was dropped either
            return
        self.extend(kept)
        for severity in Severity:
            self._dropped[severity] += other.count(severity) - sum(one.severity is severity for one in kept)

    @property
    def has_errors(self) -> bool:
        """Whether anything but a warning was found."""
        return self.count(Severity.ERROR) > 0

    def has(self, code: str, span: Span) -> bool:
        """Whether such a problem was found within a range of text."""
        return any(
            (found, name) == (code, span.source.name) and span.start <= start and end <= span.end
            for found, name, start, end in self._kept
        )

    def count(self, severity: Severity) -> int:
        """How many problems of one severity were found, echoes left out."""
        kept = sum(1 for problem in self._kept.values() if problem.severity is severity)
        return kept + self._dropped[severity]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All that were kept, by file and place."""
        return tuple(sorted(self._kept.values(), key=_place))

    def report(self, shown: int = SHOWN, within: Callable[[str], bool] | None = None) -> Report:
        """What to show: the first `shown` problems, errors before warnings when not all fit.

        ``within`` says of which files, by name; those of others are neither shown nor counted.
        """
        found = self.problems
        errors, warnings = self.count(Severity.ERROR), self.count(Severity.WARNING)
        if within is not None:
            found = tuple(problem for problem in found if within(problem.span.source.name))
            warnings = sum(_is_warning(problem) for problem in found)
            errors = len(found) - warnings
        chosen = sorted(found, key=_is_warning)[:shown]
        return Report(
            problems=tuple(sorted(chosen, key=_place)),
            more=errors + warnings - len(chosen),
            errors=errors,
            warnings=warnings,
        )


def _place(problem: Problem) -> tuple[str, int, int, str, str]:
    span = problem.span
    return span.source.name, span.start, span.end, problem.code, problem.message


def _is_warning(problem: Problem) -> bool:
    return problem.severity is Severity.WARNING
