"""Runs the `geofence` command within this process, as its tests need it. Not a test itself."""

import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from service import cli


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
