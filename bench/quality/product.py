"""Our rule through the whole product, on the same cells as polygons: what `ours` says must come out here too.

Two ways in: the core (`Fence.observe` over an atlas) and the `geofence replay` command with its files. Slower
than `ours` by far, since regions are real polygons and events real events; meant for a check at the end.
"""

import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import numpy as np
import shapely

from bench.quality.cells import Cells, Sightings, polygons
from bench.quality.corpus import Pings
from bench.quality.events import EVENT, FIRST_FIX, MOVED, Events
from bench.quality.peers import Judge
from geofence.fence import Fence
from geofence.hysteresis import Rule
from geofence.ping import Pings as CorePings
from geofence.region import Region, Version

Row = tuple[int, int, int, int, int, int, float]
COMMAND = (sys.executable, "-c", "from service.cli import main; main()")


def through_core(rule: Rule, *, engine: str = "compiled") -> Judge:
    """The rule as the core runs it."""

    def judge(pings: Pings, sightings: Sightings, cells: Cells) -> Events:
        del sightings
        regions = [Region(id=_id(index), geometry=shape) for index, shape in enumerate(polygons(cells))]
        fence = Fence([Version.of("cells", regions, rule=rule)], engine=engine)
        report = fence.observe(
            CorePings.columns(
                device=[str(device) for device in pings.device],
                lon=pings.lon,
                lat=pings.lat,
                time_ms=pings.time_ms,
                accuracy_m=pings.accuracy_m,
                source=pings.source.astype(np.uint8),
            )
        )
        return _events(
            (
                int(crossing.device),
                _index(crossing.origin.id if crossing.origin else None),
                _index(crossing.target.id if crossing.target else None),
                crossing.occurred_ms,
                crossing.confirmed_ms,
                _cause(crossing.cause),
                crossing.confidence,
            )
            for crossing in report.crossings
        )

    return judge


def through_replay(rule: str) -> Judge:
    """A preset as the `geofence replay` command runs it."""

    def judge(pings: Pings, sightings: Sightings, cells: Cells) -> Events:
        del sightings
        with tempfile.TemporaryDirectory() as folder:
            regions, trace = Path(folder) / "cells.geojson", Path(folder) / "pings.csv"
            _write_regions(cells, regions)
            _write_pings(pings, trace)
            options = ("--regions", str(regions), "--rule", rule, str(trace))
            done = subprocess.run([*COMMAND, "replay", *options], capture_output=True, text=True, check=True)
        return _events(_row(json.loads(line)) for line in done.stdout.splitlines())

    return judge


def _id(index: int) -> str:
    return f"{index:06d}"


def _index(region: str | None) -> int:
    return -1 if region is None else int(region)


def _cause(cause: str) -> int:
    return FIRST_FIX if cause == "first_fix" else MOVED


def _ms(instant: str) -> int:
    return round(datetime.fromisoformat(instant).timestamp() * 1000)


def _row(event: dict[str, dict[str, str | float | dict[str, str] | None] | str]) -> Row:
    data = event["data"]
    if not isinstance(data, dict):
        raise ValueError(f"an event's data is {data!r}, not an object")
    ends = [place["id"] if isinstance(place, dict) else None for place in (data["from"], data["to"])]
    return (
        int(str(event["subject"])),
        _index(ends[0]),
        _index(ends[1]),
        _ms(str(data["occurred_at"])),
        _ms(str(data["confirmed_at"])),
        _cause(str(data["cause"])),
        float(str(data["confidence"])),
    )


def _events(rows: Iterable[Row]) -> Events:
    events = np.array(list(rows), EVENT)
    return events[np.lexsort((events["confirmed_ms"], events["device"]))]


def _write_regions(cells: Cells, path: Path) -> None:
    features = [
        {
            "type": "Feature",
            "id": _id(index),
            "properties": {},
            "geometry": json.loads(shapely.to_geojson(shape)),
        }
        for index, shape in enumerate(polygons(cells))
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")


def _write_pings(pings: Pings, path: Path) -> None:
    names = ("unknown", "gps", "wifi", "cell", "fused")
    with path.open("w", encoding="utf-8", newline="") as lines:
        rows = csv.writer(lines)
        rows.writerow(("device", "time_ms", "lon", "lat", "accuracy_m", "source"))
        accuracy_m = ("" if value != value else repr(float(value)) for value in pings.accuracy_m)
        columns = (pings.device.tolist(), pings.time_ms.tolist(), pings.lon.tolist(), pings.lat.tolist())
        rows.writerows(zip(*columns, accuracy_m, (names[code] for code in pings.source), strict=True))
