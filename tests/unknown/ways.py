"""The ways in which an exchange breaks, and what each of them means for what was asked."""

import asyncio
import gzip
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from tests.unknown.server import LATE, SILENCE, Break, Exchange


class Says(StrEnum):
    """What we may conclude from how it broke."""

    NOTHING_HAPPENED = "nothing happened"  # it is tried again
    REFUSED = "refused"  # for good
    UNREACHABLE = "unreachable"  # nothing happens however often it is tried
    NOTHING = "nothing"  # a doubt


class Way(NamedTuple):
    """One way."""

    says: Says
    breaks: Break
    applied: bool = False  # whether it was done all the same
    where: str = "request"  # broken at: request, head, connection, before (nobody listens yet), tls, name


def _then(*parts: object) -> Break:
    """One thing after the other: "apply", "reset", "close", seconds to wait, or bytes to write."""

    async def breaks(one: Exchange) -> None:
        for part in parts:
            match part:
                case "apply":
                    one.apply()
                case "reset":
                    one.reset()
                case float():
                    await asyncio.sleep(part)
                case bytes():
                    one.writer.write(part)
                    await one.writer.drain()

    return breaks


def _answers(
    status: int,
    body: bytes | None = None,
    *,
    applied: bool = False,
    kind: str = "application/json",
    more: str = "",
) -> Break:
    async def breaks(one: Exchange) -> None:
        if applied:
            one.apply()
        one.answer(status, one.proof() if body is None else body, kind, more=more)

    return breaks


async def _cut_body(one: Exchange) -> None:
    one.apply()
    one.answer(200, one.proof()[:10], length=len(one.proof()))


async def _silent_body(one: Exchange) -> None:
    one.apply()
    one.answer(200, one.proof()[:10], length=len(one.proof()))
    await one.writer.drain()
    await asyncio.sleep(SILENCE)


async def _dribble(one: Exchange) -> None:
    one.apply()
    one.answer(200, b"", length=len(one.proof()))
    for byte in one.proof():
        one.writer.write(bytes([byte]))
        await one.writer.drain()
        await asyncio.sleep(0.1)


async def _slow(one: Exchange) -> None:
    one.apply()
    await asyncio.sleep(LATE)
    one.answer(200, one.proof())


async def _foreign(one: Exchange) -> None:
    one.apply()
    one.answer(200, b'{"id": "R-9", "key": "another"}')


async def _cut_json(one: Exchange) -> None:
    one.apply()
    one.answer(200, one.proof()[:12])


async def _bad_gzip(one: Exchange) -> None:
    one.apply()
    one.answer(200, gzip.compress(one.proof())[:12], more="Content-Encoding: gzip\r\n")


async def _nothing(one: Exchange) -> None:
    del one


HTML = b"<html><body>Please sign in.</body></html>"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_N, _H, _R, _U = Says.NOTHING, Says.NOTHING_HAPPENED, Says.REFUSED, Says.UNREACHABLE

WAYS: Mapping[str, Way] = {
    # Before anything is sent.
    "connection refused": Way(_H, _nothing, where="before"),
    "name not known": Way(_U, _nothing, where="name"),
    "no TLS at the other end": Way(_U, _nothing, where="tls: none"),
    "certificate not trusted": Way(_U, _nothing, where="tls: untrusted"),
    # While it is sent.
    "reset when connected": Way(_N, _then("reset"), where="connection"),
    "closed when connected": Way(_N, _then(), where="connection"),
    "reset behind the head of the request": Way(_N, _then("reset"), where="head"),
    "closed behind the head of the request": Way(_N, _then(), where="head"),
    # After it was sent.
    "reset, not done": Way(_N, _then("reset")),
    "reset, done": Way(_N, _then("apply", "reset"), applied=True),
    "closed, not done": Way(_N, _then()),
    "closed, done": Way(_N, _then("apply"), applied=True),
    "silence, not done": Way(_N, _then(SILENCE)),
    "silence, done": Way(_N, _then("apply", SILENCE), applied=True),
    "silence, done later": Way(_N, _then(LATE, "apply", SILENCE), applied=True),
    "answer after our time-out": Way(_N, _slow, applied=True),
    # In the middle of the answer.
    "half a status line": Way(_N, _then("apply", b"HTTP/1.1 2"), applied=True),
    "half a head": Way(_N, _then("apply", HEAD), applied=True),
    "half a body": Way(_N, _cut_body, applied=True),
    "half a body, then silence": Way(_N, _silent_body, applied=True),
    "a body in drops": Way(_N, _dribble, applied=True),
    "a chunk cut off": Way(
        _N, _then("apply", HEAD + b"Transfer-Encoding: chunked\r\n\r\n20\r\n{"), applied=True
    ),
    "no HTTP": Way(_N, _then("apply", b"\x00\x01\x02 what?\r\n\r\n"), applied=True),
    "compressed and broken": Way(_N, _bad_gzip, applied=True),
    # Between us and them.
    "502, not done": Way(_N, _answers(502, HTML, kind="text/html")),
    "502, done": Way(_N, _answers(502, HTML, kind="text/html", applied=True), applied=True),
    "504, not done": Way(_N, _answers(504, HTML, kind="text/html")),
    "504, done": Way(_N, _answers(504, HTML, kind="text/html", applied=True), applied=True),
    "500, done": Way(_N, _answers(500, b'{"error": "oops"}', applied=True), applied=True),
    "redirected to a sign-in, not done": Way(_N, _answers(302, b"", more="Location: /login\r\n")),
    # Answers that say nothing.
    "200 with nothing in it, done": Way(_N, _answers(200, b"", applied=True), applied=True),
    "200 with a page, not done": Way(_N, _answers(200, HTML, kind="text/html")),
    "200 with an error in it, not done": Way(_N, _answers(200, b'{"error": "no"}')),
    "200 of another record, done": Way(_N, _foreign, applied=True),
    "200 with half of its JSON, done": Way(_N, _cut_json, applied=True),
    "an answer without end, done": Way(
        _N, _answers(200, b" " * 1_200_000 + b"{}", applied=True), applied=True
    ),
    # Answers that say something.
    "429": Way(_H, _answers(429, b"{}", more="Retry-After: 0\r\n")),
    "503": Way(_H, _answers(503, b"{}")),
    "422, refused": Way(_R, _answers(422, b'{"error": "the amount is odd"}')),
    "409, the period is closed": Way(_R, _answers(409, b'{"error": "closed"}')),
}
