"""The core on small flows: no ledger, no clock, no systems."""

import json
from datetime import UTC, datetime

import pytest

from engine.core import begin
from engine.core.accept import offer
from engine.values.json_text import read_json
from tests.workspaces import tiny

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)


class Small:
    """A plan, and events for it."""

    def __init__(self, plan):
        self.plan = plan

    def event(self, name="item.made", **data):
        text = json.dumps({"id": "1", **tiny.GIVEN, **data}).encode()
        return offer(self.plan, name, read_json(text), text, NOW).event

    def begin(self, flow="f", **data):
        found = self.plan.flows[flow]
        return begin(found, self.event(found.event, **data))


@pytest.fixture
def small(tmp_path):
    """Makes a plan of the steps of one flow called f, and of further documents."""

    def make(steps, *documents, event="item.made", where=""):
        flow = f"flow: f\ntrigger: {{event: {event}, as: item{where}}}\nsteps:\n"
        indented = "".join(f"  {line}\n" for line in steps.strip("\n").splitlines())
        return Small(tiny.plan(tmp_path, flow + indented, *documents))

    return make
