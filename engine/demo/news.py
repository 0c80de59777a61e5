"""What is new in the ledger since the last look, in sentences: decisions, holds, alerts, writes, releases."""

from collections.abc import Iterator, Mapping
from typing import TypeAlias, cast

from engine.demo.sentences import Record, sentence
from engine.demo.story import Line
from engine.demo.world import World
from engine.ledger.reader import LedgerReader
from engine.ledger.rows import SETTLED_EFFECTS, AlertRow, EffectRow, HoldRow, RunRow
from engine.values.json_text import read_json

# In one commit: what was confirmed leads to what was decided, and that to who is told.
_ORDER = ("write", "decision", "release", "hold", "alert")
_Told: TypeAlias = tuple[int, str, Line]  # the commit, what it is known by, the sentence


class News:
    """Reads the ledger, and remembers what it has told."""

    def __init__(self, reader: LedgerReader, world: World) -> None:
        """Everything that is in the ledger already is old."""
        self._world = world
        self._reader = reader
        self._seen = 0
        self._runs: dict[str, None] = {}  # every run, in the order in which it began
        self._told: set[str] = set()
        for _ in self.lines():
            pass

    def lines(self) -> Iterator[Line]:
        """What is new, in the order in which it was committed."""
        for event in self._reader.events(after=self._seen):
            self._seen = event.seq
            self._runs.update(dict.fromkeys(run.id for run in self._reader.runs_of_event(event.id)))
        found = [each for run_id in self._runs for each in self._of_run(run_id)]
        for _, key, line in sorted(found, key=lambda each: (each[0], _ORDER.index(each[2].kind))):
            if key not in self._told:
                self._told.add(key)
                yield line

    def _of_run(self, run_id: str) -> Iterator[_Told]:
        """Everything that became of a run so far, each with the commit in which it did."""
        run = self._reader.run(run_id)
        assert run is not None
        for key, line in _decisions(run):
            yield run.commit, key, line
        for hold in self._reader.holds_of_run(run_id):
            yield (hold.commit, *_held(hold))
            if hold.status != "open":
                yield (hold.release_commit or 0, *self._released(hold))
        for alert in self._reader.alerts_of_run(run_id):
            yield (alert.commit, *_alerted(alert))
        for effect in self._reader.effects(run_id):
            if effect.status in SETTLED_EFFECTS:
                yield (effect.settle_commit or 0, *self._written(effect))

    def _released(self, hold: HoldRow) -> tuple[str, Line]:
        event = None if hold.release_event is None else self._reader.event(hold.release_event)
        if event is not None:
            contract = cast("Record", read_json(event.body))
            amended = f"contract {contract['number']} is amended (version {contract['version']})"
            why = f"{amended}, so it was checked again"
        else:
            why = f"released by {hold.released_by}: {hold.release_reason}"
        return f"released {hold.id}", Line(
            kind="release", text=f"the hold of policy {hold.policy} ends: {why}"
        )

    def _written(self, effect: EffectRow) -> tuple[str, Line]:
        payload = cast("Record", read_json(effect.payload))
        if effect.status == "done":
            receipt = cast("Record", read_json(effect.receipt or "{}"))
            name = f"{effect.connection}.{effect.operation}"
            text = sentence(name, payload, receipt, self._world.currency)
        else:
            failure = cast("Record", read_json(effect.failure or "{}"))
            text = f"{effect.operation} was not done: {failure.get('reason')}"
        if effect.attempts > 1:
            text += f" - at attempt {effect.attempts}"
        return f"written {effect.key}", Line(
            kind="write", text=text, system=self._world.names[effect.connection]
        )


def _decisions(run: RunRow) -> Iterator[tuple[str, Line]]:
    """What policies said beside holding: rolls with their note, rejections with their reason."""
    decided = cast("Mapping[str, object]", read_json(run.decisions or "{}"))
    for step, found in decided.items():
        if not isinstance(found, Mapping) or "fired" not in found:
            continue
        for policy, note in zip(found["rolled"], found["notes"], strict=False):
            yield f"decided {run.id} {step} {policy}", Line(kind="decision", text=f"{note} (policy {policy})")
        for policy in found["rejected"]:
            reason = found["reasons"].get(policy, "")
            yield (
                f"decided {run.id} {step} {policy}",
                Line(kind="decision", text=f"refused: {reason} (policy {policy})"),
            )
    if run.status == "failed":
        yield f"failed {run.id}", Line(kind="decision", text=f"it failed: {run.reason}")


def _held(hold: HoldRow) -> tuple[str, Line]:
    return f"held {hold.id}", Line(kind="hold", text=f"held: {hold.reason} (policy {hold.policy})")


def _alerted(alert: AlertRow) -> tuple[str, Line]:
    return f"alert {alert.id}", Line(kind="alert", text=f"{alert.to} is told: {alert.message}")
