"""Trouble that is not one exchange: ends of processes, the disk, the clock, partitions, releases, people."""

import asyncio
import errno
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from tests.disk.faulty import Calls
from tests.simulation.people import release_a_hold

if TYPE_CHECKING:
    from tests.simulation.history import World


class Trouble(NamedTuple):
    """One trouble of a history."""

    kind: str
    at: float
    seed: int


async def play(world: "World", trouble: Trouble) -> None:
    """Have it happen."""
    await asyncio.sleep(trouble.at)
    what, _ = TROUBLES[trouble.kind]
    world.log(f"trouble: {trouble.kind}")
    if await what(world, Random(trouble.seed)):
        world.seen[trouble.kind] += 1


async def _until_next_life(world: "World") -> None:
    """Wait until a process is there."""
    for _ in range(100):
        if world.machine.alive is not None:
            return
        await asyncio.sleep(1)


async def kill(world: "World", dice: Random) -> bool:
    """At an await point, at some time; or at a call to the disk."""
    await _until_next_life(world)
    if dice.random() < 0.5:
        world.machine.dies_at_step(dice.randint(1, 400))
    else:
        world.machine.dies_at_call(dice.randint(1, 120), after=dice.random() < 0.5, power_seed=None)
    return await _died(world)


async def _died(world: "World") -> bool:
    process = world.machine.process
    if process is None:
        return False
    done, _ = await asyncio.wait([process.ended], timeout=120)
    return bool(done) and process.ended.result() == "killed"


async def power(world: "World", dice: Random) -> bool:
    """The power is cut at a call to the disk."""
    await _until_next_life(world)
    world.machine.dies_at_call(
        dice.randint(1, 120), after=dice.random() < 0.5, power_seed=dice.randrange(2**63)
    )
    return await _died(world)


async def terminate(world: "World", dice: Random) -> bool:
    """SIGTERM, and SIGKILL when it takes too long."""
    await _until_next_life(world)
    process = world.machine.alive
    if process is None:
        return False
    process.daemon.tell_to_stop()
    await asyncio.sleep(dice.random() * 5)
    if not process.ended.done():
        world.seen["killed while it stopped"] += 1
        world.machine.kill("while it stopped")
    return True


async def pause(world: "World", dice: Random) -> bool:
    """SIGSTOP; the world goes on without it."""
    process = world.machine.alive
    if process is None:
        return False
    process.member.paused = True
    await asyncio.sleep(5 + dice.random() * 100)
    if process.member.paused and not process.member.dead:
        world.loop.wake(process.member)
    return True


def disk(calls: Calls, error: int, *, for_good: bool) -> Callable[["World", Random], Awaitable[bool]]:
    """The disk refuses calls of a kind, once or for a while."""

    async def fails(world: "World", dice: Random) -> bool:
        await _until_next_life(world)
        machine = world.machine
        machine.disk_fails(calls, dice.randint(1, 40), error, for_good=for_good)
        process = machine.process
        for _ in range(24):
            await asyncio.sleep(5)
            if machine.process is not process:
                break
        happened = machine.process is not process
        if for_good:
            await asyncio.sleep(dice.random() * 30)
        machine.disk.heal()
        return happened

    return fails


async def read_only(world: "World", dice: Random) -> bool:
    """The files cannot be opened for writing when the next process starts."""
    await _until_next_life(world)
    before = world.seen.total()
    world.machine.kill("to be started on a disk that is read-only")
    world.machine.disk_fails(Calls.OPEN, 1, errno.EROFS, for_good=True)
    await asyncio.sleep(20 + dice.random() * 20)
    world.machine.disk.heal()
    return world.seen.total() > before


async def second(world: "World", dice: Random) -> bool:
    """Somebody starts another process on the same file."""
    del dice
    await _until_next_life(world)
    refused = world.machine.second()
    if refused is False:
        world.wrong.append("disk: a second process was given the ledger")
    return refused is True


