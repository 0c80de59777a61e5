"""Pruning a ledger because a person wants it: as an act at the control door, or on a ledger opened alone.

One act is one commit, so that a daemon goes on with its work in between. What may be blanked is known to
`engine.ledger.prune`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import InputError, LedgerDamaged
from engine.ledger import Commit, LedgerReader, instant, read_instant
from engine.ledger.prune import CLASSES, next_pruning
from engine.ledger.rows import AuditEntry
from engine.runtime.control import Act, Desk, Did
from engine.runtime.resolve import Person
from engine.values.json_text import write_json

if TYPE_CHECKING:
    from engine.runtime.execute import Executor

PRUNED = "ledger.pruned"


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneRequest:
    """What a person has blanked: of each class what was over before an instant, as "events=2025-01-01"."""

    before: tuple[str, ...]
    by: str
    reason: str


async def prune(desk: Desk, request: PruneRequest) -> Did:
    """Blank what one commit can; `values` is 0 when there is nothing left."""
    before, person = read_before(request.before), Person(by=request.by, reason=request.reason)
    done: list[int] = []

    def order(executor: "Executor") -> None:
        try:
            found = pruning(executor.reader, before, person, executor.at)
        except LedgerDamaged as error:
            raise InputError(str(error)) from error  # it ends the pruning, and not the daemon
        executor.commit_rows.blanks += found.blanks
        executor.commit_rows.prunings += found.prunings
        executor.commit_rows.entries += found.entries
        done.append(len(found.blanks))

    await desk.runner.act(order)
    return {"values": done[0]}


def pruning(reader: LedgerReader, before: Mapping[str, str], person: Person, at: str) -> Commit:
    """The next commit that prunes, with what the audit says of it; without rows when nothing is left."""
    commit = next_pruning(reader, before)
    if commit.blanks:
        said = {"before": dict(before), "values": len(commit.blanks), "reason": person.reason}
        commit.entries.append(AuditEntry(at, person.by, PRUNED, None, write_json(said).decode()))
    return commit


def read_before(given: Iterable[str]) -> dict[str, str]:
    """The instants of classes, as the ledger writes them.

    Raises:
        InputError: when there is no such class, or what is said of it is no instant.

    """
    found: dict[str, str] = {}
    for name, _, text in (one.partition("=") for one in given):
        if name not in CLASSES:
            raise InputError(f"there is no class {name!r} to prune; there are: {', '.join(CLASSES)}")
        try:
            found[name] = instant(read_instant(text))
        except ValueError as error:
            raise InputError(f"{text!r} is no instant, of {name}: {error}") from error
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveBackRequest:
    """Nothing is said with it."""


async def give_back(desk: Desk, request: GiveBackRequest) -> Did:
    """Give some of the room that nothing lies in back to the disk; `bytes` are left of it."""
    del request
    return {"bytes": desk.runner.executor.shrink()}


GIVE_BACK = Act(about="Give empty room back to the disk.", asks=GiveBackRequest, do=give_back)
PRUNE = Act(about="Blank what is old and over.", asks=PruneRequest, do=prune)
