"""What phones make of a true place: errors that last, radii that flatter, and the faults of each setting.

Takes true places in columns (the rows of a device together and in order of time) and gives fixes. All of it
is memoryless between rows, so that it may be sampled at any times: errors are Ornstein-Uhlenbeck processes,
spells (a jump, a frozen fix, a tower) end with a probability that depends on the time since the row before.

Settings: open sky, urban and canyon are satellite fixes with ever larger errors and jumps; indoor is Wi-Fi
whose fix freezes, and now and then is that of an access point which moved house; cell is the place of a
tower; stale is a fused fix that stays where it was while its radius grows.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

DEGREE_M = 111_195.08
SIGMA_TO_RADIUS = 1.51  # sigma per axis to the radius that holds 68 % in two dimensions
IOS_RADII_M = np.array([5.0, 10.0, 30.0, 65.0])
TOWER_SPACING_M = 1_900.0
STALE_GROWTH_MPS = 13.0


class Setting(IntEnum):
    """Where a phone gets its fix from, and how good it can be there."""

    OPEN = 0
    URBAN = 1
    CANYON = 2
    INDOOR = 3
    CELL = 4
    STALE = 5


SOURCE = np.array([1, 1, 1, 2, 3, 4], np.int64)  # gps, gps, gps, wifi, cell, fused


@dataclass(frozen=True, slots=True)
class Satellites:
    """A satellite setting: error per axis, how fast its quick part changes, and how often it jumps."""

    sigma_m: float
    quick_s: float
    jump_every_s: float


SATELLITES = {
    Setting.OPEN: Satellites(4.0, 15.0, np.inf),
    Setting.URBAN: Satellites(10.0, 20.0, 300.0),
    Setting.CANYON: Satellites(18.0, 25.0, 90.0),
}
SLOW_S, QUICK_SHARE, JUMP_LASTS_S = 250.0, 0.6, 25.0


@dataclass(frozen=True, slots=True)
class Fixes:
    """What the phones report, row by row."""

    lon: Floats
    lat: Floats
    accuracy_m: Floats
    source: Ints


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of one setting; `gap_s` is the time since the row before of that device, inf at its first."""

    device: Ints
    gap_s: Floats
    lon: Floats
    lat: Floats

    def __len__(self) -> int:
        return len(self.device)


def observed(
    rng: np.random.Generator,
    *,
    device: Ints,
    time_ms: Ints,
    lon: Floats,
    lat: Floats,
    setting: Ints,
    ios: Bools,
) -> Fixes:
    """A fix for every true place. `ios` rows state their radius in a few steps, as those phones do."""
    fix_lon, fix_lat, accuracy_m = lon.copy(), lat.copy(), np.empty(len(lon))
    for kind in Setting:
        rows = np.flatnonzero(setting == kind)
        if len(rows) == 0:
            continue
        owner, when = device[rows], time_ms[rows]
        gap_s = np.r_[np.inf, np.diff(when) / 1000.0]
        gap_s[1:][owner[1:] != owner[:-1]] = np.inf
        mine = _Rows(owner, gap_s, lon[rows], lat[rows])
        fix_lon[rows], fix_lat[rows], accuracy_m[rows] = _fix(rng, kind, mine)
    stepped = ios & (accuracy_m <= 100.0)
    accuracy_m[stepped] = _in_steps(accuracy_m[stepped])
    return Fixes(fix_lon, fix_lat, accuracy_m, SOURCE[setting])


def _fix(rng: np.random.Generator, kind: Setting, rows: _Rows) -> tuple[Floats, Floats, Floats]:
    if kind in SATELLITES:
        return _satellites(rng, SATELLITES[kind], rows)
    if kind == Setting.INDOOR:
        return _indoor(rng, rows)
    return _cell(rng, rows) if kind == Setting.CELL else _stale(rng, rows)


def _in_steps(accuracy_m: Floats) -> Floats:
    """The step nearest in proportion."""
    edges = np.sqrt(IOS_RADII_M[1:] * IOS_RADII_M[:-1])
    return IOS_RADII_M[np.searchsorted(edges, accuracy_m)]


