"""A little town at the equator, where a metre east is a metre east: its layers, and what the core makes of pings there.

Between the core and the pictures. Invariant: nothing is decided here; steps and events come from the account of a
fence, and what others would do from `service.peers`.
"""

from __future__ import annotations

from collections.abc import Sequence

import shapely

from geofence.account import Account
from geofence.atlas import Atlas
from geofence.control import Control
from geofence.explanation import Setting
from geofence.hearing import of_device
from geofence.ping import Ping, Pings
from geofence.region import Kind, Region, Version
from geofence.witness import Step
from service.peers import Seen

BEGIN_MS = 1_750_060_800_000  # 2025-06-16T08:00:00Z
DEGREE_M = 111_195.08
SOURCE = "https://geofence.example"
WEST_ID, EAST_ID = "west", "east"


def lon_of(east_m: float) -> float:
    """The longitude so far east of the middle of the town."""
    return east_m / DEGREE_M


def lat_of(north_m: float) -> float:
    """The latitude so far north of it."""
    return north_m / DEGREE_M


def districts(border_m: float = 0.0) -> Version:
    """West Side and East Side, with the border between them so far east of the middle."""
    west, east, south, north = (lon_of(metres) for metres in (-4000.0, 4000.0, -4000.0, 4000.0))
    border = lon_of(border_m)
    regions = [
        Region(WEST_ID, shapely.box(west, south, border, north), "West Side"),
        Region(EAST_ID, shapely.box(border, south, east, north), "East Side"),
    ]
    return Version.of("districts", regions)


def fences(places: dict[str, tuple[float, float, float, float]], dwell_s: float) -> Version:
    """Fences, each with its west, south, east and north in metres."""
    regions = [Region(name.lower(), shapely.box(*map(lon_of, edges)), name) for name, edges in places.items()]
    return Version.of("fences", regions, kind=Kind.OVERLAY, dwell_s=dwell_s)


def ping(device: str, at_s: float, east_m: float, accuracy_m: float, *, north_m: float = 0.0) -> Ping:
    """A ping so many seconds after the beginning."""
    time_ms = BEGIN_MS + round(1000 * at_s)
    return Ping(device=device, lon=lon_of(east_m), lat=lat_of(north_m), time_ms=time_ms, accuracy_m=accuracy_m)


def steps_of(device: str, items: Sequence[Ping | Control], in_force: Sequence[Version], *others: Version) -> list[Step]:
    """The account of a device: what its pings said, and what was told. `others` are versions that a switch may name."""
    setting = Setting(in_force, {one.hash: Atlas(one) for one in (*in_force, *others)}, source=SOURCE, keeps_time=True)
    heard = of_device([Pings.of([item]) if isinstance(item, Ping) else item for item in items], device)
    return list(Account(setting.fence(), device, source=SOURCE, keeps_time=True).steps(heard))


def seen(pings: Sequence[Ping], border_m: float = 0.0) -> list[Seen]:
    """The same pings as simpler rules see them: region 0 is West Side, 1 East Side."""
    border = lon_of(border_m)
    return [Seen(one.lon, one.lat, one.accuracy_m, one.time_ms, int(one.lon >= border)) for one in pings]


def east_of(one: Ping) -> float:
    """How many metres east of the middle."""
    return one.lon * DEGREE_M
