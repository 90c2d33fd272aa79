"""Files that are broken before there are shapes to look at, and files in other formats."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import geopandas
import shapely

from .case import Expected, Json, feature, file, file_case, polygon, square

_GOOD = feature("good", polygon(square(12, 50)))
_BAD = feature("bad", polygon(square(10, 50)))


def _geojson(folder: Path, *features: object) -> Path:
    path = folder / "regions.geojson"
    path.write_text(json.dumps(file(*features)))  # type: ignore[arg-type]
    return path


def _frame(crs: str | None = "EPSG:4326") -> geopandas.GeoDataFrame:
    rows = {"id": ["a", "b"], "name": ["Köln", "Düren"]}
    shapes = [shapely.box(6.9, 50.9, 7.0, 51.0), shapely.box(6.4, 50.7, 6.5, 50.8)]
    frame = geopandas.GeoDataFrame(rows, geometry=shapes, crs="EPSG:4326")
    return frame.to_crs(crs) if crs else frame


def _shapefile(folder: Path, crs: str, *left_out: str, **options: str) -> Path:
    _frame(crs).to_file(folder / "towns.shp", **options)
    with zipfile.ZipFile(folder / "towns.zip", "w") as packed:
        for part in sorted(folder.glob("towns.*")):
            if part.suffix not in (".zip", *left_out):
                packed.write(part, part.name)
    return folder / "towns.zip"


def _with_geometry(geometry: object) -> Json:
    return {"type": "Feature", "id": "bad", "properties": {}, "geometry": geometry}


@file_case(Expected("feature_malformed"))
def brackets_missing(folder: Path) -> Path:
    """A polygon's coordinates have a bracket too few."""
    return _geojson(folder, _GOOD, _with_geometry({"type": "Polygon", "coordinates": square(10, 50)}))


@file_case(Expected("feature_malformed"))
def numbers_as_text(folder: Path) -> Path:
    """A polygon's coordinates are text."""
    ring = [[str(lon), str(lat)] for lon, lat in square(10, 50)]
    return _geojson(folder, _GOOD, _with_geometry({"type": "Polygon", "coordinates": [ring]}))


@file_case(Expected("feature_malformed"))
def position_of_one_number(folder: Path) -> Path:
    """A position has one number."""
    return _geojson(folder, _GOOD, _with_geometry({"type": "Polygon", "coordinates": [[[10], [11], [12], [10]]]}))


@file_case(Expected("feature_malformed"))
def geometry_of_no_kind(folder: Path) -> Path:
    """A geometry is a Circle."""
    return _geojson(folder, _GOOD, _with_geometry({"type": "Circle", "coordinates": [10, 50], "radius": 100}))


@file_case(Expected("feature_malformed", many=2))
def features_that_are_none(folder: Path) -> Path:
    """Two of three features are none: a number, and a bare polygon."""
    return _geojson(folder, _GOOD, 17, polygon(square(10, 50)))


@file_case(Expected("feature_malformed", many=2))
def nothing_but_malformed(folder: Path) -> Path:
    """No feature can be read."""
    return _geojson(folder, 17, 18)


@file_case(Expected("id_repeated"))
def number_and_text_as_ids(folder: Path) -> Path:
    """The ids 5, 5.0 and "6" are two."""
    return _geojson(folder, _GOOD | {"id": 5}, _BAD | {"id": 5.0}, feature("6", polygon(square(14, 50))))


@file_case(Expected("text_garbled"))
def latin_file(folder: Path) -> Path:
    """A GeoJSON file is not UTF-8."""
    path = folder / "latin.geojson"
    row = feature("koeln", polygon(square(7, 51)), "Köln")
    path.write_bytes(json.dumps(file(row), ensure_ascii=False).encode("latin-1"))
    return path


@file_case(Expected("crs_unknown"))
def shapefile_without_prj(folder: Path) -> Path:
    """A Shapefile comes without its .prj."""
    return _shapefile(folder, "EPSG:25832", ".prj")


@file_case(Expected("crs_doubtful"), Expected("too_narrow", "good"))
def degrees_called_metres(folder: Path) -> Path:
    """A file says web Mercator, and its numbers are degrees."""
    path = folder / "towns.geojson"
    named = {"type": "name", "properties": {"name": "EPSG:3857"}}
    path.write_text(json.dumps(file(_GOOD) | {"crs": named}))
    return path


@file_case(Expected("crs_doubtful"))
def far_from_where_the_system_is_used(folder: Path) -> Path:
    """A file in the British National Grid has towns in Germany, to which nobody knows the way."""
    _frame("EPSG:27700").to_file(folder / "towns.gpkg", layer="towns")
    return folder / "towns.gpkg"


@file_case(Expected("text_garbled"), Expected("winding_turned"))
def shapefile_with_wrong_cpg(folder: Path) -> Path:
    """A Shapefile's .cpg says UTF-8, and its text is Latin-1."""
    _shapefile(folder, "EPSG:25832", encoding="ISO-8859-1")
    (folder / "towns.cpg").write_text("UTF-8")
    with zipfile.ZipFile(folder / "again.zip", "w") as packed:
        for part in sorted(folder.glob("towns.*")):
            if part.suffix != ".zip":
                packed.write(part, part.name)
    return folder / "again.zip"


@file_case(Expected("winding_turned"))
def shapefile_in_utm(folder: Path) -> Path:
    """Clean but for its winding, which is the format's: a Shapefile in UTM."""
    return _shapefile(folder, "EPSG:25832", encoding="UTF-8")


@file_case()
def geopackage_in_utm(folder: Path) -> Path:
    """Clean: a GeoPackage in UTM."""
    _frame("EPSG:25832").to_file(folder / "towns.gpkg", layer="towns")
    return folder / "towns.gpkg"


@file_case(Expected("heights_dropped"))
def flatgeobuf_with_heights(folder: Path) -> Path:
    """A FlatGeobuf has heights."""
    frame = _frame()
    frame.geometry = shapely.force_3d(frame.geometry.to_numpy(), 80.0)
    frame.to_file(folder / "towns.fgb")
    return folder / "towns.fgb"


@file_case()
def lines_of_features(folder: Path) -> Path:
    """Clean: GeoJSON, a feature on each line."""
    path = folder / "towns.geojsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in (_GOOD, _BAD)))
    return path
