"""Events to be played, as they stand in a file: one a line.

    {"type": "time.approved", "data": {...}, "accepted_at": "2026-03-02T09:00:00Z",
     "recorded": {
       "reads": [{"run": "bill/time.approved:te-1", "read": "erp.project", "with": {"id": "P1"},
                  "gives": {...}}],
       "xrefs": [{"run": "bill/time.approved:te-1", "entity": "worker", "id": "W1", "in": "erp",
                  "is": "77"}],
       "writes": [{"write": "bill/time.approved:te-1/post", "with": {...}, "gives": {"id": "b-1"}}],
       "holds": [{"run": "bill/time.approved:te-1", "hold": "hold:check:long-day",
                  "at": "2026-03-02T11:30:00Z", "gives": {"by": "kim", "reason": "seen"}}],
       "times": [{"run": "bill/time.approved:te-1", "of": "wait:paper", "at": "2026-03-05T09:00:00Z"}]}}

`accepted_at` and `recorded` may be left out, and so may each part of it. What a `run` was answered is its
own; a run that was answered nothing gets what others were, and so do all where no run is named. A read that
found nothing `gives` null; of one that failed, `fails` says why. A write is named by the key of its effect;
of a refused one `fault` says the class of the fault, and one that may have happened is `unknown`. A hold
that a person ended is ended `at` that instant, and at once where none is said. What time ended is among the
`times`: it says how far time has passed, and each release says itself what time does.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from engine.core import Answer
from engine.errors import InputError
from engine.preview.behaviour.sample import Ended, Recorded, Sample, key_of_read, of_run
from engine.values.json_text import JsonError, read_json, write_json
from engine.values.value import Value


def read_samples(lines: Iterable[bytes], name: str, as_event: str | None, now: datetime) -> Iterator[Sample]:
    """The events of a file; one that does not say when it was accepted is accepted `now`.

    Raises:
        InputError: for a line that is no event, with its number.

    """
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield _sample(line, as_event, now)
            except JsonError as error:
                raise InputError(
                    f"{name}:{number} is not JSON: {error}; one event is written on each line"
                ) from error
            except (ValueError, InputError) as error:
                raise InputError(f"{name}:{number}: {error}") from error


def _sample(line: bytes, as_event: str | None, now: datetime) -> Sample:
    value = read_json(line)
    if as_event is not None:
        return Sample(as_event, value, line.strip(), now, Recorded())
    return sample_of(value, now)


def sample_of(value: Value, now: datetime) -> Sample:
    """The event that a line says; one that does not say when it was accepted is accepted `now`.

    Raises:
        ValueError: when it is no event.

    """
    if not isinstance(value, Mapping) or not isinstance(value.get("type"), str) or "data" not in value:
        raise ValueError('an event is written {"type": NAME, "data": {...}}')
    data, accepted_at = value["data"], value.get("accepted_at")
    at = now if accepted_at is None else _instant(accepted_at)
    return Sample(str(value["type"]), data, write_json(data), at, _recorded(value.get("recorded")))


def _instant(value: Value, name: str = "accepted_at") -> datetime:
    found = datetime.fromisoformat(str(value))
    if found.tzinfo is None:
        raise ValueError(f"`{name}` is an instant with its zone, not {value!r}")
    return found


_NOTHING = Recorded()


def _recorded(value: Value) -> Recorded:
    if value is None:
        return _NOTHING
    if not isinstance(value, Mapping):
        raise InputError("`recorded` is a record of `reads` and `xrefs`")
    reads: dict[str, list[Answer]] = {}
    for one in _records(value.get("reads"), "reads", "read", "with"):
        asked = one["with"]
        if not isinstance(asked, Mapping) or ("gives" in one) == ("fails" in one):
            raise ValueError("a recorded read is {read: OPERATION, with: {...}, gives: ... or fails: WHY}")
        for name in _names(one, key_of_read(str(one["read"]), asked)):
            reads.setdefault(name, []).append(_answer(one))
    look_ups = {
        name: Answer(one["is"])
        for one in _records(value.get("xrefs"), "xrefs", "entity", "id", "in", "is")
        for name in _names(one, f"xref:{one['entity']}:{one['id']}:{one['in']}")
    }
    writes = {
        str(one["write"]): (one["with"], _answer(one))
        for one in _records(value.get("writes"), "writes", "write", "with")
    }
    holds = {
        f"{one['run']} {one['hold']}": Ended(
            _answer(one), None if one.get("at") is None else _instant(one["at"], "at")
        )
        for one in _records(value.get("holds"), "holds", "run", "hold")
    }
    times = [_instant(one["at"], "at") for one in _records(value.get("times"), "times", "at")]
    times += [ended.at for ended in holds.values() if ended.at is not None]
    return Recorded(reads, look_ups, writes, holds, max(times, default=None))


def _names(entry: Mapping[str, Value], question: str) -> list[str]:
    """Under which names an answer is found: that of whoever asks, and that of the run that asked."""
    run = entry.get("run")
    return [question] if run is None else [question, of_run(str(run), question)]


def _answer(entry: Mapping[str, Value]) -> Answer:
    fails = entry.get("fails")
    return Answer(
        entry.get("gives"),
        None if fails is None else str(fails),
        unknown=entry.get("unknown") is True,
        fault=str(entry.get("fault") or ""),
    )


def answer_entry(answer: Answer) -> dict[str, Value]:
    """An answer as it stands in a line; its dates are texts."""
    found: dict[str, Value] = {}
    if answer.failure is None or answer.value is not None:
        found["gives"] = None if answer.value is None else read_json(write_json(answer.value))
    if answer.failure is not None:
        found["fails"] = answer.failure
    if answer.unknown:
        found["unknown"] = True
    if answer.fault:
        found["fault"] = answer.fault
    return found


def _records(value: Value, name: str, *keys: str) -> list[Mapping[str, Value]]:
    if value is None:
        return []
    found = [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
    if (
        not isinstance(value, list)
        or len(found) != len(value)
        or any(key not in one for one in found for key in keys)
    ):
        raise ValueError(f"`{name}` is a list of records with {', '.join(keys)}")
    return found
