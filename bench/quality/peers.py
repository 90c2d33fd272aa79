"""The rules that others use, and the plain one we started from, as pure functions over sightings.

Each takes the pings of all devices (those of a device together, in order of arrival), what was seen of them
and the regions, and returns events. Late pings are left out: none of these rules has an answer to them.
"""

from collections.abc import Callable
from math import sqrt

import numpy as np
from numba import njit

from bench.quality.cells import Cells, Sightings
from bench.quality.columns import Bools, Floats, Ints
from bench.quality.corpus import Pings
from bench.quality.events import EVENT, FIRST_FIX, MOVED, Events
from bench.quality.plain import plain_rows

Judge = Callable[[Pings, Sightings, Cells], Events]

UNSTATED_M = 100.0  # the radius that P1 takes where a ping states none


def raw(pings: Pings, sightings: Sightings, cells: Cells) -> Events:
    """Believes every ping."""
    return consecutive(pings, sightings, cells, needed=1)


def three_in_a_row(pings: Pings, sightings: Sightings, cells: Cells) -> Events:
    """Believes a region that three pings running name."""
    return consecutive(pings, sightings, cells, needed=3)


def consecutive(pings: Pings, sightings: Sightings, cells: Cells, *, needed: int) -> Events:
    """Believes a region that `needed` pings running name; the first ping is believed at once."""
    del cells
    return _events(_counted(pings.device, pings.time_ms, sightings.region, needed, 0))


def dwell(pings: Pings, sightings: Sightings, cells: Cells, *, dwell_s: float = 120.0) -> Events:
    """Believes a region that every ping of the last `dwell_s` names."""
    del cells
    return _events(_counted(pings.device, pings.time_ms, sightings.region, 1, int(dwell_s * 1000)))


def accuracy_based(pings: Pings, sightings: Sightings, cells: Cells) -> Events:
    """Amazon Location's AccuracyBased filter: a ping is ignored that moved less than both radii from the last
    one that was not; the others are believed. A radius not stated counts as 0, as it does there.
    """
    del cells
    accuracy_m = np.where(pings.accuracy_m > 0, pings.accuracy_m, 0.0)
    kept = _far_enough(pings.device, pings.time_ms, sightings.x, sightings.y, accuracy_m)
    return _events(_counted(pings.device[kept], pings.time_ms[kept], sightings.region[kept], 1, 0))


def plain(pings: Pings, sightings: Sightings, cells: Cells) -> Events:
    """P1: a capped, decorrelated CUSUM on the log-odds of being outside."""
    accuracy_m = np.where(pings.accuracy_m > 0, pings.accuracy_m, UNSTATED_M)
    return _events(plain_rows(pings.device, pings.time_ms, accuracy_m, sightings, cells))


def _events(rows: Ints) -> Events:
    """Packs rows of (device, from, to, occurred_ms, confirmed_ms)."""
    events = np.zeros(len(rows), EVENT)
    names = ("device", "from_region", "to_region", "occurred_ms", "confirmed_ms")
    for column, name in enumerate(names):
        events[name] = rows[:, column]
    first = np.r_[True, rows[1:, 0] != rows[:-1, 0]] if len(rows) else np.zeros(0, np.bool_)
    events["cause"] = np.where(first, FIRST_FIX, MOVED)
    events["confidence"] = np.nan
    return events


@njit(cache=True)
def _counted(device: Ints, time_ms: Ints, region: Ints, needed: int, dwell_ms: int) -> Ints:
    rows = np.empty((device.size, 5), np.int64)
    emitted, owner, known = 0, -1, -2
    last_ms, candidate, count, since_ms = 0, -2, 0, 0
    for i in range(device.size):
        if device[i] != owner:
            owner, known, candidate, last_ms = device[i], -2, -2, time_ms[i] - 1
        if time_ms[i] <= last_ms:
            continue
        last_ms = time_ms[i]
        if region[i] != candidate:
            candidate, count, since_ms = region[i], 0, time_ms[i]
        count += 1
        sure = count >= needed and time_ms[i] - since_ms >= dwell_ms
        if candidate != known and (sure or known == -2):
            rows[emitted] = np.array([owner, max(known, -1), candidate, since_ms, time_ms[i]])
            emitted, known = emitted + 1, candidate
    return rows[:emitted].copy()


@njit(cache=True)
def _far_enough(device: Ints, time_ms: Ints, x: Floats, y: Floats, accuracy_m: Floats) -> Bools:
    kept = np.zeros(device.size, np.bool_)
    owner, at = -1, 0
    for i in range(device.size):
        dx, dy = x[i] - x[at], y[i] - y[at]
        radii_m = accuracy_m[i] + accuracy_m[at]
        moved = time_ms[i] > time_ms[at] and sqrt(dx * dx + dy * dy) >= radii_m
        if device[i] != owner or moved:
            owner, at, kept[i] = device[i], i, True
    return kept
