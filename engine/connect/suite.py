"""Checks that every connector must pass, as plain functions: a manifest that is complete, and its simulator.

Each raises AssertionError with a sentence. A connector's tests call them all; a third party's do the same.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.connect.connector import Connector, Outcome
from engine.connect.connector_plan import ConnectorPlan, OperationPlan
from engine.connect.simulator import Simulator, Trouble
from engine.effect import Effect, Failure, FaultClass, Receipt
from engine.values.value import Value

# Troubles after which nobody outside can know whether the write was done.
DOUBTFUL = (
    Trouble.RESET_BEFORE,
    Trouble.RESET_AFTER,
    Trouble.ERROR_AFTER,
    Trouble.GATEWAY_AFTER,
    Trouble.GARBAGE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A write that the simulator takes, for the checks to repeat and to spoil."""

    operation: str
    payload: Mapping[str, Value]
    kind: str  # of the record that it makes, in the simulator's journal
    bad: Mapping[str, Value] = field(default_factory=dict)  # changes that make the vendor refuse it
    bad_field: str = ""  # the field that the refusal has to name

    def effect(self, changes: Mapping[str, Value] | None = None) -> Effect:
        """The write as an effect, always with the same key."""
        payload = {**self.payload, **(changes or {})}
        return Effect(key="suite", connection="suite", operation=self.operation, payload=payload)


def check_manifest(plan: ConnectorPlan, folder: Path) -> None:
    """Everything that the manifest names is there, and everything that is there is named."""
    assert plan.operations, "a connector without operations connects nothing"
    for operation in plan.operations.values():
        _check_operation(plan, operation)
    used = {Path(name).name for name in _schema_files(plan)}
    there = {path.name for path in (folder / "schemas").glob("*.json")}
    assert used == there, f"schemas that are not used, or not there: {sorted(used ^ there)}"
    assert (folder / "README.md").is_file(), "a connector needs a README.md"
    assert (folder / "simulator.py").is_file(), "a connector needs a simulator"


def _check_batch(plan: ConnectorPlan, operation: OperationPlan) -> None:
    """In a call for many a header has no place: the key of each stands in its item, or is its record's."""
    name = operation.name
    said = {str(key): item.batch for key, item in plan.spec.operations.items()}[name]
    assert operation.request is not None, f"{name} needs a request for one that comes alone"
    item = "" if said is None or said.item is None else str(said.item.value)
    keyed = operation.once.how != "header" or "{effect.key}" in item
    assert keyed, f"{name}: in a call for many the idempotency key has to stand in the item"


def _schema_files(plan: ConnectorPlan) -> set[str]:
    operations = plan.spec.operations.values()
    named = [text for item in operations for text in (item.input, item.output) if text is not None]
    return {str(text) for text in [*named, *(item.output for item in plan.spec.sources.values())]}


def _check_operation(plan: ConnectorPlan, operation: OperationPlan) -> None:
    name, once = operation.name, operation.once
    if not operation.writes:
        assert operation.once.how == "none", f"{name} reads, and yet says once_by"
        return
    said = {str(key): item.once_by for key, item in plan.spec.operations.items()}
    assert said[name] is not None, f"{name} does not say once_by"
    assert once.how != "header" or once.header, f"{name}: once_by header needs the name of the header"
    assert once.how != "natural_key" or once.key_field, f"{name}: once_by natural_key needs the field"
    assert once.how != "lookup" or once.look_up, f"{name}: once_by lookup needs the read"
    if operation.batch is not None:
        _check_batch(plan, operation)
    if once.look_up is not None:
        read = plan.operations.get(once.look_up)
        assert read is not None, f"{name} looks up by {once.look_up}, which is no operation"
        assert not read.writes, f"{name} looks up by {once.look_up}, which writes"
        assert "id" in read.returns, f"{read.name} finds a record, and does not say its id"
    if operation.undo is not None:
        undo = plan.operations.get(operation.undo)
        assert undo is not None, f"{name} is undone by {operation.undo}, which is no operation"
        assert undo.writes, f"{name} is undone by {operation.undo}, which only reads"


Opened = Callable[[Simulator], Connector]


def check_write_once(opened: Opened, simulator: Simulator, sample: Sample) -> None:
    """The same effect twice makes one record, and both answers name it; a look-up is an answer too."""
    (first,) = _attempts(opened, simulator, [sample.effect()])
    second = asyncio.run(_settle(opened, simulator, sample.effect()))
    assert isinstance(first, Receipt), f"the first write failed: {first}"
    assert isinstance(second, Receipt), f"the same write again failed: {second}"
    assert first.external_id == second.external_id, "the same effect twice made two records"
    assert _made(simulator, sample) == 1, f"the same effect twice made {_made(simulator, sample)} records"


