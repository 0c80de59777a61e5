"""One server for the tests of a file, on a copy of the pack."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.editor.client import Client, copy_pack


class Desk:
    """A server with the pack open, driven from tests that are not asynchronous."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._runner = asyncio.Runner()
        self.client = self.run(Client.start(folder))

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(work)

    def close(self) -> None:
        self.run(self.client.close())
        self._runner.close()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = Desk(copy_pack(tmp_path_factory.mktemp("pack")))
    yield desk
    desk.close()


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return copy_pack(tmp_path)


@pytest.fixture
def complete(desk: Desk) -> Callable[..., dict[str, dict[str, Any]]]:
    """What may be written at the mark in a text, as if it were all of a file of the pack."""

    def ask(name: str, text: str, mark: str = "|") -> dict[str, dict[str, Any]]:
        path = desk.folder / name

        async def work() -> dict[str, dict[str, Any]]:
            await desk.client.open(path, text.replace(mark, "", 1))
            found = await desk.client.complete(path, text, mark)
            await desk.client.shut(path)
            return found

        return desk.run(work())

    return ask
