"""A cache of tiles: those last asked for, up to so many bytes.

Before the tilers, shared by all versions of a process. Invariant: never more bytes than the limit; a tile of a version
never changes, so nothing in it goes stale.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

ROOM = 64 << 20
_OVERHEAD = 200  # bytes that an entry takes beside its tile, about

Key = tuple[str, int, int, int]  # a version's hash, z, x, y


class TileCache:
    """The tiles last asked for."""

    def __init__(self, most_bytes: int = ROOM) -> None:
        """Empty."""
        self._most, self._lock = most_bytes, Lock()
        self._tiles: OrderedDict[Key, bytes] = OrderedDict()
        self.nbytes = 0

    def get(self, key: Key, make: Callable[[], bytes]) -> bytes:
        """The tile, made if it is not at hand; two who ask at once may both make it."""
        with self._lock:
            found = self._tiles.get(key)
            if found is not None:
                self._tiles.move_to_end(key)
                return found
        made = make()
        with self._lock:
            if key not in self._tiles and len(made) + _OVERHEAD <= self._most:
                self._tiles[key] = made
                self.nbytes += len(made) + _OVERHEAD
                while self.nbytes > self._most:
                    _, dropped = self._tiles.popitem(last=False)
                    self.nbytes -= len(dropped) + _OVERHEAD
        return made

    def __len__(self) -> int:
        """How many tiles are at hand."""
        return len(self._tiles)
