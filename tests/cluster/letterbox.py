"""A receiver of webhooks that takes everything and remembers when. Not a test itself."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Letterbox:
    """What came, in order."""

    def __init__(self) -> None:
        self.events: dict[str, dict[str, Any]] = {}  # by id, as it came first
        self.received: dict[str, float] = {}
        self.again = 0
        self.disordered: list[str] = []
        self.url = ""
        self._lock, self._newest = threading.Lock(), dict[tuple[str, str], str]()

    def take(self, event: dict[str, Any]) -> None:
        """One delivery."""
        now = time.time()
        with self._lock:
            if event["id"] in self.events:
                self.again += 1
                return
            self.events[event["id"]], self.received[event["id"]] = event, now
            line = (event["subject"], event["data"]["layer"])
            if event["sequence"] <= self._newest.get(line, ""):
                self.disordered.append(event["id"])
            self._newest[line] = event["sequence"]

    @property
    def ids(self) -> set[str]:
        """The events that came."""
        with self._lock:
            return set(self.events)


@contextmanager
def letterbox() -> Iterator[Letterbox]:
    """One that answers meanwhile."""
    box = Letterbox()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            box.take(json.loads(body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    box.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield box
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
