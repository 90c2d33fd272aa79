"""A body too large for memory: streamed to a file, as long as it keeps coming.

Before endpoints that take files. Invariants: a file under its name is whole, and nothing is left of one that is not; no
more than a stretch of it is in memory; who sends too slowly is cut off, however large the file is; the event loop never
waits for the disk.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from fastapi import Request
from starlette.requests import ClientDisconnect

from web.problem import Problem

STRETCH = 1 << 16  # bytes that have to come within the time, and are written at once


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What was taken."""

    size: int
    sha256: str  # in hexadecimal


async def body_to_file(
    request: Request, path: Path, *, most_bytes: int, within_s: float, on_bytes: Callable[[int], None] | None = None
) -> Uploaded:
    """Write the body to a file that is not there yet. Raises Problem, and OSError where the disk does not take it.

    `within_s`: the time for each 64 KiB of it. `on_bytes` hears how many bytes have come.
    """
    _check(request, most_bytes)
    part = path.with_name(f"{path.name}.part")
    file = part.open("xb")
    try:
        with file:
            uploaded = await _written(request, file, most_bytes, within_s, on_bytes)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return uploaded


def _check(request: Request, most_bytes: int) -> None:
    """Refuse what can't be taken by what its headers say. Raises Problem."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower() or "identity"
    if encoding != "identity":
        detail = f"content-encoding is {encoding[:40]!r}; allowed here: identity. Send the file as it is."
        raise Problem(415, "Unknown encoding", detail, headers={"Accept-Encoding": "identity"})
    told = request.headers.get("content-length")
    if told is not None and told.isdecimal() and (len(told) > 15 or int(told) > most_bytes):
        raise _too_large(most_bytes)


async def _written(
    request: Request, file: BinaryIO, most_bytes: int, within_s: float, on_bytes: Callable[[int], None] | None
) -> Uploaded:
    """The body, on disk."""
    size, digest, stream = 0, hashlib.sha256(), aiter(request.stream())

    def write(data: bytes) -> None:
        digest.update(data)
        file.write(data)

    while stretch := await _stretch(stream, most_bytes - size, within_s):
        size += len(stretch)
        if size > most_bytes:
            raise _too_large(most_bytes)
        await asyncio.to_thread(write, stretch)
        if on_bytes is not None:
            on_bytes(size)
    await asyncio.to_thread(_flush, file)
    return Uploaded(size, digest.hexdigest())


async def _stretch(stream: AsyncIterator[bytes], wanted: int, within_s: float) -> bytes:
    """What comes next of a body: 64 KiB or more, less at its end, nothing behind that. Raises Problem."""
    pieces, size = list[bytes](), 0
    try:
        async with asyncio.timeout(within_s):
            while size < STRETCH and size <= wanted and (piece := await anext(stream, None)) is not None:
                pieces.append(piece)
                size += len(piece)
    except TimeoutError:
        detail = f"Only {size} bytes came within {within_s:g} s; allowed: {STRETCH} or more. Use a faster connection."
        raise Problem(408, "Too slow", detail, headers={"Connection": "close"}) from None
    except ClientDisconnect:
        raise Problem(400, "Cut off", "The connection was closed before the body had come.") from None
    return b"".join(pieces)


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _too_large(most_bytes: int) -> Problem:
    detail = f"The body has more than {most_bytes} bytes. Send a smaller file."
    return Problem(413, "Too large", detail, headers={"Connection": "close"})  # what is left of it is not waited for
