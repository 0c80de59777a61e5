"""The workspaces that an editor has open, and when each is looked at again."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from engine.editor.folder import Folder, normal
from engine.editor.view import View
from engine.errors import InputError
from engine.source import Source
from engine.workspace.files import FOLDERS, WorkspaceError, find_root

DEBOUNCE = 0.12  # seconds without a keystroke before the workspace is looked at

Told = Callable[[Folder, View], None]
"""Is told of each look that is still up to date when it is done."""


class Desk:
    """Open workspaces by their folders; a text belongs to the innermost that holds it."""

    def __init__(self, told: Told, failed: Callable[[str], None]) -> None:
        """Begin with none; `failed` is told, in a sentence, of a workspace that cannot be looked at."""
        self.folders: dict[Path, Folder] = {}
        self._told = told
        self._failed = failed
        self._tasks: dict[Path, asyncio.Task[None]] = {}
        # One thread: two workspaces are looked at one after the other, and typing goes on meanwhile.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="look")

    def folder_of(self, path: Path) -> tuple[Folder, str] | None:
        """The workspace that a file lies in, opened if need be, and its name there; None if it is in none."""
        root = _root_of(path)
        if root is not None:
            folder = self.open(root)
            name = folder.name_of(path)
            return (folder, name) if name is not None else None
        for folder in self.folders.values():
            name = folder.name_of(path)
            if name is not None:
                return folder, name
        return None

    def open(self, root: Path) -> Folder:
        """A workspace by its folder."""
        folder = self.folders.get(root)
        if folder is None:
            folder = self.folders[root] = Folder(root)
            self.changed(folder)
        return folder

    def open_below(self, folder: Path) -> None:
        """Open the workspace that a folder is, or lies in."""
        root = _root_of(folder / "any")
        if root is None and any((folder / name).is_dir() for name in FOLDERS):
            root = folder
        if root is not None:
            self.open(root)

    def close(self, root: Path) -> Folder | None:
        """Forget a workspace."""
        task = self._tasks.pop(root, None)
        if task is not None:
            task.cancel()
        return self.folders.pop(root, None)

    def show(self, folder: Folder, name: str, text: str | None) -> None:
        """Take a text as it is in the editor; None gives the file back to the disk."""
        if text is None:
            folder.texts.pop(name, None)
        else:
            folder.texts[name] = normal(text)
        self.changed(folder)

    def changed(self, folder: Folder) -> None:
        """Have a workspace looked at again, once nothing has changed for a moment."""
        folder.generation += 1
        task = self._tasks.get(folder.root)
        if task is None or task.done():
            self._tasks[folder.root] = asyncio.get_running_loop().create_task(self._settle(folder))

    async def _settle(self, folder: Folder) -> None:
        """Look until what was looked at is what is there."""
        first = folder.view is None
        while folder.seen < folder.generation:
            generation = folder.generation
            await asyncio.sleep(0 if first else DEBOUNCE)
            first = False
            if generation != folder.generation:
                continue
            view = await self._look(folder, generation)
            if view is None:
                return
            if generation == folder.generation:
                self._told(folder, view)

    async def _look(self, folder: Folder, generation: int) -> View | None:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, folder.look, dict(folder.texts), generation)
        except InputError as error:
            self._failed(str(error))
        except Exception as error:  # noqa: BLE001 - the last door: a person goes on typing, and is told
            fault = f"{type(error).__name__}: {error}"
            self._failed(f"This is a fault of Tidegate itself ({fault}). What was found before still holds.")
        return None

    async def fresh(self, folder: Folder) -> View | None:
        """The workspace as it is now, for questions whose answer changes files."""
        while folder.seen < folder.generation:
            if await self._look(folder, folder.generation) is None:
                return None
        return folder.view

    async def known(self, folder: Folder) -> View | None:
        """The last look at a workspace; the first is waited for."""
        return folder.view if folder.view is not None else await self.fresh(folder)


def _root_of(path: Path) -> Path | None:
    """The nearest folder upward that says it is a workspace, as the path is written."""
    try:
        found = find_root(path.parent)
    except (WorkspaceError, OSError):
        return None
    for candidate in path.parents:
        if os.path.realpath(candidate) == str(found):
            return candidate
    return found


HINT_ELSEWHERE = (
    "Tidegate does not read this file: it looks for documents in the folders "
    + ", ".join(f"{name}/" for name in FOLDERS)
    + " of a workspace."
)
HINT_NO_WORKSPACE = (
    "This file lies in no Tidegate workspace, so nothing in it is checked. "
    "A workspace is a folder with a file tidegate.yaml; it may be empty."
)


def hint_for(source: Source, kinds: frozenset[str], name: str | None) -> str:
    """What to know of a file that no workspace reads; empty when it is not one of ours, or is read."""
    first = next(
        (line for line in source.text.split("\n") if line.strip() and line.strip()[0] not in "#-"), ""
    )
    if first.partition(":")[0] not in kinds:
        return ""
    if name is None:
        return HINT_NO_WORKSPACE
    return HINT_ELSEWHERE if name.partition("/")[0] not in FOLDERS else ""
