"""Small workspaces made in a test: the connectors of `hours`, and documents given as text."""

import shutil
from pathlib import Path

from engine import session as sessions
from engine.connect.catalog import Catalog
from engine.problems.render.text import render_text
from tests.workspaces.systems import HOURS

MODELS = """
entity: item
key: id
fields:
  id: {type: string, required: true}
  amount: {type: decimal, required: true}
  group: {type: string, required: true}
  day: date
  at: datetime
  free: any
  list: {type: list, items: {type: record, fields: {key: {type: string, required: true}, amount: {type: decimal, required: true}}}}
---
entity: remark
key: id
fields:
  id: {type: string, required: true}
  amount: decimal
  group: string
  day: date
---
event: item.made
data: canonical/item@1
identity: data.id
---
event: item.ordered
data: canonical/item@1
identity: data.id
order_by: data.group
---
event: item.said
data: canonical/remark@1
identity: data.id
---
event: item.changed
data: canonical/item@1
identity: [data.id, data.amount]
"""

# What an item always has, for tests that do not care which.
GIVEN = {"amount": 1, "group": "g"}


def workspace(folder: Path, *documents: str, connections: bool = True) -> Path:
    """A workspace of these documents."""
    shutil.copytree(HOURS / "connectors", folder / "connectors", dirs_exist_ok=True)
    if not connections:
        (folder / "connectors" / "connections.yaml").unlink()
    for name in ("schemas", "flows"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "tidegate.yaml").write_text("# A small workspace.\n")
    (folder / "schemas" / "models.yaml").write_text(MODELS)
    for number, text in enumerate(documents):
        (folder / "flows" / f"part{number}.yaml").write_text(text)
    return folder


def session(folder: Path, *documents: str, catalog: Catalog | None = None) -> sessions.Session:
    """The session of such a workspace, which has to be without problems."""
    found = sessions.load(workspace(folder, *documents), catalog or Catalog())
    assert found.report().ok, render_text(found.report())
    return found


def plan(folder: Path, *documents: str):
    """The plan of such a workspace."""
    return session(folder, *documents).ready.plan
