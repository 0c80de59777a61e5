"""Events to be played, and what was recorded of the world when they came."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from engine.core import Answer
from engine.values.canonical import fingerprint
from engine.values.value import Value


def key_of_read(operation: str, parameters: Mapping[str, Value]) -> str:
    """The name of a question: `erp.project` and its parameters."""
    return f"{operation} {fingerprint(dict(parameters))}"


def of_run(run_id: str, question: str) -> str:
    """The name of a question that a certain run asked."""
    return f"{run_id} {question}"


class Ended(NamedTuple):
    """What a person said to a hold, and when; where nobody knows when, as soon as it opened."""

    answer: Answer
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was answered. Values are plain data: whoever asks gives them their dates.

    Answers to questions stand under the question, and under that of each run whose they are (`of_run`).
    """

    reads: Mapping[str, list[Answer]] = field(default_factory=dict)  # by question, one after the other
    look_ups: Mapping[str, Answer] = field(default_factory=dict)  # by "xref:ENTITY:ID:SYSTEM"
    receipts: Mapping[str, tuple[Value, Answer]] = field(
        default_factory=dict
    )  # payload and outcome, by effect
    persons: Mapping[str, Ended] = field(default_factory=dict)  # by run, a blank, and the key of the hold
    until: datetime | None = None  # when the last hold or wait was over that persons or time ended


@dataclass(frozen=True, slots=True)
class Sample:
    """One event from outside."""

    type: str
    data: Value
    text: bytes
    accepted_at: datetime
    recorded: Recorded
