"""A small client of the language server protocol: a real process, real messages on its pipes."""

import asyncio
import json
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PACK = ("flows", "mappings", "policies", "schemas", "connectors")


def copy_pack(folder: Path) -> Path:
    """A workspace with everything that the pack has."""
    folder.mkdir(exist_ok=True)
    for name in PACK:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "tidegate.yaml").write_text("", encoding="utf-8")
    return folder


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


class Client:
    """One server process, and what it said."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.diagnostics: dict[str, list[dict[str, Any]]] = {}
        self.messages: list[dict[str, Any]] = []
        self.published = 0  # counts up with each file that is told of
        self._texts: dict[Path, str] = {}
        self._versions: dict[Path, int] = {}
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._news = asyncio.Event()
        self._next = 0
        self.said: list[str] = []  # on standard error
        self._readers = [asyncio.create_task(self._read()), asyncio.create_task(self._listen())]

    @classmethod
    async def start(
        cls, *folders: Path, capabilities: Mapping[str, Any] | None = None, process_id: int | None = None
    ) -> "Client":
        """A server that has been told of these folders."""
        client = cls(await launch())
        await client.initialize(*folders, capabilities=capabilities, process_id=process_id)
        return client

    async def initialize(
        self, *folders: Path, capabilities: Mapping[str, Any] | None = None, process_id: int | None = None
    ) -> dict[str, Any]:
        result = await self.ask(
            "initialize",
            {
                "processId": process_id,
                "rootUri": None,
                "workspaceFolders": [{"uri": one.as_uri(), "name": one.name} for one in folders],
                "capabilities": capabilities if capabilities is not None else CAPABILITIES,
            },
        )
        await self.tell("initialized", {})
        return result

    async def stop(self) -> int:
        """Shut down as the protocol asks; the exit code."""
        await self.ask("shutdown", None)
        await self.tell("exit", None)
        code = await asyncio.wait_for(self.process.wait(), 20)
        await self.close()
        return code

    async def close(self) -> None:
        """Let go of a process, however it is."""
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        self.process._transport.close()

    async def ask(self, method: str, params: Any) -> Any:
        """The result of a request.

        Raises:
            AssertionError: with the server's message, when it answers with an error.

        """
        answer = await self.answer(method, params)
        assert "error" not in answer, answer["error"]["message"]
        return answer.get("result")

    async def answer(self, method: str, params: Any) -> dict[str, Any]:
        """The whole answer to a request."""
        self._next += 1
        number = self._next
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self.send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        return await asyncio.wait_for(self._answers[number], 60)

    async def tell(self, method: str, params: Any) -> None:
        await self.send({"jsonrpc": "2.0", "method": method, "params": params})

    async def send(self, message: Any) -> None:
        body = json.dumps(message).encode()
        await self.send_raw(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    async def send_raw(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        await self.process.stdin.drain()

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while True:
            length = 0
            while (line := await self.process.stdout.readline()).strip():
                if found := re.match(rb"Content-Length: (\d+)", line):
                    length = int(found[1])
            if not length:
                return
            await self._take(json.loads(await self.process.stdout.readexactly(length)))

    async def _listen(self) -> None:
        assert self.process.stderr is not None
        while line := await self.process.stderr.readline():
            self.said.append(line.decode())

    async def _take(self, message: dict[str, Any]) -> None:
        self.messages.append(message)
        if message.get("method") == "textDocument/publishDiagnostics":
            params = message["params"]
            self.diagnostics[params["uri"]] = params["diagnostics"]
            self.published += 1
        elif "method" in message and "id" in message:
            await self.send({"jsonrpc": "2.0", "id": message["id"], "result": None})
        elif "id" in message and message["id"] in self._answers:
            self._answers.pop(message["id"]).set_result(message)
        self._news.set()

    async def until(self, true: Any, seconds: float = 60) -> None:
        """Wait until something is so of what the server has said."""
        async with asyncio.timeout(seconds):
            while not true():
                self._news.clear()
                await self._news.wait()

    def of(self, path: Path) -> list[dict[str, Any]]:
        """The diagnostics of a file."""
        return self.diagnostics.get(path.as_uri(), [])

    def codes(self, path: Path) -> list[str]:
        return [one.get("code", "") for one in self.of(path)]

    async def until_codes(self, path: Path, *codes: str) -> None:
        """Wait until a file has these codes and no others."""
        await self.until(lambda: path.as_uri() in self.diagnostics and self.codes(path) == list(codes))

    # -- texts

    async def open(self, path: Path, text: str | None = None) -> str:
        text = read(path) if text is None else text
        self._texts[path], self._versions[path] = text, 1
        document = {"uri": path.as_uri(), "languageId": "yaml", "version": 1, "text": text}
        await self.tell("textDocument/didOpen", {"textDocument": document})
        return text

    async def write(self, path: Path, text: str) -> None:
        """The whole text anew."""
        await self._change(path, [{"text": text}])
        self._texts[path] = text

    async def replace(self, path: Path, old: str, new: str) -> None:
        """Replace the first place that holds a text, and send nothing but that."""
        text = self._texts[path]
        start = text.index(old)
        change = {"range": self.range(path, start, start + len(old)), "text": new}
        await self._change(path, [change])
        self._texts[path] = text[:start] + new + text[start + len(old) :]

    async def _change(self, path: Path, changes: list[dict[str, Any]]) -> None:
        self._versions[path] += 1
        document = {"uri": path.as_uri(), "version": self._versions[path]}
        await self.tell("textDocument/didChange", {"textDocument": document, "contentChanges": changes})

    async def shut(self, path: Path) -> None:
        await self.tell("textDocument/didClose", {"textDocument": {"uri": path.as_uri()}})

    def position(self, path: Path, offset: int) -> dict[str, int]:
        before = self._texts[path][:offset]
        return {"line": before.count("\n"), "character": utf16(before.rpartition("\n")[2])}

    def range(self, path: Path, start: int, end: int) -> dict[str, Any]:
        return {"start": self.position(path, start), "end": self.position(path, end)}

    def at(self, path: Path, needle: str, plus: int = 0) -> dict[str, Any]:
        """The parameters of a request about the place at which a text stands, and so many characters on."""
        place = self.position(path, self._texts[path].index(needle) + plus)
        return {"textDocument": {"uri": path.as_uri()}, "position": place}

    def text_at(self, path: Path, where: Mapping[str, Any]) -> str:
        """The text of a range."""
        lines = self._texts[path].split("\n")
        start, end = where["start"], where["end"]
        assert start["line"] == end["line"]
        line = lines[start["line"]].encode("utf-16-le")
        return line[2 * start["character"] : 2 * end["character"]].decode("utf-16-le")

    async def complete(self, path: Path, text: str, mark: str = "|") -> dict[str, dict[str, Any]]:
        """What may be written at the mark in a text, by label."""
        offset = text.index(mark)
        await self.write(path, text[:offset] + text[offset + len(mark) :])
        params = {"textDocument": {"uri": path.as_uri()}, "position": self.position(path, offset)}
        found = await self.ask("textDocument/completion", params)
        return {item["label"]: item for item in found["items"]} if found else {}


CAPABILITIES: Mapping[str, Any] = {
    "textDocument": {
        "completion": {"completionItem": {"snippetSupport": True}},
        "rename": {"prepareSupport": True},
    },
    "workspace": {"workspaceFolders": True},
}


async def launch() -> asyncio.subprocess.Process:
    """A server process."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "engine",
        "lsp",
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
