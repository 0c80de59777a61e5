"""Pruning: what old and finished work was about is blanked; that it was, and its proof, stay.

Blanked are the bodies of events, what systems told runs, what was sent and what came back, how runs were
decided, what holds showed to people, what alerts said, and former states of business objects. Each leaves
a mark with its hash. Ids, identities, keys, statuses, times, cross-references, that something was held, the
last state of every object and the whole audit stay, so that what comes again is still known, and nothing is
done twice.

The digest of a commit whose rows were blanked cannot be made from them any more. So each pruning says for
each digest what it was before and what it is now; that is a fact of the commit that pruned, and the chain
goes from the recorded digest over these to the rows. A row that is blanked without one breaks the chain.

Nothing is blanked of an event that has open, failed or rejected runs, dead effects, a delivery that
contradicts it, or that ended a hold or a wait of such a run. Of an object only those states are blanked
that another one came after before that time; so what it was at any moment since then is known.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Table,
    bindparam,
    exists,
    func,
    literal,
    literal_column,
    select,
    true,
    update,
)

from engine.errors import LedgerDamaged
from engine.ledger import tables
from engine.ledger.batch import Batch, Tuple, digest, in_order
from engine.ledger.chain import as_proved, digests_in, rows_of
from engine.ledger.commit import Commit
from engine.ledger.facts import (
    ALERTS,
    ANSWERS,
    EFFECTS,
    EFFECTS_DONE,
    ENTITIES,
    EVENTS,
    HOLDS,
    PRUNINGS,
    RUNS_FINISHED,
    TRANSITIONS,
    Fact,
)
from engine.ledger.pruned import START, mark_of
from engine.ledger.reader import LedgerReader
from engine.ledger.rows import Blank, NewPruning
from engine.ledger.standing import Ask
from engine.ledger.statements import Statement, adding, listed_numbers
from engine.values.json_text import read_json, write_json

CLASSES: Mapping[str, str] = {
    "events": "what events said",
    "answers": "what systems told runs",
    "writes": "what was sent, and what came back",
    "decisions": "how runs were decided",
    "holds": "what holds showed",
    "alerts": "what alerts said",
    "snapshots": "former states of business objects",
}
AT_ONCE = 2_000  # values of a kind that one commit blanks
OVER = ("completed", "compensated", "moved")
SHORTEST = 2  # an empty record says nothing

_e, _r, _f = tables.events, tables.runs, tables.effects


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """One column that is blanked."""

    name: str  # of its class
    fact: Fact
    column: str
    source: FromClause  # its table, joined to the events that it is about, if to any
    test: ColumnElement[bool] = field(default_factory=true)
    unless: ColumnElement[bool] | None = None  # work that began again meanwhile
    of_event: bool = True  # whether it goes with the work on an event

    @property
    def table(self) -> Table:
        """The table of the column."""
        return self.fact.table

    @property
    def value(self) -> ColumnElement[Any]:
        """The column."""
        return self.table.c[self.column]

    @property
    def commit(self) -> ColumnElement[int]:
        """The commit whose digest is made of it."""
        return self.table.c[self.fact.number]


def _runs_of(table: Table) -> FromClause:
    return table.join(_r, table.c.run_seq == _r.c.seq).join(_e, _r.c.event_seq == _e.c.seq)


_steps = tables.transitions
_closed = _r.alias("closed")
_DONE = _f.c.status == literal_column("'done'")


def _named_runs(table: Table) -> FromClause:
    return table.join(_r, table.c.run_id == _r.c.id).join(_e, _r.c.event_seq == _e.c.seq)


_newer = tables.entities.alias("newer")


def _goes_on(table: Table) -> ColumnElement[bool]:
    return exists().where(_closed.c.seq == table.c.run_seq, _closed.c.finish_commit.is_(None))


_KINDS = (
    _Kind(
        name="events",
        fact=EVENTS,
        column="body",
        source=_e,
        unless=exists().where(_closed.c.event_seq == _e.c.seq, _closed.c.finish_commit.is_(None)),
    ),
    _Kind(
        name="answers",
        fact=ANSWERS,
        column="body",
        source=_runs_of(tables.answers),
        unless=_goes_on(tables.answers),
    ),
    _Kind(name="writes", fact=EFFECTS, column="payload", source=_runs_of(_f), unless=_goes_on(_f)),
    _Kind(
        name="writes",
        fact=EFFECTS_DONE,
        column="receipt",
        source=_runs_of(_f),
        test=_DONE,
        unless=_goes_on(_f),
    ),
    _Kind(
        name="writes",
        fact=TRANSITIONS,
        column="detail",
        source=_steps.join(_f, _steps.c.subject == _f.c.key)
        .join(_r, _f.c.run_seq == _r.c.seq)
        .join(_e, _r.c.event_seq == _e.c.seq),
        test=_steps.c.kind == literal_column("'effect'"),
    ),
    _Kind(
        name="decisions",
        fact=RUNS_FINISHED,
        column="decisions",
        source=_r.join(_e, _r.c.event_seq == _e.c.seq),
    ),
    _Kind(
        name="decisions",
        fact=TRANSITIONS,
        column="detail",
        source=_steps.join(_r, _steps.c.subject == _r.c.id).join(_e, _r.c.event_seq == _e.c.seq),
        test=_steps.c.kind == literal_column("'run'"),
    ),
    _Kind(
        name="holds",
        fact=HOLDS,
        column="detail",
        source=_named_runs(tables.holds),
        unless=exists().where(_closed.c.id == tables.holds.c.run_id, _closed.c.finish_commit.is_(None)),
    ),
    _Kind(
        name="holds",
        fact=TRANSITIONS,
        column="detail",
        source=_steps.join(tables.holds, _steps.c.subject == tables.holds.c.id)
        .join(_r, tables.holds.c.run_id == _r.c.id)
        .join(_e, _r.c.event_seq == _e.c.seq),
        test=_steps.c.kind == literal_column("'hold'"),
    ),
    _Kind(
        name="alerts",
        fact=ALERTS,
        column="message",
        source=_named_runs(tables.alerts),
        test=tables.alerts.c.status != literal_column("'open'"),
    ),
    _Kind(name="snapshots", fact=ENTITIES, column="body", source=tables.entities, of_event=False),
)


def _blanking(kind: _Kind) -> Statement:
    """Blanks one value that is still what was read."""
    tests = [kind.commit == bindparam(f"p_{kind.fact.number}"), kind.table.c.seq == bindparam("p_seq")]
    if kind.unless is not None:
        tests.append(~kind.unless)
    core = update(kind.table).ordered_values((kind.value, bindparam(f"p_{kind.column}"))).where(*tests)
    return Statement(core=core, table=kind.table, fields=(kind.column, kind.fact.number, "seq"))


_BLANKING = {(kind.fact.name, kind.column): _blanking(kind) for kind in _KINDS}
_BLOBS = {EVENTS.name}
ADD_PRUNING = adding(tables.prunings, PRUNINGS.columns)


def write(batch: Batch, commit: Commit) -> None:
    """Blank what a commit prunes, and write what the digests were and are."""
    by_column: dict[tuple[str, str], list[Tuple]] = defaultdict(list)
    for blank in commit.blanks:
        mark = blank.mark.encode() if blank.fact in _BLOBS else blank.mark
        by_column[blank.fact, blank.column].append((mark, blank.commit, blank.seq))
    for name, changes in by_column.items():
        batch.change(_BLANKING[name], changes)
    batch.add(PRUNINGS, ADD_PRUNING, commit.prunings)


# What may be blanked


def _tests(kind: _Kind, before: str) -> list[ColumnElement[bool]]:
    """What is true of a value that may be blanked: nobody needs it any more since then."""
    start = func.substr(kind.value, literal_column("1"), literal_column(str(len(START))))
    known = literal(START.encode() if kind.fact.blob else START)
    return [
        kind.test,
        func.length(kind.value) > literal_column(str(SHORTEST)),
        start != known,
        *(_work_is_over(before) if kind.of_event else (_is_former(before),)),
    ]


def _is_former(before: str) -> ColumnElement[bool]:
    """The object was told to be otherwise since, and that before then too."""
    own = tables.entities.c
    return exists(
        select(literal_column("1"))
        .where(
            _newer.c.id == own.id,
            _newer.c.entity == own.entity,
            _newer.c.seq > own.seq,
            _newer.c.at >= own.at,
            _newer.c.at < literal(before),
        )
        .correlate(tables.entities)
    )


def _work_is_over(before: str) -> list[ColumnElement[bool]]:
    return [
        _e.c.accepted_at < literal(before),
        ~exists(_unfinished(before)),
        ~exists(select(literal_column("1")).where(tables.conflicts.c.event_id == _e.c.id).correlate(_e)),
        ~exists(
            select(literal_column("1"))
            .where(tables.inbox.c.seq == _e.c.seq, tables.inbox.c.taken_commit.is_(None))
            .correlate(_e)
        ),
        _e.c.id.not_in(_ended_open_work()),
    ]


def _unfinished(before: str) -> Select[Any]:
    """A run of the event that needs somebody, or ended since then."""
    runs, effects = _r.alias("any_run"), _f.alias("any_effect")
    left = exists(
        select(literal_column("1"))
        .where(
            effects.c.run_seq == runs.c.seq,
            effects.c.settle_commit.is_(None) | (effects.c.status == literal_column("'dead'")),
        )
        .correlate(runs)
    )
    over: list[ColumnElement[str]] = [literal_column(f"'{status}'") for status in OVER]
    needed = (
        runs.c.finish_commit.is_(None)
        | runs.c.status.not_in(over)
        | (runs.c.finished_at >= literal(before))
        | left
    )
    return select(literal_column("1")).where(runs.c.event_seq == _e.c.seq, needed).correlate(_e)


def _ended_open_work() -> Select[Any]:
    """The events that ended a hold or a wait of a run that is not over."""
    runs = _r.alias("open_run")
    parts = [
        select(column)
        .select_from(table.join(runs, runs.c.id == table.c.run_id))
        .where(runs.c.finish_commit.is_(None), column.is_not(None))
        for table, column in (
            (tables.holds, tables.holds.c.release_event),
            (tables.waits, tables.waits.c.end_event),
        )
    ]
    return select(parts[0].union_all(*parts[1:]).subquery().c[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How much of a class may be blanked: so many values, of so many bytes or characters."""

    values: int
    size: int


