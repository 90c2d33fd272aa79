"""Serving an HTTP application from the event loop of a role, until the role ends.

Invariants: the signals stay the role's own; an address that can't be had is one clear line.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.types import ASGIApp

from service.source import Unusable

_START_S = 10.0
_UNREAD_MS = 60_000  # who takes nothing for so long is dropped by the system: a closed stream may still hold bytes


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, address: str) -> AsyncIterator[None]:
    """Serve at HOST:PORT meanwhile. Raises Unusable where that can't be."""
    bound = _bind(address)
    server = _Server(
        uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    )
    task = asyncio.create_task(server.serve([bound]))
    try:
        async with asyncio.timeout(_START_S):
            while not server.started and not task.done():
                await asyncio.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        await task
        bound.close()


def _bind(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise Unusable(f"{address!r} is no address; allowed: HOST:PORT, such as 127.0.0.1:8081")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        bound = socket.create_server((host.strip("[]"), int(port)), family=family)
    except OSError as error:
        raise Unusable(f"{address} can't be listened at: {error.strerror or error}. Choose another port.") from None
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNREAD_MS)  # connections inherit it
    return bound
