"""Events that a ledger recorded, with what its systems and people answered.

Each run is decided again from the ledger, by the release that it began on: that gives the questions to which
the ledger has the answers. Nothing is asked of any system.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from engine.core import Answer, LookUpCommand, ReadCommand, WriteCommand, run_name
from engine.ledger import is_pruned
from engine.ledger.instants import read_instant
from engine.ledger.reader import LedgerReader
from engine.ledger.rows import EventRow
from engine.preview.behaviour.lines import answer_entry, sample_of
from engine.preview.behaviour.sample import Sample
from engine.runtime.recover import PrunedError, Recovered, Recovery
from engine.values.actors import ENGINE
from engine.values.json_text import read_json, write_json
from engine.values.value import Value


class RecordedEvent(NamedTuple):
    """One event from outside, and its line in a corpus."""

    seq: int
    id: str
    line: dict[str, Value]


def recorded_samples(
    reader: LedgerReader,
    recovery: Recovery,
    since: datetime | None,
    until: datetime | None,
    left_out: Callable[[EventRow], None] | None = None,
) -> Iterator[Sample]:
    """The events from outside that were accepted in that time, in their order.

    ``left_out`` is called for each of which something was pruned.

    Raises:
        InputError: when a release by which one was decided cannot be had any more.

    """
    for event in recorded_events(reader, recovery, since=since, until=until, left_out=left_out):
        yield sample_of(event.line, read_instant(str(event.line["accepted_at"])))


def recorded_events(  # noqa: PLR0913 - which of them, and what becomes of the others
    reader: LedgerReader,
    recovery: Recovery,
    *,
    after: int = 0,
    since: datetime | None = None,
    until: datetime | None = None,
    is_ready: Callable[[EventRow], bool] | None = None,
    left_out: Callable[[EventRow], None] | None = None,
) -> Iterator[RecordedEvent]:
    """The same with their lines, from behind the seq `after`, without those of which something was pruned.

    Of each of these ``left_out`` is told. With ``is_ready`` they end before the first event that is not: what
    comes behind it comes later.

    Raises:
        InputError: when a release by which one was decided cannot be had any more.

    """
    spoken = _spoken(reader, recovery)
    for row in reader.events(after=after, since=since, until=until):
        if is_ready is not None and not is_ready(row):
            return
        if row.cause is not None:
            continue
        try:
            line = None if is_pruned(row.body) else _line(reader, recovery, row, spoken)
        except PrunedError:  # what decided its runs is gone, or goes while it is read
            line = None
        if line is not None:
            yield RecordedEvent(row.seq, row.id, line)
        elif left_out is not None:
            left_out(row)


def is_settled(reader: LedgerReader, event: EventRow) -> bool:
    """Whether every run of an event, and of those that these emitted, has come to rest."""
    waiting = deque([event.id])
    while waiting:
        for run in reader.runs_of_event(waiting.popleft()):
            if run.status == "running":
                return False
            waiting.extend(caused.id for caused in reader.events_caused_by_run(run.id))
    return True


def _spoken(reader: LedgerReader, recovery: Recovery) -> Mapping[str, int]:
    """The versions of events that are meant by their names alone: those of the active release."""
    active = reader.active_release()
    events = {} if active is None else recovery.plan(active.fingerprint).events
    return {name: event.version for name, event in events.items()}


def _line(
    reader: LedgerReader, recovery: Recovery, event: EventRow, spoken: Mapping[str, int]
) -> dict[str, Value]:
    """An event in a corpus; one that was accepted as another version than is spoken now says as which."""
    is_spoken = spoken.get(event.type, event.version) == event.version
    name = event.type if is_spoken else f"{event.type}@{event.version}"
    line: dict[str, Value] = {"type": name, "data": read_json(event.body)}
    line["accepted_at"] = event.accepted_at
    recorded = _recorded(reader, recovery, event)
    if recorded:
        line["recorded"] = recorded
    return line


def _recorded(reader: LedgerReader, recovery: Recovery, event: EventRow) -> dict[str, Value]:
    """What was answered to the runs of an event, and to those of the events that they emitted."""
    found = _Found()
    waiting = deque([event])
    while waiting:
        for run in reader.runs_of_event(waiting.popleft().id):
            if run.id == run_name(run.flow, run.event_id):  # one that a person had worked again is no other
                found.take(run.id, recovery.run(run), reader)
                waiting.extend(reader.events_caused_by_run(run.id))
    return {name: [*entries] for name, entries in found.entries.items() if entries}


_ENTRIES = ("reads", "xrefs", "writes", "holds", "times")


def _is_by_time(answer: Answer) -> bool:
    """Whether a hold is over since its time was: by each release that may be at another time, or never."""
    return isinstance(answer.value, Mapping) and answer.value.get("by") == ENGINE


class _Found:
    def __init__(self) -> None:
        self.entries: dict[str, list[Value]] = {name: [] for name in _ENTRIES}

    def take(self, run_id: str, run: Recovered, reader: LedgerReader) -> None:
        answers = run.state.answers
        for command in run.given:
            answer = answers.get(getattr(command, "key", ""))
            if answer is None:
                continue
            match command:
                case ReadCommand():
                    asked: dict[str, Value] = {
                        "run": run_id,
                        "read": f"{command.connection}.{command.operation}",
                        "with": command.parameters,
                    }
                    self._add("reads", {**asked, **answer_entry(answer)})
                case LookUpCommand():
                    asked = {"run": run_id, "entity": command.entity, "id": command.canonical_id}
                    self._add("xrefs", {**asked, "in": command.system, "is": answer.value})
                case WriteCommand():
                    asked = {"write": command.effect_key, "with": command.payload}
                    self._add("writes", {**asked, **answer_entry(answer)})
                case _:
                    pass
        ended = [key for key in answers if key.startswith(("hold:", "wait:"))]
        if ended:
            times = {row.key: row.at for row in reader.answers(run_id)}  # the last where there are several
            for key in ended:
                self._end(run_id, key, answers[key], times[key])

    def _end(self, run_id: str, key: str, answer: Answer, at: str) -> None:
        """What ended a hold or a wait, unless an event did: those come by themselves."""
        if key.startswith("hold:") and not _is_by_time(answer):
            self._add("holds", {"run": run_id, "hold": key, "at": at, **answer_entry(answer)})
        elif key.startswith("hold:") or answer.failure is not None:
            self._add("times", {"run": run_id, "of": key, "at": at})

    def _add(self, name: str, entry: dict[str, Value]) -> None:
        self.entries[name].append(read_json(write_json(entry)))
