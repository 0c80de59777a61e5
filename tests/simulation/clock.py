"""The clock of the machine: virtual, and wrong in every way in which clocks are."""

from datetime import datetime, timedelta

from tests.simulation.loop import SimLoop


class SimClock:
    """Reads the loop's time; jumps, drifts, shakes and sleeps as it is told."""

    def __init__(self, loop: SimLoop, began: datetime) -> None:
        """Show this instant at the beginning."""
        self._loop = loop
        self._began = began
        self._offset = timedelta()
        self._rate = 1.0
        self._since = 0.0  # from when on the rate holds
        self._shake: tuple[float, timedelta] | None = None
        self._ids = 0

    def now(self) -> datetime:
        """What the wall clock shows."""
        time = self._loop.time()
        shown = (
            self._began + self._offset + timedelta(seconds=self._since + (time - self._since) * self._rate)
        )
        if self._shake is not None and int(time / self._shake[0]) % 2:
            shown += self._shake[1]
        return shown

    def elapsed_seconds(self) -> float:
        """What only grows."""
        return self._loop.time()

    def new_id(self) -> str:
        """The next number."""
        self._ids += 1
        return f"{self._ids:032x}"

    def jump(self, by: timedelta) -> None:
        """Back or forward at once; a machine that slept jumps forward, and its monotonic clock does not."""
        self._offset += by

    def slew(self, rate: float) -> None:
        """Too fast or too slow from now on."""
        time = self._loop.time()
        self._offset += timedelta(seconds=(time - self._since) * (self._rate - 1.0))
        self._since, self._rate = time, rate

    def strobe(self, seconds: float | None, by: timedelta = timedelta()) -> None:
        """There and back again every so many seconds, until told otherwise."""
        self._shake = None if seconds is None else (seconds, by)
