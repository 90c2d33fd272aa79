"""Read one feature table of a GeoPackage held in memory.

The first step of the provinces, as `topojson` is of the other layers. A GeoPackage is an SQLite database
whose geometries are well-known binary behind a short header.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from data.topojson import Rings

_ENVELOPE_BYTES = (0, 32, 48, 48, 64)


@dataclass(frozen=True, slots=True)
class Row:
    """One feature: its number in the table, its columns by name and its polygons' rings."""

    fid: int
    columns: dict[str, Any]
    polygons: Rings


def rows(content: bytes, *, table: str, decimals: int) -> Iterator[Row]:
    """Yield the features of a table in the order of their numbers, coordinates rounded."""
    database = sqlite3.connect(":memory:")
    database.deserialize(content)
    database.row_factory = sqlite3.Row
    for record in database.execute(f'SELECT * FROM "{table}" ORDER BY fid'):  # noqa: S608
        columns = dict(record)
        polygons = _rings(columns.pop("geom"), decimals)
        yield Row(fid=columns.pop("fid"), columns=columns, polygons=polygons)
    database.close()


def _rings(blob: bytes, decimals: int) -> Rings:
    header = 8 + _ENVELOPE_BYTES[blob[3] >> 1 & 0b111]
    parts = shapely.get_parts(shapely.from_wkb(blob[header:]))
    return [
        [np.round(shapely.get_coordinates(ring), decimals) for ring in (part.exterior, *part.interiors)]
        for part in parts
    ]
