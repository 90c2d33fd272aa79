"""Region files of every format, made by other programs than the ones that read them here."""

import gzip
import json
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from boundaries.reading.options import Reading

FORMATS = ("geojson", "geojsonl", "rfc8142", "geojson.gz", "zip", "gpkg", "fgb", "kml", "kmz")
PROJECTED = ("geojson", "zip", "gpkg", "fgb")  # those that can say another coordinate system
SQUARE = [[9.0, 50.0], [9.01, 50.0], [9.01, 50.01], [9.0, 50.01], [9.0, 50.0]]
HOLE = [[9.004, 50.004], [9.004, 50.006], [9.006, 50.006], [9.006, 50.004], [9.004, 50.004]]


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings or [SQUARE])}


def feature(ident: Any = "a", geometry: Any = None, **members: Any) -> dict[str, Any]:
    return {"type": "Feature", "id": ident, "geometry": geometry or polygon(), "properties": {}} | members


def collection(*features: Any, **members: Any) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": list(features)} | members).encode()


def frame(shapes: Sequence[BaseGeometry], epsg: int = 4326, **columns: Any) -> geopandas.GeoDataFrame:
    named = columns or {
        "ID": [f"r{at}" for at in range(len(shapes))],
        "name": [f"Ort {at}" for at in range(len(shapes))],
    }
    return geopandas.GeoDataFrame(named, geometry=list(shapes), crs=4326).to_crs(epsg)


def written(regions: geopandas.GeoDataFrame, suffix: str, folder: Path) -> Path:
    """The regions as a file of this kind."""
    path = folder / f"regions.{suffix}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if suffix == "zip":
            _zipped_shapefile(regions, path)
        elif suffix in ("kml", "kmz"):
            _kml(regions, path)
        elif suffix in ("geojsonl", "rfc8142", "geojson.gz"):
            _lines_or_packed(regions, suffix, path)
        else:
            more = {"geojson": {"COORDINATE_PRECISION": 12}, "fgb": {"SPATIAL_INDEX": "NO"}}.get(suffix, {})
            drivers = {"geojson": "GeoJSON", "gpkg": "GPKG", "fgb": "FlatGeobuf"}
            regions.to_file(path, driver=drivers[suffix], engine="pyogrio", **more)
    return path


def _zipped_shapefile(regions: geopandas.GeoDataFrame, path: Path) -> None:
    parts = path.parent / f"{path.stem}_parts"
    parts.mkdir(exist_ok=True)
    regions.to_file(parts / "regions.shp", engine="pyogrio", ENCODING="UTF-8")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in sorted(parts.iterdir()):
            archive.write(part, f"some folder/{part.name}")


def _lines_or_packed(regions: geopandas.GeoDataFrame, suffix: str, path: Path) -> None:
    document = json.loads(regions.to_json())
    if suffix == "geojson.gz":
        path.write_bytes(gzip.compress(json.dumps(document).encode()))
        return
    mark = "\x1e" if suffix == "rfc8142" else ""
    path.write_text("".join(f"{mark}{json.dumps(one)}\n" for one in document["features"]))


def _kml(regions: geopandas.GeoDataFrame, path: Path) -> None:
    def ring(kind: str, line: Any) -> str:
        text = " ".join(f"{x!r},{y!r},0" for x, y in np.array(line.coords).tolist())
        return f"<{kind}><LinearRing><coordinates>\n{text}\n</coordinates></LinearRing></{kind}>"

    def part(shape: Any) -> str:
        holes = "".join(ring("innerBoundaryIs", one) for one in shape.interiors)
        return f"<Polygon>{ring('outerBoundaryIs', shape.exterior)}{holes}</Polygon>"

    marks = "".join(
        f'<Placemark><name>{row["name"]}</name><ExtendedData><Data name="ID"><value>{row["ID"]}</value></Data>'
        f"</ExtendedData><MultiGeometry>{''.join(map(part, getattr(row.geometry, 'geoms', [row.geometry])))}"
        "</MultiGeometry></Placemark>"
        for _, row in regions.iterrows()
    )
    head = '<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2">'
    text = f"{head}<Document><Folder><name>Bezirke</name>{marks}</Folder></Document></kml>"
    if path.suffix == ".kml":
        path.write_text(text)
        return
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("doc.kml", text)


def shapes_of(reading: Reading) -> list[BaseGeometry]:
    """What was drawn, as shapes."""
    return [
        shapely.MultiPolygon([shapely.Polygon(one[0], list(one[1:])) for one in feature.drawing.polygons])
        for feature in reading.features
    ]
