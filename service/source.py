"""Bytes from a file or standard input, unpacked if they are gzip, and how far the reading has come.

The first step of every command. Invariant: whatever is wrong with a file ends in `Unusable`, with one clear
line.
"""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

CHUNK_BYTES = 2 << 20
_GZIP = b"\x1f\x8b"
_SUFFIXES = (".gz", ".geojson", ".json", ".csv", ".gpx", ".ndjson", ".jsonl")


class Unusable(ValueError):
    """A file or an option that can't be used at all. Says which, what is wrong and what to do."""


class Source:
    """An open file. `-` is standard input."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.name = "standard input" if path == "-" else path
        try:
            self._file: BinaryIO = sys.stdin.buffer if path == "-" else Path(path).open("rb")  # noqa: SIM115
        except (OSError, ValueError) as error:
            raise Unusable(f"{self.name}: {_why(error)}") from None
        self.size = Path(path).stat().st_size if path != "-" else 0
        self._raw = io.BufferedReader(_Counted(self._file))
        packed = self._peek() == _GZIP
        self._bytes: BinaryIO = gzip.GzipFile(fileobj=self._raw) if packed else self._raw  # type: ignore[assignment]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.path != "-":
            self._file.close()

    def _peek(self) -> bytes:
        try:
            return self._raw.peek(2)[:2]
        except OSError as error:
            self._file.close()
            raise Unusable(f"{self.name}: {_why(error)}") from None

    def read(self, size: int = CHUNK_BYTES) -> bytes:
        """Up to `size` bytes; none at the end."""
        try:
            return self._bytes.read(size)
        except (EOFError, zlib.error) as error:
            raise Unusable(f"{self.name}: the gzip data is damaged or cut off ({error}). Pack it again.") from None
        except (OSError, ValueError) as error:
            raise Unusable(f"{self.name}: {_why(error)}") from None

    def read_all(self, most_bytes: int) -> bytes:
        """Everything. Raises Unusable beyond `most_bytes`, so that a packed bomb can't fill the memory."""
        pieces: list[bytes] = []
        left = most_bytes
        while piece := self.read():
            left -= len(piece)
            if left < 0:
                raise Unusable(f"{self.name}: unpacked it is larger than {most_bytes >> 20} MiB. Split or simplify it.")
            pieces.append(piece)
        return b"".join(pieces)

    @property
    def read_bytes(self) -> int:
        """How much of the file, as it lies on disk, has been read."""
        counted = self._raw.raw
        return counted.count if isinstance(counted, _Counted) else 0

    @property
    def stem(self) -> str:
        """The file's name without the suffixes of its format."""
        name = Path(self.path).name if self.path != "-" else "stdin"
        while (found := Path(name).suffix).lower() in _SUFFIXES and name != found:
            name = name[: -len(found)]
        return name


class _Counted(io.RawIOBase):
    """A raw stream that counts what has been read from it."""

    def __init__(self, raw: BinaryIO) -> None:
        self._inner = raw
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        piece = self._inner.read1(len(buffer)) if hasattr(self._inner, "read1") else self._inner.read(len(buffer))
        buffer[: len(piece)] = piece
        self.count += len(piece)
        return len(piece)


def _why(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file. Check the path."
    if isinstance(error, IsADirectoryError):
        return "is a directory. Name a file."
    if isinstance(error, PermissionError):
        return "may not be read. Check its permissions."
    return f"can't be read: {getattr(error, 'strerror', None) or error}"