def prunable(reader: LedgerReader, before: Mapping[str, str]) -> dict[str, Share]:
    """What pruning would blank, by class; `before` gives the instant of each class, as text."""
    found = dict.fromkeys(before, Share(values=0, size=0))
    with reader.snapshot() as ask:
        for kind in _KINDS:
            if kind.name in before:
                core = select(func.count(), func.coalesce(func.sum(func.length(kind.value)), 0))
                core = core.select_from(kind.source).where(*_tests(kind, before[kind.name]))
                ((values, size),) = ask(core)
                so_far = found[kind.name]
                found[kind.name] = Share(values=so_far.values + values, size=so_far.size + int(size))
    return found


def next_pruning(reader: LedgerReader, before: Mapping[str, str], limit: int = AT_ONCE) -> Commit:
    """What one commit blanks next; it has no blanks when there is nothing left.

    Raises:
        LedgerDamaged: the digest of a commit is not that of its rows; nothing of it may be blanked.

    """
    commit = Commit(action="prune")
    with reader.snapshot() as ask:
        blanks: dict[Fact, dict[int, tuple[str, str]]] = defaultdict(dict)
        commits: dict[Fact, set[int]] = defaultdict(set)
        for kind in _KINDS:
            if kind.name not in before:
                continue
            for seq, number, value in ask(_candidates(kind, before[kind.name], limit)):
                mark = mark_of(value)
                commit.blanks.append(Blank(kind.fact.name, kind.column, mark, number, seq))
                blanks[kind.fact][seq] = (kind.column, mark)
                commits[kind.fact].add(number)
        recorded = _recorded(ask, set().union(*commits.values()))
        for fact, numbers in commits.items():
            commit.prunings += _prunings(ask, fact, sorted(numbers), blanks[fact], recorded)
    return commit