def drift(rng: np.random.Generator, gap_s: Floats, tau_s: float) -> Floats:
    """A stationary Ornstein-Uhlenbeck process of variance 1 at rows `gap_s` apart; inf starts a new one."""
    decay = np.exp(-gap_s / tau_s)
    value = rng.standard_normal(len(gap_s)) * np.sqrt(1.0 - decay * decay)
    # value[i] += decay[i] * value[i - 1], for all rows at once by doubling the reach of each pass.
    step = 1
    while step < len(value) and decay.any():
        value[step:] += decay[step:] * value[:-step]
        decay[step:] = decay[step:] * decay[:-step]
        decay[decay < 1e-9] = 0.0
        step *= 2
    return value


def spells(rng: np.random.Generator, gap_s: Floats, mean_s: float | Floats) -> Ints:
    """Numbers spells of exponential length: rows of one spell share a number, and no two devices do."""
    number: Ints = np.cumsum(rng.random(len(gap_s)) < -np.expm1(-gap_s / mean_s))
    return number - number[:1]


def _flattery(rng: np.random.Generator, count: int) -> Floats:
    """What stated radii are to true ones."""
    return np.exp(rng.normal(-0.15, 0.35, count))


def _moved(lon: Floats, lat: Floats, east_m: Floats, north_m: Floats) -> tuple[Floats, Floats]:
    scale = DEGREE_M * np.maximum(np.cos(np.radians(lat)), 0.01)
    return (lon + east_m / scale + 180.0) % 360.0 - 180.0, np.clip(lat + north_m / DEGREE_M, -90.0, 90.0)


def _satellites(rng: np.random.Generator, sky: Satellites, rows: _Rows) -> tuple[Floats, Floats, Floats]:
    gap_s, sigma_m = rows.gap_s, sky.sigma_m
    axes = [
        sigma_m
        * (np.sqrt(QUICK_SHARE) * drift(rng, gap_s, sky.quick_s) + np.sqrt(1 - QUICK_SHARE) * drift(rng, gap_s, SLOW_S))
        for _ in range(2)
    ]
    radius_m = SIGMA_TO_RADIUS * sigma_m * np.exp(-0.15 + 0.35 * drift(rng, gap_s, 60.0))
    if np.isfinite(sky.jump_every_s):
        jump_m, angle, admitted = _jumps(rng, sky, gap_s)
        axes[0] += jump_m * np.cos(angle)
        axes[1] += jump_m * np.sin(angle)
        radius_m = np.where(admitted, jump_m * _flattery(rng, len(rows)), radius_m)
    return *_moved(rows.lon, rows.lat, axes[0], axes[1]), radius_m


def _jumps(rng: np.random.Generator, sky: Satellites, gap_s: Floats) -> tuple[Floats, Floats, Bools]:
    """Length and direction of the jump each row is in (0 m: in none), and whether the radius admits it."""
    onset, end = 1.0 / sky.jump_every_s, 1.0 / JUMP_LASTS_S
    spell = spells(rng, gap_s, 1.0 / (onset + end))
    count = int(spell[-1]) + 1
    jumping = rng.random(count) < onset / (onset + end)
    median_m = max(60.0, 4.0 * sky.sigma_m)
    length_m = np.where(jumping, median_m * np.exp(rng.normal(0.0, 0.6, count)), 0.0)
    admitted = jumping & (rng.random(count) < 0.5)
    return length_m[spell], rng.uniform(0, 2 * np.pi, count)[spell], admitted[spell]


def _first_rows(spell: Ints) -> Ints:
    return np.flatnonzero(np.r_[True, spell[1:] != spell[:-1]])


def _indoor(rng: np.random.Generator, rows: _Rows) -> tuple[Floats, Floats, Floats]:
    """A fix that freezes; one device in eight knows an access point that was once 10 to 48 km away."""
    spell = spells(rng, rows.gap_s, 120.0)
    first = _first_rows(spell)
    count, device = len(first), rows.device[first]
    haunted, owner = np.unique(device, return_inverse=True)
    far_m = np.where(rng.random(len(haunted)) < 0.125, rng.uniform(10_000, 48_000, len(haunted)), 0.0)[owner]
    far_m *= rng.random(count) < 0.03
    angle = rng.uniform(0, 2 * np.pi, len(haunted))[owner]
    sigma_m = rng.uniform(20.0, 30.0, len(haunted))[owner]
    east_m = sigma_m * rng.standard_normal(count) + far_m * np.cos(angle)
    north_m = sigma_m * rng.standard_normal(count) + far_m * np.sin(angle)
    lon, lat = _moved(rows.lon[first], rows.lat[first], east_m, north_m)
    radius_m = SIGMA_TO_RADIUS * sigma_m * _flattery(rng, count)
    radius_m = np.where(far_m > 0, rng.uniform(50.0, 100.0, count), radius_m)
    return lon[spell], lat[spell], radius_m[spell]


