"""A file becomes features in lon and lat: what it is, what is in it, where that lies, what its regions are called.

The way of a file as a list: `read`. Invariants: what was chosen or guessed on the way is in the source; what could not
be used is a finding; nothing is mended.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
from numpy.typing import NDArray

from boundaries.checking.finding import Finding, Source
from boundaries.drawing import Drawing, Feature
from boundaries.errors import Unreadable
from boundaries.reading.bending import bent
from boundaries.reading.contents import Contents
from boundaries.reading.coordinate_system import system_of, title_of
from boundaries.reading.formats import ALLOWED, Format, format_of, gzip_holds
from boundaries.reading.geojson import read_geojson
from boundaries.reading.geopackage import read_geopackage
from boundaries.reading.kml import read_kml
from boundaries.reading.naming import attributes_of, naming_of
from boundaries.reading.ogr import read_ogr
from boundaries.reading.options import Progress, Reading, ReadOptions
from boundaries.reading.projecting import Operation, look_like_degrees, operation_for
from boundaries.reading.shapefile import read_shapefile
from boundaries.reading.unpacking import Archive, unpack_gzip

_ONE_FILE = (".geojson", ".json", ".geojsonl", ".ndjson", ".gpkg", ".fgb")


def read(path: Path, options: ReadOptions | None = None, progress: Progress | None = None) -> Reading:
    """The features of a region file, as they are drawn. Raises Unreadable and Undecided.

    A file from a stranger belongs in a sandbox: see `apart`.
    """
    options, progress = options or ReadOptions(), progress or _silent
    size = _size(path, options)
    with tempfile.TemporaryDirectory(prefix="geofence-") as folder:
        contents = _contents(path, Path(folder), options, progress)
    system = _system(contents, options)
    operation, features = _located(contents, system, progress)
    naming = naming_of(contents, options.id, options.name)
    source = Source(
        file=path.name,
        size=size,
        format=contents.format,
        inner=contents.inner,
        crs="" if system is None else title_of(system),
        operation=operation.name,
        operation_m=operation.accuracy_m,
        encoding=contents.encoding,
        id_from=naming.id_from,
        name_from=naming.name_from,
        guessed=naming.guessed,
        attributes=attributes_of(contents.features),
    )
    drawn = zip(contents.features, features, strict=True) if system is not None else ()
    kept = partial(_kept, contents.last_resort if naming.id_from != f"property {contents.last_resort}" else "")
    called = [
        Feature(one.row, naming.id_of(one), naming.name_of(one), shape, kept(one.properties)) for one, shape in drawn
    ]
    doubts = [] if system is None else _doubts(contents, system, operation)
    return Reading(source, called, [*_findings(contents, system), *doubts], contents.settings)


def _silent(stage: str, done: int, total: int) -> None:
    pass


def _size(path: Path, options: ReadOptions) -> int:
    size, most = path.stat().st_size, options.bounds.sent_bytes
    if size > most:
        raise Unreadable(
            f"The file has {size / 1e6:.0f} MB; allowed: up to {most / 1e6:g} MB. Simplify the borders, or pack it."
        )
    return size


def _contents(path: Path, folder: Path, options: ReadOptions, progress: Progress) -> Contents:
    """By what the file begins with."""
    found = format_of(path)
    if found is Format.ZIP:
        return _archived(Archive(path, options.bounds), folder, options, progress)
    if found is Format.GZIP:
        return _gzipped(path, folder, options, progress)
    return _plain(path, found, folder, options, progress)


def _plain(path: Path, found: Format, folder: Path, options: ReadOptions, progress: Progress) -> Contents:
    if found is Format.GEOJSON:
        return read_geojson(path.read_bytes(), options, progress)
    if found is Format.KML:
        return read_kml(path, options, progress)
    suffix = {Format.GEOPACKAGE: ".gpkg", Format.FLATGEOBUF: ".fgb"}[found]
    own = folder / f"layer{suffix}"  # a name of ours: programs look at names too
    own.symlink_to(path.absolute())
    if found is Format.GEOPACKAGE:
        return read_geopackage(own, options, progress)
    return read_ogr(own, layer=None, encoding=None, bounds=options.bounds, progress=progress)


def _gzipped(path: Path, folder: Path, options: ReadOptions, progress: Progress) -> Contents:
    if gzip_holds(path).lstrip(b"\xef\xbb\xbf\xff\xfe\x1e \t\r\n\x00")[:1] not in (b"{", b"["):
        raise Unreadable("The gzip file holds no GeoJSON; allowed: GeoJSON in gzip, other formats as they are.")
    inner = folder / "unpacked"
    unpack_gzip(path, inner, options.bounds)
    contents = read_geojson(inner.read_bytes(), options, progress)
    return dataclasses.replace(contents, format=f"{contents.format}, gzipped")


def _archived(archive: Archive, folder: Path, options: ReadOptions, progress: Progress) -> Contents:
    """A Shapefile, a KMZ, or one file of another format in a zip."""
    names = [(name, Path(name).suffix.lower()) for name in archive.names()]
    if any(suffix == ".shp" for _, suffix in names):
        return read_shapefile(archive, folder, options, progress)
    drawn = [name for name, suffix in names if suffix == ".kml"]
    single = ["doc.kml"] if "doc.kml" in drawn else drawn  # what a KMZ begins with
    single = single or [name for name, suffix in names if suffix in _ONE_FILE]
    if len(single) != 1:
        what = f"{len(single)} region files" if single else "no Shapefile and no other region file"
        raise Unreadable(f"The zip file has {what} in it; allowed in a zip: one of {ALLOWED}.")
    inner = folder / "unpacked"
    archive.unpack(single[0], inner)
    found = format_of(inner)
    if found in (Format.ZIP, Format.GZIP):
        raise Unreadable(f"The zip file has an archive in it, {single[0]!r}. Zip the region file itself.")
    contents = _plain(inner, found, folder, options, progress)
    return dataclasses.replace(contents, format="KMZ" if drawn else f"{contents.format}, zipped")


def _system(contents: Contents, options: ReadOptions) -> pyproj.CRS | None:
    said = options.crs or contents.crs
    return None if not said else system_of(said)


def _located(contents: Contents, system: pyproj.CRS | None, progress: Progress) -> tuple[Operation, list[Drawing]]:
    """The drawings in lon and lat."""
    drawings = [drawn.drawing for drawn in contents.features]
    if system is None:
        return Operation(None), drawings
    rings = [ring for drawing in drawings for polygon in drawing.polygons for ring in polygon]
    operation = operation_for(system, _positions(contents))
    if operation.transformer is None:
        return operation, drawings
    progress("projecting", 0, len(rings))
    if system.is_projected:
        placed = iter(bent(rings, operation))
    else:
        placed = iter([operation.to_lon_lat(ring) for ring in rings])
    return operation, [
        dataclasses.replace(
            drawing, polygons=tuple(tuple(next(placed) for _ in polygon) for polygon in drawing.polygons)
        )
        for drawing in drawings
    ]


def _doubts(contents: Contents, system: pyproj.CRS, operation: Operation) -> list[Finding]:
    """Signs that the regions lie elsewhere."""
    if look_like_degrees(system, _positions(contents)):
        what = (
            f"The coordinate system is {title_of(system)}, on a map in metres or feet; all numbers look like degrees."
        )
        return [Finding(code="crs_doubtful", what=what)]
    if operation.is_rough:
        what = (
            f"How {title_of(system)} lies beside WGS 84 is not known here for where the regions are; they may be some "
            "hundred metres off."
        )
        return [Finding(code="crs_doubtful", what=what)]
    return []


def _positions(contents: Contents) -> NDArray[np.float64]:
    rings = [ring for drawn in contents.features for polygon in drawn.drawing.polygons for ring in polygon]
    return np.concatenate(rings) if rings else np.empty((0, 2))


def _findings(contents: Contents, system: pyproj.CRS | None) -> list[Finding]:
    if system is not None:
        return contents.findings
    what = f"The {contents.format} does not say in which coordinate system its features are."
    return [Finding(code="crs_unknown", what=what), *contents.findings]


def _kept(number: str, properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without what only numbers the rows of a container: it would differ in every export."""
    return {name: value for name, value in properties.items() if name != number} if number else properties
