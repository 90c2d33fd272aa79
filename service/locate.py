"""`geofence locate`: each row of a CSV with the region that its point lies in, and how deep.

Rows go through as they are, byte for byte, with three cells added: layer, region, margin_m. Invariant: one
row for each input row and layer (in an overlay one for each region that contains it), in the order of the
input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from geofence.atlas import Atlas
from geofence.fault import fault_of
from geofence.region import Version
from service.cells import floats, shown
from service.complaints import Complaints
from service.progress import Progress
from service.read_csv import CsvFile, Records
from service.rows import Rejected
from service.source import Source, Unusable

ADDED = ("layer", "region", "margin_m")
_LON, _LAT = fault_of(4), fault_of(5)


@dataclass(frozen=True, slots=True)
class _Layer:
    """An atlas and what its answers look like as cells; the last of `names` is for outside."""

    atlas: Atlas
    prefix: bytes
    names: list[bytes]


def locate_file(path: str, versions: Sequence[Version], out: BinaryIO, *, engine: str, cap_m: float) -> None:
    """Locate every row of a CSV file and write the answers."""
    if not 0 < cap_m <= 50_000:
        raise Unusable(f"--cap-m is {cap_m:g}; allowed: more than 0 and at most 50000 metres")
    layers = [_layer(version, engine) for version in versions]
    complaints, rows = Complaints(path), 0
    with Source(path) as source, Progress(source) as progress:
        file = CsvFile(source)
        lon, lat = file.index("lon"), file.index("lat")
        for name in ADDED:
            if file.index(name, required=False) is not None:
                raise Unusable(f"{source.name}: there is a column {name!r} already. Rename or remove it.")
        out.write(file.header_raw + b"," + ",".join(ADDED).encode() + _end(file))
        for records in file.batches():
            rows += len(records.raws) + len(records.rejected)
            with progress.aside():
                _locate(records, layers, (lon, lat), cap_m, out, _end(file), complaints)
            progress.advance(rows)
    complaints.summary(rows)


def _locate(
    records: Records,
    layers: list[_Layer],
    columns: tuple[int | None, int | None],
    cap_m: float,
    out: BinaryIO,
    end: bytes,
    complaints: Complaints,
) -> None:
    """One batch: check the coordinates, ask every layer, write the rows."""
    lon_cells, lat_cells = records.column(columns[0] or 0), records.column(columns[1] or 0)
    lon, lon_bad = floats(lon_cells)
    lat, lat_bad = floats(lat_cells)
    good = (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
    good[lon_bad] = good[lat_bad] = False
    rejected = list(records.rejected)
    no_lon = set(lon_bad)
    for place in np.flatnonzero(~good).tolist():
        lon_fault = place in no_lon or not abs(lon[place]) <= 180
        fault, cell = (_LON, lon_cells[place]) if lon_fault else (_LAT, lat_cells[place])
        message = f"{fault.field} is {shown(cell)}; allowed: {fault.allowed}. {fault.remedy}"
        rejected.append(Rejected(records.rows[place], records.lines[place], fault.reason, message))
    for one in sorted(rejected, key=lambda one: one.row):
        complaints.add(one)
    if not good.all():
        kept = np.flatnonzero(good)
        raws = [records.raws[place] for place in kept.tolist()]
        _write(raws, layers, lon[kept], lat[kept], cap_m, out, end)
    else:
        _write(records.raws, layers, lon, lat, cap_m, out, end)


def _write(
    raws: list[bytes],
    layers: list[_Layer],
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    cap_m: float,
    out: BinaryIO,
    end: bytes,
) -> None:
    rows, cells = [], []
    for layer in layers:
        found = layer.atlas.locate(lon, lat, cap_m)
        rows.append(np.asarray(found.row))
        names, prefix = layer.names, layer.prefix
        regions, margins = found.region.tolist(), found.margin_m.tolist()
        cells += [
            b"%b%b,%.9g" % (prefix, names[region], margin)  # nine digits: a tenth of a millimetre at 50 km
            for region, margin in zip(regions, margins, strict=True)
        ]
    if len(layers) == 1 and len(cells) == len(raws):
        out.write(b"".join([raw + cell + end for raw, cell in zip(raws, cells, strict=True)]))
        return
    row = np.concatenate(rows) if rows else np.empty(0, np.int64)
    order = np.argsort(row, kind="stable").tolist()
    owners = row.tolist()
    out.write(b"".join([raws[owners[place]] + cells[place] + end for place in order]))


def _layer(version: Version, engine: str) -> _Layer:
    names = [_cell(region.id) for region in version.regions]
    return _Layer(Atlas(version, engine), b"," + _cell(version.layer) + b",", [*names, b""])


def _cell(text: str) -> bytes:
    quoted = '"' + text.replace('"', '""') + '"' if any(char in text for char in ',"\r\n') else text
    return quoted.encode()


def _end(file: CsvFile) -> bytes:
    return b"\r\n" if file.crlf else b"\n"
