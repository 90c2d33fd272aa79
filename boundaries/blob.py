"""Regions as FlatGeobuf: what a version's geometry is kept as, named by the hash of its bytes.

Invariants: regions come back as they were, in their order, every double exact; the same regions give the same bytes.
Only regions that `geofence.region.Version` would take go in. GDAL is loaded when the first are read or written: most
who name this module hand files on.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from boundaries.errors import Unreadable
from geofence.region import Region

MEDIA_TYPE = "application/flatgeobuf"
_FIELDS = ("id", "name", "properties")
_PIECE = 1024 * 1024


def write_regions(regions: Sequence[Region], path: Path) -> str:
    """Write the regions; the SHA-256 of the bytes, in hexadecimal."""
    from pyogrio import raw

    columns = (
        [region.id for region in regions],
        [region.name for region in regions],
        [_properties_text(region) for region in regions],
    )
    path.unlink(missing_ok=True)  # GDAL would add to it
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a layer without regions
        raw.write(
            path,
            _column([shapely.to_wkb(region.geometry, byte_order=1, output_dimension=2) for region in regions]),
            [_column(values) for values in columns],
            list(_FIELDS),
            layer="regions",
            driver="FlatGeobuf",
            geometry_type="Unknown",  # so that a Polygon stays one, beside MultiPolygons
            crs="EPSG:4326",
            SPATIAL_INDEX="NO",  # an index would put the regions in another order
        )
    return hash_of(path)


def read_regions(path: Path) -> list[Region]:
    """The regions that were written. Raises Unreadable for anything else."""
    from pyogrio import raw

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            meta, _, geometries, fields = raw.read(path)
        columns = dict(zip(meta["fields"], fields, strict=True))
        shapes = shapely.from_wkb(geometries)
        rows = zip(*(columns[name] for name in _FIELDS), shapes, strict=True)
        return [Region(ident, shape, name, json.loads(text)) for ident, name, text, shape in rows]
    except (RuntimeError, shapely.errors.GEOSException, LookupError, ValueError, TypeError) as error:
        raise Unreadable(f"The geometry {path.name} can't be read: {str(error)[:200]}. Restore it.") from None


def hash_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _properties_text(region: Region) -> str:
    return json.dumps(region.properties, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _column(values: Sequence[object]) -> NDArray[np.object_]:
    column = np.empty(len(values), object)
    column[:] = values
    return column
