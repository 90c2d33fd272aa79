"""A Shapefile in a zip: which one, its parts under names of our own, and in which encoding its text is.

Invariant: a Shapefile without .prj is read with its coordinate system unknown, never guessed.
"""

from __future__ import annotations

import codecs
import dataclasses
import struct
from pathlib import Path, PurePosixPath

from boundaries.checking.finding import Finding
from boundaries.errors import Unreadable
from boundaries.reading.contents import Contents
from boundaries.reading.layers import chosen
from boundaries.reading.ogr import read_ogr
from boundaries.reading.options import Progress, ReadOptions
from boundaries.reading.text import WESTERN, known
from boundaries.reading.unpacking import Archive
from geofence.malformed import shown

_MAGIC = b"\x00\x00\x27\x0a"
_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
_KINDS = {0: None, 1: "Point", 3: "Line", 5: "Polygon", 8: "Points", 31: "Surface"}
_CPG_BYTES = 200
_CPG_NAMES = {"88591": "ISO-8859-1", "8859": "ISO-8859-1", "65001": "UTF-8"}
_LANGUAGE_AT = 29  # the byte of a .dbf that names its encoding; programs that know no better write 0 or 0x57
_LANGUAGES = {
    0x01: "cp437",
    0x02: "cp850",
    0x03: "cp1252",
    0x64: "cp852",
    0x65: "cp866",
    0x66: "cp865",
    0x67: "cp861",
    0x6A: "cp737",
    0x6B: "cp857",
    0x7B: "cp932",
    0x4D: "cp936",
    0x4E: "cp949",
    0x4F: "cp950",
    0x7C: "cp874",
    0xC8: "cp1250",
    0xC9: "cp1251",
    0xCA: "cp1254",
    0xCB: "cp1253",
}
_PIECE = 1024 * 1024


def read_shapefile(archive: Archive, folder: Path, options: ReadOptions, progress: Progress) -> Contents:
    """The Shapefile of the archive, or of its several the one that was asked for. Raises Unreadable and Undecided."""
    name = chosen(_shapefiles(archive), options.layer)
    parts = _parts(archive, name)
    if ".shx" not in parts:
        raise Unreadable(f"The zip file has {name}.shp, but no {name}.shx. Zip all parts of the Shapefile together.")
    for suffix, entry in parts.items():
        archive.unpack(entry, folder / f"layer{suffix}")
    encoding, finding = _encoding(folder, options.encoding)
    path = folder / "layer.shp"
    contents = read_ogr(path, layer=None, encoding=encoding, bounds=options.bounds, progress=progress)
    return dataclasses.replace(
        contents,
        inner=name,
        encoding=encoding,
        crs=contents.crs if ".prj" in parts else None,
        findings=contents.findings + ([finding] if finding else []),
    )


def _shapefiles(archive: Archive) -> dict[str, str | None]:
    """Of each Shapefile its kind of geometry, by the header of the .shp."""
    found: dict[str, str | None] = {}
    for entry in archive.names():
        if entry.lower().endswith(".shp"):
            head = archive.begin(entry)
            if len(head) < 36 or not head.startswith(_MAGIC):
                raise Unreadable(f"{shown(entry)} in the zip file is no Shapefile. Export it again.")
            found[entry[:-4]] = _KINDS.get(struct.unpack_from("<I", head, 32)[0] % 10, "Unknown")
    return found


def _parts(archive: Archive, name: str) -> dict[str, str]:
    """The entries that belong to it, by suffix; suffixes may be in capitals."""
    parts: dict[str, str] = {}
    for entry in archive.names():
        path = PurePosixPath(entry)
        if path.suffix.lower() in _PARTS and entry[: -len(path.suffix)].lower() == name.lower():
            parts.setdefault(path.suffix.lower(), entry)
    return parts


def _encoding(folder: Path, asked: str | None) -> tuple[str, Finding | None]:
    """In which encoding the attributes are: what was asked, or what it says where that can be, or what it shows."""
    if asked is not None:
        return known(asked), None
    said, utf_8 = _said(folder), _is_utf_8(folder / "layer.dbf")
    if utf_8 or said not in (None, "UTF-8"):
        return said or "UTF-8", None
    if said is None:
        return WESTERN, None  # what the format means where it says nothing
    what = f"The Shapefile says that its text is UTF-8, and it is not; it was read as {WESTERN}."
    return WESTERN, Finding(code="text_garbled", what=what)


def _said(folder: Path) -> str | None:
    """What the .cpg says, or else the .dbf; None: nothing that can be used."""
    for name in (_by_cpg(folder / "layer.cpg"), _by_table(folder / "layer.dbf")):
        if name is not None:
            try:
                return known(name)
            except Unreadable:
                continue
    return None


def _by_cpg(path: Path) -> str | None:
    if not path.exists():
        return None
    text = path.read_bytes()[:_CPG_BYTES].decode("latin-1").strip("\x00 \r\n\t").upper().removeprefix("ANSI ")
    return _CPG_NAMES.get(text, f"cp{text}" if text.isdigit() else text)


def _by_table(path: Path) -> str | None:
    if not path.exists():
        return None
    with path.open("rb") as file:
        head = file.read(_LANGUAGE_AT + 1)
    return _LANGUAGES.get(head[_LANGUAGE_AT]) if len(head) > _LANGUAGE_AT else None


def _is_utf_8(table: Path) -> bool:
    """Whether all text of the table is; its records begin where its header says."""
    if not table.exists():
        return True
    decoder = codecs.getincrementaldecoder("utf-8")()
    with table.open("rb") as file:
        head = file.read(32)
        file.seek(struct.unpack_from("<H", head, 8)[0] if len(head) == 32 else 0)
        try:
            while piece := file.read(_PIECE):
                decoder.decode(piece)
        except UnicodeDecodeError:
            return False
    return True
