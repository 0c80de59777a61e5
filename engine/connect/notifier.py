"""Webhooks of a simulated system: signed, sent in order, and sent again while nobody takes them."""

import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import TypeAlias
from urllib.parse import urlsplit

from engine.values.json_text import write_json
from engine.values.value import Value

# From the body and the number of the delivery to the headers that prove the sender.
Signer: TypeAlias = Callable[[bytes, int], Mapping[str, str]]

PATIENCE_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message to one address, with what came of each try."""

    number: int
    url: str
    body: bytes
    statuses: list[int] = field(default_factory=list)  # 0 for no answer

    @property
    def taken(self) -> bool:
        """Whether the receiver took it."""
        return bool(self.statuses) and 200 <= self.statuses[-1] < 300


class Notifier:
    """Sends messages to the addresses that were registered, from a thread of its own."""

    def __init__(self, signer: Signer, waits: tuple[float, ...] = (0.05, 0.1, 0.2, 0.5, 1, 2, 5)) -> None:
        """`waits` are the seconds before each further try; after the last the message is given up."""
        self._signer = signer
        self._waits = waits
        self._urls: list[tuple[str, str]] = []
        self._queue: queue.Queue[Delivery | None] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        self.deliveries: list[Delivery] = []

    def register(self, topic: str, url: str) -> None:
        """Send what happens from now on under a topic to this address."""
        self._urls.append((topic, url))

    def tell(self, topic: str, message: Value, times: int = 1) -> None:
        """Send a message to those who registered for its topic; more than once, as vendors sometimes do."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()
        body = write_json(message)
        for url in [url for name, url in self._urls if name == topic]:
            delivery = Delivery(number=len(self.deliveries) + 1, url=url, body=body)
            self.deliveries.append(delivery)
            for _ in range(times):
                self._queue.put(delivery)

    def settle(self, seconds: float = PATIENCE_SECONDS) -> bool:
        """Wait until all was taken or given up; whether that was so in time."""
        ends = time.monotonic() + seconds
        while self._queue.unfinished_tasks and time.monotonic() < ends:
            time.sleep(0.005)
        return not self._queue.unfinished_tasks

    def stop(self) -> None:
        """Send nothing more."""
        self._stopped.set()
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(PATIENCE_SECONDS)

    def _work(self) -> None:
        while (delivery := self._queue.get()) is not None:
            self._deliver(delivery)
            self._queue.task_done()

    def _deliver(self, delivery: Delivery) -> None:
        for wait in (*self._waits, None):
            if self._stopped.is_set():
                return
            delivery.statuses.append(self._post(delivery))
            if delivery.taken or wait is None:
                return
            self._stopped.wait(wait)

    def _post(self, delivery: Delivery) -> int:
        place = urlsplit(delivery.url)
        connection = HTTPConnection(place.hostname or "", place.port, timeout=PATIENCE_SECONDS)
        headers = {"content-type": "application/json", **self._signer(delivery.body, delivery.number)}
        try:
            connection.request("POST", place.path or "/", delivery.body, headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        except (OSError, HTTPException):
            return 0
        finally:
            connection.close()
