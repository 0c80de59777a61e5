"""Whether runs that are over come to the same when they are decided again: to the byte, as the ledger has it.

That is what a decision rests on: the event, the release and the answers, and nothing else. Nothing is sent
here and nothing is written. Work that is still open is looked at by :mod:`engine.runtime.check`.
"""

from collections.abc import Iterator

from engine.core import AlertCommand, EmitCommand, HoldCommand, WriteCommand, reason
from engine.core.accept import kept_data
from engine.core.advance import starts
from engine.errors import TidegateError
from engine.language.compiled import EvaluationError
from engine.ledger import LedgerReader
from engine.ledger.pruned import is_pruned
from engine.ledger.rows import RunRow
from engine.runtime.record import Rests, alert_row, effect_row, hold_row, refused
from engine.runtime.recover import Recovered, Recovery
from engine.values.json_text import read_json, write_json


def finished_work(reader: LedgerReader, recovery: Recovery) -> Iterator[tuple[RunRow, str | None]]:
    """Every run that is over and was not pruned, and what of it is decided otherwise; None for nothing."""
    rests = Rests()
    for row in reader.finished_runs():
        if not is_pruned(row.decisions):
            try:
                yield row, _otherwise(reader, recovery, row, rests)
            except TidegateError as error:
                yield row, str(error)
            except (EvaluationError, AssertionError, KeyError) as error:
                yield row, f"it cannot be decided again: {error}"


def _otherwise(reader: LedgerReader, recovery: Recovery, row: RunRow, rests: Rests) -> str | None:
    """What of a run is decided otherwise than it was."""
    why = _refused(recovery, row)
    if why is not None:
        return None if why == row.decisions else "it was refused for another reason"
    found = recovery.run(row)
    if rests.decisions(found.state) != row.decisions:
        return "other decisions, or other reasons of them"
    status, said = found.state.status.value, reason(found.state)
    if (status, said or None) != (row.status, row.reason or None):
        return f"it is {row.status} ({row.reason}) in the ledger, and {status} ({said}) when decided again"
    for name, recorded, decided in _made(reader, row, found):
        if recorded != decided:
            differing = sorted(dict(set(recorded.items()) ^ set(decided.items())))
            return f"other {name}: {', '.join(differing)}"
    return None


def _refused(recovery: Recovery, row: RunRow) -> str | None:
    """The decisions of a run that no flow began, as they would be written now; None when one did."""
    plan = recovery.plan(row.release)
    flow, kept = plan.flows[row.flow], recovery.event_row(row)
    event = recovery.restored(kept, plan)
    wrong = kept_data(plan.events[kept.type], read_json(kept.body), kept.version)[1]
    if not wrong:
        try:
            starts(flow, event)
        except EvaluationError as error:
            wrong = [str(error)]
    return refused(flow, wrong) if wrong else None


def _made(
    reader: LedgerReader, row: RunRow, found: Recovered
) -> Iterator[tuple[str, dict[str, str], dict[str, str]]]:
    """What the ledger has of a run, and what comes of it when it is decided again: by id, as bytes."""
    given, at = found.given, row.now
    writes = [effect_row(row.id, one, at) for one in given if isinstance(one, WriteCommand)]
    yield (
        "writes",
        {one.key: one.payload for one in reader.effects(row.id) if not is_pruned(one.payload)},
        {one.key: one.payload for one in writes},
    )
    emits = [one for one in given if isinstance(one, EmitCommand)]
    events = reader.events_caused_by_run(row.id)
    kept = {str(one.cause): one.body.decode() for one in events if not is_pruned(one.body)}
    decided = {one.effect_key: write_json(one.data).decode() for one in emits}
    yield "events", kept, {cause: decided[cause] for cause in kept if cause in decided}
    holds = [hold_row(row.id, one, at, None) for one in given if isinstance(one, HoldCommand)]
    yield (
        "holds",
        {one.id: f"{one.reason} {one.detail}" for one in reader.holds_of_run(row.id)},
        {one.id: f"{one.reason} {one.detail}" for one in holds},
    )
    alerts = [alert_row(row.id, one, at) for one in given if isinstance(one, AlertCommand)]
    ids = {one.id for one in alerts}
    yield (
        "alerts",
        {one.id: one.message for one in reader.alerts_of_run(row.id) if one.id in ids},
        {one.id: one.message for one in alerts},
    )
