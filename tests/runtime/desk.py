"""A gate behind which lies a ledger in memory: what triggers hand in is committed there."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

from engine.clock import FixedClock
from engine.errors import LedgerError
from engine.ledger import Commit, instant, open_ledger
from engine.runtime import intake
from engine.runtime.intake import Beside

NOW = datetime(2026, 6, 1, tzinfo=UTC)


class Desk:
    """Keeps what was handed in, in order; events are whatever the test takes for events."""

    def __init__(self):
        self.clock = FixedClock(NOW)
        self.ledger = open_ledger("sqlite://", clock=self.clock)
        self.reader = self.ledger.reader()
        self.room = 1_000
        self.accepted, self.apart, self.told, self.commits = [], [], [], []
        self.known = {}
        self.broken = None  # how many more commits there are before the power is cut

    async def accept(self, offers, source="", unfit=(), beside=None):
        if self.broken is not None:
            self.broken -= 1
            if self.broken < 0:
                raise LedgerError("the power was cut")
        beside = beside or Beside()
        commit, at = Commit(action="test"), instant(self.clock.now())
        if beside.message and intake.contradicts(self.reader, commit, source, beside.message):
            return ["conflict"]
        intake.write(self.reader, commit, source, beside, at)
        self.ledger.commit(commit)
        self.commits.append((list(offers), list(beside.marks)))
        self.apart.extend(unfit)
        return [self._one(offer) for offer in offers]

    def _one(self, offer):
        name, body = (offer.event.id, offer.body_hash) if hasattr(offer, "event") else (str(offer), "")
        if name in self.known:
            return "duplicate" if self.known[name] == body else "conflict"
        self.known[name] = body
        self.accepted.append(offer)
        return "accepted"

    def later(self, **by):
        self.clock.advance(timedelta(**by))

    @property
    def alerts(self):
        return {row.id: row for row in self.reader.alerts(limit=1_000)}


def digest(data):
    return sha256(data).hexdigest()
