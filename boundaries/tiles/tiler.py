"""The tiler: a version's regions as vector tiles of any zoom.

What the API asks. Built once for a version; what one zoom needs is made when it is first asked for, and a few of those
are kept. Invariants: the same regions give the same bytes; any thread may ask.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

import numpy as np

from boundaries.errors import BoundaryError
from boundaries.tiles.arcs import arcs_of
from boundaries.tiles.drawing import BUFFER, desk_for, draw
from boundaries.tiles.level import EXTENT, FULL_ZOOM, Level, level_of
from boundaries.tiles.outlines import Ints, outlines_of
from geofence.region import Region
from geofence.text import Texts, gathered

LAYER, COLOURS, MOST_ZOOM = "regions", 8, 22
_LEVELS_KEPT = 6
_KEYS = ("id", "name", "colour")


class NoSuchTile(BoundaryError):
    """There is no tile of this number."""


class Tiler:
    """Makes the tiles of some regions. A feature's id is its region's place among them, as a version orders them."""

    def __init__(self, regions: Sequence[Region]) -> None:
        """Take the regions apart: borders into arcs, and how much each position matters."""
        self._outlines = outlines_of(regions)
        self._arcs = arcs_of(self._outlines)
        self._colour = np.array([zlib.crc32(one.id.encode()) % COLOURS for one in regions], np.uint8)
        self._texts = Texts.of_bytes([_value(text) for one in regions for text in (one.id, one.name)])
        self._levels: OrderedDict[int, Level] = OrderedDict()
        self._lock = Lock()

    def tile(self, z: int, x: int, y: int) -> bytes:
        """The tile, not compressed; empty where there is no region. Raises NoSuchTile."""
        if not 0 <= z <= MOST_ZOOM or not (0 <= x < 1 << z and 0 <= y < 1 << z):
            raise NoSuchTile(
                f"the tile is {z}/{x}/{y}; allowed: zoom 0 to {MOST_ZOOM}, x and y from 0 to 2^zoom - 1. "
                "Ask for a tile of the Web Mercator scheme, y from the north."
            )
        level = self.level(z)
        chosen = _chosen(level, z, x, y)
        if not len(chosen):
            return b""
        rings, scale = level.rings, float(EXTENT << z)
        sizes = rings.begin[chosen + 1] - rings.begin[chosen]
        desk = desk_for(int(sizes.sum()), int(sizes.max()), len(np.unique(rings.region[chosen])))
        size, features = draw(
            rings.xy, rings.begin, rings.region, rings.polygon, rings.hole, chosen,
            scale, x * EXTENT, y * EXTENT, EXTENT, BUFFER, self._colour, COLOURS, desk,
        )  # fmt: skip
        if not features:
            return b""
        return _layer(desk.out[:size].tobytes(), self._values(desk.drawn[:features]))

    def level(self, zoom: int) -> Level:
        """What this zoom's tiles are cut from."""
        key = min(zoom, FULL_ZOOM)
        with self._lock:
            if key not in self._levels:
                self._levels[key] = level_of(self._outlines, self._arcs, key)
            self._levels.move_to_end(key)
            while len(self._levels) > _LEVELS_KEPT:
                self._levels.popitem(last=False)
            return self._levels[key]

    @property
    def nbytes(self) -> int:
        """Memory in use, about."""
        rings = Level(self._outlines, np.zeros((0, 4))).nbytes + self._arcs.stays.nbytes
        return rings + len(self._texts.arena) + sum(level.nbytes for level in list(self._levels.values()))

    def _values(self, drawn: Ints) -> bytes:
        """Ids and names of these regions as a layer's values."""
        rows = np.column_stack([2 * drawn, 2 * drawn + 1]).reshape(-1)
        starts, ends = self._texts.offsets[rows], self._texts.offsets[rows + 1]
        return gathered(self._texts.arena, starts, ends - starts)[0].tobytes()


def _chosen(level: Level, z: int, x: int, y: int) -> Ints:
    """The rings whose boxes reach into a tile or its buffer."""
    wide, buffer = 1.0 / (1 << z), (BUFFER + 1) / (EXTENT << z)
    west, north, east, south = level.box.T
    across = (east >= x * wide - buffer) & (west <= (x + 1) * wide + buffer)
    return np.flatnonzero(across & (south >= y * wide - buffer) & (north <= (y + 1) * wide + buffer))


def _layer(features: bytes, texts: bytes) -> bytes:
    """A tile with one layer."""
    body = b"".join(
        [
            _field(1, LAYER.encode()),
            features,
            *(_field(3, key.encode()) for key in _KEYS),
            *(_field(4, b"\x28" + _number(colour)) for colour in range(COLOURS)),  # value 5: an unsigned number
            texts,
            b"\x28" + _number(EXTENT),
            b"\x78" + _number(2),  # the format's version
        ]
    )
    return _field(3, body)


def _value(text: str) -> bytes:
    """A text as one of a layer's values."""
    return _field(4, _field(1, text.encode("utf-8", "replace")))


def _field(key: int, content: bytes) -> bytes:
    """A field of this number that holds bytes."""
    return _number(key << 3 | 2) + _number(len(content)) + content


def _number(value: int) -> bytes:
    """A number, seven bits in a byte."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