def _cell(rng: np.random.Generator, rows: _Rows) -> tuple[Floats, Floats, Floats]:
    """The place of the tower in use; which one that is changes about once a minute, and on the way."""
    scale = DEGREE_M * np.cos(np.radians(rows.lat))
    east_m, north_m = (
        np.diff(rows.lon, prepend=rows.lon[:1]) * scale,
        np.diff(rows.lat, prepend=rows.lat[:1]) * DEGREE_M,
    )
    hazard = rows.gap_s / 60.0 + np.sqrt(east_m**2 + north_m**2) / TOWER_SPACING_M
    spell = spells(rng, hazard, 1.0)
    first = _first_rows(spell)
    lon, lat, sigma_m = _towers(rng, rows.lon[first], rows.lat[first])
    radius_m = SIGMA_TO_RADIUS * sigma_m * _flattery(rng, len(first))
    radius_m *= np.where(rng.random(len(first)) < 0.15, 0.4, 1.0)
    return lon[spell], lat[spell], radius_m[spell]


def _towers(rng: np.random.Generator, lon: Floats, lat: Floats) -> tuple[Floats, Floats, Floats]:
    """The tower that each place hears best just now: the nearest of nine, each behind other walls."""
    best = np.full(len(lon), np.inf)
    tower_lon, tower_lat, sigma_m = np.empty(len(lon)), np.empty(len(lon)), np.empty(len(lon))
    for dy in (-1, 0, 1):
        row = np.floor(lat * DEGREE_M / TOWER_SPACING_M).astype(np.int64) + dy
        scale = DEGREE_M * np.maximum(np.cos(np.radians((row + 0.5) * TOWER_SPACING_M / DEGREE_M)), 0.01)
        for dx in (-1, 0, 1):
            column = np.floor(lon * scale / TOWER_SPACING_M).astype(np.int64) + dx
            a, b, c = _hashed(row, column)
            x, y = (column + a) * TOWER_SPACING_M / scale, (row + b) * TOWER_SPACING_M / DEGREE_M
            away_m = np.sqrt(((x - lon) * scale) ** 2 + ((y - lat) * DEGREE_M) ** 2)
            heard = away_m * np.exp(rng.normal(0.0, 0.25, len(lon)))
            better = heard < best
            best[better] = heard[better]
            tower_lon[better], tower_lat[better] = x[better], y[better]
            sigma_m[better] = 600.0 + 300.0 * c[better]
    return tower_lon, np.clip(tower_lat, -90.0, 90.0), sigma_m


def _hashed(row: Ints, column: Ints) -> tuple[Floats, Floats, Floats]:
    """Three numbers in [0, 1) that belong to a square of the map."""
    key = (row * 73_856_093 ^ column * 19_349_663).astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    parts = [((key >> np.uint64(shift)) & np.uint64(0xFFFFF)) / 2.0**20 for shift in (2, 22, 42)]
    return parts[0], parts[1], parts[2]


def _stale(rng: np.random.Generator, rows: _Rows) -> tuple[Floats, Floats, Floats]:
    """A fix kept for minutes while its radius grows; one in twelve was 1 to 9 km off to begin with."""
    spell = spells(rng, rows.gap_s, 180.0)
    first = _first_rows(spell)
    count = len(first)
    off_m = np.where(rng.random(count) < 1 / 12, rng.uniform(1_000, 9_000, count), 0.0)
    angle = rng.uniform(0, 2 * np.pi, count)
    east_m = 12.0 * rng.standard_normal(count) + off_m * np.cos(angle)
    north_m = 12.0 * rng.standard_normal(count) + off_m * np.sin(angle)
    lon, lat = _moved(rows.lon[first], rows.lat[first], east_m, north_m)
    radius_m = SIGMA_TO_RADIUS * 12.0 * _flattery(rng, count)
    radius_m = np.where(off_m > 0, rng.uniform(82.0, 104.0, count), radius_m)
    since_s = np.cumsum(np.where(np.isfinite(rows.gap_s), rows.gap_s, 0.0))
    age_s = since_s - since_s[first][spell]
    return lon[spell], lat[spell], radius_m[spell] + STALE_GROWTH_MPS * age_s
