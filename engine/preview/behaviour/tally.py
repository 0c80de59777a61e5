"""The differences of many runs, counted: by what they have in common, with examples and every record."""

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from engine.plan.plan import Plan
from engine.preview.behaviour.mask import Mask
from engine.preview.behaviour.money import Line, Sorter, lines
from engine.preview.behaviour.outcome import (
    Difference,
    Known,
    data_of,
    differences,
    is_same,
    made_by,
    record_of,
)
from engine.preview.behaviour.play import Run

SORTED_BY = ("legal_entity", "cycle")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Differences of one kind at one place."""

    flow: str
    kind: str
    step: str
    policy: str
    field: str
    what: str
    found: list[Difference] = dataclasses.field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyLine:
    """Money at one place, before and after, of the runs that differ."""

    flow: str
    step: str
    field: str
    currency: str
    sorted_by: Mapping[str, str]
    old: Decimal
    new: Decimal

    @property
    def net(self) -> Decimal:
        """What there is more, or less."""
        return self.new - self.old


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplayed:
    """A run that could not be compared: a side would have to know what nobody recorded."""

    flow: str
    event: str
    record: Known
    old: tuple[str, ...]  # what the old side lacks
    new: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Behaviour:
    """What two releases did otherwise with the same events."""

    events: int = 0
    runs: int = 0
    decided_once: int = 0
    differing: int = 0
    refused: list[str] = dataclasses.field(default_factory=list)  # events that neither side knows
    unplayed: list[Unplayed] = dataclasses.field(default_factory=list)
    groups: list[Group] = dataclasses.field(default_factory=list)
    money: list[MoneyLine] = dataclasses.field(default_factory=list)
    moved: dict[tuple[str, str, str, str], set[str]] = dataclasses.field(default_factory=dict)
    """The ids of records, by entity, the field that they are sorted by, its value before and after."""
    gross: dict[tuple[str, str, str, str], Decimal] = dataclasses.field(default_factory=dict)
    """By flow, step, field and currency: every change of an amount, added up without its sign."""
    records: Counter[str] = dataclasses.field(default_factory=Counter)  # how many were played, by entity
    by: tuple[str, ...] = SORTED_BY

    @property
    def differs(self) -> bool:
        """Whether anything is done otherwise, beside what people read."""
        return any(group.kind != "wording" for group in self.groups)

    def most_money(self, currency: str) -> Decimal:
        """The most that amounts of a currency change by at one place, added up without their signs."""
        return max((value for key, value in self.gross.items() if key[3] == currency), default=Decimal(0))


def tally(
    pairs: Iterable[tuple[Run | None, Run | None]],
    plans: tuple[Plan, Plan],
    mask: Mask | None = None,
    by: tuple[str, ...] = SORTED_BY,
) -> Behaviour:
    """Count in what runs differ; each pair is one run on both sides."""
    counting = _Counting(plans, mask or Mask(), by)
    for old, new in pairs:
        counting.add(old, new)
    return counting.found()


class _Counting:
    def __init__(self, plans: tuple[Plan, Plan], mask: Mask, by: tuple[str, ...]) -> None:
        self._mask, self._by = mask, by
        self._entities = {
            name: (event.entity, event.entity_key) for plan in plans for name, event in plan.events.items()
        }
        self._all = Behaviour(by=by)
        self._groups: dict[tuple[str, ...], Group] = {}
        self._money: dict[Line, list[Decimal]] = {}
        self._gross: defaultdict[tuple[str, str, str, str], Decimal] = defaultdict(Decimal)

    def add(self, old: Run | None, new: Run | None) -> None:
        """Count one run."""
        run = new or old
        assert run is not None
        found = self._all
        found.runs += 1
        entity, key = self._entities.get(run.event.type, (None, ""))
        found.records[entity or run.event.type] += 1
        if old is new:
            found.decided_once += 1
            if not run.missing:
                return
        if (old is not None and old.missing) or (new is not None and new.missing):
            lacks = [
                () if one is None else tuple(self._mask.text(what, run) for what in one.missing)
                for one in (old, new)
            ]
            event, record = self._mask.text(run.event.id, run), self._record(run, entity, key)
            found.unplayed.append(
                Unplayed(flow=run.flow.name, event=event, record=record, old=lacks[0], new=lacks[1])
            )
        elif old is None or new is None or not is_same(old, new):
            self._differ(old, new, self._record(run, entity, key))

    def found(self) -> Behaviour:
        """All that was counted."""
        found = self._all
        found.groups = sorted(self._groups.values(), key=lambda one: (one.kind == "wording", -len(one.found)))
        found.gross = dict(self._gross)
        found.money = [
            MoneyLine(
                flow=line.flow,
                step=line.step,
                field=line.field,
                currency=line.currency,
                sorted_by=dict(zip(self._by, line.sorted_by, strict=True)),
                old=sums[0],
                new=sums[1],
            )
            for line, sums in sorted(self._money.items())
            if sums[0] != sums[1]
        ]
        return found

    def _record(self, run: Run, entity: str | None, key: str) -> Known:
        found = record_of(run, entity, key)
        return Known(found.entity, self._mask.text(found.id, run))

    def _differ(self, old: Run | None, new: Run | None, record: Known) -> None:
        run = new or old
        assert run is not None
        differing = [self._mask.hidden(one, run) for one in differences(old, new, record)]
        if not differing:
            return
        self._all.differing += any(one.kind != "wording" for one in differing)
        for one in differing:
            group = self._groups.get(one.about)
            if group is None:
                flow, kind, step, policy, name, what = one.about
                group = Group(flow=flow, kind=kind, step=step, policy=policy, field=name, what=what)
                self._groups[one.about] = group
            group.found.append(one)
        self._add_money(old, new, run)
        self._add_moves(old, new, record, run)

    def _add_money(self, old: Run | None, new: Run | None, run: Run) -> None:
        before, after = _summed(old, self._by), _summed(new, self._by)
        if before == after:
            return
        places: defaultdict[tuple[str, str, str, str], Decimal] = defaultdict(Decimal)
        for line in before if before.keys() == after.keys() else {**before, **after}:
            one, other = before.get(line, _ZERO), after.get(line, _ZERO)
            if one != other:
                under = self._mask.sorted_under(self._by, line.sorted_by, run)
                sums = self._money.setdefault(line._replace(sorted_by=under), [_ZERO, _ZERO])
                sums[0] += one
                sums[1] += other
                places[line[:4]] += other - one
        for place, change in places.items():
            self._gross[place] += abs(change)

    def _add_moves(self, old: Run | None, new: Run | None, record: Known, run: Run) -> None:
        """Which records are sorted under something else: another cycle, another legal entity."""
        before, after = _under(old, self._by), _under(new, self._by)
        if before == after:
            return
        before, after = (self._mask.sorted_under(self._by, one, run) for one in (before, after))
        for name, one, other in zip(self._by, before, after, strict=True):
            if one and other and one != other:
                self._all.moved.setdefault((record.entity, name, one, other), set()).add(record.id)


_ZERO = Decimal(0)


def _summed(run: Run | None, by: tuple[str, ...]) -> dict[Line, Decimal]:
    sums: dict[Line, Decimal] = {}
    for line, value in () if run is None else lines(run, by):
        sums[line] = sums.get(line, _ZERO) + value
    return sums


def _under(run: Run | None, by: tuple[str, ...]) -> tuple[str, ...]:
    """What a run is sorted under, by the first of what it emits and writes that says so."""
    found = [""] * len(by)
    made = [] if run is None else made_by(run)
    if run is None or not made:
        return tuple(found)
    sorter = Sorter(run, by)
    for one in made:
        found = [before or after for before, after in zip(found, sorter.of(data_of(one)), strict=True)]
    return tuple(found)
