"""What a comparison of behaviour found, in sentences: the same in every form of a report."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from engine.preview.behaviour import Behaviour
from engine.preview.behaviour.outcome import Difference
from engine.preview.behaviour.tally import Group
from engine.preview.excerpt import apart, cut
from engine.values.json_text import write_json
from engine.values.money import minor_unit
from engine.values.value import Value

LONGEST = 120


def summary(found: Behaviour) -> str:
    """What would change for the business, in one line."""
    parts = [*_moves(found), *_holds(found), *_outcomes(found), *_net(found)]
    if not parts and found.differing:
        verb = "differs" if found.differing == 1 else "differ"
        parts = [f"{_records(found.differing, found.runs, 'run')} {verb}"]
    if not parts:
        parts = ["nothing is decided otherwise"]
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def played(found: Behaviour) -> str:
    """On what that rests."""
    said = f"{counted(found.events, 'event')} played, {counted(found.runs, 'run')}"
    said += f", {found.decided_once:,} of them decided once for both"
    if found.unplayed:
        said += f"; {counted(len(found.unplayed), 'run')} not compared, for want of what was not recorded"
    if found.refused:
        said += f"; {counted(len(found.refused), 'event')} that neither knows"
    return f"{said}."


def title(group: Group) -> str:
    """What a group of differences has in common."""
    where = f"{group.flow}, {group.step}" if group.step else group.flow
    number = f"{len(group.found):,}x"
    match group.kind:
        case "outcome":
            return f"{number} {where}: another outcome"
        case "hold":
            word = {"added": "gains a hold", "removed": "loses a hold"}.get(group.what, "hold changes")
            return f"{number} {where}: {word} by {group.policy}"
        case "alert":
            word = {"added": "alerts", "removed": "no longer alerts"}.get(group.what, "alerts otherwise")
            return f"{number} {where}: {word}{f' by {group.policy}' if group.policy else ''}"
        case "wording":
            return f"{number} {where}: {group.field} (words only)"
        case _:
            field = f" `{group.field}`" if group.field else ""
            return f"{number} {where}: {group.kind}{field} {group.what}"


def example(one: Difference) -> str:
    """One record of a group."""
    old, new = both(one)
    return f"{one.record.entity} {one.record.id}: {old} → {new}"


def both(one: Difference) -> tuple[str, str]:
    """What it was and what it is, each on one line in which the difference can be seen."""
    return apart(_line(one.old), _line(one.new), LONGEST)


def shown(value: Value) -> str:
    """A value on one line."""
    return cut(_line(value), LONGEST)


def _line(value: Value) -> str:
    text = "nothing" if value is None else value if isinstance(value, str) else write_json(value).decode()
    return " ".join(text.split())


def money_text(amount: Decimal, currency: str) -> str:
    """`-41,200.00 EUR`."""
    return f"{amount:,.{minor_unit(currency)}f} {currency}"


def counted(number: int, noun: str) -> str:
    """`1 event`, `2 events`."""
    return f"{number:,} {noun if number == 1 else plural(noun)}"


def plural(entity: str) -> str:
    """`time_entry` as several are called: `time entries`."""
    words = entity.replace("_", " ").replace(".", " ")
    if words.endswith("y") and words[-2:-1] not in "aeiou":
        return f"{words[:-1]}ies"
    return f"{words}es" if words.endswith(("s", "x", "ch", "sh")) else f"{words}s"


def _moves(found: Behaviour) -> Iterator[str]:
    """How many records go to another cycle, or another legal entity."""
    for (entity, name, before, after), ids in sorted(found.moved.items()):
        verb = "moves" if len(ids) == 1 else "move"
        records = _records(len(ids), found.records[entity], entity)
        yield f"{records} {verb} from {before} to {after} ({name.replace('_', ' ')})"


def _held(found: Behaviour) -> dict[tuple[str, str], set[str]]:
    """The ids of records that gain or lose a hold, by entity and which of the two."""
    records: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for group in found.groups:
        if group.kind == "hold" and not group.field:
            for one in group.found:
                records[one.record.entity, group.what].add(one.record.id)
    return records


def _holds(found: Behaviour) -> Iterator[str]:
    for (entity, what), ids in sorted(_held(found).items()):
        verb = "gain" if what == "added" else "lose"
        yield f"{counted(len(ids), entity.replace('_', ' '))} {verb}{'s' if len(ids) == 1 else ''} a hold"


_SAID_WITH_HOLDS = {
    ("completed", "held"): "added",
    ("rejected", "held"): "added",
    ("held", "completed"): "removed",
}


def _outcomes(found: Behaviour) -> Iterator[str]:
    ends: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
    held = _held(found)
    for group in found.groups:
        for one in group.found if group.kind == "outcome" else ():
            old, new = str(one.old), str(one.new)
            what = _SAID_WITH_HOLDS.get((old, new), "")
            if one.record.id not in held.get((one.record.entity, what), ()):
                ends[one.record.entity, old, new].add(one.record.id)
    for (entity, old, new), ids in sorted(ends.items()):
        yield f"{counted(len(ids), entity.replace('_', ' '))}: {old} before, {new} now"


def _net(found: Behaviour) -> Iterator[str]:
    sums: defaultdict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for line in found.money:
        sums[line.step, line.field, line.currency] += line.net
    for (step, field, currency), net in sorted(sums.items()):
        if net:
            yield f"net {step} {money_text(net, currency)}" + ("" if field == "amount" else f" ({field})")


def _records(number: int, of: int, entity: str) -> str:
    return f"{number:,} of {of:,} {plural(entity)}"
