"""Simulated people: trips of one kind, and phones that lie still beside a border.

Builds corpora from `data.people`, each device a session of its own. Trips stay within some 25 km, so that
the random regions laid over them are met often; still phones are placed by the regions themselves.
"""

from dataclasses import dataclass

import numpy as np

from bench.quality.cells import Cells
from bench.quality.columns import Floats
from bench.quality.corpus import Corpus, Pings, Truth
from data.journeys import Journeys, Mode, Spans, Tracks, travel
from data.noise import Setting
from data.people import SETTINGS, Phones, Weights, around, reports
from data.people import Pings as Reports

BEGIN_MS = 1_750_032_000_000
CENTRE = (8.54, 47.37)


@dataclass(frozen=True, slots=True)
class Trips:
    """What a class of travellers does, and how their phones tell of it."""

    name: str
    modes: tuple[Mode, ...]
    interval_s: float | None  # None: phones of all kinds
    settings: Weights
    devices: int
    length_m: tuple[float, float]
    late_share: float = 0.0
    hours: float = 3.0


def only(*settings: Setting) -> Weights:
    """The same chance of each of these settings, whatever the owner does."""
    shares = tuple(float(kind in settings) for kind in Setting)
    return dict.fromkeys(Mode, shares)


TOWN = (3_000.0, 15_000.0)
LONG = (15_000.0, 40_000.0)

TRIPS = (
    Trips(
        "cars, open sky, 1 s",
        (Mode.CAR, Mode.ROAD),
        1.0,
        only(Setting.OPEN),
        60,
        (5_000.0, 20_000.0),
        hours=1.5,
    ),
    Trips("cars, town, 5 s", (Mode.CAR,), 5.0, only(Setting.OPEN, Setting.URBAN), 120, TOWN),
    Trips("cars, town, 30 s", (Mode.CAR,), 30.0, only(Setting.URBAN), 150, TOWN),
    Trips("bikes, canyons, 5 s", (Mode.BIKE,), 5.0, only(Setting.URBAN, Setting.CANYON), 80, (2_000.0, 8_000.0)),
    Trips("walkers, canyons, 30 s", (Mode.WALK,), 30.0, only(Setting.CANYON), 150, (800.0, 4_000.0)),
    Trips("trains, cell-grade, 30 s", (Mode.TRAIN,), 30.0, SETTINGS, 150, LONG),
    Trips("roads and trains, 120 s", (Mode.ROAD, Mode.TRAIN), 120.0, SETTINGS, 200, LONG, hours=6.0),
    Trips(
        "all kinds, 20 % late",
        (Mode.CAR, Mode.WALK, Mode.TRAIN, Mode.BIKE),
        None,
        SETTINGS,
        250,
        TOWN,
        0.2,
        8.0,
    ),
)


def trips(kind: Trips, *, seed: int) -> Corpus:
    """The class's trips: each device goes there, rests, and goes back, until its hours are over."""
    rng = np.random.default_rng(seed)
    end_ms = BEGIN_MS + round(kind.hours * 3_600_000)
    legs = max(2, round(kind.hours * 2))
    lon, lat = (np.full(kind.devices, degrees) for degrees in CENTRE)
    home = around(rng, lon, lat, 12_000.0 * np.sqrt(rng.random(kind.devices)))
    goal = around(rng, *home, rng.uniform(*kind.length_m, kind.devices))
    out = np.tile(np.arange(legs) % 2 == 0, kind.devices)
    ends = [np.repeat(place[axis], legs) for place in (home, goal) for axis in (0, 1)]
    hour = np.tile(np.arange(legs) * 0.5, kind.devices) + rng.uniform(0.02, 0.2, legs * kind.devices)
    journeys = Journeys(
        device=np.repeat(np.arange(kind.devices), legs),
        depart_ms=BEGIN_MS + np.rint(hour * 3_600_000).astype(np.int64),
        mode=np.repeat(rng.choice(np.array(kind.modes), kind.devices), legs).astype(np.int64),
        from_lon=np.where(out, ends[0], ends[2]),
        from_lat=np.where(out, ends[1], ends[3]),
        to_lon=np.where(out, ends[2], ends[0]),
        to_lat=np.where(out, ends[3], ends[1]),
    )
    tracks, spans = travel(rng, journeys, begin_ms=BEGIN_MS, end_ms=end_ms)
    phones = _phones(rng, kind)
    return _corpus(kind.name, tracks, reports(rng, tracks, spans, phones, settings=kind.settings), kind.devices, end_ms)


