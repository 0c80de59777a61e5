"""How much is moved at once, beside what `tests/cli/test_moving.py` shows of what becomes of it."""

import asyncio

import pytest

from engine.errors import InputError
from engine.ledger import Commit, instant, open_reader
from engine.releases import Wanted, deploy_here, make, ready
from engine.releases.moving import Moving, move
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
    new = ready(plan).ready.plan
    moving = Moving(plan, new, reader, instant(NOW), WHO, (), 2)
    with pytest.raises(InputError, match="3 items are to be worked by the new release"):
        move(Commit(), moving)
    reader.close()
    assert deploy_here(plan, new, WHO, url, clock).counts == {"dead": 3}
    assert len(asyncio.run(worked(url, clock, folder, range(60, 63)))) == 3
