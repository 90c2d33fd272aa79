"""Shapefile, GeoPackage and FlatGeobuf by pyogrio: raw geometry, attributes as JSON has them.

Between the files that `shapefile`, `geopackage` and `read` have looked at, and `wkb`. Invariant: pyogrio is only ever
given a path that we made, beginning with the bytes of its format.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
from numpy.typing import NDArray
from pyogrio import raw

from boundaries.drawing import Drawing
from boundaries.errors import Unreadable
from boundaries.reading.contents import Contents, Drawn
from boundaries.reading.geojson import check_count, check_positions, malformed
from boundaries.reading.jsonable import clean_text, jsonable
from boundaries.reading.options import Bounds, Progress
from boundaries.reading.wkb import drawing_of
from geofence.malformed import Malformed

FORMATS = {".shp": "Shapefile", ".gpkg": "GeoPackage", ".fgb": "FlatGeobuf"}  # by the names that we give
_EVERY = 100  # features between two words on the progress
_Columns = dict[str, NDArray[Any]]


def read_ogr(
    path: Path, *, layer: str | None, encoding: str | None, bounds: Bounds, progress: Progress, number_as: str = ""
) -> Contents:
    """One layer of a file; `number_as`: the attribute that gets the format's own row numbers. Raises Unreadable."""
    meta, numbers, geometries, columns = _opened(path, layer, encoding, bounds)
    check_count(len(geometries), bounds)
    features: list[Drawn] = []
    findings = []
    positions = 0
    for row, wkb in enumerate(geometries):
        if row % _EVERY == 0:
            progress("reading", row, len(geometries))
        try:
            drawing = Drawing("") if wkb is None else drawing_of(bytes(wkb))
        except Malformed as fault:
            findings.append(malformed(row, str(fault)))
            continue
        positions += sum(len(ring) for polygon in drawing.polygons for ring in polygon)
        check_positions(positions, bounds)
        properties = {name: jsonable(column[row]) for name, column in columns.items()}
        if number_as:
            properties.setdefault(number_as, int(numbers[row]))
        features.append(Drawn(row, None, properties, drawing))
    return Contents(
        format=FORMATS[path.suffix], features=features, crs=meta["crs"], findings=findings, last_resort=number_as
    )


def layers_of(path: Path) -> dict[str, str | None]:
    """Of each layer, its kind of geometry; None: it has none. Raises Unreadable."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = pyogrio.list_layers(path)
    except MemoryError:
        raise
    except Exception as error:
        raise _damaged(error) from None
    return {str(name): kind if kind is None else str(kind) for name, kind in found}


def _opened(path: Path, layer: str | None, encoding: str | None, bounds: Bounds) -> tuple[Any, Any, Any, _Columns]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of rings that are open: the check tells
            meta, numbers, geometries, fields = raw.read(
                path,
                layer=layer,
                encoding=encoding,
                return_fids=True,
                max_features=bounds.features + 1,
                datetime_as_string=True,
            )
    except UnicodeDecodeError:
        raise Unreadable(
            f"The file's text is not {encoding or 'in the encoding it says'}. Say another: --encoding Windows-1252."
        ) from None
    except MemoryError:
        raise
    except Exception as error:
        raise _damaged(error) from None
    names = [clean_text(str(name)) for name in meta["fields"]]
    whole = ["Integer" in kind and "List" not in kind for kind in meta["ogr_types"]]
    columns = {
        name: _whole(column) if is_whole else column
        for name, column, is_whole in zip(names, fields, whole, strict=True)
    }
    return meta, numbers, geometries, columns


def _whole(column: NDArray[Any]) -> NDArray[Any]:
    """Whole numbers as such: where some are missing, they come as floats."""
    if column.dtype.kind != "f":
        return column
    return _objects([None if number != number else int(number) for number in column])


def _objects(values: list[Any]) -> NDArray[Any]:
    column = np.empty(len(values), object)
    column[:] = values
    return column


def _damaged(error: Exception) -> Unreadable:
    told = _without_paths(str(error).split("; ")[0]) if isinstance(error, RuntimeError) else "its parts do not fit"
    return Unreadable(f"The file is damaged, or not what it begins as: {told[:200]}. Export it again.")


def _without_paths(text: str) -> str:
    """The words that are no paths of this machine."""
    return " ".join("the file" if "/" in word else word for word in text.rstrip(".").split())
