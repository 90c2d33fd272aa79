"""One connection of an HTTP server: who is slow with a request, or sends too large a head, is cut off.

Between the system's connections and the application, where the server alone would wait for ever. A body has its own
time where it is read; what is left of one once the request is answered has that time here. Invariants: a connection
that holds no request which is being answered is closed within `head_s`, `body_s` or `idle_s`; never more than
`connections` are kept; a request that comes in one piece costs no timer. One request at a time: what comes behind one
that is not yet answered is not read, and the connection is closed with that answer. Nothing is written into an answer.
"""

from __future__ import annotations

import resource
from asyncio import TimerHandle, Transport
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from web.problem import Problem, come_again

_FILES_BESIDE = 500  # that are open beside connections: the log's, the catalog's, those of connections to brokers


@dataclass(frozen=True, slots=True)
class Limits:
    """What a connection may take; each is a setting of the gateway by the same name."""

    head_s: float = 10.0
    head_bytes: int = 32_768
    body_s: float = 20.0
    idle_s: float = 10.0
    connections: int = 12_000


class BoundedProtocol(HttpToolsProtocol):
    """Speaks HTTP, within limits."""

    def __init__(self, limits: Limits, **given: Any) -> None:
        super().__init__(**given)
        self._limits = limits
        self._deadline: TimerHandle | None = None
        self._in_head = self._in_body = self._early = False
        self._was_in_body = False  # when the piece came that is being read
        self._head_bytes = self._piece_bytes = 0  # of the head in pieces before this one; of this one
        self._between_bytes = 0  # of a body that is sent in chunks, since the last byte of any of them
        self._fault = Problem(400, "Can't be read", "This is no HTTP/1.1 request. Check what sends it.")

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Somebody has come."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections:
            self._refuse(come_again("Too many connections are open here.", after_s=5))
        else:
            self._arm(self._limits.head_s)

    def data_received(self, data: bytes) -> None:
        """A piece of a request, or of several."""
        if self._early:
            return
        self._piece_bytes, self._was_in_body = len(data), self._in_body
        self._between_bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing() or self._early:
            return
        if self._in_head and not self._was_in_body:
            self._head_bytes += len(data)
        if max(self._in_head * self._head_bytes, self._in_body * self._between_bytes) > self._limits.head_bytes:
            self._refuse(self._too_large())
            return
        if self._deadline is None and not self._is_pending():
            self._arm(self._limits.body_s if self._in_body else self._limits.head_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """They have gone."""
        self._disarm()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A request begins."""
        if self._is_pending():
            self.cycle.keep_alive, self._early = False, True
            raise self._fault
        self._disarm()
        self._in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; behind a body none is taken."""
        if self._in_body:
            raise self._fault
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Its head is there."""
        self._disarm()
        self._in_head, self._in_body, self._between_bytes = False, True, 0
        if self._head_bytes + self._piece_bytes > self._limits.head_bytes:  # the piece may have other things in it
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > self._limits.head_bytes:
                self._fault = self._too_large()
                raise self._fault
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Some of its body."""
        self._between_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Its body is there."""
        self._in_body = False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        """What can't be read is answered in the form of all errors; what came too early waits in vain."""
        if not self._early:
            self._refuse(self._fault)

    def _arm(self, seconds: float) -> None:
        self._deadline = self.loop.call_later(seconds, self._cut_off)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _cut_off(self) -> None:
        if self._in_head and not self.transport.is_closing():
            told = f"The headers did not come within {self._limits.head_s:g} s. Send them at once."
            self._refuse(Problem(408, "Too slow", told))
        self.transport.close()

    def _is_pending(self) -> bool:
        """Whether a request is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    def _refuse(self, problem: Problem) -> None:
        """Answer so and close, unless an answer has begun."""
        if self._is_pending():
            begun, self.cycle.disconnected = self.cycle.response_started, True
            self.cycle.message_event.set()
            if begun:
                self.transport.close()
                return
        answer = problem.response()
        headers = [b"%b: %b\r\n" % header for header in (*answer.raw_headers, (b"connection", b"close"))]
        self.transport.write(b"".join((STATUS_LINE[problem.status], *headers, b"\r\n", bytes(answer.body))))
        self.transport.close()

    def _too_large(self) -> Problem:
        return Problem(431, "Too large", f"The headers have more than {self._limits.head_bytes} bytes. Send fewer.")


def make_room(connections: int) -> int:
    """Have the system allow so many connections; how many it does allow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _FILES_BESIDE
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        soft = most
    return connections if soft == resource.RLIM_INFINITY else max(1, min(connections, soft - _FILES_BESIDE))
