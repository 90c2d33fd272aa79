"""Arrays that grow, and pools of rows that come and go.

What tracks keep their columns in. Invariant: a row's number never changes while it is in use.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

MANY, ROOM = 1 << 16, 1 << 20  # rows


def grown(array: NDArray[Any], needed: int) -> NDArray[Any]:
    """The array, or a copy with room for at least `needed` rows; new rows are zero and cost no memory until used."""
    if needed <= len(array):
        return array
    longer = np.zeros((max(needed, len(array) + len(array) // 2), *array.shape[1:]), array.dtype)
    longer[: len(array)] = array
    return longer


def grown_far(array: NDArray[Any], needed: int, each: int = 1) -> NDArray[Any]:
    """As `grown`, but what holds many rows, `each` so many places, gets room for a million at once.

    Room costs addresses only. Growing by and by instead left 100 MB of copies of a million devices with the
    allocator, and took 150 MB more on the way.
    """
    far = len(array) < needed and needed > MANY * each
    return grown(array, max(needed, ROOM * each) if far else needed)


class Pool:
    """Rows taken and given back, in one array for each dtype. Kernels take from `free[: left[0]]`, newest last."""

    def __init__(self, *dtypes: DTypeLike) -> None:
        """An empty one."""
        self.columns: list[NDArray[Any]] = [np.zeros(0, dtype) for dtype in dtypes]
        self.free, self.left = np.zeros(0, np.int32), np.zeros(1, np.int64)

    def reserve(self, many: int) -> None:
        """Make sure that `many` rows can be taken without asking."""
        lacking = many - int(self.left[0])
        if lacking <= 0:
            return
        old = len(self.free)
        new = max(old + lacking, old + old // 2)
        new = new if new < MANY else max(new, ROOM // 4)
        self.columns = [grown(column, new)[:new] for column in self.columns]
        self.free = grown(self.free, new)[:new]
        added = np.arange(new - 1, old - 1, -1, dtype=np.int32)  # the lowest is taken first
        kept = self.free[: int(self.left[0])].copy()
        self.free[: len(added)] = added
        self.free[len(added) : len(added) + len(kept)] = kept
        self.left[0] += len(added)

    @property
    def used(self) -> int:
        """Rows in use."""
        return len(self.free) - int(self.left[0])
