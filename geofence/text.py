"""Texts: a column of text in one arena of bytes, so that a million device names are two arrays and no
objects.

Used for the device and user columns of pings. Invariant: text i is `arena[offsets[i]:offsets[i + 1]]`, valid
UTF-8.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

_SURROGATE = "surrogatepass"  # a lone surrogate must reach validation, not crash the reader


@dataclass(frozen=True, slots=True)
class Texts:
    """An immutable column of text."""

    arena: NDArray[np.uint8]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Texts:
        """Pack any iterable of text."""
        rows = texts if isinstance(texts, list) else list(texts)
        joined = "".join(rows)
        if not joined.isascii():
            return cls.of_bytes([text.encode("utf-8", _SURROGATE) for text in rows])
        return cls(np.frombuffer(joined.encode(), np.uint8), _offsets(rows))

    @classmethod
    def of_bytes(cls, pieces: list[bytes]) -> Texts:
        """Pack UTF-8 that is already encoded."""
        return cls(np.frombuffer(b"".join(pieces), np.uint8), _offsets(pieces))

    @classmethod
    def blank(cls, count: int) -> Texts:
        """A column of `count` empty texts."""
        return cls(np.zeros(0, np.uint8), np.zeros(count + 1, np.int64))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> str:
        start, end = self.offsets[index], self.offsets[index + 1]
        return self.arena[start:end].tobytes().decode("utf-8", _SURROGATE)

    def __iter__(self) -> Iterator[str]:
        return (self[index] for index in range(len(self)))

    def slice(self, start: int, end: int) -> Texts:
        """Texts start to end (exclusive), sharing the arena."""
        first, last = self.offsets[start], self.offsets[end]
        return Texts(self.arena[first:last], self.offsets[start : end + 1] - first)

    def take(self, rows: NDArray[np.int64]) -> Texts:
        """The texts of these rows, in this order."""
        return Texts(*gathered(self.arena, self.offsets[rows], self.offsets[rows + 1] - self.offsets[rows]))

    def and_more(self, texts: Iterable[str]) -> Texts:
        """These, and others behind them."""
        more = Texts.of(texts)
        arena = np.concatenate([self.arena, more.arena])
        return Texts(arena, np.concatenate([self.offsets, more.offsets[1:] + self.offsets[-1]]))


@njit(cache=True)
def gathered(
    arena: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Pieces of an arena, one behind the other in an arena of their own, and its offsets."""
    offsets = np.zeros(len(starts) + 1, np.int64)
    offsets[1:] = np.cumsum(lengths)
    out = np.empty(offsets[-1], np.uint8)
    for row in range(len(starts)):
        to, source = np.uint64(offsets[row]), np.uint64(starts[row])  # unsigned: many bytes are copied at once
        for k in range(np.uint64(lengths[row])):
            out[to + k] = arena[source + k]
    return out, offsets


def _offsets(pieces: list[str] | list[bytes]) -> NDArray[np.int64]:
    offsets = np.zeros(len(pieces) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, pieces), np.int64, len(pieces)), out=offsets[1:])
    return offsets
