"""People at work: a controller who releases holds, and operations, who look into the systems and decide.

They act through the same doors as commands do, while the engine does whatever it is doing.
"""

from typing import TYPE_CHECKING

from engine.errors import InputError, LedgerError
from engine.runtime.acts import ACTS
from engine.runtime.control import Desk, perform
from engine.runtime.permission import Release
from engine.runtime.resolve import Applied, Order, Person, resolve
from tests.simulation.machine import Process

if TYPE_CHECKING:
    from tests.simulation.history import World


def release_a_hold(world: "World") -> None:
    """A controller lets something pass."""
    process = world.machine.alive
    if process is None:
        return
    try:
        holds = sorted(process.ledger.reader().holds(status="open", limit=1000), key=lambda row: row.id)
    except LedgerError:
        world.seen["person cannot read the ledger"] += 1  # the disk is failing, and they come again
        return
    if holds:
        world.machine.run(_release(world, process, world.dice.choice(holds).id))


async def _release(world: "World", process: Process, hold_id: str) -> None:
    by = f"ann-{world.dice.randrange(10)}"
    try:
        await process.runner.release(hold_id, Release(by=by, reason="it is fine", role="controller"))
    except InputError:
        world.seen["person was too late"] += 1
        return
    if _is_heard(world, process):
        world.log(f"{by} releases {hold_id}")
        world.released[hold_id] = by


def see_to_what_is_left(world: "World") -> None:
    """Operations look into the systems, resolve what is in doubt, and let others pass under stopped keys."""
    process = world.machine.alive
    if process is None:
        return
    reader = process.ledger.reader()
    for row in sorted(reader.runs(status="unknown", limit=1000), key=lambda row: row.id):
        for effect in reader.effects(row.id):
            if effect.status == "unknown":
                world.machine.run(_settle(world, process, effect.key, effect.connection))
    for parked in reader.parked():
        world.machine.run(_free(world, process, parked.order_key))


async def _settle(world: "World", process: Process, key: str, connection: str) -> None:
    """By what the system really has; what is not there is sent again, or given up."""
    target = world.network.targets[connection]
    person = Person(by="otto", reason="I looked")
    order: Order
    if key in target.records:
        order = resolve(key, person, Applied(external_id=target.id_of(key)))
    else:
        order = resolve(key, person, None, again=world.dice.random() < 0.5)
    try:
        await process.runner.act(order)
    except InputError as error:
        world.wrong.append(f"people: {key} cannot be resolved: {error}")
        return
    if _is_heard(world, process):
        world.log(f"otto resolves {key}")


async def _free(world: "World", process: Process, key: str) -> None:
    desk = Desk(runner=process.runner, reader=process.ledger.reader(), clock=world.clock)
    request = {"key": key, "by": "otto", "reason": "the others may pass"}
    try:
        await perform(ACTS, desk, "free_key", request)
    except InputError:
        return  # it goes on by itself by now
    if _is_heard(world, process):
        world.log(f"otto frees {key}")


def _is_heard(world: "World", process: Process) -> bool:
    """Whether the person is told that it was done: the dead say nothing."""
    if process.member.dead or world.machine.disk.dead:
        return False
    world.seen["person acts while the engine acts"] += 1
    return True
