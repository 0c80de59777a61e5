"""The life of a server: it begins and ends as the protocol says, and bears with whatever it is sent."""

import asyncio
import json
import os
import random
import signal
import sys
from pathlib import Path

import pytest

from tests.depth import examples
from tests.editor.client import CAPABILITIES, ROOT, Client, launch


def run(work):
    return asyncio.run(work)


async def begun() -> tuple[Client, dict]:
    client = Client(await launch())
    return client, await client.initialize()


@pytest.mark.slow
def test_says_what_it_can_do():
    async def work():
        client, result = await begun()
        can = result["capabilities"]
        assert result["serverInfo"]["name"] == "tidegate"
        assert can["textDocumentSync"]["change"] == 2
        for ability in ("hoverProvider", "definitionProvider", "referencesProvider", "codeActionProvider"):
            assert can[ability]
        assert can["renameProvider"] == {"prepareProvider": True}
        assert "." in can["completionProvider"]["triggerCharacters"]
        assert await client.stop() == 0

    run(work())


@pytest.mark.slow
def test_exit_without_shutdown_is_an_error():
    async def work():
        client, _ = await begun()
        await client.tell("exit", None)
        assert await asyncio.wait_for(client.process.wait(), 20) == 1
        await client.close()

    run(work())


GARBAGE = [
    b"hello\r\n\r\n",
    b"Content-Length: x\r\n\r\n",
    b"Content-Length: 3\r\n\r\n{{{",
    b"Content-Length: 2\r\n\r\n[]",
    b"Content-Length: 4\r\n\r\nnull",
    b"Content-Length: 6\r\n\r\n\xff\xfe\x00\x01\x02\x03",
    b"\r\n\r\n\x00\x00\x00\r\n",
]
ODD = [
    {"jsonrpc": "2.0", "method": "no/such/notification", "params": {}},
    {"jsonrpc": "2.0", "id": 90, "method": "no/such/request", "params": {}},
    {"jsonrpc": "2.0", "id": 91, "method": "textDocument/hover", "params": {"textDocument": 7}},
    {"jsonrpc": "2.0", "id": 92, "method": "textDocument/hover", "params": None},
    {"jsonrpc": "1.0", "id": 93, "method": "textDocument/hover"},
    {"jsonrpc": "2.0", "id": 94, "result": "an answer that nobody asked for"},
    {"jsonrpc": "2.0", "method": "textDocument/didChange", "params": {"contentChanges": "x"}},
    {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": 12345}},
]


@pytest.mark.slow
def test_garbage_does_not_kill_it(pack):
    path = pack / "mappings/billing.yaml"

    async def work():
        client = await Client.start(pack)
        await client.open(path)
        for data in GARBAGE:
            await client.send_raw(data)
        for message in ODD:
            await client.send(message)
        for line, character in ((-1, -1), (10**6, 0), (0, 10**6), (8, 10**6)):
            params = {
                "textDocument": {"uri": path.as_uri()},
                "position": {"line": line, "character": character},
            }
            await client.answer("textDocument/completion", params)
            await client.answer("textDocument/hover", params)
            await client.answer("textDocument/definition", params)
        elsewhere = {"textDocument": {"uri": "untitled:Untitled-1"}, "position": {"line": 0, "character": 0}}
        assert await client.ask("textDocument/hover", elsewhere) is None
        assert await client.ask("textDocument/hover", client.at(path, "entry.minutes", 8)) is not None
        assert await client.stop() == 0

    run(work())


@pytest.mark.slow
def test_texts_of_every_kind_are_borne(pack):
    path = pack / "mappings/billing.yaml"
    texts = ["", "\x00", "- " * 5000, "a: &a [*a]", "{" * 3000, "\ud800".encode("utf-8", "replace").decode(),
             "mapping: x\nfields: {a: {expr: '" + "(" * 2000 + "'}}", "\ufeffmapping: x\r\ninputs:\r\n"]  # fmt: skip

    async def work():
        client = await Client.start(pack)
        await client.open(path)
        for text in texts:
            await client.write(path, text)
            middle = {
                "textDocument": {"uri": path.as_uri()},
                "position": client.position(path, len(text) // 2),
            }
            await client.ask("textDocument/completion", middle)
            await client.ask("textDocument/hover", middle)
            await client.ask("textDocument/semanticTokens/full", {"textDocument": middle["textDocument"]})
            await client.ask("textDocument/documentSymbol", {"textDocument": middle["textDocument"]})
        assert await client.stop() == 0

    run(work())


PIECES = (
    "{",
    "]",
    ": ",
    "'",
    '"',
    "\n",
    "\n  ",
    "- ",
    "|",
    "&a ",
    "*a",
    "{{",
    "%}",
    "entry.",
    ".",
    "(",
    "#",
    "😀",
)


def broken(text: str, chance: random.Random) -> str:
    """A text with a few things put in and taken out."""
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(len(text))
        gone = chance.randrange(12) if chance.random() < 0.5 else 0
        text = text[:at] + chance.choice(PIECES) + text[at + gone :]
    return text


@pytest.mark.slow
def test_no_question_about_a_broken_text_is_answered_with_an_error(pack):
    chance = random.Random(20260601)
    files = [path for path in sorted(pack.rglob("*.yaml")) if path.stat().st_size]

    async def work():
        client = await Client.start(pack)
        for path in files:
            whole = await client.open(path)
            for _ in range(examples(80) // 20):
                text = broken(whole, chance)
                await client.write(path, text)
                place = client.position(path, chance.randrange(len(text)))
                params = {"textDocument": {"uri": path.as_uri()}, "position": place}
                for question in (
                    "completion",
                    "hover",
                    "definition",
                    "semanticTokens/full",
                    "documentSymbol",
                ):
                    await client.ask(f"textDocument/{question}", params)
            await client.shut(path)
        assert await client.stop() == 0

    run(work())


# Starts a server, leaves its pipes to it, says its process id, and waits to be killed.
_EDITOR = """
import subprocess, sys, time
server = subprocess.Popen([sys.executable, "-m", "engine", "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
body = sys.argv[1].encode()
server.stdin.write(b"Content-Length: %d\\r\\n\\r\\n" % len(body) + body)
server.stdin.flush()
server.stdout.readline()
print(server.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.slow
def test_the_server_ends_when_its_editor_is_killed():
    params = {"processId": None, "rootUri": None, "capabilities": dict(CAPABILITIES)}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})

    async def work():
        editor = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _EDITOR, body, cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        assert editor.stdout is not None
        server = int(await asyncio.wait_for(editor.stdout.readline(), 60))
        editor.send_signal(signal.SIGKILL)
        await editor.wait()
        editor._transport.close()
        for _ in range(400):
            if not alive(server):
                return
            await asyncio.sleep(0.05)
        raise AssertionError("the server is still there")

    run(work())


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").split()[2] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.slow
def test_the_server_ends_though_somebody_else_holds_its_input():
    async def work():
        editor = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(600)")
        client = Client(await launch())
        await client.initialize(process_id=editor.pid)
        editor.kill()
        await editor.wait()
        editor._transport.close()
        await asyncio.wait_for(client.process.wait(), 20)
        await client.close()

    run(work())


def test_a_missing_library_is_said_in_a_sentence(tmp_path):
    (tmp_path / "pygls").mkdir()
    (tmp_path / "pygls" / "__init__.py").write_text(
        "raise ModuleNotFoundError('No module named pygls', name='pygls')", encoding="utf-8"
    )

    async def work():
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "engine",
            "lsp",
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await process.communicate()
        assert process.returncode == 1
        assert "pip install 'tidegate[lsp]'" in said.decode()
        assert "Traceback" not in said.decode()

    run(work())
