"""Something long that leaves the interpreter free, and something else while it takes."""

from collections.abc import Callable
from threading import Thread


def beside(long: Callable[[], object], meanwhile: Callable[[], None]) -> None:
    """Call `long` on a thread of its own and `meanwhile` on this one; when this returns, both have ended.

    It pays where `long` is one call that gives up the interpreter's lock at once. What `long` raises is
    raised here; else what `meanwhile` raises.
    """
    raised: list[BaseException] = []

    def work() -> None:
        try:
            long()
        except BaseException as error:  # noqa: BLE001 - it is raised again on the other thread
            raised.append(error)

    # A thread that has said that it has started goes on at once, with the lock, until `long` gives it up.
    thread = Thread(target=work, name="commit")
    thread.start()
    try:
        meanwhile()
    finally:
        thread.join()
        if raised:
            raise raised[0]
