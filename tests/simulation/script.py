"""What is going to happen in a history: messages, edits, and troubles, all drawn from its seed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple

from engine.values.json_text import write_json
from tests.simulation.troubles import TROUBLES, Trouble

ACTIVE = 300.0

# When a history begins: ordinary days, and days on which the calendar is at its worst.
BEGINNINGS: Mapping[str, datetime] = {
    "ordinary": datetime(2026, 6, 10, 9, 0, tzinfo=UTC),
    "DST gap at the cutoff": datetime(2026, 3, 29, 0, 58, tzinfo=UTC),
    "DST fold at the cutoff": datetime(2026, 10, 25, 0, 28, tzinfo=UTC),
    "month end": datetime(2026, 4, 30, 21, 58, tzinfo=UTC),
    "leap day": datetime(2028, 2, 28, 22, 58, tzinfo=UTC),
    "year end": datetime(2026, 12, 31, 22, 58, tzinfo=UTC),
}


class Sent(NamedTuple):
    """Messages of a source, in one request."""

    at: float
    lines: list[bytes]
    repeats: int = 0


@dataclass(slots=True)
class Script:
    """All of it."""

    began: datetime
    share: float
    projects: dict[str, str] = field(default_factory=dict)
    approvals: list[tuple[float, datetime, dict[str, object]]] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    edits: list[tuple[float, str, str]] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)  # kinds of faults that lie in the messages themselves


def script(dice: Random) -> Script:
    """A script; about forty events."""
    beginning = dice.choice([*BEGINNINGS, "ordinary"])
    made = Script(BEGINNINGS[beginning], dice.choice([0.0, 0.02, 0.05, 0.05, 0.05, 0.1, 0.25]))
    if beginning != "ordinary":
        made.kinds.append(beginning)
    for number in range(dice.randint(2, 4)):
        made.projects[f"P{number}"] = "open" if dice.random() < 0.7 else "closed"
    for part in (_approvals, _invoices, _orders, _changes):
        part(made, dice)
    made.sent = _gathered(made.sent, dice)
    count = dice.choice([0, 1, 1, 2, 2, 3, 4])
    names, weights = list(TROUBLES), [weight for _, weight in TROUBLES.values()]
    for _ in range(count):
        kind = dice.choices(names, weights)[0]
        made.troubles.append(Trouble(kind, dice.random() * ACTIVE * 0.8, dice.randrange(2**63)))
    return made


def _message(made: Script, dice: Random, at: float, name: str, data: dict[str, object]) -> None:
    repeats = 0
    if dice.random() < 0.1:
        repeats = dice.randint(1, 2)
        made.kinds.append("duplicate message")
    made.sent.append(Sent(at, [write_json({"type": name, "data": data})], repeats))


def _gathered(sent: list[Sent], dice: Random) -> list[Sent]:
    """Some sources send several messages at a time."""
    found: list[Sent] = []
    for one in sorted(sent):
        if found and one.at - found[-1].at < 20 and dice.random() < 0.8:
            before = found[-1]
            repeats = before.repeats if dice.random() < 0.7 else one.repeats
            found[-1] = Sent(before.at, [*before.lines, *one.lines], repeats)
        else:
            found.append(one)
    return found


def _amount(dice: Random) -> str:
    return f"{dice.randrange(100, 100_000) / 100:.2f}"


def _approvals(made: Script, dice: Random) -> None:
    """The feed of the desk, and approvals that are handed in as well."""
    day = made.began.date()
    for number in range(dice.randint(10, 18)):
        shown = dice.random() * ACTIVE
        changed = made.began + timedelta(seconds=int(shown))
        match dice.random():
            case chance if chance < 0.05:
                shown += 60 + dice.random() * 100  # it is shown long after it happened
                made.kinds.append("late message")
            case chance if chance < 0.1:
                changed += timedelta(seconds=45)  # the clock of the desk is ahead
                made.kinds.append("early message")
        minutes: object = dice.choice([30, 60, 90, 450, 480])
        if dice.random() < 0.03:
            minutes = 60 * 25
        worked = (day - timedelta(days=dice.randrange(0, 3))).isoformat()
        item: dict[str, object] = {
            "entry": f"te-{number}",
            "project": dice.choice(sorted(made.projects)),
            "minutes": minutes,
            "day": worked,
            "changed": changed.isoformat().replace("+00:00", "Z"),
        }
        made.approvals.append((shown, changed, item))
        if dice.random() < 0.05:  # edited under us: the same entry, with other hours
            later = changed + timedelta(seconds=20)
            again = {**item, "minutes": 15, "changed": later.isoformat().replace("+00:00", "Z")}
            made.approvals.append((shown + 20, later, again))
            made.kinds.append("source edits under us")
        if dice.random() < 0.04:
            made.kinds.append("source deletes under us")
            made.approvals.pop()
    dice.shuffle(made.approvals)
    made.kinds.append("reordered message")


def _invoices(made: Script, dice: Random) -> None:
    for number in range(dice.randint(4, 9)):
        lines = [{"key": f"l{line}", "amount": _amount(dice)} for line in range(dice.randint(1, 4))]
        if dice.random() < 0.05:
            lines[0]["amount"] = "-1.00"  # the bank refuses it
            made.kinds.append("poison message")
        data: dict[str, object] = {
            "id": f"inv-{number}",
            "customer": f"C{dice.randrange(3)}",
            "kind": dice.choice(["letter", "mail"]),
            "lines": [{"key": one["key"], "amount": _Number(one["amount"])} for one in lines],
        }
        if dice.random() < 0.04:
            data["lines"] = "none"  # it does not fit its schema
            made.kinds.append("poison message")
        _message(made, dice, dice.random() * ACTIVE, "invoice.issued", data)


def _orders(made: Script, dice: Random) -> None:
    for number in range(dice.randint(3, 6)):
        at = dice.random() * ACTIVE * 0.8
        amount = _Number(_amount(dice))
        _message(made, dice, at, "order.placed", {"id": f"o-{number}", "amount": amount})
        if dice.random() < 0.15:
            made.kinds.append("missing message")
            continue
        then = at + (dice.random() - 0.2) * 120  # perhaps before the order
        if then < at:
            made.kinds.append("early message")
        payment: dict[str, object] = {"id": f"p-{number}", "order": f"o-{number}", "amount": amount}
        _message(made, dice, max(0.0, then), "payment.received", payment)


def _changes(made: Script, dice: Random) -> None:
    for number in range(dice.randint(2, 6)):
        name = dice.choice(sorted(made.projects))
        at = dice.random() * ACTIVE
        made.edits.append((at, name, dice.choice(["open", "open", "closed"])))
        data: dict[str, object] = {"id": name, "version": number}
        if dice.random() < 0.05:
            data["note"] = "x" * 200_000
            made.kinds.append("huge message")
        _message(made, dice, at + dice.random() * 5, "project.changed", data)
    made.edits.sort()


def _Number(text: str) -> object:  # noqa: N802
    from decimal import Decimal

    return Decimal(text)


Part = Callable[[Script, Random], None]
