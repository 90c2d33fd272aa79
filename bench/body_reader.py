"""The baseline of the gateway: the same server, with an application that reads a body and answers.

`python -m bench.body_reader ADDRESS`. Invariant: what it does not do is all that the gateway does.
"""

from __future__ import annotations

import asyncio
import signal
import sys

import uvloop
from starlette.types import Receive, Scope, Send

from service.http import serving
from service.interpreter import tune

_ANSWER = b'{"accepted":1,"rejected":[]}'
_HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(_ANSWER)).encode())]


async def read_and_answer(scope: Scope, receive: Receive, send: Send) -> None:
    """One request."""
    if scope["type"] != "http":
        return
    body = []
    while True:
        message = await receive()
        body.append(message.get("body", b""))
        if not message.get("more_body"):
            break
    b"".join(body)
    await send({"type": "http.response.start", "status": 202, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _ANSWER})


async def serve(address: str) -> None:
    """Until a signal comes."""
    tune()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with serving(read_and_answer, address):
        await stop.wait()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
