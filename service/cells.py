"""Cells of text become numbers: a whole column at once, or cell by cell where one of them is no number.

Used by the readers. Invariant: nothing is guessed. What Python alone would take for a number (`1_000`) is
refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
_INT64 = 2**63


def floats(cells: list[bytes]) -> tuple[NDArray[np.float64], list[int]]:
    """The numbers, and the places of cells that are none. An empty cell is NaN and fine; the text `nan` is
    not.
    """
    try:
        values = np.fromiter(map(float, cells), np.float64, len(cells))
        bad: list[int] = []
    except ValueError:
        found = [_or_none(float, cell) if cell.strip() else np.nan for cell in cells]
        bad = [place for place, value in enumerate(found) if value is None]
        values = np.array(found, np.float64)
    bad += [place for place in np.flatnonzero(np.isnan(values)).tolist() if cells[place].strip()]
    return values, sorted(set(bad) | set(_underscored(cells)))


def integers(cells: list[bytes]) -> tuple[NDArray[np.int64], list[int]]:
    """The whole numbers, and the places of cells that are none, or none that a column could hold."""
    try:
        return np.fromiter(map(int, cells), np.int64, len(cells)), _underscored(cells)
    except (ValueError, OverflowError):
        found = [_or_none(_int64, cell) for cell in cells]
        bad = [place for place, value in enumerate(found) if value is None]
        values = np.array([0 if value is None else value for value in found], np.int64)
        return values, sorted(set(bad) | set(_underscored(cells)))


def not_utf8(cells: list[bytes]) -> list[int]:
    """The places of cells that are not UTF-8."""
    if all(map(bytes.isascii, cells)):
        return []
    return [place for place, cell in enumerate(cells) if _or_none(bytes.decode, cell) is None]


def shown(cell: bytes) -> str:
    """A cell as messages show it."""
    text = cell[:200].decode("utf-8", "backslashreplace")
    quoted = repr(text)
    return quoted if len(quoted) <= 60 and len(cell) <= 200 else f"{quoted[:57]}... ({len(cell)} bytes)"


def _underscored(cells: list[bytes]) -> list[int]:
    if b"_" not in b"".join(cells):
        return []
    return [place for place, cell in enumerate(cells) if b"_" in cell]


def _int64(cell: bytes) -> int:
    value = int(cell)
    if not -_INT64 <= value < _INT64:
        raise ValueError("does not fit into a column")
    return value


def _or_none(read: Callable[[bytes], T], cell: bytes) -> T | None:
    try:
        return read(cell)
    except ValueError:
        return None
