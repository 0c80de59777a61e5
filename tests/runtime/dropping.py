"""A workspace that takes hours from files in a folder, and processes that look for them one after the other."""

import asyncio
import json

from engine import session as sessions
from engine.connect.catalog import Catalog
from engine.runtime.triggers.triggers import Triggers
from tests.runtime.desk import Desk
from tests.workspaces import tiny

DOCUMENTS = """
connector: payroll
owner: finance
version: 1
api: {{name: Files of the payroll office, version: "1"}}
base_url: "{base}"
sources:
  hours:
    file: {{names: "hours-*.csv", csv: {{delimiter: ";"}}, decimal: ",", most_bad: 3, {more}
           columns: {{id: Nr, amount: {{column: Stunden, type: decimal}}, group: {{column: Projekt}}}}}}
    output: schemas/row.json
---
connection: payroll
connector: payroll
owner: finance
environments: {{demo: {settings}}}
---
mapping: hours
inputs: {{row: payroll/row@1}}
output: canonical/item@1
fields: {{id: row.id, amount: row.amount, group: row.group}}
---
event: hours.recorded
data: canonical/item@1
identity: data.id
sources: [{{from: payroll.hours, map: hours}}]
"""
SCHEMA = {
    "type": "object",
    "required": ["id", "amount", "group"],
    "properties": {"id": {"type": "string"}, "amount": {"type": "number"}, "group": {"type": "string"}},
}
HEAD = "Nr;Stunden;Projekt\n"


class Drop:
    """A folder, a desk, and whoever looks."""

    def __init__(self, folder, base="file:", settings=None, more="complete: {renamed: true},"):
        self.inbox = folder / "inbox"
        self.inbox.mkdir()
        self.desk = Desk()
        said = json.dumps(settings or {"folder": str(self.inbox)})
        columns = DOCUMENTS.replace("id: Nr,", "id: {{column: Nr}},")
        where = tiny.workspace(folder / "w", columns.format(base=base, settings=said, more=more))
        (where / "flows" / "schemas").mkdir()
        (where / "flows" / "schemas" / "row.json").write_text(json.dumps(SCHEMA))
        self.session = sessions.load(where, Catalog())
        assert self.session.report().ok, self.session.report()

    def put(self, name, *rows, head=HEAD, into="."):
        path = self.inbox / into / name
        path.write_text(head + "".join(f"{row}\n" for row in rows))
        return path

    async def watcher(self):
        connections = sessions.open_connections(self.session, "demo", self.desk.clock, {}, {})
        desk = self.desk
        (found,) = Triggers(
            plan=self.session.ready.plan,
            connections=connections,
            gate=desk,
            reader=desk.reader,
            now=desk.clock.now,
            told=desk.told.append,
        ).watchers()
        return found, connections

    def look(self, times=1):
        """One process that looks; how many files it took."""

        async def looking():
            watcher, connections = await self.watcher()
            try:
                return [await watcher.look() for _ in range(times)][-1]
            finally:
                await connections.aclose()

        return asyncio.run(looking())

    @property
    def ids(self):
        return [one.event.data["id"] for one in self.desk.accepted]

    def names(self, folder="."):
        where = self.inbox / folder
        return sorted(one.name for one in where.iterdir() if one.is_file()) if where.exists() else []
