"""KML, by a parser that follows nothing: no entities, no links, no pictures.

Every Placemark is a feature, whatever folder it is in; the folder is an attribute. Invariant: a file with a DOCTYPE,
which could define entities, is refused before any of its content is read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError, XMLParser  # a DOCTYPE, and with it every entity, is refused

from boundaries.checking.finding import Finding
from boundaries.errors import Undecided, Unreadable
from boundaries.reading.contents import Contents, Drawn
from boundaries.reading.geojson import check_count, check_positions, malformed
from boundaries.reading.jsonable import clean_text
from boundaries.reading.options import Progress, ReadOptions
from boundaries.reading.placemark import Placemark
from boundaries.reading.text import known
from geofence.malformed import Malformed, shown

_PIECE = 256 * 1024
_DEPTH = 100
_OUTSIDE = ("Point", "LineString", "LinearRing", "Track", "MultiTrack", "Model")
_FOLDERS = ("Folder", "Document")


def read_kml(path: Path, options: ReadOptions, progress: Progress) -> Contents:
    """The Placemarks of a KML file; `options.layer` names a folder. Raises Unreadable and Undecided."""
    walk = _Walk(options)
    parser = XMLParser(target=walk, encoding=known(options.encoding) if options.encoding else None)  # noqa: S314
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                parser.feed(piece)
                progress("reading", file.tell(), size)
        parser.close()
    except (ParseError, LookupError, ValueError) as error:
        raise Unreadable(f"The file is not KML: {str(error)[:100]}. Export it again.") from None
    if not walk.is_kml:
        raise Unreadable("The file is XML, but not KML. Export it as KML or GeoJSON.")
    if options.layer is not None and options.layer not in walk.folders:
        folders = tuple(walk.folders)
        what = f"The file has no folder {shown(options.layer)}; it has {', '.join(map(shown, folders[:20])) or 'none'}."
        raise Undecided(what, "inner", folders)
    return Contents(
        format="KML", features=walk.features, findings=walk.findings, inner=options.layer, own_ids_first=False
    )


class _Walk:
    """What the parser calls: elements begin, have text, and end."""

    def __init__(self, options: ReadOptions) -> None:
        self.is_kml = False
        self.features: list[Drawn] = []
        self.findings: list[Finding] = []
        self.folders: dict[str, None] = {}
        self._options = options
        self._path: list[str] = []
        self._inside: list[str] = []  # the folders around, by name; "" as long as it has none
        self._text: list[str] = []
        self._placemark: Placemark | None = None
        self._row = self._positions = 0

    def doctype(self, name: str, _public: str | None, _system: str | None) -> None:
        raise Unreadable(
            f"The file has a DOCTYPE ({shown(name)}), which could draw in other files; KML needs none. Take it out."
        )

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition("}")[2]
        if len(self._path) == _DEPTH:
            raise Unreadable(f"The file's elements are nested more than {_DEPTH} deep; no KML is. Export it again.")
        self.is_kml = self.is_kml or name == "kml"
        self._text.clear()
        if name in _FOLDERS:
            self._inside.append("")
        elif name == "NetworkLink":
            self.findings.append(_link(attributes.get("id", "")))
        elif name == "Placemark":
            self._placemark = Placemark(attributes.get("id"))
        elif self._placemark is not None:
            self._begin(self._placemark, name, attributes)
        self._path.append(name)

    def data(self, text: str) -> None:
        self._text.append(text)

    def end(self, _tag: str) -> None:
        name = self._path.pop()
        text = "".join(self._text)
        self._text.clear()
        if name == "Placemark" and self._placemark is not None:
            self._take(self._placemark)
            self._placemark = None
        elif self._placemark is not None:
            self._end(self._placemark, name, text)
        elif name in _FOLDERS:
            self._inside.pop()
        elif name == "name" and self._path and self._path[-1] in _FOLDERS and self._inside:
            self._inside[-1] = clean_text(text.strip())
            self.folders[self._inside[-1]] = None

    def close(self) -> None:
        pass

    def _begin(self, placemark: Placemark, name: str, attributes: dict[str, str]) -> None:
        if name == "Polygon":
            placemark.begin_polygon()
        elif name == "MultiGeometry":
            placemark.several = True
        elif name in ("Data", "SimpleData"):
            placemark.key = attributes.get("name", "")
        elif name in _OUTSIDE and "Polygon" not in self._path:
            placemark.others.append(name)

    def _end(self, placemark: Placemark, name: str, text: str) -> None:
        parent = self._path[-1]
        if name == "coordinates" and "Polygon" in self._path:
            placemark.add_ring(text, outer="outerBoundaryIs" in self._path)
        elif name == "SimpleData" or (name == "value" and parent == "Data"):
            placemark.properties[clean_text(placemark.key)] = clean_text(text.strip())
        elif name in ("name", "description") and parent == "Placemark":
            placemark.properties[name] = clean_text(text.strip())

    def _take(self, placemark: Placemark) -> None:
        folder = next((name for name in reversed(self._inside) if name), "")
        if self._options.layer is not None and self._options.layer not in self._inside:
            return
        row, self._row = self._row, self._row + 1
        check_count(self._row, self._options.bounds)
        try:
            drawing = placemark.drawing()
        except Malformed as fault:
            self.findings.append(malformed(row, str(fault)))
            return
        self._positions += sum(len(ring) for polygon in drawing.polygons for ring in polygon)
        check_positions(self._positions, self._options.bounds)
        properties: dict[str, Any] = placemark.properties | ({"folder": folder} if folder else {})
        self.features.append(Drawn(row, placemark.own_id, properties, drawing))


def _link(own_id: str) -> Finding:
    called = f" {shown(own_id)}" if own_id else ""
    what = f"The NetworkLink{called} was not followed: what it leads to is not in the file."
    return Finding(code="feature_malformed", what=what)
