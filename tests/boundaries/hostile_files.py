"""Files that somebody made to hurt, each with a part of the sentence that it gets."""

import gzip
import io
import sqlite3
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

from region_files import collection, feature, frame, written
from shapely import box

KML = '<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{}</Document></kml>'


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return buffer.getvalue()


def _geopackage(folder: Path, *statements: str) -> bytes:
    (folder / "regions.gpkg").unlink(missing_ok=True)
    path = written(frame([box(9, 50, 9.1, 50.1)]), "gpkg", folder)
    with sqlite3.connect(path) as database:
        for one in statements:
            database.execute(one)
    database.close()
    return path.read_bytes()


def _link(folder: Path) -> bytes:
    entry = zipfile.ZipInfo("regions.shp")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return zipped((entry, str(folder / "canary.txt").encode()))


def _nameless(folder: Path) -> bytes:
    return zipped(("~", b"{}")).replace(b"~", b"\x00")


def _encrypted(folder: Path) -> bytes:
    raw = bytearray(zipped(("regions.shp", b"x" * 200)))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(mark) + offset] |= 1
    return bytes(raw)


def _lying(folder: Path) -> bytes:
    """An entry that says it is small and is not."""
    content = b'{"type": "FeatureCollection", "features": [' + b" " * 3_000_000 + b"]}"
    raw = bytearray(zipped(("x.geojson", content)))
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = raw.index(mark) + offset
        raw[at : at + 4] = (100).to_bytes(4, "little")
    return bytes(raw)


def _swapped_shapefile(folder: Path) -> bytes:
    """A Shapefile whose parts are something else: a virtual dataset that reads another file."""
    canary = folder / "canary.txt"
    layer = f'<OGRVRTLayer name="a"><SrcDataSource>{canary}</SrcDataSource></OGRVRTLayer>'
    vrt = f"<OGRVRTDataSource>{layer}</OGRVRTDataSource>"
    return zipped(("a.shp", vrt.encode()), ("a.shx", vrt.encode()), ("a.dbf", vrt.encode()))


def _entities(folder: Path) -> bytes:
    body = KML.format("<Placemark><name>&canary;</name></Placemark>")
    return f'<!DOCTYPE kml [<!ENTITY canary SYSTEM "file://{folder}/canary.txt">]>{body}'.encode()


def _laughs(folder: Path) -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))
    return f'<!DOCTYPE kml [<!ENTITY l0 "ha">{entities}]>{KML.format("&l8;")}'.encode()


def _vrt(folder: Path) -> bytes:
    return f"<OGRVRTDataSource><SrcDataSource>{folder}/canary.txt</SrcDataSource></OGRVRTDataSource>".encode()


def _member(name: str) -> Callable[[Path], bytes]:
    return lambda folder: zipped((name, collection(feature())))


def _crs(text: str) -> Callable[[Path], bytes]:
    return lambda folder: collection(
        feature(), crs={"type": "name", "properties": {"name": text.format(folder=folder)}}
    )


HOSTILE: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "a zip bomb": (lambda _: zipped(("x.geojson", b"{" + b" " * 52_000_000)), "more than 200 times as large"),
    "a gzip bomb": (lambda _: gzip.compress(b"{" + b" " * 52_000_000), "more than 200 times as large"),
    "a zip that lies about its sizes": (_lying, "damaged"),
    "a zip of very many entries": (lambda _: zipped(*((f"{n}.txt", b"") for n in range(1_200))), "1200 entries"),
    "a zip in a zip": (lambda _: zipped(("x.zip", zipped(("x.geojson", b"{}")))), "an archive in it, 'x.zip'"),
    "a zip in a zip under another name": (
        lambda _: zipped(("x.geojson", zipped(("x.geojson", b"{}")))),
        "an archive in it, 'x.geojson'",
    ),
    "a path upwards": (_member("../../canary.geojson"), "leads out of it"),
    "an absolute path": (_member("/tmp/canary.geojson"), "leads out of it"),  # noqa: S108
    "a path of Windows": (_member("..\\canary.geojson"), "leads out of it"),
    "a drive of Windows": (_member("C:canary.geojson"), "leads out of it"),
    "an entry without a name": (_nameless, "without a name"),
    "a link": (_link, "is a link"),
    "an encrypted zip": (_encrypted, "is encrypted"),
    "a zip cut in the middle": (lambda _: zipped(("x.geojson", b"{}" * 1000))[:60], "damaged"),
    "a Shapefile of other things": (_swapped_shapefile, "is no Shapefile"),
    "a GeoPackage with a view": (
        lambda folder: _geopackage(folder, "CREATE VIEW v AS SELECT * FROM regions"),
        "a view 'v'",
    ),
    "a GeoPackage with a trigger": (
        lambda folder: _geopackage(folder, "CREATE TRIGGER t AFTER INSERT ON regions BEGIN SELECT 1; END"),
        "a trigger 't'",
    ),
    "a GeoPackage with a virtual table": (
        lambda folder: _geopackage(folder, "CREATE VIRTUAL TABLE f USING fts5(x)"),
        "a virtual table 'f'",
    ),
    "a GeoPackage with a computed column": (
        lambda folder: _geopackage(folder, "CREATE TABLE c (a INT, b TEXT GENERATED ALWAYS AS (hex(a)) VIRTUAL)"),
        "a computed column in 'c'",
    ),
    "another database": (
        lambda folder: b"SQLite format 3\x00" + _geopackage(folder)[16:100] + bytes(4_000),
        "damaged",
    ),
    "KML with an entity of a file": (_entities, "DOCTYPE"),
    "KML with a billion laughs": (_laughs, "DOCTYPE"),
    "KML nested very deeply": (lambda _: KML.format("<Folder>" * 5_000).encode(), "nested more than 100 deep"),
    "a virtual dataset": (_vrt, "XML, but not KML"),
    "a system that reads a file": (_crs("+proj=longlat +nadgrids={folder}/canary.txt"), "refers to files"),
    "a system that is a file": (_crs("{folder}/canary.txt"), "refers to files"),
    "JSON nested very deeply": (lambda _: b'{"a":' * 100_000, "nested too deeply"),
    "a FlatGeobuf of nothing else": (lambda _: b"fgb\x03fgb\x00" + b"\xff" * 200, "damaged"),
    "an empty file": (lambda _: b"", "is empty"),
    "a path instead of a file": (lambda _: b"/vsicurl/http://127.0.0.1/x.geojson", "none that can be read"),
    "a connection string": (lambda _: b"PG:host=127.0.0.1 dbname=x", "none that can be read"),
}
