"""The heart of one machine among several: says once a second that it lives, in a thread of its own.

Work that keeps the loop busy, such as taking over many partitions at once, does not stop it. A loop that does
nothing at all any more does: whoever hangs is no owner of anything. A machine that was counted as gone beats
no more, however well it is: others have its work by then, and it has to begin again under another number.
"""

import threading
import time
from collections.abc import Callable

from engine.errors import LedgerError, LedgerUnreachable

BEAT_SECONDS = 1.0
SURE_SECONDS = 5.0  # after a heartbeat, by the clock of the machine, in which nobody else can have taken over
HUNG_SECONDS = 60.0  # without a sign of the loop, after which the machine counts as one that hangs


class Heart:
    """Beats from `begin` to `end`, or until it fails."""

    def __init__(self, beat: Callable[[], bool], close: Callable[[], None]) -> None:
        """`beat` says that the machine lives, and whether it still counts as alive, or raises LedgerError."""
        self._beat = beat
        self._close = close
        self._sure_until = 0.0
        self._seen_at = time.monotonic()
        self._failure: LedgerError | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._live, name="heart", daemon=True)

    def begin(self) -> None:
        """Beat from now on."""
        self._thread.start()

    def sure(self) -> bool:
        """Whether nobody can have taken over yet."""
        return time.monotonic() < self._sure_until

    def seen(self) -> None:
        """The loop lives.

        Raises:
            LedgerUnreachable: the heart has failed; this machine owns nothing any more.

        """
        self._seen_at = time.monotonic()
        if self._failure is not None:
            raise self._failure

    def end(self) -> None:
        """Beat no more; ending twice is harmless."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()

    def _live(self) -> None:
        self._sure_until = time.monotonic() + SURE_SECONDS  # it was just registered
        try:
            while not self._ending.wait(BEAT_SECONDS):
                if time.monotonic() - self._seen_at <= HUNG_SECONDS:
                    self._once()
        except LedgerError as error:
            self._failure = error
        finally:
            self._close()

    def _once(self) -> None:
        """Beat, and try again while others do not count this machine as gone."""
        asked = time.monotonic()
        try:
            alive = self._beat()
        except LedgerError:
            if self.sure():
                return
            raise
        if not alive:
            raise LedgerUnreachable("others have counted this machine as gone, and taken over its work")
        self._sure_until = asked + SURE_SECONDS
