"""Tells the service manager how `tidegate run` stands: sd_notify(3), where NOTIFY_SOCKET names its socket."""

import os
import socket
import time
from contextlib import suppress


def tell(state: str) -> None:
    """Send a state, such as "READY=1"; to nobody when nobody asked, and without failing when nobody hears."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    # A name that begins with "@" is one in the abstract space of Linux, whose names begin with a zero byte.
    name = "\0" + address[1:] if address.startswith("@") else address
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as telling:
        telling.sendto(state.encode(), name)


def tell_of_reload() -> None:
    """Say that the workspace is being loaded again; "READY=1" says that it was."""
    tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
