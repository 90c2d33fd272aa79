"""Runs the `geofence` command within this process, as its tests need it. Not a test itself."""

import csv
import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from geofence.ping import Ping
from geofence.wire import encode_ping
from service import cli

ROOT = Path(__file__).parent.parent
MINUTE = 60_000
HEADER = "device,time_ms,lon,lat,accuracy_m\n"


@dataclass(frozen=True)
class Result:
    """What a command did."""

    status: int
    out: bytes
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """Standard output as JSON, line by line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def lines(self) -> list[str]:
        """Standard output as text, line by line."""
        return self.out.decode().splitlines()


def run(*arguments: str | Path, stdin: bytes = b"") -> Result:
    """Run the command with these arguments."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    given = io.TextIOWrapper(io.BytesIO(stdin), "utf-8")
    argv = ["geofence", *map(str, arguments)]
    with patch.multiple(sys, argv=argv, stdin=given, stdout=out, stderr=err):
        status = cli.run()
        out.flush()
    assert isinstance(out.buffer, io.BytesIO)
    return Result(status, out.buffer.getvalue(), err.getvalue())


def square(west: float, south: float, size: float) -> dict[str, Any]:
    """A square polygon."""
    east, north = west + size, south + size
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def layer(**regions: dict[str, Any]) -> bytes:
    """A region file: ids and geometries."""
    return json.dumps(
        {
            "type": "FeatureCollection",
            "features": [
                {"type": "Feature", "id": ident, "properties": {"name": ident.upper()}, "geometry": geometry}
                for ident, geometry in regions.items()
            ],
        }
    ).encode()


def rows(out: bytes) -> list[dict[str, str]]:
    """The rows of a CSV that a command has printed."""
    return list(csv.DictReader(io.StringIO(out.decode(), newline="")))


def as_dump(path: Path) -> bytes:
    """A CSV file of pings as NDJSON."""
    pings = [
        Ping(
            device=row["device"],
            lon=float(row["lon"]),
            lat=float(row["lat"]),
            time_ms=int(row["time_ms"]),
            accuracy_m=float(row["accuracy_m"]),
        )
        for row in rows(path.read_bytes())
    ]
    return b"\n".join(map(encode_ping, pings))
