"""The files of a workspace: which are documents, and the text of those that documents name.

This is the only reader of definitions on disk. Nothing outside of the root and the mounts is ever read:
a link that leads out is a problem, and so is anything that is not a regular file.
"""

import os
import re
import stat
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from posixpath import normpath
from types import MappingProxyType

from engine.problems import Collector, near_names
from engine.source import Source
from engine.workspace import problems
from engine.workspace.yaml_tree import MAX_BYTES, source_of

FOLDERS = ("connectors", "flows", "mappings", "policies", "schemas")
"""The folders in which documents are looked for."""

MARKER = "tidegate.yaml"
MAX_FILES = 20_000
MAX_DEPTH = 12
MAX_DATA_BYTES = 16 * 1024 * 1024

_LOOKED_AT = 4096  # bytes of a file that is no document, to see whether it was meant to be one
_LOOKED_THROUGH = 200  # such files, in a folder that is none of a workspace
_NO_DOCUMENTS = frozenset({"fixtures", "recordings", "node_modules", "__pycache__"})
_FORMATS = PurePosixPath("schemas/tidegate")  # where the JSON Schemas of the documents themselves are


class WorkspaceError(Exception):
    """There is no workspace where one was looked for; the message says what was looked for."""


class FileUnreadable(Exception):
    """A file that a document names cannot be read; the message is a sentence about why."""


def find_root(start: Path, *, exactly: bool = False) -> Path:
    """The workspace that `start` lies in: the nearest folder upward that says that it is one.

    With `exactly`, the folder was named by a person, and one of the usual folders in it is enough.

    Raises:
        WorkspaceError: when there is none.

    """
    folder = start.resolve()
    if exactly:
        if _is_marked(folder) or any((folder / name).is_dir() for name in FOLDERS):
            return folder
        raise WorkspaceError(f"{start} is no workspace: it has none of the folders {', '.join(FOLDERS)}")
    for candidate in (folder, *folder.parents):
        if _is_marked(candidate):
            return candidate
    raise WorkspaceError(
        f"{start} is in no workspace: no folder from there upward has a {MARKER}, "
        "or a pyproject.toml with a [tool.tidegate] table; go to one, or name one with --workspace"
    )


