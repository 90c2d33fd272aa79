"""A GeoPackage is a database, so it is looked at before any program for GeoPackages opens it.

Invariants: a database that would compute something of its own (views, triggers, generated columns, virtual tables other
than its index of shapes) is refused; the look is read-only and bounded.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import sqlite3
from pathlib import Path

from boundaries.errors import Unreadable
from boundaries.reading.contents import Contents
from boundaries.reading.layers import chosen
from boundaries.reading.ogr import layers_of, read_ogr
from boundaries.reading.options import Progress, ReadOptions
from geofence.malformed import shown

_STEPS = 1_000_000  # of SQLite's machine between two looks at how many there were
_LOOKS = 50
_ENTRIES = 10_000
_INDEX = re.compile(r"\bUSING\s+\"?rtree\"?\s*\(", re.IGNORECASE)
_OWN_TRIGGER = re.compile(r"(rtree_|gpkg_|trigger_(insert|update|delete)_feature_count_)", re.IGNORECASE)
_COMPUTED = re.compile(r"\bGENERATED\b|\bAS\s*\(", re.IGNORECASE)
_REMEDY = "Export the layer into a new GeoPackage."
FID = "fid"


def read_geopackage(path: Path, options: ReadOptions, progress: Progress) -> Contents:
    """The one layer with polygons, or the one that was asked for. Raises Unreadable and Undecided."""
    look_into(path)
    layer = chosen(layers_of(path), options.layer)
    contents = read_ogr(path, layer=layer, encoding=None, bounds=options.bounds, progress=progress, number_as=FID)
    return dataclasses.replace(contents, inner=layer)


def look_into(path: Path) -> None:
    """Refuse a database that is no GeoPackage, or would do more than hold rows. Raises Unreadable."""
    try:
        with contextlib.closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        ) as database:
            rows = _schema(database)
    except (sqlite3.Error, UnicodeDecodeError, ValueError) as error:
        told = str(error)[:100]
        raise Unreadable(f"The GeoPackage is damaged: {told}. Export it again.") from None
    if len(rows) > _ENTRIES:
        raise Unreadable(f"The GeoPackage has more than {_ENTRIES} tables and indexes. {_REMEDY}")
    if not any(kind == "table" and name == "gpkg_contents" for kind, name, _ in rows):
        raise Unreadable(f"The file is an SQLite database, but no GeoPackage: it has no gpkg_contents. {_REMEDY}")
    for kind, name, text in rows:
        what = _active(kind, name, text)
        if what:
            raise Unreadable(f"The GeoPackage has {what} {shown(name)}; allowed: tables and their indexes. {_REMEDY}")


def _schema(database: sqlite3.Connection) -> list[tuple[str, str, str]]:
    looks = iter(range(_LOOKS))
    database.set_progress_handler(lambda: next(looks, None) is None, _STEPS)
    database.execute("PRAGMA trusted_schema = OFF")
    found = database.execute("SELECT type, name, sql FROM sqlite_master LIMIT ?", (_ENTRIES + 1,))
    return [(str(kind), str(name), str(text or "")) for kind, name, text in found]


def _active(kind: str, name: str, text: str) -> str:
    """What an entry of the schema would do by itself; nothing: it holds rows."""
    if kind == "view":
        return "a view"
    if kind == "trigger":
        return "" if _OWN_TRIGGER.match(name) else "a trigger"
    if kind == "table" and text.lstrip().upper().startswith("CREATE VIRTUAL"):
        return "" if _INDEX.search(text) else "a virtual table"
    return "a computed column in" if kind == "table" and _COMPUTED.search(text) else ""
