"""Business objects as they were, the ids by which other systems know them, and how far sources were read."""

from sqlalchemy import and_, bindparam, select, update

from engine.ledger.batch import Batch, Tuple
from engine.ledger.commit import Commit
from engine.ledger.facts import ENTITIES, MARKS, XREFS
from engine.ledger.statements import Statement, adding, asking, insert_unless_known
from engine.ledger.tables import entities, marks, xrefs

_KEY = ("canonical_id", "entity", "system")
_SAME = and_(*(xrefs.c[name] == bindparam(f"p_{name}") for name in _KEY))
_WRITTEN = ("external_id", "effect_key", "at", "commit")

ADD_ENTITY = adding(entities, ENTITIES.columns)
ADD_MARK = adding(marks, MARKS.columns)
ADD_XREF = Statement(
    core=insert_unless_known(xrefs, *_KEY).values({name: bindparam(f"p_{name}") for name in XREFS.columns}),
    table=xrefs,
    fields=XREFS.columns,
)
# Whoever is about to replace it lets no other session do so in between.
FIND_XREF = asking(
    xrefs, select(*(xrefs.c[name] for name in XREFS.columns)).where(_SAME).with_for_update(), *_KEY
)
REPLACE_XREF = Statement(
    core=update(xrefs)
    .ordered_values(*((xrefs.c[name], bindparam(f"p_{name}")) for name in _WRITTEN))
    .where(_SAME),
    table=xrefs,
    fields=(*_WRITTEN, *_KEY),
)


def write(batch: Batch, commit: Commit) -> None:
    """Write snapshots, marks and cross-references; a reference that is known with its id is left as it is."""
    batch.add(ENTITIES, ADD_ENTITY, commit.entities)
    batch.add(MARKS, ADD_MARK, commit.marks)
    if not commit.xrefs:
        return
    tail = (batch.number,)
    # Two writes to one record in a commit bring its id twice; the last counts.
    rows = [row + tail for row in {row[:3]: row for row in commit.xrefs}.values()]
    if batch.run(ADD_XREF, rows) == len(rows):
        batch.prove(XREFS, rows)
    else:
        _compare(batch, rows)


def _compare(batch: Batch, rows: list[Tuple]) -> None:
    for row in rows:
        entity, canonical_id, system, *written = row
        key = (canonical_id, entity, system)
        (found,) = batch.ask(FIND_XREF, key)
        if found[3] != row[3]:
            batch.supersede(XREFS, f"{entity} {canonical_id} {system}", found)
            batch.run(REPLACE_XREF, [(*written, *key)])
            found = row
        if found[-1] == batch.number:
            batch.prove(XREFS, [row])