def _is_marked(folder: Path) -> bool:
    if (folder / MARKER).is_file():
        return True
    try:
        settings = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    tool = settings.get("tool")
    return isinstance(tool, dict) and "tidegate" in tool


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Reads files below one folder, and no others but those of mounts.

    A mount is a folder elsewhere that is read as if it stood in the root under its name, such as
    `connectors/netsuite`; one whose name the root has itself is never looked into. A text stands for the
    file of its name, whether that is there or not: it is what an editor shows and has not saved.
    """

    root: Path
    mounts: Mapping[str, Path] = field(default_factory=lambda: MappingProxyType({}))
    texts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)

    @classmethod
    def of(cls, root: Path, mounts: Mapping[str, Path], texts: Mapping[str, str] | None = None) -> "Files":
        """The files of a folder, and of the mounts that it does not have itself."""
        missing = {
            name: place.resolve() for name, place in mounts.items() if not os.path.lexists(root / name)
        }
        return cls(
            root=root.resolve(), mounts=MappingProxyType(missing), texts=MappingProxyType(dict(texts or {}))
        )

    def documents(self, collector: Collector) -> Iterator[Source]:
        """The text of every YAML file in the root that holds documents, by path."""
        names = {name for folder in FOLDERS for name in self._below(PurePosixPath(folder), collector, 1)}
        names.update(name for name in self.texts if _may_hold_documents(PurePosixPath(name)))
        yield from self._sources(names, collector)

    def mounted(self, mounts: Iterable[str], collector: Collector) -> Iterator[Source]:
        """The text of every YAML file of some mounts; a name that is none is passed over."""
        wanted = (PurePosixPath(mount) for mount in sorted(set(mounts)) if mount in self.mounts)
        names = (name for folder in wanted for name in self._below(folder, collector, len(folder.parts)))
        yield from self._sources(names, collector)

    def misplaced(self, kinds: Iterable[str], collector: Collector) -> None:
        """Report what looks like a document and lies in the root, or in a folder called nearly like ours."""
        begins = re.compile(rb"(?:#[^\n]*\n|---[^\n]*\n|\s)*(?:" + "|".join(kinds).encode() + rb"):\s")
        for folder in ("", *self._nearly_folders()):
            for name in _plain_names(self.root / folder, files=True):
                if PurePosixPath(name).suffix in {".yaml", ".yml"} and begins.match(
                    _beginning(self.root / folder / name)
                ):
                    collector.add(problems.misplaced(str(PurePosixPath(folder, name)), folder, FOLDERS))

    def _nearly_folders(self) -> list[str]:
        found = _plain_names(self.root, files=False)
        return [name for name in found if name not in FOLDERS and near_names(name, FOLDERS)]

    def _sources(self, names: Iterable[str], collector: Collector) -> Iterator[Source]:
        for number, name in enumerate(sorted(names)):
            if number >= MAX_FILES:
                collector.add(problems.too_many_files(name, MAX_FILES))
                return
            source = self._source(name, collector)
            if source is not None:
                yield source

    def _located(self, name: PurePosixPath | str) -> tuple[Path, Path]:
        """Where a name is, and the folder that it may not lead out of."""
        mounted = self._mounted(name) if self.mounts else None
        return mounted or (self.root / name, self.root.resolve())

    def _mounted(self, name: PurePosixPath | str) -> tuple[Path, Path] | None:
        plain = normpath(name)
        for mount, folder in self.mounts.items():
            if plain == mount or plain.startswith(f"{mount}/"):
                return folder / plain[len(mount) + 1 :], folder
        return None

    def read_bytes(self, name: str, *, beside: Source | None = None, most: int = MAX_DATA_BYTES) -> bytes:
        """The content of a file that a document names, by its path from the root or from the document.

        Raises:
            FileUnreadable: when it is not there, no regular file, too large, or outside of the root.

        """
        base = PurePosixPath(beside.name).parent if beside is not None else PurePosixPath()
        shown = self.texts.get(normpath(base / name)) if self.texts else None
        if shown is not None:
            return shown.encode("utf-8", "surrogatepass")
        try:
            place, within = self._located(base / name)
            path = place.resolve()
            if not path.is_relative_to(within):
                raise FileUnreadable(f"`{name}` lies outside of the workspace, where nothing is read")
            data = _read(path, most)
        except OSError as error:
            raise FileUnreadable(f"`{name}` cannot be read: {_why(error)}") from error
        except ValueError as error:
            raise FileUnreadable(f"`{name}` is no name of a file") from error
        if len(data) > most:
            raise FileUnreadable(f"`{name}` is larger than {most:,} bytes")
        return data

    def read_text(self, name: str, *, beside: Source | None = None, most: int = MAX_DATA_BYTES) -> str:
        """The text of such a file, which has to be UTF-8.

        Raises:
            FileUnreadable: as :meth:`read_bytes` does, and when it is not UTF-8.

        """
        try:
            return self.read_bytes(name, beside=beside, most=most).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise FileUnreadable(f"`{name}` is not UTF-8 (byte {error.start:,})") from error

    def _below(self, folder: PurePosixPath, collector: Collector, depth: int) -> Iterator[str]:
        """The names of YAML files in a folder and the folders in it, without following links to folders."""
        if folder == _FORMATS or depth > MAX_DEPTH:
            return
        place, _ = self._located(folder)
        if place.is_symlink() and self._leads_out(folder, collector):
            return
        try:
            entries = sorted(os.scandir(place), key=lambda entry: entry.name)
        except FileNotFoundError:
            return
        except OSError as error:
            collector.add(problems.unreadable_file(str(folder), _why(error)))
            return
        for entry in entries:
            yield from self._entry(folder / entry.name, entry, collector, depth)

    def _entry(
        self, name: PurePosixPath, entry: "os.DirEntry[str]", collector: Collector, depth: int
    ) -> Iterator[str]:
        if entry.name.startswith("."):
            return
        if not entry.name.isprintable():
            # Bytes that are no text, or what would command the terminal of whoever reads the name.
            collector.add(problems.unreadable_file(_shown(str(name)), "its name cannot be written"))
            return
        is_document = name.suffix in {".yaml", ".yml"}
        if entry.is_symlink():
            if (is_document or entry.is_dir()) and not self._leads_out(name, collector) and is_document:
                yield str(name)
        elif entry.is_dir():
            if entry.name not in _NO_DOCUMENTS:
                yield from self._below(name, collector, depth + 1)
        elif is_document:
            yield str(name)

    def _leads_out(self, name: PurePosixPath, collector: Collector) -> bool:
        """Whether a link leads out of the root; it is reported then."""
        try:
            place, within = self._located(name)
            inside = place.resolve().is_relative_to(within)
        except (OSError, RuntimeError):  # a link to itself
            inside = False
        if not inside:
            collector.add(problems.outside(str(name), "is a link to something"))
        return not inside

    def _source(self, name: str, collector: Collector) -> Source | None:
        shown = self.texts.get(name)
        if shown is not None:
            return source_of(name, shown.encode("utf-8", "surrogatepass"), collector)
        try:
            mounted = self._mounted(name) if self.mounts else None
            data = _read(mounted[0] if mounted else self.root / name, MAX_BYTES)
        except FileUnreadable as error:
            collector.add(problems.unreadable_file(name, str(error)))
            return None
        except OSError as error:
            collector.add(problems.unreadable_file(name, _why(error)))
            return None
        return source_of(name, data, collector)


def _shown(name: str) -> str:
    """A name with a mark in place of what cannot be written."""
    return "".join(char if char.isprintable() else "\ufffd" for char in name)


def _may_hold_documents(name: PurePosixPath) -> bool:
    """Whether a file of this name would be looked at, were it there."""
    if name.parts[:1] == () or name.parts[0] not in FOLDERS or name.suffix not in {".yaml", ".yml"}:
        return False
    inner = name.parts[1:-1]
    return not (
        name.is_relative_to(_FORMATS)
        or any(part.startswith(".") or part in _NO_DOCUMENTS for part in inner)
        or name.name.startswith(".")
    )


def _read(path: Path, most: int) -> bytes:
    """The content of a regular file: as much as is allowed, and one byte more to tell that it is too much."""
    # Not to wait for the other end of a pipe that bears the name of a document.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise FileUnreadable("it is not a regular file")
        return file.read(most + 1)


def _plain_names(folder: Path, *, files: bool) -> list[str]:
    """The files in a folder, or the folders: no links, nothing hidden, none whose name cannot be written."""
    try:
        with os.scandir(folder) as entries:
            return sorted(
                entry.name
                for entry in entries
                if not entry.name.startswith(".")
                and entry.name.isprintable()
                and (entry.is_file if files else entry.is_dir)(follow_symlinks=False)
            )[:_LOOKED_THROUGH]
    except OSError:
        return []


def _beginning(path: Path) -> bytes:
    """The first bytes of a file; none when it cannot be read."""
    try:
        return _read(path, _LOOKED_AT)
    except (OSError, FileUnreadable):
        return b""


def _why(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