def _phones(rng: np.random.Generator, kind: Trips) -> Phones:
    if kind.interval_s is None:
        return Phones.mixed(rng, kind.devices, late_share=kind.late_share)
    return Phones.alike(kind.devices, interval_s=kind.interval_s, rest_s=60.0, late_share=kind.late_share)


def still(cells: Cells, *, setting: Setting | None, interval_s: float, devices: int, hours: float, seed: int) -> Corpus:
    """Phones lying 5 to 60 m from a border, always in one setting or (None) in those of a day at home."""
    rng = np.random.default_rng(seed)
    lon, lat = beside_borders(rng, cells, devices)
    end_ms = BEGIN_MS + round(hours * 3_600_000)
    everyone = np.arange(devices)
    both = np.repeat(everyone, 2)
    tracks = Tracks(both, np.tile([BEGIN_MS, end_ms], devices), lon[both], lat[both])
    whole = np.ones(devices, np.int64)
    spans = Spans(everyone, 0 * whole, BEGIN_MS * whole, end_ms * whole)
    phones = Phones.alike(devices, interval_s=interval_s)
    settings = SETTINGS if setting is None else only(setting)
    name = "a day at home" if setting is None else setting.name.lower()
    return _corpus(f"still, {name}", tracks, reports(rng, tracks, spans, phones, settings=settings), devices, end_ms)


def beside_borders(rng: np.random.Generator, cells: Cells, count: int) -> tuple[Floats, Floats]:
    """Places 5 to 60 m from an edge between two cells, well inside the box."""
    lon, lat = np.empty(0), np.empty(0)
    starts = np.delete(np.arange(len(cells.ring_x) - 1), cells.ring_start[1:-1] - 1)
    while len(lon) < count:
        at = rng.choice(starts, count)
        ex, ey = cells.ring_x[at + 1] - cells.ring_x[at], cells.ring_y[at + 1] - cells.ring_y[at]
        length_m = np.sqrt(ex * ex + ey * ey)
        along, off_m = (
            rng.uniform(0.1, 0.9, count),
            rng.uniform(5.0, 60.0, count) * rng.choice([-1.0, 1.0], count),
        )
        fits = length_m > 300.0
        length_m = np.where(fits, length_m, 1.0)
        x = cells.ring_x[at] + along * ex - off_m * ey / length_m
        y = cells.ring_y[at] + along * ey + off_m * ex / length_m
        fits &= (x > 1_000) & (y > 1_000) & (x < cells.width_m - 1_000) & (y < cells.height_m - 1_000)
        lon = np.r_[lon, x[fits] / cells.lon_m + cells.lon0]
        lat = np.r_[lat, y[fits] / cells.lat_m + cells.lat0]
    return lon[:count], lat[:count]


def _corpus(name: str, tracks: Tracks, reported: Reports, devices: int, end_ms: int) -> Corpus:
    order = np.argsort(reported.device, kind="stable")
    pings = Pings(
        *(getattr(reported, column)[order] for column in ("device", "time_ms", "lon", "lat", "accuracy_m", "source"))
    )
    return Corpus(name, pings, _truth(tracks, end_ms), np.arange(devices))


def _truth(tracks: Tracks, end_ms: int) -> Truth:
    """The tracks, from the beginning to the end of the time simulated."""
    first = np.flatnonzero(np.r_[True, tracks.device[1:] != tracks.device[:-1]])
    last = np.r_[first[1:], len(tracks.device)] - 1
    columns = []
    for name in ("device", "time_ms", "lon", "lat"):
        column = getattr(tracks, name)
        early, late = column[first], column[last]
        if name == "time_ms":
            early, late = np.full(len(first), BEGIN_MS), np.full(len(last), end_ms)
        columns.append(np.concatenate([early, column, late]))
    order = np.lexsort((columns[1], columns[0]))
    inside = order[columns[1][order] <= end_ms]
    return Truth(*(column[inside] for column in columns))


__all__ = ["TRIPS", "Trips", "beside_borders", "only", "still", "trips"]
