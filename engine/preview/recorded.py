"""Events that a ledger recorded, with what its systems and people answered.

Each run is decided again from the ledger, by the release that it began on: that gives the questions to which
the ledger has the answers. Nothing is asked of any system.
"""

from collections import deque
from collections.abc import Iterator
from datetime import datetime

from engine.core import Answer, LookUpCommand, ReadCommand, WriteCommand, run_name
from engine.ledger.instants import read_instant
from engine.ledger.reader import LedgerReader
from engine.ledger.rows import EventRow
from engine.preview.behaviour.sample import Recorded, Sample, key_of_read
from engine.runtime.recover import Recovered, Recovery
from engine.values.json_text import read_json, write_json
from engine.values.value import Value


def recorded_samples(
    reader: LedgerReader, recovery: Recovery, since: datetime | None, until: datetime | None
) -> Iterator[Sample]:
    """The events from outside that were accepted in that time, in their order.

    Raises:
        InputError: when a release by which one was decided cannot be had any more.

    """
    for row in reader.events(since=since, until=until):
        if row.cause is None:
            recorded = _recorded(reader, recovery, row)
            yield Sample(row.type, read_json(row.body), row.body, read_instant(row.accepted_at), recorded)


def _recorded(reader: LedgerReader, recovery: Recovery, event: EventRow) -> Recorded:
    """What was answered to the runs of an event, and to those of the events that they emitted."""
    found = _Found()
    waiting = deque([event])
    while waiting:
        for run in reader.runs_of_event(waiting.popleft().id):
            if run.id == run_name(run.flow, run.event_id):  # one that a person had worked again is no other
                found.take(run.id, recovery.run(run))
                waiting.extend(reader.events_caused_by_run(run.id))
    return Recorded(found.reads, found.look_ups, found.receipts, found.persons)


class _Found:
    def __init__(self) -> None:
        self.reads: dict[str, list[Answer]] = {}
        self.look_ups: dict[str, Answer] = {}
        self.receipts: dict[str, tuple[Value, Answer]] = {}
        self.persons: dict[str, Answer] = {}

    def take(self, run_id: str, run: Recovered) -> None:
        answers = run.state.answers
        for command in run.given:
            answer = answers.get(getattr(command, "key", ""))
            if answer is None:
                continue
            match command:
                case ReadCommand():
                    name = key_of_read(f"{command.connection}.{command.operation}", command.parameters)
                    self.reads.setdefault(name, []).append(_plain(answer))
                case LookUpCommand():
                    self.look_ups[command.key] = answer
                case WriteCommand():
                    self.receipts[command.effect_key] = read_json(write_json(command.payload)), answer
                case _:
                    pass
        persons = {key: answer for key, answer in answers.items() if key.startswith("hold:")}
        self.persons.update({f"{run_id} {key}": answer for key, answer in persons.items()})


def _plain(answer: Answer) -> Answer:
    """An answer without its dates, which each side gives it by its own schema."""
    if answer.value is None:
        return answer
    return Answer(read_json(write_json(answer.value)), answer.failure)
