"""What a phone makes of where it is: satellites whose error lasts, Wi-Fi that freezes, masts far away.

Takes a way and a time, gives a fix. Invariants: a fix is a function of the phone's key and the time; the stated radius
holds the true place about as often as real phones' do, which flatter themselves a little.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from geofence.ping import Source
from service.demo.chance import drawn, normal, wander
from service.demo.ways import Way, moved

SIGMA_TO_RADIUS = 1.51  # of an error per axis, the radius that holds 68 % in two dimensions
QUICK_SHARE, SLOW_S, SETTING_LASTS_S = 0.6, 250.0, 180.0


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a fix comes from: its error per axis, and how long that lasts; frozen ones change at once."""

    source: Source
    sigma_m: float
    lasts_s: float
    frozen: bool = False


OPEN = Setting(Source.GPS, 4.0, 15.0)
URBAN = Setting(Source.GPS, 9.0, 20.0)
CUTTING = Setting(Source.FUSED, 50.0, 60.0)  # between walls, on a fast train
WIFI = Setting(Source.WIFI, 22.0, 120.0, frozen=True)
WINDOW = Setting(Source.WIFI, 18.0, 15.0, frozen=True)  # two access points, now one, now the other
HALLWAY = Setting(Source.WIFI, 18.0, 7.0, frozen=True)  # many of them
MASTS = Setting(Source.CELL, 400.0, 120.0, frozen=True)


@dataclass(frozen=True, slots=True)
class Fix:
    """A position as a phone states it."""

    lon: float
    lat: float
    accuracy_m: float
    source: Source


def fix_of(key: str, way: Way, settings: Sequence[tuple[float, Setting]], time_s: float) -> Fix:
    """The fix at a time; `settings` are shares of the time, each setting lasting for minutes."""
    setting = _setting(key, settings, time_s)
    if setting.frozen:
        return _frozen(key, way, setting, time_s)
    east_m, north_m = (setting.sigma_m * _error(key, axis, setting, time_s) for axis in ("east", "north"))
    flattery = math.exp(-0.15 + 0.35 * wander(key, "radius", time_s=time_s, lasts_s=60.0))
    lon, lat = moved(*way.place(time_s), east_m, north_m)
    return Fix(lon, lat, SIGMA_TO_RADIUS * setting.sigma_m * flattery, setting.source)


def _setting(key: str, settings: Sequence[tuple[float, Setting]], time_s: float) -> Setting:
    left = drawn(key, "setting", math.floor(time_s / SETTING_LASTS_S))
    for share, setting in settings:
        left -= share
        if left < 0.0:
            return setting
    return settings[0][1]


def _error(key: str, axis: str, setting: Setting, time_s: float) -> float:
    quick = wander(key, axis, "quick", time_s=time_s, lasts_s=setting.lasts_s)
    slow = wander(key, axis, "slow", time_s=time_s, lasts_s=SLOW_S)
    return math.sqrt(QUICK_SHARE) * quick + math.sqrt(1.0 - QUICK_SHARE) * slow


def _frozen(key: str, way: Way, setting: Setting, time_s: float) -> Fix:
    spell = math.floor(time_s / setting.lasts_s)
    east_m, north_m = (setting.sigma_m * normal(key, axis, spell) for axis in ("east", "north"))
    flattery = math.exp(-0.15 + 0.15 * normal(key, "radius", spell))
    lon, lat = moved(*way.place((spell + 0.5) * setting.lasts_s), east_m, north_m)
    return Fix(lon, lat, SIGMA_TO_RADIUS * setting.sigma_m * flattery, setting.source)
