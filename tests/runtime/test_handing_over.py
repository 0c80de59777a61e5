"""One server after the other at the same socket: whoever calls in between is answered by one of them."""

import asyncio
import socket
from contextlib import ExitStack

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from engine.runtime.triggers.webhook import Server, listen

REQUEST = b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"


def server(listening):
    async def answer(_):
        return PlainTextResponse("heard")

    return Server(Starlette(routes=[Route("/", answer)]), "127.0.0.1", 0, listening.dup())


def call(address):
    """Somebody who has said everything, and waits."""
    client = socket.socket()
    client.connect(address)
    client.sendall(REQUEST)
    client.setblocking(False)
    return client


async def answered(client):
    """What a caller is told in the end."""
    found = b""
    while part := await asyncio.get_running_loop().sock_recv(client, 4096):
        found += part
    return found.rpartition(b"\r\n")[2]


def test_a_call_is_answered_whenever_the_server_stops():
    async def scene():
        with listen("127.0.0.1", 0) as listening, ExitStack() as clients:
            first, second = server(listening), server(listening)
            await first.start()
            stopping = asyncio.ensure_future(first.stop())
            calls = []
            while not stopping.done():  # one comes at every moment of the stop
                calls.append(clients.enter_context(call(listening.getsockname())))
                await asyncio.sleep(0.0005)
            await second.start()
            async with asyncio.timeout(20):
                said = [await answered(client) for client in calls]
            await second.stop()
            return said

    said = asyncio.run(scene())
    assert len(said) > 20
    assert {*said} == {b"heard"}
