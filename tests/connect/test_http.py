"""The client of one origin: what it refuses, and how it classes what goes wrong."""

import asyncio
import gzip
import inspect
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from engine.connect.faults import Permanent, Transient, Unknown
from engine.connect.http import UNSENT, Http, HttpLimits, Reply, Request, retry_after
from engine.errors import ConfigurationError

LIMITS = HttpLimits(
    concurrency=2, connect=timedelta(seconds=1), answer=timedelta(seconds=0.4), reply_bytes=10_000
)
NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)


@asynccontextmanager
async def served(serve):
    """A raw server: it reads the head of a request and does what `serve` says with the connection."""
    over = asyncio.Event()
    tasks = []

    async def one(reader, writer):
        tasks.append(asyncio.current_task())
        await reader.readuntil(b"\r\n\r\n")
        try:
            await serve(writer, over)
        except ConnectionError:
            pass
        finally:
            writer.close()

    running = await asyncio.start_server(one, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}"
    finally:
        over.set()
        running.close()
        await asyncio.gather(*tasks, return_exceptions=True)


def sends(answer: bytes | None):
    """Send bytes and close; None resets the connection."""

    async def serve(writer, _over):
        if answer is None:
            writer.transport.abort()
            return
        writer.write(answer)
        await writer.drain()

    return serve


async def keeps_silent(_writer, over):
    await over.wait()


async def drips(writer, over):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while not over.is_set():
        await asyncio.sleep(0.05)
        writer.write(b" ")


def ask(serve, *, writes: bool = True) -> Reply:
    """What the client makes of such a server."""

    async def one():
        async with served(serve) as url, Http(f"{url}/api", LIMITS, name="erp") as http:
            return await http.send(Request(method="POST", target="/x", body=b"{}"), writes=writes)

    return asyncio.run(one())


def answer(body: bytes = b"{}", status: str = "200 OK", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def test_every_exception_of_httpx_has_a_counterpart():
    raised = {kind for _, kind in inspect.getmembers(httpx, inspect.isclass) if issubclass(kind, Exception)}
    assert raised == set(UNSENT)


@pytest.mark.parametrize("kind", [kind for kind, unsent in UNSENT.items() if unsent])
def test_unsent_is_only_what_happens_before_the_first_byte(kind):
    before = (httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ConnectError, httpx.ProxyError)
    assert issubclass(kind, (*before, httpx.UnsupportedProtocol, httpx.InvalidURL))


def test_a_whole_answer():
    reply = ask(sends(answer(b'{"a": 1.10}', headers="X-A: b\r\n")))
    assert (reply.status, reply.headers["x-a"], str(reply.json()["a"])) == (200, "b", "1.10")


@pytest.mark.parametrize("writes, fault", [(True, Unknown), (False, Transient)])
@pytest.mark.parametrize(
    "broken",
    [
        None,
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"SMTP ready\r\n\r\n",
        answer(b"not gzip", headers="Content-Encoding: gzip\r\n"),
    ],
    ids=["reset", "closed", "truncated", "half a chunk", "another protocol", "bad encoding"],
)
def test_a_broken_answer_is_a_doubt_for_writes_only(broken, writes, fault):
    with pytest.raises(fault) as raised:
        ask(sends(broken), writes=writes)
    assert raised.value.failure.evidence["path"] == "/x"


@pytest.mark.parametrize("writes, fault", [(True, Unknown), (False, Transient)])
@pytest.mark.parametrize("serve", [keeps_silent, drips])
def test_no_answer_in_time(serve, writes, fault):
    with pytest.raises(fault, match="did not answer in time"):
        ask(serve, writes=writes)


@pytest.mark.requirement("REL-04")
def test_nobody_there_means_that_nothing_happened(free_port):
    async def one():
        async with Http(f"http://127.0.0.1:{free_port}", LIMITS, name="erp") as http:
            await http.send(Request(method="POST", target="/", body=b"{}"), writes=True)

    with pytest.raises(Transient, match="erp cannot be reached"):
        asyncio.run(one())


@pytest.mark.parametrize("writes, fault", [(True, Unknown), (False, Permanent)])
@pytest.mark.parametrize(
    "long",
    [answer(b"x" * 20_000), answer(gzip.compress(b"x" * 1_000_000), headers="Content-Encoding: gzip\r\n")],
    ids=["long", "inflated"],
)
def test_an_answer_beyond_the_bound(long, writes, fault):
    with pytest.raises(fault, match="more than 10,000 bytes"):
        ask(sends(long), writes=writes)


def test_redirects_are_not_followed():
    asked = []

    async def redirect(writer, _over):
        asked.append(writer)
        writer.write(answer(status="302 Found", headers="Location: /elsewhere\r\nConnection: close\r\n"))

    assert ask(redirect).status == 302
    assert len(asked) == 1


@pytest.mark.parametrize(
    "link, fine",
    [
        ("/next?page=2", True),
        ("http://127.0.0.1:1/next", True),
        ("http://127.0.0.1:2/next", False),
        ("http://evil.example/next", False),
        ("https://127.0.0.1:1/next", False),
        ("http://user@127.0.0.1:1/next", False),
        ("//evil.example/next", False),
        ("next", False),
        ("file:///etc/passwd", False),
        ("http://[", False),
    ],
)
def test_links_stay_at_their_origin(link, fine):
    http = Http("http://127.0.0.1:1/api", LIMITS, name="erp")
    if fine:
        assert http.target(link).startswith("http://127.0.0.1:1/next")
    else:
        with pytest.raises(Permanent, match="another host"):
            http.target(link)


@pytest.mark.parametrize(
    "url",
    [
        "http://erp.example",
        "ftp://erp.example",
        "https://",
        "https://a/?q=1",
        "https://u:p@a",
        "erp",
        "http://[",
    ],
)
def test_base_urls_that_are_refused(url):
    with pytest.raises(ConfigurationError):
        Http(url, LIMITS, name="erp")


def test_no_more_requests_at_a_time_than_the_system_bears():
    busy = [0]
    most = [0]

    async def serve(writer, _over):
        busy[0] += 1
        most[0] = max(most[0], busy[0])
        await asyncio.sleep(0.02)
        busy[0] -= 1
        writer.write(answer(headers="Connection: close\r\n"))

    async def crowd():
        async with served(serve) as url, Http(url, LIMITS, name="erp") as http:
            one = Request(method="GET", target="/")
            await asyncio.gather(*[http.send(one, writes=False) for _ in range(8)])

    asyncio.run(crowd())
    assert most == [2]


@pytest.mark.parametrize(
    "headers, seconds",
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": " 7 "}, 7),
        ({"retry-after": "Tue, 31 Mar 2026 12:00:30 GMT"}, 30),
        ({"retry-after": "Tue, 31 Mar 2026 11:00:00 GMT"}, 0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "99999999999999999999"}, 86_400),
        ({"retry-after": "\u0663"}, None),
        ({"ratelimit-reset": "12"}, 12),
    ],
)
def test_retry_after(headers, seconds):
    assert retry_after(Reply(status=429, headers=headers, body=b""), NOON) == seconds
