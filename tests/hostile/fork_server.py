"""Runs commands, each in a child of this process that is limited and measured.

A child is born with everything imported: what a case takes is what its input costs, and none of the hundreds of
cases pays for starting Python. Requests come in as lines of JSON, and answers go out alike:

    {"arguments": [...], "folder": ..., "stdin": ..., "stdout": ..., "stderr": ..., "cpu": s, "bytes": n}
    {"status": as os.wait gives it, "cpu": s, "peak": KB}
"""

import gc
import json
import os
import resource
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any, NoReturn

from engine.cli.main import main

STREAMS = (("stdin", os.O_RDONLY), ("stdout", os.O_WRONLY), ("stderr", os.O_WRONLY))


def _peak() -> int:
    """The most memory that this process has had, in KB.

    What the system says of a process that has ended counts the memory of the one that started it as well.
    """
    status = Path("/proc/self/status").read_text("ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


def _call(arguments: list[str]) -> int:
    """`tidegate ARGUMENTS` in this process; its exit code."""
    sys.argv = ["tidegate", *arguments]
    try:
        main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


def _child(asked: dict[str, Any], told: int) -> NoReturn:
    """Run what is asked for, write how much memory it took to ``told``, and end."""
    code = 70
    try:
        for number, (name, mode) in enumerate(STREAMS):
            os.dup2(os.open(asked[name], mode), number)
        os.chdir(asked["folder"])
        resource.setrlimit(resource.RLIMIT_CPU, (asked["cpu"], asked["cpu"]))
        resource.setrlimit(resource.RLIMIT_AS, (asked["bytes"], asked["bytes"]))
        code = _call(asked["arguments"])
    except BaseException:  # noqa: BLE001 - shown as Python itself would
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.write(told, b"%d" % _peak())
        os._exit(code)


def _born(asked: dict[str, Any]) -> dict[str, Any]:
    reading, writing = os.pipe()
    process = os.fork()
    if not process:
        os.close(reading)
        _child(asked, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        peak = told.read()
    _, status, used = os.wait4(process, 0)
    return {"status": status, "cpu": used.ru_utime + used.ru_stime, "peak": int(peak or 0)}


def _import_all() -> None:
    """Run both commands once, so that whatever they import late is there as well."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        out = os.dup(1)
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 1)
        for arguments in (["validate", folder], ["eval", "--expr", "1 + 1", "--input", "/dev/null"]):
            _call(arguments)
        sys.stdout.flush()
        os.dup2(out, 1)
        os.chdir("/")
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    requests = os.fdopen(os.dup(0), "r")
    _import_all()
    for line in requests:
        sys.stdout.write(json.dumps(_born(json.loads(line))) + "\n")
        sys.stdout.flush()
