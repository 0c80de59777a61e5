"""Reads a page as its reader does: writes the files that it shows, runs its commands, compares what they say.

A fenced block is a file when the text before it ends in its name and a colon: "`flows/won-deal.yaml`:".
A block of `console` is a session: a line that begins with `$ ` is a command, what follows is what it prints.
Times, hashes and durations are compared as such; a line `...` stands for any lines. Other blocks are text.
"""

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.cli.main import main

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = (ROOT / "README.md", *sorted(DOCS.glob("*.md")), *sorted(DOCS.glob("cookbook/*.md")))
START_SECONDS = 30

_FENCE = re.compile(r"^```([a-z]+)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"`([\w./-]+\.(?:ya?ml|json|jsonl|csv))`:$")
# They keep nothing open and set nothing for the whole process, so they need no process of their own.
_PLAIN = frozenset({"eval", "explain", "map", "owners", "schema", "test", "validate"})
_SHELL = frozenset("|<>&;$`")
_BROKEN = "fault of Tidegate itself"  # which is never what a page means by any lines


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block, and the file that it is, if any."""

    language: str
    text: str
    file: str | None
    line: int


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a page, and what the page says that it prints."""

    text: str
    expected: str
    place: str


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        named = _NAMED.search(text[: found.start()].rstrip())
        yield Block(
            found.group(1), found.group(2), named and named.group(1), text.count("\n", 0, found.start()) + 1
        )


def commands(page: Path, block: Block) -> Iterator[Command]:
    """The commands of a console block; a backslash or a here-document goes on in the next line."""
    lines = block.text.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("$ ")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        size = _size(lines[start:end])
        text = "\n".join([lines[start][2:], *lines[start + 1 : start + size]])
        printed = "\n".join(lines[start + size : end])
        yield Command(text, printed, f"{page.name}:{block.line + start + 1}")


def _size(lines: Sequence[str]) -> int:
    here = re.search(r"<<'?(\w+)'?", lines[0])
    if here:
        return lines.index(here.group(1)) + 1
    return next((number for number, line in enumerate(lines, start=1) if not line.endswith("\\")), len(lines))


class Reader:
    """Does in one folder what pages say."""

    def __init__(self, folder: Path, instead: Mapping[str, str] | None = None) -> None:
        """Work in this folder; texts in `instead` stand in for what they are the keys of, such as a port."""
        self.folder = folder
        self._instead = instead or {}
        self.differences: list[str] = []
        self._background: list[subprocess.Popen[str]] = []

    def files(self, page: Path) -> None:
        """Write the files that a page shows, each in its last form."""
        for block in blocks(page):
            self._write(block)

    def follow(self, page: Path) -> None:
        """Write the files and run the commands of a page, in its order."""
        for block in blocks(page):
            self._write(block)
            if block.language == "console":
                for command in commands(page, block):
                    given = self._given(command)
                    self._compare(given, self.run(given.text))

    def _given(self, command: Command) -> Command:
        text, expected = command.text, command.expected
        for written, meant in self._instead.items():
            text, expected = text.replace(written, meant), expected.replace(written, meant)
        return Command(text, expected, command.place)

    def close(self) -> None:
        """End what runs in the background."""
        for process in self._background:
            process.terminate()
            process.wait(START_SECONDS)
            if process.stdout is not None:
                process.stdout.close()

    def _write(self, block: Block) -> None:
        if block.file is not None:
            path = self.folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")

    def run(self, text: str) -> str:
        """What a command prints, standard error included."""
        if text.endswith("&"):
            return self._start(text.removesuffix("&").strip())
        words = text.split()
        if words[0] == "tidegate" and words[1] in _PLAIN and not _SHELL & set(text):
            return self._here(shlex.split(text)[1:])
        done = subprocess.run(
            ["bash", "-c", text], cwd=self.folder, env=_environment(), text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        return done.stdout

    def _here(self, arguments: list[str]) -> str:
        said = io.StringIO()
        before, argv = Path.cwd(), sys.argv
        os.chdir(self.folder)
        sys.argv = ["tidegate", *arguments]
        try:
            with (
                contextlib.redirect_stdout(said),
                contextlib.redirect_stderr(said),
                contextlib.suppress(SystemExit),
            ):
                main()
        finally:
            os.chdir(before)
            sys.argv = argv
        return said.getvalue()

    def _start(self, text: str) -> str:
        """Start a command in the background; what it prints first."""
        process = subprocess.Popen(
            shlex.split(text), cwd=self.folder, env=_environment(), text=True, stdout=subprocess.PIPE
        )
        self._background.append(process)
        assert process.stdout is not None
        return process.stdout.readline()

    def _compare(self, command: Command, printed: str) -> None:
        if _BROKEN in printed or not _fits(plain(command.expected), plain(printed)):
            self.differences.append(
                f"{command.place}: $ {command.text}\n--- said\n{command.expected}\n--- printed\n{printed}"
            )


def _environment() -> dict[str, str]:
    # The commands of this checkout come first, whatever else is installed.
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }


def plain(text: str) -> list[str]:
    """The lines of a text, with what differs each time replaced by its kind."""
    text = re.sub(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d+Z", "<instant>", text)
    text = re.sub(r"\b[0-9a-f]{64}\b", "<hash>", text)
    text = re.sub(r"\brelease: [0-9a-f]{12}\b", "release: <hash>", text)
    text = re.sub(r"\b\d+\.\d+ s\b", "<seconds>", text)
    text = re.sub(r"(<instant>) \(\d+ s\)", r"\1 (<seconds>)", text)
    return [line.rstrip() for line in text.strip().splitlines()]


def _fits(expected: list[str], printed: list[str]) -> bool:
    """Whether lines are as expected; an expected `...` stands for any lines, or none."""
    if "..." not in expected:
        return expected == printed
    at = expected.index("...")
    head, rest = expected[:at], expected[at + 1 :]
    if printed[:at] != head:
        return False
    return any(_fits(rest, printed[start:]) for start in range(at, len(printed) + 1))
