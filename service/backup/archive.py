"""The file of a backup: a tar, packed by zstd, that holds the manifest and then its files, in that order.

Any `tar --zstd` unpacks it; what reads it here takes plain files that the manifest lists, and nothing else. Invariants:
no byte is used whose hash was not looked at; whatever is cut off, changed or put in is told; memory is bounded.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import zstandard

from service.backup.manifest import MANIFEST, Entry, Manifest, decode_manifest, encode_manifest
from service.source import Unusable

Told = Callable[[str, int, int], None]  # what is being dealt with, how many of its bytes are done, of how many
Keep = Callable[[Entry], AbstractContextManager[BinaryIO]]

_BLOCK, _PIECE_BYTES, _MANIFEST_BYTES = 512, 1 << 20, 1 << 20
_LEVEL = 3
_OWNER_ONLY = 0o600


def pack(archive: Path, manifest: Manifest, folder: Path, told: Told) -> None:
    """Write an archive of the files that lie in a folder; it is on disk afterwards. Raises OSError."""
    with os.fdopen(os.open(archive, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY), "wb") as file:
        with zstandard.ZstdCompressor(_LEVEL, write_checksum=False).stream_writer(file, closefd=False) as out:
            described = encode_manifest(manifest)
            _put(out, Entry(MANIFEST, len(described), ""), BytesIO(described), lambda *_: None)
            for entry in manifest.files:
                with (folder / entry.name).open("rb") as source:
                    _put(out, entry, source, partial(told, f"packing {entry.name}"))
            out.write(bytes(2 * _BLOCK))
        file.flush()
        os.fsync(file.fileno())


def _put(
    out: zstandard.ZstdCompressionWriter, entry: Entry, source: BinaryIO, told: Callable[[int, int], None]
) -> None:
    info = tarfile.TarInfo(entry.name)
    info.size, info.mode = entry.bytes, _OWNER_ONLY
    out.write(info.tobuf(tarfile.GNU_FORMAT))
    done = 0
    while piece := source.read(_PIECE_BYTES):
        out.write(piece)
        done += len(piece)
        told(done, entry.bytes)
    out.write(bytes(-entry.bytes % _BLOCK))


class Reading:
    """An archive that is being read, from its beginning to its end, once."""

    def __init__(self, archive: Path, stream: zstandard.ZstdDecompressionReader) -> None:
        """Read the manifest. Raises Unusable."""
        self._archive, self._stream = archive, stream
        name, size = self._head(MANIFEST)
        if name != MANIFEST or size > _MANIFEST_BYTES:
            raise Unusable(f"{archive}: this is no backup of a home: it does not begin with {MANIFEST}")
        self.manifest = decode_manifest(b"".join(self._pieces(size, MANIFEST)), archive)

    def take(self, keep: Keep, told: Told) -> None:
        """Look at every file, and write each to where `keep` says. Raises Unusable, and OSError of what is written."""
        for entry in self.manifest.files:
            name, size = self._head(entry.name)
            if (name, size) != (entry.name, entry.bytes):
                raise self._damaged(
                    f"where {entry.name} ({entry.bytes} bytes) was to come is {name[:80]!r} ({size} bytes)"
                )
            digest, done = hashlib.sha256(), 0
            with keep(entry) as out:
                for piece in self._pieces(size, entry.name):
                    digest.update(piece)
                    out.write(piece)
                    done += len(piece)
                    told(entry.name, done, entry.bytes)
            if digest.hexdigest() != entry.sha256:
                raise self._damaged(f"{entry.name} is not as it was when the backup was made")
        if self._exactly(2 * _BLOCK, "its end").strip(b"\0"):
            raise self._damaged("there is more in it than it lists")

    def _head(self, expected: str) -> tuple[str, int]:
        """The name and the size of the next member, which has to be a plain file."""
        block = self._exactly(_BLOCK, f"the head of {expected}")
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
        except (tarfile.HeaderError, UnicodeError):
            raise self._damaged(f"the head of {expected} can't be read") from None
        if not info.isreg() or info.size < 0:
            raise self._damaged(f"{info.name[:80]!r} is no plain file")
        return info.name, info.size

    def _pieces(self, size: int, name: str) -> Iterator[bytes]:
        left = size
        while left:
            piece = self._exactly(min(left, _PIECE_BYTES), name)
            left -= len(piece)
            yield piece
        if self._exactly(-size % _BLOCK, name).strip(b"\0"):
            raise self._damaged(f"something is hidden behind {name}")

    def _exactly(self, size: int, what: str) -> bytes:
        """So many bytes."""
        found = bytearray()
        try:
            while len(found) < size and (piece := self._stream.read(size - len(found))):
                found += piece
        except zstandard.ZstdError:
            raise self._damaged(f"it can't be unpacked at {what}") from None
        if len(found) < size:
            raise self._damaged(f"it ends within {what}: it was cut off")
        return bytes(found)

    def _damaged(self, why: str) -> Unusable:
        return Unusable(f"{self._archive}: the backup is damaged: {why}. Take another copy of it, or another backup")


@contextmanager
def reading(archive: Path) -> Iterator[Reading]:
    """An archive, its manifest read already. Raises Unusable."""
    try:
        file = archive.open("rb")
    except OSError as error:
        raise Unusable(f"{archive}: it can't be read: {error.strerror}. Give the file of a backup") from None
    with file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
        yield Reading(archive, stream)
