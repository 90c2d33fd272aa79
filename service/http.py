"""Serving an HTTP application from the event loop of a role, until the role ends.

Invariants: the signals stay the role's own; an address that can't be had is one clear line; connections are bounded,
see `connections`; on the end what was begun has `grace_s` to be answered, and is told to come again after that.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from functools import partial
from math import ceil
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.address import split_address
from service.connections import BoundedProtocol, Limits
from service.source import Unusable
from web.problem import come_again

_START_S = 10.0
_UNREAD_MS = 60_000  # who takes nothing for so long is dropped by the system: a closed stream may still hold bytes
_DEFAULT = Limits()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


@contextlib.asynccontextmanager
async def serving(
    app: ASGIApp,
    address: str,
    *,
    limits: Limits = _DEFAULT,
    tls: ssl.SSLContext | None = None,
    grace_s: float = 1.0,
) -> AsyncIterator[None]:
    """Serve at HOST:PORT meanwhile. Raises Unusable where that can't be."""
    bound = _bind(address)
    server = _Server(_config(_Parting(app), limits, tls, grace_s))
    task = asyncio.create_task(server.serve([bound]))
    try:
        await _begun(server, task, address)
        yield
    finally:
        server.should_exit = True
        await task
        bound.close()


async def _begun(server: uvicorn.Server, task: asyncio.Task[None], address: str) -> None:
    """Wait until it answers. Raises Unusable."""
    try:
        async with asyncio.timeout(_START_S):
            while not server.started and not task.done():
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise Unusable(
            f"nothing answers at {address} after {_START_S:g} s. Is the machine too busy? Try again."
        ) from None
    if task.done():
        raise Unusable(f"the server at {address} ended before it answered. See the log for why.")


class _Parting:
    """An ASGI application: the one behind, whose requests are told to come again where the end cuts them off."""

    def __init__(self, behind: ASGIApp) -> None:
        self._behind = behind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._behind(scope, receive, sending)
        except asyncio.CancelledError:
            if begun:
                raise
            await come_again("This gateway is being stopped. Send it again.").response()(scope, receive, send)


def _config(app: ASGIApp, limits: Limits, tls: ssl.SSLContext | None, grace_s: float) -> uvicorn.Config:
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # whoever sends nonsense must not fill the log
    protocol: Any = partial(BoundedProtocol, limits)
    config = uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_keep_alive=ceil(limits.idle_s),
        timeout_graceful_shutdown=ceil(grace_s),
    )
    config.load()
    config.ssl = tls
    return config


def _bind(address: str) -> socket.socket:
    host, port = split_address(address)
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        bound = socket.create_server((host, port), family=family)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise Unusable(f"{address} can't be listened at: {why}. Choose another port by --listen or --health.") from None
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNREAD_MS)  # connections inherit it
    return bound
