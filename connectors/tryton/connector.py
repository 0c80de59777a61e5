"""What YAML cannot say of Tryton: sessions, typed values, errors inside good answers, steps that look first.

Each write is several calls. Any of them may be the last before a crash, so each looks first whether it was
done, and doing the whole again is harmless. That holds as long as nobody else does the same at the same
time: therefore one connection writes one thing after another.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from connectors.tryton import customers, invoices, ledger, projects, timesheets
from connectors.tryton.refusals import refusal
from connectors.tryton.rpc import Row, Tryton
from engine.connect import (
    ConnectorPlan,
    Effect,
    Fault,
    OperationPlan,
    Outcome,
    Permanent,
    Poll,
    Receipt,
    Settings,
    Value,
)
from engine.connect.base_url import filled_base_url
from engine.connect.http import Http, HttpLimits

ACCEPTED = "accepted_warnings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """How something is written, and how it is found when it has been."""

    do: Callable[[Tryton, Row], Awaitable[Receipt]]
    find: Callable[[Tryton, Row], Awaitable[Receipt | None]]


WRITES: Mapping[str, Writing] = MappingProxyType(
    {
        "save_customer": Writing(do=customers.save, find=customers.find_saved),
        "create_project": Writing(do=projects.create_project, find=projects.find_project),
        "create_task": Writing(do=projects.create_task, find=projects.find_task),
        "complete_task": Writing(do=projects.complete_task, find=projects.find_completed),
        "record_time": Writing(do=timesheets.record, find=timesheets.find_recorded),
        "remove_time": Writing(do=timesheets.remove, find=timesheets.find_removed),
        "invoice_project": Writing(do=invoices.invoice_project, find=invoices.find_invoiced),
        "post_entry": Writing(do=ledger.post_entry, find=ledger.find_posted),
    }
)

READS: Mapping[str, Callable[[Tryton, Row], Awaitable[Value]]] = MappingProxyType(
    {
        "customer": customers.read,
        "project": projects.read,
        "task": projects.read_task,
        "time_line": timesheets.read,
        "invoice": invoices.read,
        "entry": ledger.read_entry,
        "period": ledger.read_period,
    }
)

POLLS: Mapping[str, Callable[[Tryton, datetime], Awaitable[Poll]]] = MappingProxyType(
    {"invoice_changed": invoices.changed}
)


class TrytonConnector:
    """One company in one Tryton database."""

    def __init__(self, plan: ConnectorPlan, settings: Settings, now: Callable[[], datetime]) -> None:
        """Nothing is sent until the first call.

        Raises:
            ConfigurationError: when a setting is missing, or makes no URL.

        """
        self._plan = plan
        limits = HttpLimits(
            concurrency=plan.concurrency,
            connect=plan.connect,
            answer=plan.answer,
            reply_bytes=plan.reply_bytes,
        )
        self._http = Http(filled_base_url(plan.spec, settings), limits, name=settings.connection)
        self._erp = Tryton(
            self._http,
            user=settings.text("auth.username"),
            password=settings.secrets("auth.password")[0],
            accepted_warnings=_accepted(plan, settings),
            now=now,
        )
        self._writing = asyncio.Lock()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def write(self, effects: Sequence[Effect]) -> Sequence[Outcome]:
        """One attempt at each effect, one after the other."""
        return [await self._outcome(effect) for effect in effects]

    async def read(self, operation: str, parameters: Mapping[str, Value]) -> Value:
        """The answer to a question; None when there is no such record.

        Raises:
            Fault: when there was no answer.

        """
        self._operation(operation, writes=False)
        return await READS[operation](self._erp, parameters)

    async def look_up(self, effect: Effect) -> Receipt | None:
        """Whether an effect was applied before.

        Raises:
            Fault: when there was no answer, or the record is there with another content.

        """
        self._operation(effect.operation, writes=True)
        return await WRITES[effect.operation].find(self._erp, effect.payload)

    async def poll(self, source: str, since: datetime, after: Value = None) -> Poll:
        """Records that changed at or after `since`, less the overlap of the source; all in one page.

        Raises:
            Fault: when there was no answer.

        """
        del after
        plan = self._plan.sources[source].poll
        assert plan is not None
        found = await POLLS[source](self._erp, since - plan.overlap)
        return Poll(items=found.items, upto=max(since, found.upto))

    async def _outcome(self, effect: Effect) -> Outcome:
        try:
            plan = self._operation(effect.operation, writes=True)
            wrong = plan.input.complaints(effect.payload) if plan.input else []
            if wrong:
                raise Permanent(refusal(f"{self._erp.name}.{plan.name}: {'; '.join(wrong)}"))
            async with self._writing:
                return await WRITES[effect.operation].do(self._erp, effect.payload)
        except Fault as fault:
            return fault.failure

    def _operation(self, name: str, *, writes: bool) -> OperationPlan:
        found = self._plan.operations.get(name)
        if found is None or found.writes is not writes:
            raise Permanent(refusal(f"{self._erp.name} has no {'write' if writes else 'read'} {name!r}"))
        return found


def connector(plan: ConnectorPlan, settings: Settings, now: Callable[[], datetime]) -> TrytonConnector:
    """The connector for one connection."""
    return TrytonConnector(plan, settings, now)


def _accepted(plan: ConnectorPlan, settings: Settings) -> frozenset[str]:
    """Kinds of warnings that are accepted without a person, separated by blanks."""
    said = settings.values.get(ACCEPTED)
    default = next(item.default for name, item in plan.spec.settings.items() if name == ACCEPTED)
    return frozenset(str(said if said is not None else default or "").split())