def check_lost_answer(opened: Opened, simulator: Simulator, sample: Sample, trouble: Trouble) -> None:
    """After a doubt, looking and sending again ends with exactly one record."""
    simulator.fail_next(trouble)
    (lost,) = _attempts(opened, simulator, [sample.effect()])
    assert isinstance(lost, Failure), f"{trouble}: the answer was taken for a success: {lost}"
    assert lost.fault is FaultClass.UNKNOWN, (
        f"{trouble} was classed {lost.fault}, which invites a blind retry"
    )
    settled = asyncio.run(_settle(opened, simulator, sample.effect()))
    assert isinstance(settled, Receipt), f"{trouble}: the doubt was not settled: {settled}"
    assert settled.external_id, f"{trouble}: the settled receipt names no record"
    assert _made(simulator, sample) == 1, f"{trouble}: {_made(simulator, sample)} records instead of one"


def check_throttling(opened: Opened, simulator: Simulator, sample: Sample) -> None:
    """A refusal for load is transient, says so, and leaves nothing behind."""
    simulator.throttle(1)
    refused, taken = _attempts(opened, simulator, [sample.effect(), sample.effect()])
    assert isinstance(refused, Failure), f"a throttled write was taken for a success: {refused}"
    assert refused.fault is FaultClass.TRANSIENT, f"a throttled write was classed {refused.fault}"
    assert isinstance(taken, Receipt), f"the write after the throttled one failed: {taken}"
    assert _made(simulator, sample) == 1, "a throttled write was done"


def check_outage(opened: Opened, simulator: Simulator, sample: Sample) -> None:
    """A system that is away makes writes wait, and takes them when it is back."""
    simulator.outage()
    (refused,) = _attempts(opened, simulator, [sample.effect()])
    simulator.recover()
    assert isinstance(refused, Failure), f"a write to nobody was taken for a success: {refused}"
    assert refused.fault is FaultClass.TRANSIENT, f"a write to nobody was classed {refused.fault}"
    (taken,) = _attempts(opened, simulator, [sample.effect()])
    assert isinstance(taken, Receipt), f"the write after the outage failed: {taken}"


def check_expired_token(opened: Opened, simulator: Simulator, sample: Sample) -> None:
    """A token that does not hold any more is replaced, and the write is done once."""

    async def twice() -> Outcome:
        connector = opened(simulator)
        try:
            await connector.write([sample.effect()])
            simulator.expire_tokens()
            return (await connector.write([sample.effect()]))[0]
        finally:
            await connector.aclose()

    outcome = asyncio.run(twice())
    assert isinstance(outcome, Receipt), f"an expired token was not replaced: {outcome}"
    assert _made(simulator, sample) == 1, "replacing a token did the write twice"


def check_bad_record(opened: Opened, simulator: Simulator, sample: Sample) -> None:
    """A record that the vendor refuses is permanent, with a reason that names the field."""
    (refused,) = _attempts(opened, simulator, [sample.effect(sample.bad)])
    assert isinstance(refused, Failure), f"a bad record was taken: {refused}"
    assert refused.fault is FaultClass.PERMANENT, f"a bad record was classed {refused.fault}"
    assert sample.bad_field in refused.reason, (
        f"the reason does not name {sample.bad_field}: {refused.reason}"
    )


def _made(simulator: Simulator, sample: Sample) -> int:
    return len(simulator.journal.applied(sample.kind, "created"))


def _attempts(opened: Opened, simulator: Simulator, effects: Sequence[Effect]) -> list[Outcome]:
    """One attempt at each, one after the other."""

    async def all_of_them() -> list[Outcome]:
        connector = opened(simulator)
        try:
            return [(await connector.write([effect]))[0] for effect in effects]
        finally:
            await connector.aclose()

    return asyncio.run(all_of_them())


async def _settle(opened: Opened, simulator: Simulator, effect: Effect) -> Outcome:
    """What the runtime does about a doubt: the same again where that is harmless, else look, then write."""
    connector = opened(simulator)
    try:
        plan = getattr(connector, "plan", None)
        once_safe = isinstance(plan, ConnectorPlan) and plan.operations[effect.operation].once_safe
        found = None if once_safe else await connector.look_up(effect)
        return found or (await connector.write([effect]))[0]
    finally:
        await connector.aclose()
