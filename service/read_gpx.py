"""GPX: track points become pings of a device named as the track is, else as the file.

Behind `readers`. Times are UTC unless they name a zone. The accuracy is what an extension `accuracy` or
`hacc` says: hdop is no accuracy. Invariant: nothing is ever fetched or expanded, since a document type is
refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import nan
from xml.parsers import expat

import numpy as np

from geofence.fault import Fault, fault_of
from geofence.instant import ms_of
from geofence.ping import Ping, Pings
from service.cells import shown
from service.rows import BATCH_ROWS, Batch, Rejected
from service.source import Source, Unusable

_ACCURACY = ("accuracy", "hacc")
_WANTED = ("name", "time", *_ACCURACY)
_TEXT_LENGTH = 4096
_LON, _LAT, _TIME, _RADIUS = (fault_of(code) for code in (4, 5, 6, 8))


class _Unfit(ValueError):
    """A point that can't be read."""

    def __init__(self, fault: Fault, text: str, field: str = "", allowed: str = "") -> None:
        self.reason = fault.reason
        cell = shown(text.encode("utf-8", "surrogatepass"))
        super().__init__(f"{field or fault.field} is {cell}; allowed: {allowed or fault.allowed}. {fault.remedy}")


@dataclass(slots=True)
class _Point:
    """A track point whose element is still open."""

    lon: str
    lat: str
    line: int
    time: str = ""
    accuracy: str = ""


class _Points:
    """Takes the parser's events and keeps the points that are complete."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._path: list[str] = []
        self._device = source.stem
        self._text: list[str] = []
        self._point: _Point | None = None
        self.row = 0
        self._pings: list[Ping] = []
        self._places: list[tuple[int, int]] = []
        self._rejected: list[Rejected] = []
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._take_text
        self.parser.StartDoctypeDeclHandler = self._refuse_doctype

    def __len__(self) -> int:
        return len(self._pings) + len(self._rejected)

    def take(self) -> Batch:
        """The points since the last time."""
        table = np.array(self._places, np.int64).reshape(-1, 2)
        batch = Batch(Pings.of(self._pings), table[:, 0], table[:, 1], self._rejected)
        self._pings, self._places, self._rejected = [], [], []
        return batch

    def _start(self, qualified: str, attributes: dict[str, str]) -> None:
        name = qualified.rpartition(" ")[2].lower()
        if not self._path and name != "gpx":
            raise Unusable(f"{self._source.name}: is XML with the root {shown(name.encode())}; allowed: gpx")
        self._path.append(name)
        self._text = []
        if name == "trk":
            self._device = self._source.stem
        elif name == "trkpt":
            line = self.parser.CurrentLineNumber
            self._point = _Point(attributes.get("lon", ""), attributes.get("lat", ""), line)

    def _take_text(self, text: str) -> None:
        if self._path and self._path[-1] in _WANTED and len(self._text) < _TEXT_LENGTH:
            self._text.append(text[:_TEXT_LENGTH])

    def _end(self, _: str) -> None:
        name, text = self._path.pop(), " ".join("".join(self._text).split())
        parent = self._path[-1] if self._path else ""
        if name == "trkpt" and self._point is not None:
            self._finish(self._point)
            self._point = None
        elif name == "name" and parent == "trk" and text:
            self._device = text
        elif self._point is not None and name == "time" and parent == "trkpt":
            self._point.time = text
        elif self._point is not None and name in _ACCURACY:
            self._point.accuracy = text

    def _finish(self, point: _Point) -> None:
        self.row += 1
        try:
            self._pings.append(_ping(self._device, point))
            self._places.append((self.row, point.line))
        except _Unfit as fault:
            self._rejected.append(Rejected(self.row, point.line, fault.reason, str(fault)))

    def _refuse_doctype(self, *_: object) -> None:
        raise Unusable(f"{self._source.name}: has a document type declaration; allowed: none. Remove <!DOCTYPE ...>.")


def read_gpx_pings(source: Source, *, begun: bytes = b"") -> Iterator[Batch]:
    """The file's track points. Raises Unusable where it is no GPX or has none."""
    points = _Points(source)
    chunk = begun or source.read()
    while chunk:
        _parse(points, source, chunk, last=False)
        if len(points) >= BATCH_ROWS:
            yield points.take()
        chunk = source.read()
    _parse(points, source, b"", last=True)
    if points.row == 0:
        raise Unusable(
            f"{source.name}: has no track points (trkpt); routes and waypoints have no times. Record a track."
        )
    if len(points):
        yield points.take()


def _parse(points: _Points, source: Source, chunk: bytes, *, last: bool) -> None:
    try:
        points.parser.Parse(chunk, last)
    except expat.ExpatError as error:
        place = f"line {error.lineno}, column {error.offset + 1}"
        raise Unusable(
            f"{source.name}: is not XML: {expat.ErrorString(error.code)} at {place}. Export it again."
        ) from None


def _ping(device: str, point: _Point) -> Ping:
    try:
        time_ms = ms_of(point.time)
    except ValueError:
        raise _Unfit(_TIME, point.time, "time", "such as 2026-01-31T08:15:00Z, 1970 to 2099") from None
    return Ping(
        device=device,
        lon=_number(_LON, point.lon),
        lat=_number(_LAT, point.lat),
        time_ms=time_ms,
        accuracy_m=_number(_RADIUS, point.accuracy) if point.accuracy else None,
    )


def _number(fault: Fault, text: str) -> float:
    try:
        value = float(text) if text.isascii() and "_" not in text else nan
    except ValueError:
        value = nan
    if value != value:
        raise _Unfit(fault, text)
    return value
