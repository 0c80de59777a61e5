"""Where the control door of a daemon is: a Unix socket beside the ledger, for its owner alone."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.errors import InputError

LONGEST = 100  # bytes of a path that every system takes as the address of a socket


@contextmanager
def address(path: Path) -> Iterator[str]:
    """A name for the path that is short enough for a socket, as long as the context lasts.

    Raises:
        InputError: when the path is too long, and this system has no shorter name for its folder.

    """
    if len(os.fsencode(path)) <= LONGEST:
        yield str(path)
        return
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise InputError(f"{path.parent} cannot be opened: {error.strerror}") from error
    try:
        short = f"/proc/self/fd/{folder}"
        if not os.path.isdir(short) or len(os.fsencode(path.name)) > LONGEST - len(short):  # noqa: PTH112
            raise InputError(f"the path {path} is too long for a socket; keep the ledger at a shorter one")
        yield f"{short}/{path.name}"
    finally:
        os.close(folder)


def answers(path: Path) -> bool:
    """Whether somebody listens at the path, and not only left a socket there.

    Raises:
        InputError: when the socket is another user's.

    """
    with address(path) as name, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        try:
            asking.connect(name)
        except PermissionError as error:
            raise InputError(f"the daemon at {path} is another user's; only the owner can ask it") from error
        except OSError:
            return False
    return True


def listen(path: Path) -> socket.socket:
    """Listen at the path, in place of a process that was killed there; only the owner can connect.

    The caller has the right to write the ledger, so that whatever lies there is nobody's any more.

    Raises:
        InputError: when the socket cannot be made; the sentence says why.

    """
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _bind(found, path)
        _give(path)
        found.listen()
    except OSError as error:
        found.close()
        raise InputError(f"the control door {path} cannot be made: {error.strerror or error}") from error
    except InputError:
        found.close()
        raise
    found.setblocking(False)
    return found


def _bind(found: socket.socket, path: Path) -> None:
    if path.is_socket():
        path.unlink()
    # Made with these rights, and not given them afterwards: there is no moment for anybody else.
    before = os.umask(0o177)
    try:
        with address(path) as name:
            found.bind(name)
    finally:
        os.umask(before)


def _give(path: Path) -> None:
    """Let the owner of the ledger in, where the daemon runs as root."""
    ledger = path.with_suffix("")
    owner = (ledger if ledger.exists() else path.parent).stat()
    if owner.st_uid != os.geteuid():
        os.chown(path, owner.st_uid, owner.st_gid)


def remove(path: Path) -> None:
    """Take the door away; that it is gone already is fine."""
    with suppress(OSError):
        path.unlink()