def _candidates(kind: _Kind, before: str, limit: int) -> Select[Any]:
    core = select(kind.table.c.seq, kind.commit, kind.value).select_from(kind.source)
    return core.where(*_tests(kind, before)).order_by(kind.table.c.seq).limit(limit)


# What the digests were, and will be


def _recorded(ask: Ask, numbers: set[int]) -> dict[tuple[str, int], str]:
    """The digest of each fact in these commits, as it is now."""
    audit, prunings = tables.audit, tables.prunings
    found: dict[tuple[str, int], str] = {}
    links = select(audit.c.commit, audit.c.facts).where(audit.c.facts.is_not(None))
    for number, facts in ask(links.where(audit.c.commit.in_(_listed(numbers)))):
        found.update(((name, number), hashed) for name, (_, hashed) in digests_in(facts).items())
    later = select(prunings.c.fact, prunings.c.of_commit, prunings.c.after)
    for fact, number, after in ask(
        later.where(prunings.c.of_commit.in_(_listed(numbers))).order_by(prunings.c.seq)
    ):
        found[fact, number] = after
    return found


def _prunings(
    ask: Ask,
    fact: Fact,
    numbers: Sequence[int],
    blanks: Mapping[int, tuple[str, str]],
    recorded: Mapping[tuple[str, int], str],
) -> Iterator[NewPruning]:
    was: dict[int, list[Tuple]] = {number: [] for number in numbers}
    becomes: dict[int, list[Tuple]] = {number: [] for number in numbers}
    for number, row, seq in _rows(ask, fact, numbers):
        was[number].append(row)
        becomes[number].append(_blanked(fact, row, blanks[seq]) if seq in blanks else row)
    for number in numbers:
        before, after = (digest(in_order(fact, rows[number])) for rows in (was, becomes))
        if recorded.get((fact.name, number)) != before:
            raise LedgerDamaged(
                f"the {fact.name} of commit {number} are not what was written, so nothing is pruned; "
                "run `tidegate ledger verify`"
            )
        yield NewPruning(fact.name, number, before, after)


