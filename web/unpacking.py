"""Decompressing bodies: in threads of their own, in small pieces, so that neither a bomb nor many members cost others.

Behind `body`. Invariants: what ends too early is an error, never a shorter body; no more than a piece beyond the limit
is ever made; the work grows with what is sent, however many members or frames it has.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import zstandard

_THREADS = ThreadPoolExecutor(2, "unpacking")
_OUT = 1 << 16
_GZIP_IN = 1 << 13  # bytes that are copied again for each member in them
_ZSTD_IN = 1 << 8  # bytes that can become at most 8 MB, as a block of 128 kB takes four
_WINDOW = 1 << 25


class TooLarge(Exception):
    """It has more bytes than may be."""


class NotWhole(Exception):
    """It is not what it is said to be, or only the beginning of it."""


async def unpacked(sent: bytes, encoding: str, most: int) -> bytes:
    """What was packed by gzip or zstd. Raises TooLarge and NotWhole."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, unpack, sent, encoding, most)


def unpack(sent: bytes, encoding: str, most: int) -> bytes:
    """The same, here and now."""
    pieces, size = [], 0
    try:
        for piece in _gzip(sent) if encoding == "gzip" else _zstd(sent):
            size += len(piece)
            if size > most:
                raise TooLarge
            pieces.append(piece)
    except (zlib.error, zstandard.ZstdError, EOFError) as error:
        raise NotWhole(str(error)) from None
    return b"".join(pieces)


def _gzip(sent: bytes) -> Iterator[bytes]:
    """The members of a gzip file, in pieces."""
    stream = None
    for part in _parts(sent, _GZIP_IN):
        left = part
        while left:
            stream = stream or zlib.decompressobj(wbits=31)
            yield stream.decompress(left, _OUT)
            left = stream.unconsumed_tail
            if stream.eof:
                left, stream = stream.unused_data, None
    while stream is not None:  # all of it is read, but not yet all of it written
        piece = stream.decompress(b"", _OUT)
        if not piece and not stream.eof:
            raise EOFError("it ends too early")
        yield piece
        stream = None if stream.eof else stream


def _zstd(sent: bytes) -> Iterator[bytes]:
    """The frames of zstd, in pieces."""
    frames = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
    frame = None
    for part in _parts(sent, _ZSTD_IN):
        left = part
        while left:
            frame = frame or frames.decompressobj()
            yield frame.decompress(left)
            left = b""
            if frame.eof:
                left, frame = frame.unused_data, None
    if frame is not None:
        raise EOFError("it ends too early")


def _parts(sent: bytes, size: int) -> Iterator[bytes]:
    return (sent[begin : begin + size] for begin in range(0, len(sent), size))
