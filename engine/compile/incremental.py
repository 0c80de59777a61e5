"""A workspace looked at again and again, as an editor does: what did not change is not read anew."""

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType

from engine.compile.compilation import Compilation, Seen
from engine.compile.compile import compile_all
from engine.compile.memo import Memo
from engine.problems import Collector, Report
from engine.spec.field import Document
from engine.workspace.load import Reader, load_with
from engine.workspace.workspace import Workspace

_NO_TEXTS: Mapping[str, str | None] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a workspace came to at one look."""

    workspace: Workspace
    collector: Collector
    compilation: Compilation  # the tables of the compiler, as far as it came; nothing in them can be run

    def report(self) -> Report:
        """What is wrong with the workspace."""
        return self.collector.report()


@contextmanager
def uncollected() -> Iterator[None]:
    """Work that makes much to keep and next to nothing to throw away: looking for that would cost a third."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            # All of it counts as old from here on. As young it would be gone through at the next opportunity.
            gc.freeze()
            gc.unfreeze()
            gc.enable()


class Incremental:
    """One workspace, and the texts that an editor shows of it."""

    def __init__(
        self, root: Path, kinds: Sequence[type[Document]], connectors: Mapping[str, Path] | None = None
    ) -> None:
        """Nothing is read yet; `connectors` has the folders of those that are installed elsewhere."""
        self._root = root
        self._connectors = dict(connectors or {})
        self._reader = Reader(kinds)
        self._memo = Memo()
        self.today: date | None = None  # the day on which it is checked
        self._texts: dict[str, str] = {}

    def update(self, texts: Mapping[str, str | None] = _NO_TEXTS, seen: Seen | None = None) -> Look:
        """Look again, with these texts in place of files; None gives a file back to the disk.

        Names are paths from the root, with `/`. A text stays until it is given back. ``seen`` is told of
        each expression that is checked. Never raises for what a text holds.
        """
        for name, text in texts.items():
            if text is None:
                self._texts.pop(name, None)
            else:
                self._texts[name] = text
        with uncollected():
            workspace, collector = load_with(self._reader, self._root, self._connectors, self._texts)
            self._memo.next_look()
            compilation = compile_all(
                workspace, collector, seen, self._memo, checks_only=True, today=self.today
            )
        return Look(workspace=workspace, collector=collector, compilation=compilation)