def _blanked(fact: Fact, row: Tuple, blank: tuple[str, str]) -> Tuple:
    """A row as it will stand in its digest."""
    column, mark = blank
    place = fact.columns.index(fact.blob[1] if fact.blob else column)
    return (*row[:place], mark, *row[place + 1 :])


def _rows(ask: Ask, fact: Fact, numbers: Sequence[int]) -> Iterator[tuple[int, Tuple, int]]:
    """The rows of a fact that commits wrote, with their commits and their own numbers."""
    table, place = fact.table, fact.columns.index(fact.number)
    core = select(*rows_of(fact), table.c.seq).where(table.c[fact.number].in_(_listed(numbers)))
    core = core if fact.where is None else core.where(fact.where)
    for *values, seq in ask(core.order_by(table.c.seq)):
        row = as_proved(fact, tuple(values))
        yield row[place], row, seq
    old = tables.superseded
    former = select(old.c.body).where(old.c.fact == fact.name, old.c.commit.in_(_listed(numbers)))
    for (body,) in ask(former.order_by(old.c.seq)):
        row = tuple(read_json(body))  # type: ignore[arg-type]
        yield row[place], row, 0


def _listed(numbers: Collection[int]) -> Select[tuple[int]]:
    return listed_numbers(literal(write_json(sorted(numbers)).decode()))
