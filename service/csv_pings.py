"""CSV rows become pings: device, time_ms, lon, lat, accuracy_m, and the documented ping's other fields if
there.

Behind `readers`. Invariant: a cell that is no value of its column's kind rejects its row alone; whether
values are in range is for the core to say, so that every way in refuses alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geofence.fault import TIME_END_MS, fault_of
from geofence.ping import Pings
from geofence.text import Texts
from geofence.wire import SOURCES
from service.cells import floats, integers, not_utf8, shown
from service.read_csv import CsvFile, Records
from service.rows import Batch, Rejected

REQUIRED = ("device", "time_ms", "lon", "lat", "accuracy_m")
OPTIONAL = ("source", "user", "received_ms", "confidence", "speed_mps", "mock")
_FAULT_CODES = {
    "device": 3,
    "lon": 4,
    "lat": 5,
    "time_ms": 6,
    "accuracy_m": 8,
    "confidence": 9,
    "speed_mps": 10,
    "user": 11,
    "received_ms": 12,
}
_MOCK = {b"": False, b"0": False, b"1": True, b"false": False, b"true": True}
_CODES = {name.encode(): code for name, code in SOURCES.items()} | {b"": 0}
_ALLOWED = {
    "source": f"{', '.join(SOURCES)}, or empty",
    "mock": "true, false, 1, 0, or empty",
}


def read_csv_pings(file: CsvFile) -> Iterator[Batch]:
    """The file's pings, batch by batch. Raises Unusable where a required column is missing."""
    places = {name: file.index(name) for name in REQUIRED}
    places |= {name: file.index(name, required=False) for name in OPTIONAL}
    found = {name: place for name, place in places.items() if place is not None}
    for records in file.batches():
        yield _batch(records, found)


def _batch(records: Records, places: dict[str, int]) -> Batch:
    columns = _Columns(records, places)
    count = len(records.rows)
    pings = Pings(
        device=columns.texts("device"),
        lon=columns.numbers("lon"),
        lat=columns.numbers("lat"),
        time_ms=columns.whole("time_ms"),
        accuracy_m=columns.numbers("accuracy_m"),
        source=columns.words("source", _CODES, np.dtype(np.uint8)),
        received_ms=columns.received(),
        confidence=columns.numbers("confidence"),
        speed_mps=columns.numbers("speed_mps"),
        mock=columns.words("mock", _MOCK, np.dtype(np.bool_)),
        user=columns.texts("user"),
    )
    rows, lines = np.array(records.rows, np.int64), np.array(records.lines, np.int64)
    if not columns.faults:
        return Batch(pings, rows, lines, records.rejected)
    kept = np.setdiff1d(np.arange(count), np.array(sorted(columns.faults), np.int64))
    rejected = sorted([*records.rejected, *columns.rejected()], key=lambda one: one.row)
    return Batch(pings.take(kept), rows[kept], lines[kept], rejected)


class _Columns:
    """Reads columns and remembers the first fault of each row, in the order the columns are asked for."""

    def __init__(self, records: Records, places: dict[str, int]) -> None:
        self._records, self._places = records, places
        self.faults: dict[int, tuple[str, bytes]] = {}

    def texts(self, name: str) -> Texts:
        if name not in self._places:
            return Texts.blank(len(self._records.rows))
        cells = self._cells(name)
        self._note(name, cells, not_utf8(cells))
        return Texts.of_bytes(cells)

    def numbers(self, name: str) -> NDArray[np.float64]:
        if name not in self._places:
            return np.full(len(self._records.rows), np.nan)
        cells = self._cells(name)
        if name in OPTIONAL or name == "accuracy_m":
            values, bad = floats([cell or b"nan" for cell in cells])
            bad = [place for place in bad if cells[place]]
        else:
            values, bad = floats(cells)
            bad += [place for place in np.flatnonzero(np.isnan(values)).tolist() if not cells[place].strip()]
        self._note(name, cells, bad)
        return values

    def whole(self, name: str) -> NDArray[np.int64]:
        cells = self._cells(name)
        values, bad = integers(cells)
        self._note(name, cells, bad)
        return values

    def received(self) -> NDArray[np.int64]:
        name = "received_ms"
        if name not in self._places:
            return np.full(len(self._records.rows), -1, np.int64)
        cells = self._cells(name)
        values, bad = integers([cell if cell.strip() else b"-1" for cell in cells])
        outside = np.flatnonzero((values < 0) | (values >= TIME_END_MS)).tolist()
        self._note(name, cells, bad + [place for place in outside if cells[place].strip()])
        return values

    def words(self, name: str, allowed: Mapping[bytes, int], dtype: np.dtype[Any]) -> NDArray[Any]:
        if name not in self._places:
            return np.zeros(len(self._records.rows), dtype)
        cells = [cell.strip().lower() for cell in self._cells(name)]
        codes = [allowed.get(cell, -1) for cell in cells]
        if -1 in codes:
            self._note(name, cells, [place for place, code in enumerate(codes) if code == -1])
        return np.array([max(0, code) for code in codes], dtype)

    def rejected(self) -> list[Rejected]:
        """The rows with faults."""
        return [
            _rejected(self._records.rows[place], self._records.lines[place], name, cell)
            for place, (name, cell) in sorted(self.faults.items())
        ]

    def _cells(self, name: str) -> list[bytes]:
        return self._records.column(self._places[name])

    def _note(self, name: str, cells: list[bytes], bad: list[int]) -> None:
        for place in bad:
            self.faults.setdefault(place, (name, cells[place]))


def _rejected(row: int, line: int, name: str, cell: bytes) -> Rejected:
    if name in _FAULT_CODES:
        fault = fault_of(_FAULT_CODES[name])
        return Rejected(row, line, fault.reason, f"{name} is {shown(cell)}; allowed: {fault.allowed}. {fault.remedy}")
    message = f"{name} is {shown(cell)}; allowed: {_ALLOWED[name]}. Leave the cell empty if it is not known."
    return Rejected(row, line, f"{name}_value", message)
