"""A native record of a vendor, to the canonical events that it becomes.

The same for systems that call us and for those that we ask.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from engine.connect import read_json, write_json
from engine.connect.connector_plan import SourcePlan as NativeSource
from engine.core.accept import Offer
from engine.core.turn import truth
from engine.errors import InputError
from engine.language.compiled import EvaluationError
from engine.plan.plan import Plan, SourcePlan
from engine.runtime.accept import offer
from engine.runtime.connections import Connection
from engine.runtime.intake import Beside
from engine.values.value import Value


class Accept(Protocol):
    """Commits events, and the records of their source that cannot be used; says what became of each event."""

    async def __call__(
        self,
        offers: Sequence[Offer],
        source: str = "",
        unfit: Sequence[tuple[Value, str]] = (),
        beside: Beside = ...,
    ) -> list[str]:
        """Return when all of it is safe."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A source of an open connection, and the events that its records become."""

    connection: Connection
    native: NativeSource
    events: tuple[SourcePlan, ...]

    @property
    def name(self) -> str:
        """The name by which documents know it: "psa.time_entry_approved"."""
        return f"{self.connection.name}.{self.native.name}"


def fed_by(plan: Plan, connection: str, source: str) -> tuple[SourcePlan, ...]:
    """The events that feed on a source of a connection; none when no mapping begins there."""
    return tuple(one for one in plan.sources if (one.connection, one.source) == (connection, source))


def usable(
    plan: Plan, sources: Sequence[SourcePlan], records: Iterable[Value], now: datetime
) -> tuple[list[Offer], list[tuple[Value, str]]]:
    """The events of records, and the records that no mapping can use, each with the reason."""
    offers: list[Offer] = []
    unfit: list[tuple[Value, str]] = []
    for record in records:
        try:
            offers.extend(events_of(plan, sources, record, now))
        except (InputError, EvaluationError) as error:
            unfit.append((record, str(error)))
    return offers, unfit


def events_of(plan: Plan, sources: Sequence[SourcePlan], record: Value, now: datetime) -> list[Offer]:
    """The events of one record, by every mapping that feeds on its source.

    Raises:
        InputError, EvaluationError: when a mapping cannot be done, or does not make what its event says.

    """
    return [made for source in sources if (made := _event(plan, source, record, now)) is not None]


def _event(plan: Plan, source: SourcePlan, record: Value, now: datetime) -> Offer | None:
    data = source.make({"record": record})
    if source.when is not None and not truth(source.when.call({"data": data})):
        return None
    # As text and back: what is worked is what the ledger keeps, to the byte.
    text = write_json(data)
    return offer(
        plan,
        source.earlier or source.event,
        read_json(text),
        text,
        now,
        f"{source.connection}.{source.source}",
    )
