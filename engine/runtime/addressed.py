"""Which partition an act of a person is about, where several machines share the work.

Only the owner of a partition may write what belongs to it, so each act goes to the machine that has the one
of its run, event or order key. What belongs to none is done by whoever looks after the sources.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from engine.ledger import LedgerReader
from engine.ledger.partitions import DUTIES, partition_of
from engine.values.value import Value

Find: TypeAlias = Callable[[LedgerReader, str, int], int | None]


def partition_for(act: str, request: Mapping[str, Value], reader: LedgerReader, among: int) -> int | None:
    """The partition to whose owner an act is addressed, of so many; None for what no machine does.

    A request about something that is not there is addressed like those that are about nothing in particular:
    whoever gets it says so.
    """
    if act not in _ACTS:
        return None
    name, find = _ACTS[act]
    subject = request.get(name)
    found = find(reader, subject, among) if isinstance(subject, str) else None
    return DUTIES if found is None else found


def _of_run(reader: LedgerReader, run_id: str, among: int) -> int | None:
    del among
    row = reader.run(run_id)
    return None if row is None else row.partition


def _of_effect(reader: LedgerReader, key: str, among: int) -> int | None:
    row = reader.effect(key)
    return None if row is None else _of_run(reader, row.run_id, among)


def _of_hold(reader: LedgerReader, hold_id: str, among: int) -> int | None:
    row = reader.hold(hold_id)
    return None if row is None else _of_run(reader, row.run_id, among)


def _of_event(reader: LedgerReader, event_id: str, among: int) -> int | None:
    row = reader.event(event_id)
    return None if row is None else partition_of(row.order_key, event_id, among)


def _of_key(reader: LedgerReader, key: str, among: int) -> int | None:
    del reader
    return partition_of(key, "", among)


def _of_alert(reader: LedgerReader, alert_id: str, among: int) -> int | None:
    """Whoever raised it relies on its being open, and must not do so while it is taken care of."""
    row = reader.alert(alert_id)
    return None if row is None or row.run_id is None else _of_run(reader, row.run_id, among)


def _of_dead_letter(reader: LedgerReader, name: str, among: int) -> int | None:
    found = (find(reader, name, among) for find in (_of_effect, _of_run, _of_alert))
    return next((partition for partition in found if partition is not None), None)


def _of_nothing(reader: LedgerReader, name: str, among: int) -> None:
    del reader, name, among


# The field of a request that names what it is about, and how its partition is found.
_ACTS: Mapping[str, tuple[str, Find]] = MappingProxyType(
    {
        **dict.fromkeys(("release", "propose", "agree", "refuse"), ("hold", _of_hold)),
        **dict.fromkeys(("replay", "compensate"), ("run", _of_run)),
        "start": ("event", _of_event),
        "resolve": ("effect", _of_effect),
        "dismiss": ("id", _of_dead_letter),
        "free_key": ("key", _of_key),
        "acknowledge": ("alert", _of_alert),
        **dict.fromkeys(("accept", "replay_report", "status"), ("", _of_nothing)),
    }
)
