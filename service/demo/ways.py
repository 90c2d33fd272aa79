"""Ways: there and back for ever, by rails, roads, streets or over water, all through one point, the middle.

Where a phone truly is; `fixes` says what it makes of that. Invariant: the place is a continuous function of the time
alone, and no faster than the way's speed, so that nobody jumps however long nobody looked.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from service.demo.chance import drawn

DEGREE_M = 111_195.08
RAMP = 0.25  # share of a journey in which it gains speed, and in which it loses it again
BENDS = 40
BLOCK_M, STOP_S = 45.0, 12.0

Spot = tuple[float, float]  # metres east and north of the middle


@dataclass(frozen=True, slots=True)
class Way:
    """A journey out, a rest, the same journey back, a rest. A way of one spot is a place to stay at."""

    lon: float
    lat: float
    spots: Sequence[Spot]
    at_s: Sequence[float]
    rest_s: float
    middle_s: float  # when a journey out is at the middle, after it began
    passes_s: float = 0.0  # a time at which it is there

    def place(self, time_s: float) -> tuple[float, float]:
        """Longitude and latitude at a time."""
        travel_s = self.at_s[-1]
        along_s = (time_s - self.passes_s + self.middle_s) % max(2.0 * (travel_s + self.rest_s), 1.0)
        if along_s > travel_s:
            along_s = max(0.0, min(travel_s, 2.0 * travel_s + self.rest_s - along_s))
        after = bisect_right(self.at_s, along_s)
        if after == len(self.at_s):
            return moved(self.lon, self.lat, *self.spots[-1])
        begin, end = self.at_s[after - 1], self.at_s[after]
        share = (along_s - begin) / (end - begin)
        (x, y), (u, v) = self.spots[after - 1], self.spots[after]
        return moved(self.lon, self.lat, x + share * (u - x), y + share * (v - y))


def moved(lon: float, lat: float, east_m: float, north_m: float) -> tuple[float, float]:
    """A place so many metres away."""
    return lon + east_m / (DEGREE_M * math.cos(math.radians(lat))), lat + north_m / DEGREE_M


def stay(lon: float, lat: float) -> Way:
    """Someone who does not go anywhere."""
    return Way(lon, lat, [(0.0, 0.0)], [0.0], 0.0, 0.0)


def line(
    lon: float, lat: float, *, bearing: float, length_m: float, travel_s: float, rest_s: float, passes_s: float
) -> Way:
    """By rails, road or water: in long bends, gaining speed and losing it again."""
    spots, at_s = [], []
    for bend in range(BENDS + 1):
        share = bend / BENDS
        ahead, aside = (share - 0.5) * length_m, 0.02 * length_m * math.sin(2.0 * math.pi * share)
        spots.append(_turned(ahead, aside, bearing))
        at_s.append(travel_s * _elapsed(share))
    return Way(lon, lat, spots, at_s, rest_s, travel_s / 2.0, passes_s)


def streets(
    key: object, lon: float, lat: float, *, bearing: float, speed_mps: float, travel_s: float, rest_s: float,
    passes_s: float
) -> Way:  # fmt: skip
    """On foot through streets: a block ahead, a block to the side, a stop at some corners."""
    blocks = max(2, round(speed_mps * travel_s * 0.85 / BLOCK_M / 2) * 2)
    grid = 25.0 + 40.0 * drawn(key, "grid")
    turns = [_turned(BLOCK_M, 0.0, bearing + (grid if block % 2 else grid - 90.0)) for block in range(blocks)]
    corners = list(accumulate(turns, lambda spot, step: (spot[0] + step[0], spot[1] + step[1]), initial=(0.0, 0.0)))
    middle = corners[blocks // 2]
    stops_s = [STOP_S * drawn(key, "stop", block) for block in range(blocks)]
    walk_s = (travel_s - sum(stops_s)) / blocks
    spots: list[Spot] = [_from(corners[0], middle)]
    at_s = [0.0]
    for (_, corner), stop_s in zip(pairwise(corners), stops_s, strict=True):
        spots += [_from(corner, middle)] * 2
        at_s += [at_s[-1] + walk_s, at_s[-1] + walk_s + stop_s]
    return Way(lon, lat, spots, at_s, rest_s, at_s[blocks - 1], passes_s)


def _turned(ahead_m: float, aside_m: float, bearing: float) -> Spot:
    angle = math.radians(bearing)
    east_m = ahead_m * math.sin(angle) + aside_m * math.cos(angle)
    return east_m, ahead_m * math.cos(angle) - aside_m * math.sin(angle)


def _from(spot: Spot, origin: Spot) -> Spot:
    return spot[0] - origin[0], spot[1] - origin[1]


def _elapsed(share: float) -> float:
    """The share of the time in which a share of the way is made, with even acceleration at both ends."""
    if share > 0.5:
        return 1.0 - _elapsed(1.0 - share)
    ramp_way = RAMP / 2.0 / (1.0 - RAMP)  # what is made while gaining speed
    if share < ramp_way:
        return RAMP * math.sqrt(share / ramp_way)
    return RAMP + (share - ramp_way) * (1.0 - RAMP)
