"""The other end of the belt: takes things under an idempotency key, over HTTP, and remembers each in order.

Now and then it does what it was asked for and lets the line go before it says so.
"""

import json
import random
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

TOKEN = "of-the-belt"


class Belt:
    """A server on a loopback port."""

    def __init__(self, seed: int) -> None:
        self.put: list[tuple[str, str, int]] = []  # key, id, number: in the order in which they came
        self.at: dict[str, float] = {}
        self.repeats = 0
        self._under: dict[str, str] = {}
        self._lock = threading.Lock()
        self._dice = random.Random(seed)
        belt = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if not belt.take(self.headers["Idempotency-Key"], body):
                    self.close_connection = True
                    return
                said = json.dumps({"id": f"P-{body['id']}"}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a line that broke off
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def take(self, key: str, body: dict[str, Any]) -> bool:
        """Put a thing down once; False when the answer is to be lost."""
        with self._lock:
            if key in self._under:
                self.repeats += 1
            else:
                self._under[key] = body["id"]
                self.put.append((body["key"], body["id"], body["number"]))
                self.at[body["id"]] = time.monotonic()
            return self._dice.random() > 0.01

    def forget(self) -> None:
        """Begin anew."""
        with self._lock:
            self.put.clear()
            self.at.clear()
            self._under.clear()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
