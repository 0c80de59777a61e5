"""How much is moved at once, beside what `tests/cli/test_moving.py` shows of what becomes of it."""

import asyncio
from types import SimpleNamespace

import pytest

from engine.errors import InputError
from engine.ledger import Commit, instant, open_reader
from engine.releases import Wanted, deploy_here, deploying, make, ready
from engine.releases.moving import Moved, Moving, move
from engine.runtime.resolve import Person
from engine.session import load, snapshot
from tests.releases.test_shadow import NOW, scene  # noqa: F401 - a fixture
from tests.releases.test_trial import doubled, worked

WHO = Person(by="ann", reason="all of them")


@pytest.mark.slow
def test_no_more_is_moved_than_may_be(scene):  # noqa: F811
    folder, url, clock = scene
    asyncio.run(worked(url, clock, folder, range(60, 63), refusing="no rights"))
    doubled(folder)
    session = load(folder)
    reader = open_reader(url)
    wanted = Wanted(by="eve", at=instant(NOW), environment="demo", fates={"dead": "replay"})
    plan = make(session, snapshot(session), reader, wanted)
    assert [(group.kind, group.count) for group in plan.groups] == [("dead", 3)]
    new = ready(plan)
    moving = Moving(plan, new.ready.plan, reader, instant(NOW), WHO, (), 2)
    with pytest.raises(InputError, match="3 items are to be worked by the new release"):
        move(Commit(), moving)
    reader.close()
    assert deploy_here(plan, new, WHO, url, clock).counts == {"dead": 3}
    assert len(asyncio.run(worked(url, clock, folder, range(60, 63)))) == 3


def test_nothing_takes_over_from_what_could_not_end_any_more(monkeypatch):
    monkeypatch.setattr(deploying, "lacks", lambda _, flow: "erp.post" if flow == "posts" else None)
    reader = SimpleNamespace(open_flows=lambda: [("a" * 64, "reads"), ("b" * 64, "posts")])
    plans = {name * 64: SimpleNamespace(flows={"reads": "reads", "posts": "posts"}) for name in "ab"}
    with pytest.raises(InputError, match="posts that began by release bbbbbbbbbbbb still need erp"):
        deploying._require_going_on(None, reader, plans.__getitem__, Moved())
    gone, left = (
        SimpleNamespace(kind="queued", run_id=flow, release="a" * 64, flow=flow)
        for flow in ("posts", "reads")
    )
    monkeypatch.setattr(deploying, "items", lambda _: iter([gone, left]))
    deploying._require_going_on(None, reader, plans.__getitem__, Moved(ended=["posts"]))
