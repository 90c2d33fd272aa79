"""Brute force: every region is asked about every point, and borders are walked along in small steps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from geofence.region import Version
from tests.shapes import vertices

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
EARTH = pyproj.Geod(ellps="WGS84")
_RING = np.exp(2j * np.pi * np.arange(8) / 8)


class Brute:
    """Asks every region, but those whose box is elsewhere."""

    def __init__(self, of: Version) -> None:
        """Take the shapes in the order of their ids."""
        self.shapes = np.array([region.geometry for region in of.regions], dtype=object)
        shapely.prepare(self.shapes)
        self._box = shapely.bounds(self.shapes).reshape(-1, 4)

    def covers(self, lon: Floats, lat: Floats) -> Bools:
        """Which regions (rows) cover which points (columns); either sign at 180, any longitude at a pole."""
        answer = np.zeros((len(self.shapes), len(lon)), np.bool_)
        here, mirrored = shapely.points(lon, lat), shapely.points(-lon, lat)
        seam, pole = np.abs(lon) == 180, np.abs(lat) == 90
        for row in np.flatnonzero(seam.any() | pole.any() | self._near(lon, lat)).tolist():
            shape = self.shapes[row]
            answer[row] = shapely.covers(shape, here)
            if seam.any():
                answer[row, seam] |= shapely.covers(shape, mirrored[seam])
            if pole.any():
                south, north = self._box[row, 1], self._box[row, 3]
                answer[row, pole] = np.where(lat[pole] > 0, north == 90, south == -90)
        return answer

    def answers(self, lon: Floats, lat: Floats) -> Ints:
        """The region of each point of a partition, -1 outside."""
        if not len(self.shapes):
            return np.full(len(lon), -1)
        table = self.covers(lon, lat)
        return np.where(table.any(axis=0), table.argmax(axis=0), -1)

    def _near(self, lon: Floats, lat: Floats) -> Bools:
        west, south, east, north = self._box.T
        near: Bools = (west <= lon.max()) & (east >= lon.min()) & (south <= lat.max()) & (north >= lat.min())
        return near


class Walker:
    """Walks along borders to find the nearest place with a property."""

    def __init__(self, of: Version) -> None:
        """Cut the edges so that none is longer than a degree."""
        start, end = vertices(region.geometry for region in of.regions)
        count = np.maximum(1, np.ceil(np.abs(end - start).max(axis=1, initial=0))).astype(int)
        owner = np.repeat(np.arange(len(count)), count)
        place = (np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count))[:, None]
        share = count[owner][:, None]
        self.start = start[owner] + place / share * (end - start)[owner]
        self.end = np.where(place + 1 == share, end[owner], start[owner] + (place + 1) / share * (end - start)[owner])
        self._ball = _ball(*((self.start + self.end) / 2).T)
        self._half = np.linalg.norm(_ball(*self.start.T) - _ball(*self.end.T), axis=1) / 2 * 1.001 + 1.0

    def nearest_m(self, lon: float, lat: float, cap_m: float, holds: Callable[[Floats, Floats], Bools]) -> float:
        """Metres to the nearest place beside a border at which it holds, or the cap."""
        off = np.linalg.norm(self._ball - _ball(np.array(lon), np.array(lat)), axis=1) - self._half
        best = cap_m
        for edge in np.argsort(off):
            if off[edge] > best * 1.01 + 10:
                break
            far_m, t = self._walk(lon, lat, edge, best, None)
            if far_m >= best:
                continue
            if not _around(*self._at(edge, np.array([t])), holds)[0]:
                far_m, _ = self._walk(lon, lat, edge, best, holds)
            best = min(best, far_m)
        return best

    def _at(self, edge: int, t: Floats) -> tuple[Floats, Floats]:
        row = self.start[edge] + t[:, None] * (self.end - self.start)[edge]
        return row[:, 0], row[:, 1]

    def _walk(
        self, lon: float, lat: float, edge: int, cap_m: float, holds: Callable[[Floats, Floats], Bools] | None
    ) -> tuple[float, float]:
        low, high, best, at = 0.0, 1.0, cap_m, 0.5
        for _ in range(8):
            t = np.linspace(low, high, 33)
            x, y = self._at(edge, t)
            _, _, far_m = EARTH.inv(np.full(33, lon), np.full(33, lat), x, y)
            if holds is not None:
                far_m = np.where(_around(x, y, holds), far_m, np.inf)
            place = int(np.argmin(far_m))
            if not far_m[place] < np.inf:
                break
            if far_m[place] <= best:
                best, at = float(far_m[place]), float(t[place])
            width = (high - low) / 16
            low, high = max(0.0, t[place] - width), min(1.0, t[place] + width)
        return best, at


def _around(x: Floats, y: Floats, holds: Callable[[Floats, Floats], Bools]) -> Bools:
    """Whether it holds a hair beside each place, on any side."""
    stretch = 1.0 / np.maximum(0.01, np.cos(np.radians(y)))
    lon = (x[:, None] + 2e-9 * stretch[:, None] * _RING.real + 540) % 360 - 180
    lat = np.clip(y[:, None] + 2e-9 * _RING.imag, -90, 90)
    return holds(lon.ravel(), lat.ravel()).reshape(lon.shape).any(axis=1)


def _ball(lon: Floats, lat: Floats) -> Floats:
    lam, phi = np.radians(lon), np.radians(lat)
    return 6_378_137.0 * np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)
