"""Whatever happens to a contract, and in whatever order: what is billed is recognised, and is what was agreed."""

import asyncio
import random
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

import pytest

from engine.demo.firm import Hours
from engine.demo.world import NETSUITE
from engine.runtime.permission import Release
from tests.acceptance.books import assert_conserved, assert_nothing_is_overwritten

pytestmark = pytest.mark.requirement("SCN-21", "SCN-22", "SCN-23")

PRICES = {"M1": Decimal(60_000), "M2": Decimal(108_000)}
RATE = Decimal(210)
CENT = Decimal("0.01")


class Contract:
    """What the firm should have billed, counted beside it."""

    def __init__(self, play, seed):
        self.play = play
        self.chance = random.Random(seed)
        self.at = NETSUITE.at(6, 1, 9)
        self.prices = dict(PRICES)
        self.percents = dict.fromkeys(PRICES, 0)
        self.minutes = {}

    @property
    def worth(self):
        fixed = sum(
            (self.prices[code] * percent / 100).quantize(CENT, ROUND_HALF_EVEN)
            for code, percent in self.percents.items()
        )
        hours = sum(
            (RATE * minutes / 60).quantize(CENT, ROUND_HALF_EVEN) for minutes in self.minutes.values()
        )
        return fixed + hours

    async def one_act(self):
        """Something happens; often the next comes before the last has come to rest."""
        self.at += timedelta(hours=self.chance.randint(1, 30))
        self.play.stage.at(self.at)
        act = self.chance.choice([self.part, self.whole, self.amendment, self.hours, self.correction])
        await act(self.play.firm)
        await self.play.stage.ask("psa")
        if self.chance.random() < 0.5:
            await self.rest()

    async def rest(self):
        """Have everything released that is held; what waits behind a hold goes on then."""
        await asyncio.to_thread(self.play.firm.crm.notifier.settle)
        stage = self.play.stage
        async with asyncio.timeout(60):
            while not stage.runner.at_rest or any(stage.reader.holds(status="open")):
                for hold in stage.reader.holds(status="open"):
                    said = Release(by="Ada", role="controller", reason="It is right.", second="Max")
                    await stage.runner.release(hold.id, said)
                stage.runner.raise_failure()
                # A clock that jumps while a request is on its way makes its token old: that is tried again.
                self.at += timedelta(milliseconds=50)
                stage.at(self.at)
                await asyncio.sleep(0.01)

    async def part(self, firm):
        if self.percents["M2"] < 100:
            percent = self.chance.choice([each for each in range(5, 100, 5) if each != self.percents["M2"]])
            self.percents["M2"] = percent
            firm.accept_part("M2", percent)

    async def whole(self, firm):
        code = self.chance.choice(list(PRICES))
        if self.percents[code] < 100:
            self.percents[code] = 100
            firm.accept_milestone(code)

    async def amendment(self, firm):
        code = self.chance.choice(list(PRICES))
        change = self.chance.choice([-15_000, -999, 1_250, 18_000])
        self.prices[code] += change
        firm.sign_amendment(code, change, 2)

    async def hours(self, firm):
        minutes = self.chance.choice([30, 100, 440])
        entry = firm.approve_time(Hours("EMP-001", date(2026, 5, 28), minutes, ""), 2)
        self.minutes[entry] = minutes

    async def correction(self, firm):
        if self.minutes:
            entry = self.chance.choice(list(self.minutes))
            self.minutes[entry] = self.chance.choice([0, 25, 480])
            changes = {"billable": False} if self.minutes[entry] == 0 else {"billable": True}
            firm.psa.edit(
                "time_entries", entry, approved=False, time_in_minutes=self.minutes[entry] or 60, **changes
            )
            firm.psa.approve_time(entry, 2)


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 9))])
def test_what_is_billed_is_recognised_and_agreed(playing, seed):
    async def scenes(play):
        await play.deal_is_won()
        contract = Contract(play, seed)
        for _ in range(14):
            await contract.one_act()
        await contract.rest()
        return contract.worth

    worth = playing.play(scenes)
    assert_nothing_is_overwritten(playing.firm)
    assert_conserved(playing.firm, EUR=worth)
