"""`geofence boundaries diff`: what is different between two files, two versions of a server, or one of each.

Behind `cli_boundaries`. Invariant: where a file is compared with a version, settings that a file can't say are no
difference.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from boundaries.difference.compare import compare
from boundaries.difference.document import difference_json
from boundaries.difference.page import difference_page
from boundaries.difference.places import difference_places
from boundaries.difference.side import Side
from boundaries.difference.text import text_of
from service.boundary_files import Wish, judged
from service.boundary_server import BoundaryServer
from service.boundary_sides import judged_side, published_side, with_settings_of
from service.boundary_versions import published
from service.complaints import note
from service.source import Unusable

SAME, DIFFERENT = 0, 1
_VERSION = re.compile(r"([a-z0-9][a-z0-9._-]{0,63})(?:/([0-9]{1,10}))?", re.ASCII)
_FILES = (".geojson", ".json", ".geojsonl", ".ndjson", ".zip", ".gpkg", ".fgb", ".kml", ".kmz", ".gz")


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where to write what, beside the text on standard output."""

    page: str | None
    places: str | None
    as_json: bool


def diff(
    old: str, new: str, wish: Wish, server: Callable[[], BoundaryServer], outputs: Outputs, *, strict: bool
) -> int:
    """Compare; the exit status."""
    sides = _sides(old, new, wish, server)
    found = compare(*sides)
    told = difference_json(found) + b"\n" if outputs.as_json else text_of(found).encode()
    sys.stdout.buffer.write(told)
    sys.stdout.buffer.flush()
    if outputs.page:
        Path(outputs.page).write_text(
            difference_page(found, *sides, layer=_layer(new) or _layer(old) or Path(new).name)
        )
    if outputs.places:
        Path(outputs.places).write_bytes(difference_places(found))
    return DIFFERENT if strict and not found.nothing else SAME


def _sides(old: str, new: str, wish: Wish, server: Callable[[], BoundaryServer]) -> tuple[Side, Side]:
    first, second = (_side(one, wish, server) for one in (old, new))
    if _layer(old) is None and _layer(new) is not None:
        first = with_settings_of(first, second)
    if _layer(new) is None and _layer(old) is not None:
        second = with_settings_of(second, first)
    return first, second


def _layer(named: str) -> str | None:
    """The layer that is named; None: it is a file. Raises Unusable."""
    if Path(named).is_file():
        return None
    found = _VERSION.fullmatch(named)
    if found is None or named.endswith(_FILES):
        raise Unusable(f"{named}: there is no such file; allowed: a FILE, LAYER or LAYER/N. Check the path.")
    return found[1]


def _side(named: str, wish: Wish, server: Callable[[], BoundaryServer]) -> Side:
    layer = _layer(named)
    if layer is None:
        with tempfile.TemporaryDirectory(prefix="geofence-") as folder:
            found = judged(Path(named), wish, folder=Path(folder))
        if errors := found.summary["errors"]:
            note(f"{named} has {errors} errors, see boundaries check; regions with errors are left out here")
        return judged_side(found)
    with server() as there:
        number = named.partition("/")[2]
        return published_side(there, layer, int(number) if number else published(there, layer)["version"])
