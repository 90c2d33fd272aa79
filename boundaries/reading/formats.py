"""What a file is, by its first bytes; names are never believed.

Invariant: a program for a format only ever sees files that begin as the format does.
"""

from __future__ import annotations

import gzip
import zlib
from enum import StrEnum
from pathlib import Path

from boundaries.errors import Unreadable

ALLOWED = "GeoJSON (also with a feature a line, also gzipped), a zipped Shapefile, GeoPackage, FlatGeobuf, KML or KMZ"

_HEAD = 4096
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_KNOWN_OTHERS = (
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"II*\x00", "a GeoTIFF"),
    (b"MM\x00*", "a GeoTIFF"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"PAR1", "Parquet"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
)


class Format(StrEnum):
    """The formats by which a file can be read, and the wrappings around them."""

    GEOJSON = "GeoJSON"
    GEOPACKAGE = "GeoPackage"
    FLATGEOBUF = "FlatGeobuf"
    KML = "KML"
    ZIP = "zip"
    GZIP = "gzip"


def format_of(path: Path) -> Format:
    """What the file is. Raises Unreadable for anything that is not ours."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head.strip():
        raise Unreadable(f"The file is empty; allowed: {ALLOWED}.")
    if head.startswith(b"PK"):
        return Format.ZIP
    if head.startswith(b"\x1f\x8b"):
        return Format.GZIP
    if head.startswith(b"SQLite format 3\x00"):
        return Format.GEOPACKAGE
    if head.startswith(b"fgb"):
        return Format.FLATGEOBUF
    if head.startswith(b"\x00\x00\x27\x0a"):
        raise Unreadable(
            "The file is a .shp alone, without ids and coordinate system; allowed: all parts of a Shapefile in a zip. "
            "Zip the .shp together with its .shx, .dbf, .prj and .cpg."
        )
    return _text(head)


def gzip_holds(path: Path) -> bytes:
    """The first bytes inside."""
    try:
        with gzip.open(path) as file:
            return file.read(64)
    except (OSError, EOFError, zlib.error):
        raise Unreadable("The gzip file is damaged. Pack it again.") from None


def _text(head: bytes) -> Format:
    letters = head
    for bom in _BOMS:
        letters = letters.removeprefix(bom)
    letters = letters.replace(b"\x00", b"").lstrip(b"\x1e \t\r\n")
    if letters[:1] in (b"{", b"["):
        return Format.GEOJSON
    if letters[:1] == b"<":
        return Format.KML
    for begin, name in _KNOWN_OTHERS:
        if head.startswith(begin):
            raise Unreadable(f"The file is {name}; allowed: {ALLOWED}. Export it as one of these.")
    raise Unreadable(f"The file is none that can be read; allowed: {ALLOWED}. Export it as one of these.")
