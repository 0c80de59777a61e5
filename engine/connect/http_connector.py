"""A connector made of its manifest: effects and questions become requests, answers become what they mean.

Everything about the vendor is in the plan; everything about the network is in :mod:`engine.connect.http`.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeAlias
from urllib.parse import urlencode

from engine.connect.answer import Answer, Judge, scope_of
from engine.connect.auth import SignIn, sign_in
from engine.connect.base_url import filled_base_url
from engine.connect.batch import Gathering, by_name, name_of, written
from engine.connect.connector import Outcome, Poll
from engine.connect.connector_plan import (
    BatchPlan,
    ConnectorPlan,
    OperationPlan,
    PagingPlan,
    RequestPlan,
    SourcePlan,
)
from engine.connect.faults import Fault, fault_of, permanent
from engine.connect.http import Http, HttpLimits, Request
from engine.connect.once import once_key
from engine.connect.pace import Pace
from engine.connect.paging import Cursor
from engine.connect.settings import Settings
from engine.connect.sorting import sort_out
from engine.connect.template import Absent, TemplateError, encode_path, fill_value
from engine.effect import Effect, Failure, FaultClass, Receipt
from engine.language.compiled import Compiled
from engine.values.json_text import write_json
from engine.values.schema import CheckedSchema
from engine.values.value import Value

Scope: TypeAlias = Mapping[str, Value]

A_SECOND = timedelta(seconds=1)  # the time of an answer is told in whole seconds


class HttpConnector:
    """A system behind an HTTP API that a manifest describes."""

    def __init__(self, plan: ConnectorPlan, settings: Settings, *, now: Callable[[], datetime]) -> None:
        """Nothing is sent until the first call.

        Raises:
            ConfigurationError: when a setting is missing, or makes no URL.

        """
        self.plan = plan
        self.name = settings.connection
        limits = HttpLimits(
            concurrency=plan.concurrency,
            connect=plan.connect,
            answer=plan.answer,
            reply_bytes=plan.reply_bytes,
        )
        self._http = Http(filled_base_url(plan.spec, settings), limits, name=self.name)
        self._sign_in: SignIn = sign_in(plan.spec.auth, settings, self._http, now)
        self._judge = Judge(plan=plan, name=self.name, hidden=self._hidden, now=now)
        self._settings = settings
        self._now = now
        self.pace = Pace(plan.rates)
        """Whoever calls this reserves one request a call here, and waits as it says."""
        self._gathering = Gathering(self._send_together)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._gathering.aclose()
        await self._http.aclose()

    async def write(self, effects: Sequence[Effect]) -> Sequence[Outcome]:
        """One attempt at each effect, at most as many at a time as the manifest allows."""
        if len(effects) == 1:
            return [await self._outcome(effects[0])]
        return await asyncio.gather(*[self._outcome(effect) for effect in effects])

    async def read(self, operation: str, parameters: Mapping[str, Value]) -> Value:
        """The answer to a question, decoded; None when it is declared missing.

        Raises:
            Fault: when there was no answer, or one that its schema does not allow.

        """
        plan = self._operation(operation, writes=False)
        self._check_parameters(plan, parameters)
        scope = {**parameters, "payload": parameters}
        if plan.paging is not None:
            items = await self._pages(plan, plan.request, plan.paging, scope)
            return [self._decoded(plan.output, item, plan.name) for item in items]
        answer = await self._answer(plan, plan.request, scope)
        if self._judge.holds(plan.missing, answer.scope):
            return None
        self._refuse_failure(plan, answer)
        return self._decoded(plan.output, self._taken(plan, answer), plan.name)

    async def look_up(self, effect: Effect) -> Receipt | None:
        """Whether an effect was applied before, by the look-up that its operation declares."""
        once = self._operation(effect.operation, writes=True).once
        if once.look_up is None:
            raise permanent(f"{self.name}.{effect.operation} declares no way to look up what was written")
        plan = self._operation(once.look_up, writes=False)
        parameters = self._look_up_parameters(plan, effect)
        self._check_parameters(plan, parameters)
        answer = await self._answer(plan, plan.request, {**parameters, "payload": parameters})
        if self._judge.holds(plan.missing, answer.scope):
            return None
        self._refuse_failure(plan, answer)
        if self._taken(plan, answer) in (None, [], {}):
            return None
        return self._judge.receipt(plan, answer, found=True)

    async def poll(self, source: str, since: datetime, after: Value = None) -> Poll:
        """A page of the records that changed at or after `since`, less the overlap of the source."""
        plan = self.plan.sources[source]
        if plan.poll is None or plan.poll.request is None:
            raise permanent(f"{self.name}.{source} is not a source that is asked for news")
        scope: Scope = {"since": since - plan.poll.overlap, "payload": {}}
        request, paging = plan.poll.request, plan.poll.paging
        cursor = None if paging is None else Cursor.read(paging, after)
        target = None if cursor is None else cursor.target or self._page_target(request, cursor, scope)
        answer = await self._answer(None, request, scope, target=target)
        self._refuse_failure(None, answer)
        native = self._list(plan.items if paging is None else paging.items, answer.scope, plan.name)
        following = None if cursor is None else self._next(cursor, answer.scope, len(native))
        items, unfit = sort_out(plan, native)
        return Poll(
            items=items,
            unfit=unfit,
            upto=max([since, *self._watermarks(plan, native, answer)]),
            after=None if following is None else following.written(),
        )

    # Writing

    async def _outcome(self, effect: Effect) -> Outcome:
        try:
            plan = self._operation(effect.operation, writes=True)
            self._check_payload(plan, effect)
            if plan.batch is not None:
                return await self._gathering.write(plan, plan.batch, effect)
            return await self._write(plan, effect)
        except Fault as fault:
            return fault.failure

    def _check_payload(self, plan: OperationPlan, effect: Effect) -> None:
        wrong = plan.input.complaints(effect.payload) if plan.input else []
        if wrong:
            raise permanent(f"{self.name}.{plan.name}: {'; '.join(wrong)}", {"complaints": wrong})

    async def _write(self, plan: OperationPlan, effect: Effect) -> Receipt:
        key = once_key(plan.once, effect.key)
        scope = {**effect.payload, "payload": effect.payload, "effect": {"key": key}}
        extra = {plan.once.header: key} if plan.once.header is not None else {}
        return self._told(plan, await self._answer(plan, plan.request, scope, extra))

    def _told(self, plan: OperationPlan, answer: Answer) -> Receipt:
        """What an answer says of one write."""
        found = self._judge.holds(plan.found, answer.scope)
        failure = self._judge.failure(plan, answer)
        if failure is not None and found:
            return Receipt(external_id=None, found=True)
        if failure is not None:
            raise fault_of(failure)
        return self._judge.receipt(plan, answer, found=found)

    # Writing together

    async def _send_together(self, plan: OperationPlan, effects: Sequence[Effect]) -> Sequence[Outcome]:
        """One call for many writes. One that is refused as a whole is taken apart, so that each is judged."""
        batch = plan.batch
        assert batch is not None
        if len(effects) == 1:
            return [await self._alone(plan, effects[0])]
        await self._until_it_may_go()
        try:
            items: list[Value] = [self._item(plan, batch, effect) for effect in effects]
            answer = await self._answer(plan, batch.request, {"items": items, "payload": {}})
        except Fault as fault:
            return [fault.failure] * len(effects)
        failure = self._judge.failure(plan, answer)
        if failure is None:
            return self._outcomes(plan, batch, effects, answer)
        if failure.fault in {FaultClass.PERMANENT, FaultClass.CLOSED_PERIOD}:
            return [await self._alone(plan, effect) for effect in effects]
        return _shared(failure, len(effects))

    async def _alone(self, plan: OperationPlan, effect: Effect) -> Outcome:
        await self._until_it_may_go()
        try:
            return await self._write(plan, effect)
        except Fault as fault:
            return fault.failure

    async def _until_it_may_go(self) -> None:
        """Wait for a request that nobody has reserved: a call is reserved by the first that goes in it."""
        if not self.pace.is_foreseen:
            await asyncio.sleep(self.pace.wait(self._now().timestamp(), "writes"))

    def _item(self, plan: OperationPlan, batch: BatchPlan, effect: Effect) -> Value:
        try:
            return written(plan, batch, effect)
        except (Absent, TemplateError) as error:
            raise permanent(f"{self.name}.{plan.name}: {error}") from error

    def _outcomes(
        self, plan: OperationPlan, batch: BatchPlan, effects: Sequence[Effect], answer: Answer
    ) -> list[Outcome]:
        """The outcome of each write, by its own result. One without a result may have been done."""
        results = self._judge.value(batch.results, answer.scope)
        listed = results if isinstance(results, list) else []
        if batch.named_by is None:  # a list of another length does not say whose its results are
            found = dict(enumerate(listed)) if len(listed) == len(effects) else {}
            mine = [found.get(place) for place in range(len(effects))]
        else:
            named = by_name(listed, lambda result: self._judge.value(batch.named_by, {"body": result}))
            mine = [named.get(name_of(plan, effect)) for effect in effects]
        return [
            self._result(batch, effect, result, answer) for effect, result in zip(effects, mine, strict=True)
        ]

    def _result(self, batch: BatchPlan, effect: Effect, result: Value, answer: Answer) -> Outcome:
        reply = replace(answer.reply, body=write_json(result))
        scope = {**answer.scope, "body": result, "payload": effect.payload}
        try:
            return self._told(batch.judged, Answer(reply=reply, scope=scope, unreadable=result is None))
        except Fault as fault:
            return fault.failure

    # Asking

    def _operation(self, name: str, *, writes: bool) -> OperationPlan:
        found = self.plan.operations.get(name)
        if found is None or found.writes is not writes:
            raise permanent(f"{self.name} has no operation {name!r} that {'writes' if writes else 'reads'}")
        return found

    async def _answer(
        self,
        plan: OperationPlan | None,
        request: RequestPlan | None,
        scope: Scope,
        extra: Mapping[str, str] | None = None,
        target: str | None = None,
    ) -> Answer:
        """The answer to a request, signed in; once more when our token was refused."""
        prepared = self._request(request, scope, target)
        writes = plan is not None and plan.writes
        proof = await self._sign_in.headers()
        answer = await self._exchange(_with(prepared, {**proof, **(extra or {})}), scope, writes=writes)
        if self._judge.token_expired(plan, answer) and self._sign_in.forget(proof):
            fresh = await self._sign_in.headers()
            answer = await self._exchange(_with(prepared, {**fresh, **(extra or {})}), scope, writes=writes)
        return answer

    async def _exchange(self, request: Request, scope: Scope, *, writes: bool) -> Answer:
        """One request, counted, and what its answer says of the pace."""
        self.pace.send(self._now().timestamp(), "writes" if writes else "reads")
        answer = scope_of(await self._http.send(request, writes=writes), scope["payload"])
        left = self._judge.value(self.plan.left, answer.scope)
        again = self._judge.value(self.plan.again, answer.scope)
        at = self._now().timestamp()
        self.pace.hear(at, _whole(left), _seconds_until(again, at))
        return answer

    def _request(self, plan: RequestPlan | None, scope: Scope, target: str | None) -> Request:
        if plan is None:
            raise permanent(f"{self.name} describes no request for this operation")
        try:
            path = target or plan.path.fill(scope, encode_path) + _query(plan, scope)
            headers = {name.lower(): text.fill(scope) for name, text in plan.headers.items()}
            body = (
                None if plan.body is None else write_json(_without(fill_value(plan.body, scope), plan.omit))
            )
        except Absent as error:
            raise permanent(f"{self.name}: {error} is required and missing") from error
        except TemplateError as error:
            raise permanent(f"{self.name}: {error}") from error
        kind = {} if body is None else {"content-type": "application/json"}
        fixed = {name.lower(): value for name, value in self.plan.headers.items()}
        return Request(method=plan.method, target=path, headers={**kind, **fixed, **headers}, body=body)

    def _refuse_failure(self, plan: OperationPlan | None, answer: Answer) -> None:
        failure = self._judge.failure(plan, answer)
        if failure is not None:
            raise fault_of(failure)

    async def _pages(
        self, operation: OperationPlan | None, request: RequestPlan | None, paging: PagingPlan, scope: Scope
    ) -> list[Value]:
        items: list[Value] = []
        cursor = Cursor(paging=paging)
        for number in range(1, paging.max_pages + 1):
            if number > 1:  # one request was foreseen
                await asyncio.sleep(self.pace.wait(self._now().timestamp(), "reads"))
            target = cursor.target or (None if request is None else self._page_target(request, cursor, scope))
            answer = await self._answer(operation, request, scope, target=target)
            if operation is not None and number == 1 and self._judge.holds(operation.missing, answer.scope):
                return []
            self._refuse_failure(operation, answer)
            page = self._list(paging.items, answer.scope, operation.name if operation else "poll")
            items.extend(page)
            following = self._next(cursor, answer.scope, len(page))
            if following is None:
                return items
            cursor = following
        raise permanent(f"{self.name} has more than {paging.max_pages} pages of this, which is refused")

    def _page_target(self, request: RequestPlan, cursor: Cursor, scope: Scope) -> str:
        target = self._request(request, scope, None).target
        extra = cursor.parameters()
        return target + (("&" if "?" in target else "?") + urlencode(extra) if extra else "")

    def _next(self, cursor: Cursor, scope: Scope, found: int) -> Cursor | None:
        """Where the next page is; None when this was the last."""
        paging = cursor.paging
        if paging.next is not None:
            link = self._judge.value(paging.next, scope)
            target = self._http.target(link) if isinstance(link, str) and link else None
            return None if target is None else Cursor(paging=paging, target=target)
        more = self._judge.holds(paging.more, scope) if paging.more else found >= paging.size
        return cursor.behind(found) if more and found else None

    # Reading what came

    def _check_parameters(self, plan: OperationPlan, parameters: Mapping[str, Value]) -> None:
        for name, entry in plan.parameters.fields.items():
            value = parameters.get(name)
            if value is None and entry.required:
                raise permanent(f"{self.name}.{plan.name}: the parameter {name!r} is required and missing")
            pattern = plan.patterns.get(name)
            if value is not None and pattern is not None and pattern.fullmatch(str(value)) is None:
                raise permanent(f"{self.name}.{plan.name}: {str(value)[:80]!r} is no {name!r}")

    def _look_up_parameters(self, plan: OperationPlan, effect: Effect) -> Mapping[str, Value]:
        once = self.plan.operations[effect.operation].once
        scope = {**effect.payload, "payload": effect.payload, "effect": {"key": once_key(once, effect.key)}}
        try:
            given: dict[str, Value] = {name: text.fill(scope) for name, text in once.given.items()}
        except (Absent, TemplateError) as error:
            raise permanent(f"{self.name}.{plan.name}: cannot be asked for want of {error}") from error
        return given or {name: effect.payload.get(name) for name in plan.parameters.fields}

    def _taken(self, plan: OperationPlan, answer: Answer) -> Value:
        if answer.unreadable:
            raise permanent(f"{self.name}.{plan.name} gave an answer that is not JSON", answer.evidence(()))
        return answer.scope["body"] if plan.take is None else self._judge.value(plan.take, answer.scope)

    def _list(self, path: Compiled | None, scope: Scope, name: str) -> list[Value]:
        found = scope["body"] if path is None else self._judge.value(path, scope)
        if found is None:
            return []
        if not isinstance(found, list):
            raise permanent(f"{self.name}.{name}: the answer has no list of items where it should")
        return found

    def _decoded(self, schema: CheckedSchema | None, value: Value, name: str) -> Value:
        if schema is None:
            return value
        wrong = schema.complaints(value)
        if wrong:
            raise permanent(
                f"{self.name}.{name} gave a record that its schema does not allow: {'; '.join(wrong)}"
            )
        return schema.decode(value) if schema.decode else value

    def _watermarks(self, plan: SourcePlan, items: Sequence[Value], answer: Answer) -> list[datetime]:
        """When records changed; one in the future would move the watermark past all that is to come."""
        path = plan.poll.watermark if plan.poll else None
        found = [self._judge.value(path, {"item": item}) for item in items] if path else []
        latest = (answer.reply.at or self._now()) + A_SECOND
        return [instant for text in found if (instant := _instant(text)) is not None and instant <= latest]

    def _hidden(self) -> tuple[str, ...]:
        return (*self._settings.hidden(), *self._sign_in.hidden())


def _shared(failure: Failure, times: int) -> list[Outcome]:
    """What became of a whole call, for each of its writes. That the system throttles us is told once."""
    rest = {name: value for name, value in failure.evidence.items() if name != "throttled"}
    return [failure, *[replace(failure, evidence=rest, retry_after_seconds=None)] * (times - 1)]


def _with(request: Request, headers: Mapping[str, str]) -> Request:
    return Request(
        method=request.method,
        target=request.target,
        headers={**request.headers, **headers},
        body=request.body,
    )


def _query(plan: RequestPlan, scope: Scope) -> str:
    pairs = []
    for name, text in plan.query.items():
        try:
            pairs.append((name, text.fill(scope)))
        except Absent:
            continue
    return "?" + urlencode(pairs) if pairs else ""


def _without(body: Value, omit: frozenset[str]) -> Value:
    if not omit or not isinstance(body, Mapping):
        return body
    return {name: value for name, value in body.items() if name not in omit}


def _whole(value: Value) -> int | None:
    """A number of requests, as systems write it."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _seconds_until(value: Value, at: float) -> float | None:
    """When there are new requests: in so many seconds, or as seconds since 1970."""
    said = _whole(str(value).partition(".")[0])
    if said is None:
        text = str(value).partition(".")[0]
        said = int(text) if text.isascii() and text.isdigit() and len(text) == 10 else None
    if said is None:
        return None
    return said - at if said > _EPOCH_SECONDS else float(said)


_EPOCH_SECONDS = 1_000_000_000  # a larger number is no length of time


def _instant(value: Value) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, datetime) and value.tzinfo is not None else None
