"""One file of the corpus: how it is made and what must be found in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boundaries.checking.codes import CODES
from boundaries.checking.finding import Source
from boundaries.drawing import Feature
from boundaries.reading.read import read
from geofence.region import Region

Json = dict[str, Any]
Position = tuple[float, float]


@dataclass(frozen=True)
class Expected:
    """A finding. Without a place, none is asked for; without a latitude, any on this meridian will do."""

    code: str
    region: str | None = None
    lon: float | None = None
    lat: float | None = None
    within_m: float = 5.0
    many: int = 1  # so many of them, alike

    def __str__(self) -> str:
        """As the corpus' table has it."""
        where = "" if self.lon is None else f" at {self.lon:g}" + ("" if self.lat is None else f", {self.lat:g}")
        of = "" if self.region is None else f" ({self.region[:12]})"
        times = f"{self.many} x " if self.many > 1 else ""
        return f"{times}{CODES[self.code].severity} {self.code}{of}{where}"


@dataclass(frozen=True)
class Case:
    """One file."""

    name: str
    wrong: str
    write: Callable[[Path], Path]  # makes the file in a folder
    expected: tuple[Expected, ...]
    overlay: bool = False
    previous: Callable[[], Sequence[Region]] | None = None
    source: Source | None = None


CASES: list[Case] = []


def case(
    *expected: Expected,
    overlay: bool = False,
    previous: Callable[[], Sequence[Region]] | None = None,
    source: Source | None = None,
) -> Callable[[Callable[[], Json]], Callable[[], Json]]:
    """Enter the function, which makes the file, in the corpus; its docstring says what is wrong."""

    def enter(make: Callable[[], Json]) -> Callable[[], Json]:
        def write(folder: Path) -> Path:
            path = folder / f"{make.__name__}.geojson"
            path.write_text(json.dumps(make()))
            return path

        CASES.append(Case(make.__name__, _wrong(make), write, expected, overlay, previous, source))
        return make

    return enter


def file_case(*expected: Expected) -> Callable[[Callable[[Path], Path]], Callable[[Path], Path]]:
    """The same for a function that writes a file of its own into a folder."""

    def enter(write: Callable[[Path], Path]) -> Callable[[Path], Path]:
        CASES.append(Case(write.__name__, _wrong(write), write, expected))
        return write

    return enter


def _wrong(make: Callable[..., object]) -> str:
    return " ".join((make.__doc__ or "").split()).rstrip(".")


def file(*features: Json) -> Json:
    """A FeatureCollection."""
    return {"type": "FeatureCollection", "features": list(features)}


def feature(id: str | None, geometry: Json | None, name: str = "") -> Json:  # noqa: A002
    """A Feature; without an id if there is none."""
    told = {} if id is None else {"id": id}
    return {"type": "Feature", **told, "properties": {"name": name}, "geometry": geometry}


def polygon(*rings: Sequence[Position]) -> Json:
    """A Polygon of rings as they are given."""
    return {"type": "Polygon", "coordinates": [[list(position) for position in ring] for ring in rings]}


def multipolygon(*polygons: Sequence[Sequence[Position]]) -> Json:
    """A MultiPolygon."""
    return {"type": "MultiPolygon", "coordinates": [polygon(*rings)["coordinates"] for rings in polygons]}


def square(lon: float, lat: float, size: float = 0.1) -> list[Position]:
    """A ring, counterclockwise from its south-west corner."""
    east, north = round(lon + size, 9), round(lat + size, 9)
    return [(lon, lat), (east, lat), (east, north), (lon, north), (lon, lat)]


def hole(lon: float, lat: float, size: float = 0.1) -> list[Position]:
    """The same, clockwise."""
    return square(lon, lat, size)[::-1]


def features_of(path: Path) -> list[Feature]:
    """What reading gives."""
    return read(path).features
