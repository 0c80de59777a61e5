"""Stands between the connector and the server, and loses what a test asks it to lose."""

import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class LosingProxy:
    """Passes calls on, but for those that it is asked to lose."""

    def __init__(self, upstream):
        self.upstream = upstream
        self.wish = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}"

    def lose(self, what, method, passed=0):
        """Lose something of the next call of a method, or of a later one after so many have passed.

        The `answer`: the server does the work, and nobody hears of it. The `request`: the connection breaks
        before the server gets the call. Its `turn`: the answer is 503 with Retry-After, and the server gets
        no call.
        """
        self.wish = [method, what, passed]

    def wished_for(self, body):
        """What is to happen to this call; once."""
        if self.wish is None or f'"{self.wish[0]}"'.encode() not in body:
            return None
        _, what, passed = self.wish
        self.wish = [self.wish[0], what, passed - 1] if passed else None
        return None if passed else what

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


def _handler(proxy):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            what = proxy.wished_for(body)
            if what == "turn":
                return self._answer(503, {"Retry-After": "7"}, b"")
            if what != "request":
                status, headers, answer = _forward(proxy.upstream + self.path, self.headers, body)
            if what is not None:
                self.close_connection = True
                return None
            return self._answer(status, headers, answer)

        def _answer(self, status, headers, body):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Say nothing."""

    return Handler


def _forward(url, headers, body):
    kept = {name: value for name, value in headers.items() if name.lower() not in {"host", "content-length"}}
    request = urllib.request.Request(url, data=body, headers=kept)
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, _passed_on(reply.headers), reply.read()
    except urllib.error.HTTPError as error:
        return error.code, _passed_on(error.headers), error.read()


def _passed_on(headers):
    names = ("Content-Type", "Content-Encoding", "WWW-Authenticate")
    return {name: headers[name] for name in names if headers[name]}
