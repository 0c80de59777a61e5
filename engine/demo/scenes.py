"""The story, day by day. Each scene is an act in one of the systems; what follows is read from the ledger."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TypeAlias

from engine.demo import words
from engine.demo.books import Books
from engine.demo.expectations import Found, Remembered, judge
from engine.demo.firm import Firm, Hours
from engine.demo.lineage import lineage
from engine.demo.news import News
from engine.demo.stage import Stage
from engine.demo.story import Line, Scene, Story
from engine.demo.world import ENGAGEMENT, PEOPLE, ROLES
from engine.values.json_text import read_json

Heard: TypeAlias = Callable[[Scene], None]
STORM = 5  # times that every message comes


@dataclass(slots=True)
class Play:
    """The scenes in their order."""

    firm: Firm
    books: Books
    stage: Stage
    heard: Heard
    scenes: list[Scene] = field(default_factory=list)
    remembered: Remembered = field(default_factory=Remembered)
    news: News = field(init=False)

    def __post_init__(self) -> None:
        self.news = News(self.stage.reader, self.firm.world)

    async def all(self) -> Story:
        """Play every scene."""
        await self.deal_is_won()
        await self.people_are_assigned()
        await self.time_is_approved()
        await self.system_is_away()
        await self.time_comes_late()
        await self.milestone_is_accepted()
        await self.scope_has_changed()
        await self.amendment_is_signed()
        await self.everything_is_told_again()
        expectations = judge(Found(self.firm, self.books, self.stage, self.remembered))
        return Story(
            scenes=self.scenes, trace=lineage(self.stage.reader, self.firm.world), expectations=expectations
        )

    # What a scene is made of

    async def _scene(self, at: datetime, title: str, *lines: Line) -> None:
        """End a scene: let everything come to rest, and tell what followed."""
        await self._revenue()
        self._tell(at, title, *lines)

    def _tell(self, at: datetime, title: str, *lines: Line) -> None:
        scene = Scene(at=at.astimezone(self.firm.world.zone), title=title, lines=(*lines, *self.news.lines()))
        self.scenes.append(scene)
        self.heard(scene)

    async def _revenue(self) -> None:
        """Let everything come to rest, and fetch what the revenue engine made of it."""
        await self.stage.rest()
        await self.stage.ask("revrec")
        await self.stage.rest()

    async def called(self) -> Line:
        """Let the CRM call; how often it did."""
        before = self._counts()[1]
        await asyncio.to_thread(self.firm.crm.notifier.settle)
        await self.stage.rest()
        return _repeated("the message of Salesforce", self._counts()[1] - before)

    def _counts(self) -> tuple[int, int]:
        tally = self.stage.runner.executor.tally
        return tally.accepted, tally.duplicates

    async def approved(self, hours: Hours, times: int = 1) -> Line:
        """Time is booked and approved in the PSA, and the PSA is asked for news."""
        entry = self.firm.approve_time(hours, times)
        self.remembered.hours[entry] = hours
        await self.stage.ask("psa")
        who = PEOPLE[hours.worker]
        booked = f"{words.hours(hours.minutes)} on {words.day(hours.worked_on)}"
        said = f"{who}: {booked} approved (time entry {entry})"
        return Line(kind="act", text=said, system="Kantata")

    # The scenes

    async def deal_is_won(self) -> None:
        """Sales wins the deal, and the CRM says so five times."""
        world = self.firm.world
        at = world.at(5, 18, 10)
        price = words.amount(240_000, world.currency)
        self.stage.at(at)
        self.firm.win_deal(STORM)
        act = Line(
            kind="act",
            system="Salesforce",
            text=f"Grid planning platform for {world.client}, {price}, is set to won",
        )
        await self._scene(at, "The deal is won", act, await self.called())

    async def people_are_assigned(self) -> None:
        """Staffing assigns an architect and a consultant."""
        at = self.firm.world.at(5, 19, 9)
        self.stage.at(at)
        acts = [
            await self._assigned("AS-1", "EMP-001", 120),
            await self._assigned("AS-2", "EMP-002", 200),
        ]
        await self._scene(at, "Staffing assigns two people", *acts)

    async def _assigned(self, name: str, worker: str, hours: int) -> Line:
        await self.stage.hand_in(
            "resource.assigned",
            {
                "id": f"{ENGAGEMENT}-{name}",
                "engagement_id": ENGAGEMENT,
                "worker_id": worker,
                "role": ROLES[worker],
                "start_on": "2026-05-20",
                "end_on": "2026-09-30",
                "hours": hours,
                "decided_at": self.firm.world.at(5, 19, 9).astimezone(UTC).isoformat(),
            },
            "staffing.file",
        )
        who = PEOPLE[worker]
        return Line(
            kind="act", text=f"{who} is assigned as {ROLES[worker]} for {hours} hours", system="Staffing"
        )

    async def time_is_approved(self) -> None:
        """Two entries are approved before the cutoff; the feed repeats one."""
        at = self.firm.world.at(5, 28, 17)
        self.stage.at(at)
        act = await self.approved(Hours("EMP-001", date(2026, 5, 27), 480, "Grid model"))
        await self._scene(at, "Time is approved before the cutoff", act)
        at = self.firm.world.at(5, 29, 17, 30)
        self.stage.at(at)
        act = await self.approved(Hours("EMP-002", date(2026, 5, 28), 450, "Load data"), STORM)
        repeated = _repeated("the approval in the feed of Kantata", STORM - 1)
        await self._scene(at, "More time, half an hour before the cutoff", act, repeated)

    async def system_is_away(self) -> None:
        """The ERP, or the revenue engine, goes away while two entries are approved, and comes back."""
        world = self.firm.world
        name, system = world.names[world.away], self.firm.systems[world.away]
        at = world.at(5, 29, 17, 35)
        self.stage.at(at)
        system.outage()
        retries = self.stage.runner.executor.tally.retries
        acts = [
            await self.approved(Hours("EMP-001", date(2026, 5, 28), 405, "Workshop")),
            await self.approved(Hours("EMP-002", date(2026, 5, 27), 780, "Migration")),
        ]
        await self.stage.tried(retries + 1)
        self.remembered.tries_in_outage = self.stage.runner.executor.tally.retries - retries
        self.remembered.open_in_outage = len(self.stage.reader.open_runs())
        approvals = words.times(self.remembered.open_in_outage, "approval")
        waits = Line(
            kind="wait", system=name, text=f"does not answer; {approvals} safe in the ledger, in order"
        )
        self._tell(at, "A system is away, and people go on working", *acts, waits)
        at = world.at(5, 29, 17, 50)
        system.recover()
        self.stage.at(at)
        act = Line(kind="act", text="is back; what waited is posted, in order", system=name)
        await self._scene(at, "It is back", act)

    async def time_comes_late(self) -> None:
        """An entry is approved after the cutoff of its cycle."""
        at = self.firm.world.at(5, 29, 18, 40)
        self.stage.at(at)
        act = await self.approved(Hours("EMP-001", date(2026, 5, 29), 440, "Review with client"))
        await self._scene(at, "Time is approved after the cutoff", act)

    async def milestone_is_accepted(self) -> None:
        """A milestone is accepted as agreed."""
        at = self.firm.world.at(6, 1, 11)
        self.stage.at(at)
        self.firm.accept_milestone("M1")
        act = Line(kind="act", text="milestone M1 Blueprint accepted is completed", system="Kantata")
        await self.stage.ask("psa")
        await self._scene(at, "A milestone is accepted", act)

    async def scope_has_changed(self) -> None:
        """A milestone is accepted that went beyond the contract."""
        at = self.firm.world.at(6, 2, 15)
        self.stage.at(at)
        self.firm.accept_milestone("M2", beyond_scope=True)
        act = Line(
            kind="act",
            system="Kantata",
            text="milestone M2 Pilot accepted is completed, beyond what the contract says (tag scope-change)",
        )
        await self.stage.ask("psa")
        await self._scene(at, "A milestone is accepted that changes scope", act)
        self.remembered.invoices_while_held = len(self.books.invoices())
        self.remembered.state_while_held = str(self.firm.story_record("M2")["tag_list"])

    async def amendment_is_signed(self) -> None:
        """The amendment for it is signed, and the CRM says so five times."""
        world = self.firm.world
        at = world.at(6, 3, 10)
        self.stage.at(at)
        self.firm.sign_amendment("M2", 18_000, STORM)
        act = Line(
            kind="act",
            text=f"amendment 1 for M2, plus {words.amount(18_000, world.currency)}, is signed",
            system="Salesforce",
        )
        await self._scene(at, "The amendment is signed", act, await self.called())

    async def everything_is_told_again(self) -> None:
        """Every system tells everything once more, five times."""
        at = self.firm.world.at(6, 5, 9)
        self.stage.at(at)
        self.remembered.note(self.firm, self.books, self.stage)
        before = self._counts()
        for delivery in self._one_of_each():
            message = read_json(delivery)
            assert isinstance(message, dict)
            self.firm.crm.notifier.tell(str(message["event"]), message, STORM)
        await asyncio.to_thread(self.firm.crm.notifier.settle)
        for poller in self.stage.pollers:
            for _ in range(STORM):
                poller.go_back(self.firm.world.start)
                await poller.ask()
        accepted, known = self._counts()
        self.remembered.storm = known - before[1]
        self.remembered.storm_accepted = accepted - before[0]
        act = Line(
            kind="act",
            text=f"every system tells everything once more, {STORM} times: "
            f"{words.times(self.remembered.storm, 'message')}, {self.remembered.storm_accepted} of them news",
        )
        await self._scene(at, "A storm of repeats", act)

    def _one_of_each(self) -> list[bytes]:
        return [delivery.body for delivery in list(self.firm.crm.notifier.deliveries)]


def _repeated(what: str, known: int) -> Line:
    """How often something was told; more than once, as systems sometimes do."""
    text = f"{what} comes {words.times(known + 1, 'time')}" + ("; it counts once" if known else "")
    return Line(kind="message", text=text)
