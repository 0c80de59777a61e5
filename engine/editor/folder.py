"""One workspace that is open in an editor: the texts that it shows, and the last look at all of it."""

import os
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.compile.incremental import Incremental
from engine.editor.facts import Facts, Memory
from engine.editor.index import Index
from engine.editor.item import Edit, Refused
from engine.editor.outline import Kinds
from engine.editor.samples import Samples
from engine.editor.view import View
from engine.problems.problem import Problem, Severity
from engine.session import ALL_KINDS, incremental
from engine.source import Source


class Folder:
    """A workspace, looked at again and again. A look takes place in one thread at a time."""

    def __init__(self, root: Path) -> None:
        """Open a workspace by its folder; nothing is read yet."""
        self.root = root
        self.resolved = root.resolve()
        self.texts: dict[str, str] = {}  # what the editor shows, by name
        self.generation = 0  # counts up with each change
        self.view: View | None = None
        self.seen = -1  # the generation that the view is of
        self._kinds = Kinds(ALL_KINDS)
        self._memory = Memory()
        self._lock = threading.Lock()
        self._looks: Incremental | None = None
        self._given: dict[str, str] = {}

    def look(self, texts: Mapping[str, str], generation: int) -> View:
        """Look at the workspace with these texts in place of files.

        Raises:
            InputError: when the folder is no workspace any more.

        """
        with self._lock:
            looks = self._open()
            changed: dict[str, str | None] = dict.fromkeys(self._given.keys() - texts.keys())
            changed.update({name: text for name, text in texts.items() if self._given.get(name) != text})
            self._given = dict(texts)
            found = looks.update(changed)
        facts = Facts(found, self._memory)
        before = self.view.index if self.view is not None else Index(self._kinds)
        index = before.following(found.workspace.sources)
        view = View(kinds=self._kinds, index=index, facts=facts, samples=Samples(facts))
        if generation >= self.seen:
            self.view, self.seen = view, generation
        return view

    def _open(self) -> Incremental:
        if self._looks is None:
            self._looks = incremental(self.resolved)
        return self._looks

    def place_of(self, name: str) -> Path:
        """Where a file is, by its name in the workspace."""
        mounts = self.view.facts.look.workspace.files.mounts if self.view is not None else {}
        for mount, place in mounts.items():
            if name.startswith(f"{mount}/"):
                return place / name[len(mount) + 1 :]
        return self.root / name

    def name_of(self, path: Path) -> str | None:
        """The name of a file in the workspace; None when it lies outside of it."""
        for root in (self.root, self.resolved):
            if path.is_relative_to(root):
                return path.relative_to(root).as_posix()
        mounts = self.view.facts.look.workspace.files.mounts if self.view is not None else {}
        for mount, place in mounts.items():
            if path.is_relative_to(place):
                return f"{mount}/{path.relative_to(place).as_posix()}"
        return None

    def source(self, name: str) -> Source | None:
        """The text of a file as the editor shows it; else as it was when the workspace was looked at."""
        shown = self.texts.get(name)
        if shown is not None:
            return Source(name, normal(shown))
        known = self.view.index.files.get(name) if self.view is not None else None
        return known.source if known is not None else None

    def check(self, edits: Sequence[Edit]) -> None:
        """Find out whether the workspace is as sound with these edits as it is without them.

        Raises:
            Refused: when it is not; the message names the first problem that there would be.

        """
        assert self.view is not None
        self._check_places(edits)
        before = self.view.problems
        texts = {**self._given, **edited(edits)}
        with self._lock:
            kept = {name: self._given.get(name) for name in texts}
            after = self._open().update(texts).collector.problems
            self._open().update(kept)
        known, found = Counter(_key(one) for one in before), Counter(_key(one) for one in after)
        more = found - known
        worse = next((one for one in after if more[_key(one)] and one.severity is Severity.ERROR), None)
        if worse is not None:
            place = f"{worse.span.source.name}:{worse.span.line}"
            raise Refused(f"this would break {place}: {worse.message} ({worse.code})")

    def _check_places(self, edits: Sequence[Edit]) -> None:
        """Refuse edits of files that do not belong to the workspace."""
        for edit in edits:
            place = self.place_of(edit.span.source.name)
            if not place.is_relative_to(self.root) or not os.access(place, os.W_OK):
                raise Refused(f"{edit.span.source.name} belongs to a connector that is installed elsewhere")


def _key(problem: Problem) -> tuple[str, str]:
    return problem.code, problem.span.source.name


def edited(edits: Sequence[Edit]) -> dict[str, str]:
    """The texts of the files that edits change, by name."""
    texts: dict[str, str] = {}
    for edit in sorted(edits, key=lambda one: -one.span.start):
        source = edit.span.source
        text = texts.get(source.name, source.text)
        texts[source.name] = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return texts


def normal(text: str) -> str:
    """A text as the engine reads files: without a mark at its beginning, line ends as line feeds."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
