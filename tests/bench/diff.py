"""`diff_vs_core`: recorded events through two plans and compared, against the pure core over them once.

The two differ in a policy that every event is put to, and some events of a hundred differ.
The core takes the same events: accepted, begun, and told what became of their writes. The two take turns, and
the time is that of the processor: other work on the machine does not count.
"""

import gc
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from engine.core import Answer, WriteCommand, advance_own, begin
from engine.core.accept import offer
from engine.preview.behaviour import Release, Sample, play_both, read_samples
from engine.preview.meaning import compare
from engine.revisions import release_of
from engine.session import load
from tests.bench.workload import sink
from tests.bench.workload.make import make

SEED = 20260601
EVENT = "time_entry.approved"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
RECEIPT = Answer({"id": "1"})


def releases(folder: Path, number: int) -> tuple[Release, Release, list[Sample]]:
    """The workload, the same with another policy, and its events."""
    events, _ = make(folder, SEED, number)
    old = release_of(load(folder, sink.catalog(sink.Sink())))
    policies = folder / "policies" / "policies.yaml"
    text = policies.read_text("utf-8")
    assert "when: line.rate is None" in text
    policies.write_text(text.replace("when: line.rate is None", "when: line.rate is None or line.hours > 11"))
    new = release_of(load(folder, sink.catalog(sink.Sink())))
    return old, new, list(read_samples(events.read_bytes().splitlines(), str(events), EVENT, NOW))


def decide(release: Release, samples: list[Sample]) -> None:
    """The pure core over events, once."""
    plan = release.side.plan
    flow = plan.flows["approved-time-to-billing"]
    for sample in samples:
        made = offer(plan, sample.type, sample.data, sample.text, NOW)
        if made.complaints:
            continue
        state, commands = begin(flow, made.event)
        answers = {one.key: RECEIPT for one in commands if isinstance(one, WriteCommand)}
        if answers:
            advance_own(state, answers)


def measured(folder: Path, number: int, rounds: int) -> dict[str, Any]:
    """How many times as long comparing takes; of each of the two the median of rounds in which they take turns."""
    old, new, samples = releases(folder, number)
    changes = compare(old.meaning, new.meaning)
    pairs = [_timed(old, new, changes, samples) for _ in range(rounds)]
    core, diff = (median(pair[which] for pair in pairs) for which in (0, 1))
    return {
        "diff_vs_core": round(diff / core, 3),
        "diff_us_per_event": round(diff / number * 1e6, 2),
    }


def _timed(old: Release, new: Release, changes: list[Any], samples: list[Sample]) -> tuple[float, float]:
    gc.collect()
    gc.freeze()
    began = time.process_time()
    decide(old, samples)
    between = time.process_time()
    play_both(old, new, changes, samples)
    ended = time.process_time()
    gc.unfreeze()
    return between - began, ended - between
