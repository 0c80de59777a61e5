"""A run goes on by the release that it began with, though the present one lacks what it speaks of."""

import pytest

from engine.errors import ConfigurationError
from engine.ledger import open_reader
from engine.runtime.permission import Release
from engine.session import require_what_open_runs_need

pytestmark = pytest.mark.usefixtures("both")

STEPS = """
ok: {check: [shut]}
put: {write: rev.performance, with: {bill: item.id}}
say: {emit: item.said, with: {id: item.id}}
"""
SHUT = """
policy: shut
inputs: {item: canonical/item@1}
when: item.amount == 1
then: {hold: {release: {role: boss}}}
reason: "It is shut."
"""
OTHER = (
    "flow: g\ntrigger: {event: item.made, as: item}\nsteps:\n  put: {write: erp.line, with: {key: item.id}}\n"
)
SAID = "event: item.said\ndata: canonical/remark@1\nidentity: data.id\n"
RUN = "f/item.made:1"
HOLD = f"{RUN}/ok/shut"


@pytest.fixture
def held(small, tmp_path):
    process = small(STEPS, SHUT)
    assert process.run(("item.made", {"id": "1"})).status(RUN) == "held"
    process.change("next", OTHER)
    return process


def without(folder, text):
    """Take a document, or a part of one, out of a workspace."""
    (page,) = [page for page in folder.rglob("*.yaml") if text in page.read_text()]
    page.write_text(page.read_text().replace(text, "").replace("---\n---\n", "---\n"))


def test_an_event_that_is_not_known_any_more_is_told_and_starts_nothing(held, tmp_path):
    without(tmp_path / "next", SAID)
    held.load("next")
    assert "item.said" not in held.plan.events
    seen = held.release(HOLD, Release(by="ann", reason="fine", role="boss"))
    assert seen.status(RUN) == "completed"
    assert held.run(("item.made", {"id": "2"})).status("g/item.made:2") == "completed"
    reader = open_reader(held.url)
    try:
        assert reader.event("item.said:1") is not None
    finally:
        reader.close()


@pytest.mark.parametrize("open_", [True, False], ids=["open", "over"])
def test_a_workspace_without_what_open_runs_need_is_told(held, tmp_path, open_):
    if not open_:
        held.release(HOLD, Release(by="ann", reason="fine", role="boss"))
    connections = tmp_path / "next" / "connectors" / "connections.yaml"
    left = [one for one in connections.read_text().split("---\n") if "connection: rev" not in one]
    connections.write_text("---\n".join(left))
    held.load("next")
    reader = open_reader(held.url)
    try:
        if open_:
            with pytest.raises(
                ConfigurationError, match=r"runs of flow f .* still need rev\.performance, which"
            ):
                require_what_open_runs_need(held.session, reader)
            held.load("workspace")
            with pytest.raises(ConfigurationError, match=r"rev\.performance, which is not set up"):
                require_what_open_runs_need(held.session, reader, ())
            require_what_open_runs_need(held.session, reader, ("rev",))
        else:
            require_what_open_runs_need(held.session, reader)
    finally:
        reader.close()