def clock(kind: str) -> Callable[["World", Random], Awaitable[bool]]:
    """The clock of the machine goes wrong."""

    async def goes_wrong(world: "World", dice: Random) -> bool:
        shown = world.clock
        match kind:
            case "back":
                shown.jump(-timedelta(seconds=dice.choice([1, 30, 600, 3600])))
            case "forward":
                shown.jump(timedelta(seconds=dice.choice([1, 30, 600, 3600])))
            case "leap second":
                shown.jump(-timedelta(seconds=1))
            case "slew":
                shown.slew(0.9 + dice.random() * 0.2)
                await asyncio.sleep(60)
                shown.slew(1.0)
            case "strobe":
                shown.strobe(0.5 + dice.random() * 5, timedelta(seconds=dice.choice([-5, 5, 60, 600])))
                await asyncio.sleep(60)
                shown.strobe(None)
            case _:
                return await suspend(world, dice)
        return True

    return goes_wrong


async def suspend(world: "World", dice: Random) -> bool:
    """The machine sleeps: nothing runs, and the time on the wall goes on."""
    process = world.machine.alive
    if process is None:
        return False
    process.member.paused = True
    world.clock.jump(timedelta(seconds=dice.random() * 1800))
    await asyncio.sleep(1 + dice.random() * 20)
    if not process.member.dead:
        world.loop.wake(process.member)
    return True


async def zone(world: "World", dice: Random) -> bool:
    """Somebody changes the time zone of the machine; nothing may depend on it."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = dice.choice(["Pacific/Kiritimati", "America/St_Johns", "Pacific/Marquesas"])
    time.tzset()
    await asyncio.sleep(30 + dice.random() * 60)
    del world
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()
    return True


async def apart(world: "World", dice: Random) -> bool:
    """Some systems cannot be reached for a while."""
    names = dice.sample(sorted(world.network.targets), dice.randint(1, 3))
    world.network.apart.update(names)
    await asyncio.sleep(10 + dice.random() * 120)
    world.network.apart.difference_update(names)
    return True


async def closed(world: "World", dice: Random) -> bool:
    """The accounting period is closed for a while."""
    target = world.network.targets[dice.choice(["erp", "rev", "bank"])]
    target.closed = True
    await asyncio.sleep(10 + dice.random() * 30)
    target.closed = False
    return True


async def maintenance(world: "World", dice: Random) -> bool:
    """A system is down, and says so."""
    target = world.network.targets[dice.choice(sorted(world.network.targets))]
    target.away = True
    await asyncio.sleep(10 + dice.random() * 120)
    target.away = False
    return True


async def deploy(world: "World", dice: Random) -> bool:
    """Another release is deployed, or the one before it: the daemon is started on it."""
    await _until_next_life(world)
    process = world.machine.alive
    world.machine.release = 1 - world.machine.release
    world.seen["flow deployed" if world.machine.release else "flow rolled back"] += 1
    if process is not None:
        process.daemon.tell_to_stop()
        await asyncio.sleep(dice.random() * 30)
    return True


async def controller(world: "World", dice: Random) -> bool:
    """A controller is at work for a while."""
    for _ in range(dice.randint(1, 6)):
        release_a_hold(world)
        await asyncio.sleep(dice.random() * 30)
    return False  # what they did is counted where it is done


TROUBLES: Mapping[str, tuple[Callable[["World", Random], Awaitable[bool]], int]] = {
    "kill -9": (kill, 8),
    "out-of-memory kill": (kill, 2),
    "SIGTERM then kill": (terminate, 3),
    "pause and wake": (pause, 2),
    "power cut": (power, 8),
    "disk full": (disk(Calls.WRITE | Calls.TRUNCATE, errno.ENOSPC, for_good=True), 3),
    "I/O error": (disk(Calls.WRITE | Calls.SYNC | Calls.READ, errno.EIO, for_good=False), 3),
    "fsync failure": (disk(Calls.SYNC, errno.EIO, for_good=False), 3),
    "read-only file": (read_only, 1),
    "two processes on one file": (second, 1),
    "clock back": (clock("back"), 2),
    "clock forward": (clock("forward"), 2),
    "clock slew": (clock("slew"), 1),
    "clock strobe": (clock("strobe"), 1),
    "clock suspend": (clock("suspend"), 2),
    "leap second": (clock("leap second"), 1),
    "zone change": (zone, 1),
    "partition": (apart, 3),
    "closed period": (closed, 2),
    "maintenance": (maintenance, 2),
    "release in flight": (deploy, 3),
    "people": (controller, 4),
}
