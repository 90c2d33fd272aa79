"""Where people truly are: journeys by foot, car, train and plane, and the stays between them.

Takes journeys as plain columns (who, when, from where, to where, by what) and works out the way: streets
with right angles in towns, long curves for rails and roads between them, stops at lights and stations. The
tracks are exact between their rows: a device moves straight and evenly from one row to the next.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from data.noise import DEGREE_M, Bools, Floats, Ints, spells


class Mode(IntEnum):
    """How someone gets about; STAY is not to."""

    STAY = 0
    WALK = 1
    BIKE = 2
    CAR = 3
    ROAD = 4
    TRAIN = 5
    PLANE = 6


@dataclass(frozen=True, slots=True)
class Way:
    """How a mode moves: speed, distance between the rows of its track, how often and how long it stops."""

    speed_mps: float
    row_m: float
    stop_every_m: float
    stop_s: float
    streets: bool


WAYS = {
    Mode.STAY: Way(1.0, 1e9, np.inf, 0.0, False),
    Mode.WALK: Way(1.4, 25.0, 300.0, 15.0, True),
    Mode.BIKE: Way(5.0, 60.0, 500.0, 15.0, True),
    Mode.CAR: Way(12.0, 120.0, 600.0, 25.0, True),
    Mode.ROAD: Way(28.0, 400.0, 20_000.0, 60.0, False),
    Mode.TRAIN: Way(38.0, 500.0, 9_000.0, 80.0, False),
    Mode.PLANE: Way(230.0, 5_000.0, np.inf, 0.0, False),
}


def _column(name: str) -> Floats:
    return np.array([getattr(WAYS[mode], name) for mode in Mode], np.float64)


@dataclass(frozen=True, slots=True)
class Journeys:
    """Journeys in order of device and time; one that is due before the last has ended begins after it."""

    device: Ints
    depart_ms: Ints
    mode: Ints
    from_lon: Floats
    from_lat: Floats
    to_lon: Floats
    to_lat: Floats


@dataclass(frozen=True, slots=True)
class Tracks:
    """Where each device was, its rows together and in order of time. `lon` may pass 180: it never jumps."""

    device: Ints
    time_ms: Ints
    lon: Floats
    lat: Floats

    def at(self, *, device: Ints, time_ms: Ints) -> tuple[Floats, Floats]:
        """Places at other times; before the first row and after the last the device rests there."""
        start_ms, span_ms = int(self.time_ms.min()), 3 * int(np.ptp(self.time_ms)) + 1
        clamped = np.clip(time_ms, start_ms, int(self.time_ms.max()))
        known = self.device * span_ms + (self.time_ms - start_ms)
        asked = device * span_ms + (clamped - start_ms)
        first = np.flatnonzero(np.r_[True, self.device[1:] != self.device[:-1]])
        last = np.r_[first[1:], len(known)] - 1
        mine = np.searchsorted(self.device[first], device)
        asked = np.clip(asked, known[first][mine], known[last][mine])
        lon, lat = np.interp(asked, known, self.lon), np.interp(asked, known, self.lat)
        return (lon + 180.0) % 360.0 - 180.0, lat


@dataclass(frozen=True, slots=True)
class Spans:
    """What each device does from when to when, in order of device and time."""

    device: Ints
    mode: Ints
    begin_ms: Ints
    end_ms: Ints


def travel(rng: np.random.Generator, journeys: Journeys, *, begin_ms: int, end_ms: int) -> tuple[Tracks, Spans]:
    """The tracks of all devices that travel, and what they did between the two times."""
    owner, lon, lat, metres = _paths(rng, journeys)
    arrive_s, leave_s = _clock(rng, journeys.mode, owner, metres)
    last = np.r_[np.flatnonzero(np.diff(owner)), len(owner) - 1]
    takes_ms = np.rint(arrive_s[last] * 1000).astype(np.int64)
    depart_ms = _in_turn(journeys.device, np.maximum(journeys.depart_ms, begin_ms), takes_ms)
    rows_ms = np.rint(np.column_stack([arrive_s, leave_s]) * 1000).astype(np.int64)
    rows_ms[last, 1] = rows_ms[last, 0]
    tracks = Tracks(
        device=np.repeat(journeys.device[owner], 2),
        time_ms=(depart_ms[owner][:, None] + rows_ms).ravel(),
        lon=np.repeat(lon, 2),
        lat=np.repeat(lat, 2),
    )
    spans = _spans(journeys, depart_ms, depart_ms + takes_ms, begin_ms, end_ms)
    return _without_twins(tracks), spans


def _without_twins(tracks: Tracks) -> Tracks:
    """Leaves out rows that say the same time twice."""
    keep: Bools = np.r_[True, (np.diff(tracks.time_ms) != 0) | (np.diff(tracks.device) != 0)]
    return Tracks(tracks.device[keep], tracks.time_ms[keep], tracks.lon[keep], tracks.lat[keep])


def _paths(rng: np.random.Generator, journeys: Journeys) -> tuple[Ints, Floats, Floats, Floats]:
    """Rows of all ways: the journey each belongs to, lon, lat, and metres since the row before."""
    scale = DEGREE_M * np.cos(np.radians((journeys.from_lat + journeys.to_lat) / 2))
    turn = (journeys.to_lon - journeys.from_lon + 180.0) % 360.0 - 180.0
    east_m, north_m = turn * scale, (journeys.to_lat - journeys.from_lat) * DEGREE_M
    length_m = np.sqrt(east_m**2 + north_m**2)
    rows = np.clip(np.ceil(1.2 * length_m / _column("row_m")[journeys.mode]), 8, 3_000).astype(np.int64) + 1
    owner = np.repeat(np.arange(len(rows)), rows)
    first = np.cumsum(rows) - rows
    along = (np.arange(len(owner)) - first[owner]) / (rows - 1)[owner]
    ahead, aside = _curves(rng, owner, along, len(rows))
    streets = _column("streets")[journeys.mode][owner] > 0
    if streets.any():
        ahead[streets], aside[streets] = _streets(rng, owner[streets], along[streets])
    x, y = ahead * east_m[owner] - aside * north_m[owner], ahead * north_m[owner] + aside * east_m[owner]
    metres = np.r_[0.0, np.sqrt(np.diff(x) ** 2 + np.diff(y) ** 2)]
    metres[first] = 0.0
    return owner, journeys.from_lon[owner] + x / scale[owner], journeys.from_lat[owner] + y / DEGREE_M, metres


def _curves(rng: np.random.Generator, owner: Ints, along: Floats, count: int) -> tuple[Floats, Floats]:
    """Long bends, in shares of the distance: how far ahead, how far aside."""
    aside = np.zeros(len(owner))
    for wave in (1, 2, 3, 5):
        aside += rng.normal(0.0, 0.05 / wave, count)[owner] * np.sin(wave * np.pi * along)
    return along.copy(), aside


def _streets(rng: np.random.Generator, owner: Ints, along: Floats) -> tuple[Floats, Floats]:
    """Blocks along one street, then along one across it, the grid being turned at random for each journey."""
    names, journey = np.unique(owner, return_inverse=True)
    grid = rng.uniform(0.15, 0.5 * np.pi - 0.15, len(names))
    step = np.diff(along, prepend=0.0)
    step[along == 0.0] = 0.0
    block = spells(rng, np.where(along == 0.0, np.inf, 1.0), 5.0)
    by_first = (rng.random(int(block[-1]) + 1) < 0.5)[block]
    shares = []
    for chosen in (by_first, ~by_first):
        run = np.cumsum(np.where(chosen, step, 0.0))
        start = run[along == 0.0]
        total = np.r_[start[1:], run[-1]] - start
        share = (run - start[journey]) / np.where(total > 0, total, 1.0)[journey]
        shares.append(np.where(total[journey] > 0, share, along))
    cos, sin = np.cos(grid)[journey], np.sin(grid)[journey]
    # The two directions of the grid add up to the way from start to goal: cos^2 + sin^2 ahead, 0 aside.
    ahead = cos * cos * shares[0] + sin * sin * shares[1]
    return ahead, cos * sin * (shares[0] - shares[1])


def _clock(rng: np.random.Generator, mode: Ints, owner: Ints, metres: Floats) -> tuple[Floats, Floats]:
    """When each row is reached and left, in seconds since its journey began."""
    count = len(owner)
    hurry = np.exp(rng.normal(0.0, 0.15, int(owner[-1]) + 1))[owner]
    speed_mps = _column("speed_mps")[mode][owner] * hurry * np.exp(rng.normal(0.0, 0.2, count))
    driving = np.isin(mode, (Mode.CAR, Mode.ROAD))[owner]
    jam = spells(rng, np.ones(count), 8.0)
    jammed = (rng.random(int(jam[-1]) + 1) < 0.15)[jam]
    speed_mps = np.where(driving & jammed, 0.25 * speed_mps, speed_mps)
    stops = rng.random(count) < -np.expm1(-metres / _column("stop_every_m")[mode][owner])
    stop_s = np.where(stops, rng.exponential(1.0, count) * _column("stop_s")[mode][owner], 0.0)
    leave_s = np.cumsum(metres / speed_mps + stop_s)
    start_s = leave_s[np.r_[True, owner[1:] != owner[:-1]]]
    leave_s -= start_s[owner]
    return leave_s - stop_s, leave_s


def _in_turn(device: Ints, depart_ms: Ints, takes_ms: Ints) -> Ints:
    """Departures, put off where the journey before has not ended."""
    first = np.flatnonzero(np.r_[True, device[1:] != device[:-1]])
    sizes = np.diff(np.r_[first, len(device)])
    depart_ms = depart_ms.copy()
    for turn in range(1, int(sizes.max())):
        row = first[sizes > turn] + turn
        depart_ms[row] = np.maximum(depart_ms[row], depart_ms[row - 1] + takes_ms[row - 1] + 60_000)
    return depart_ms


def _spans(journeys: Journeys, depart_ms: Ints, arrive_ms: Ints, begin_ms: int, end_ms: int) -> Spans:
    """Stay, journey, stay, ..., cut to the times asked for."""
    device = journeys.device
    first = np.r_[True, device[1:] != device[:-1]]
    last = np.r_[first[1:], True]
    since_ms = np.where(first, begin_ms, np.r_[begin_ms, arrive_ms[:-1]])
    parts = [
        (device, np.zeros_like(device), since_ms, depart_ms),
        (device, journeys.mode, depart_ms, arrive_ms),
        (device[last], np.zeros_like(device[last]), arrive_ms[last], np.full(int(last.sum()), end_ms)),
    ]
    owner, mode, from_ms, to_ms = (np.concatenate([part[i] for part in parts]) for i in range(4))
    from_ms, to_ms = np.maximum(from_ms, begin_ms), np.minimum(to_ms, end_ms)
    order = np.lexsort((from_ms, owner))
    order = order[(to_ms > from_ms)[order]]
    return Spans(owner[order], mode[order], from_ms[order], to_ms[order])
