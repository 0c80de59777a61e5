"""The story told again on a ledger that has it: every message comes once more, and nothing may come of it."""

from engine.demo import words
from engine.demo.expectations import effects
from engine.demo.scenes import Play
from engine.demo.story import Expectation, Line, Scene, Story
from engine.values.json_text import read_json


async def again(play: Play) -> Story:
    """Hand in everything that ever came from outside, once more."""
    on, world = play.stage, play.firm.world
    written, changes = len(effects(on)), play.books.changes()
    events = [event for event in on.reader.events() if event.source is not None]
    became: list[str] = []
    for event in events:
        data = read_json(event.body)
        assert isinstance(data, dict)
        became += await on.hand_in(event.type, data, str(event.source))
    await on.rest()
    known = became.count("duplicate")
    act = Line(
        kind="act",
        text=f"{words.times(len(events), 'message')} from outside, once more; {known} known already",
    )
    scene = Scene(
        at=world.start, title="The ledger has the story already, so all of it is told again", lines=(act,)
    )
    play.heard(scene)
    expectations = (
        Expectation(
            text="Every message is known", held=known == len(events), found=f"{known} of {len(events)}"
        ),
        Expectation(
            text="Nothing is posted that was not posted before",
            held=len(effects(on)) == written,
            found=words.times(written, "posting") + " before and after",
        ),
        Expectation(
            text="Nothing changes in the ERP",
            held=play.books.changes() == changes,
            found=words.times(changes, "record") + " before and after",
        ),
    )
    return Story(scenes=(scene,), trace=(), expectations=expectations)
