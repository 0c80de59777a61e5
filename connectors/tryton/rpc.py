"""JSON-RPC towards one Tryton database, as one user: the session, the calls, and what their answers mean.

What lives here: how to ask. What does not: which records to ask for; the operations know that.
"""

import asyncio
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import TypeAlias

from connectors.tryton.refusals import fault_in, warning_in
from connectors.tryton.wire import from_wire, to_wire
from engine.connect import Failure, Fault, FaultClass, JsonError, Secret, Value, fault_of, write_json
from engine.connect.http import Http, Reply, Request, retry_after

Row: TypeAlias = Mapping[str, Value]
Domain: TypeAlias = Sequence[Value]

MOST_ROWS = 1_000  # of one answer; whoever can have more reads page by page
MOST_WARNINGS = 5  # of one call, each of which is a round of its own

SERVER_ERROR = 500
NOT_DONE = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


class Tryton:
    """One user's way into one database."""

    def __init__(
        self,
        http: Http,
        *,
        user: str,
        password: Secret,
        accepted_warnings: frozenset[str],
        now: Callable[[], datetime],
    ) -> None:
        """Hold what a session is opened with; nothing is sent yet."""
        self.name = http.name
        self._http = http
        self._user = user
        self._password = password
        self._accepted = accepted_warnings
        self._now = now
        self._session: Mapping[str, str] | None = None
        self._company: int | None = None
        self._alone = asyncio.Lock()

    async def company(self) -> int:
        """The company that the user works for; found once."""
        if self._company is None:
            preferences = await self._ask("model.res.user.get_preferences", [True, {}], writes=False)
            found = preferences.get("company") if isinstance(preferences, Mapping) else None
            if not isinstance(found, int):
                raise self._refused(f"user {self._user!r} works for no company")
            self._company = found
        return self._company

    async def rows(
        self,
        model: str,
        domain: Domain,
        fields: Sequence[str],
        *,
        limit: int = MOST_ROWS,
        order: Sequence[tuple[str, str]] = (("id", "ASC"),),
    ) -> list[Row]:
        """The records that fit, with these fields; `party.code` comes back as `party.` and in it `code`."""
        params: list[Value] = [domain, 0, limit, [list(each) for each in order], list(fields)]
        found = await self.call(f"{model}.search_read", *params, writes=False)
        if not isinstance(found, list):
            raise self._doubt("an answer that is no list of records", writes=False)
        return [row for row in found if isinstance(row, Mapping)]

    async def row(self, model: str, domain: Domain, fields: Sequence[str]) -> Row | None:
        """The first record that fits, or None."""
        found = await self.rows(model, domain, fields, limit=1)
        return found[0] if found else None

    async def create(self, model: str, values: Row) -> int:
        """Create one record; its number."""
        made = await self.call(f"{model}.create", [values])
        match made:
            case [int() as number]:
                return number
            case _:
                raise self._doubt("no number for the new record", writes=True)

    async def write(self, model: str, number: int, values: Row) -> None:
        """Change one record."""
        await self.call(f"{model}.write", [number], values)

    async def call(self, method: str, *params: Value, writes: bool = True) -> Value:
        """Call a method of a model in the company of the user, accepting the warnings that are accepted.

        Raises:
            Fault: as the error means; `Unknown` when a call that writes may have been done.

        """
        context: Row = {"company": await self.company(), "language": "en"}
        return await self._ask(f"model.{method}", [*params, context], writes=writes)

    async def _ask(self, method: str, params: Sequence[Value], *, writes: bool) -> Value:
        for _ in range(MOST_WARNINGS):
            answer = await self._exchange(method, params, writes=writes)
            if "error" not in answer:
                return self._read(answer["result"], writes=writes)
            warned = warning_in(answer["error"])
            if warned is None or warned.kind not in self._accepted:
                raise fault_in(answer["error"], self.name)
            skip: list[Value] = [warned.name, False, {}]
            await self._exchange("model.res.user.warning.skip", skip, writes=False)
        raise self._refused(f"{method} still warns after {MOST_WARNINGS} warnings were accepted")

    def _read(self, result: Value, *, writes: bool) -> Value:
        try:
            return from_wire(result)
        except (LookupError, ValueError, ArithmeticError) as error:
            raise self._doubt("a value that cannot be read", writes=writes) from error

    async def _exchange(self, method: str, params: Sequence[Value], *, writes: bool) -> Row:
        reply = await self._send(method, params, await self._signed_in(), writes=writes)
        if reply.status == HTTPStatus.UNAUTHORIZED:
            # The session has ended; the call was not looked at.
            reply = await self._send(method, params, await self._signed_in(anew=True), writes=writes)
        return self._understood(reply, writes=writes)

    async def _signed_in(self, *, anew: bool = False) -> Mapping[str, str]:
        held = self._session
        async with self._alone:
            if self._session is None or (anew and self._session is held):
                self._session = await self._login()
            return self._session

    async def _login(self) -> Mapping[str, str]:
        params: list[Value] = [self._user, {"password": self._password.reveal()}]
        reply = await self._send("common.db.login", params, {}, writes=False)
        match self._understood(reply, writes=False):
            case {"result": [int() as number, str() as token, *_]}:
                session = f"{self._user}:{number}:{token}".encode()
                return {"authorization": "Session " + b64encode(session).decode()}
            case _:
                raise self._refused_session()

    async def _send(
        self, method: str, params: Sequence[Value], signed: Mapping[str, str], *, writes: bool
    ) -> Reply:
        # With any other set of keys Tryton answers in another form, which does not tell errors apart.
        body = write_json({"id": 1, "method": method, "params": to_wire(params)})
        headers = {"content-type": "application/json", **signed}
        return await self._http.send(
            Request(method="POST", target="/rpc/", headers=headers, body=body), writes=writes
        )

    def _understood(self, reply: Reply, *, writes: bool) -> Row:
        if reply.status == HTTPStatus.UNAUTHORIZED:
            raise self._refused_session()
        if reply.status != HTTPStatus.OK:
            raise self._http_fault(reply, writes=writes)
        try:
            answer = reply.json()
        except JsonError as error:
            raise self._doubt(f"an answer that is no JSON: {error}", writes=writes) from error
        if not isinstance(answer, Mapping) or not answer.keys() & {"result", "error"}:
            raise self._doubt("an answer of another form", writes=writes)
        return answer

    def _http_fault(self, reply: Reply, *, writes: bool) -> Fault:
        status = HTTPStatus(reply.status) if reply.status in HTTPStatus._value2member_map_ else None
        if reply.status >= SERVER_ERROR or reply.status in NOT_DONE:
            doubt = writes and reply.status not in NOT_DONE
            fault = FaultClass.UNKNOWN if doubt else FaultClass.TRANSIENT
        else:
            fault = FaultClass.PERMANENT
        return fault_of(
            Failure(
                fault=fault,
                reason=f"{self.name} answered {reply.status} {status.phrase if status else ''}".rstrip(),
                evidence={"status": reply.status},
                retry_after_seconds=retry_after(reply, self._now()),
            )
        )

    def _doubt(self, what: str, *, writes: bool) -> Fault:
        fault = FaultClass.UNKNOWN if writes else FaultClass.TRANSIENT
        return fault_of(Failure(fault=fault, reason=f"{self.name} gave {what}"))

    def _refused(self, reason: str) -> Fault:
        return fault_of(Failure(fault=FaultClass.PERMANENT, reason=f"{self.name}: {reason}"))

    def _refused_session(self) -> Fault:
        # Nothing happened, and work waits until a person has put the credentials right.
        reason = f"{self.name} does not let user {self._user!r} in"
        return fault_of(Failure(fault=FaultClass.TRANSIENT, reason=reason))
