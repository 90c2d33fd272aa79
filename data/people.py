"""People with phones: a seeded day of theirs, and the pings that tell of it.

Puts `journeys` (where they truly are) and `noise` (what phones make of that) together, and adds how phones
report: every so often, seldom while they rest, some in batches, some pings after newer ones. The same seed
gives the same pings.

`reports` serves whoever knows the truth that they want; `sample_day` is a day of realistic traffic, in
order of arrival, for benchmarks and for the demonstration.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from data.journeys import Journeys, Mode, Spans, Tracks, travel
from data.noise import DEGREE_M, Bools, Floats, Ints, Setting, observed, spells

HOUR_MS = 3_600_000
DAY_BEGIN_MS = 1_750_032_000_000  # 16 June 2025, 00:00 UTC, a Monday

INTERVALS_S = np.array([1.0, 5.0, 30.0, 60.0, 120.0, 300.0])
INTERVAL_SHARES = (0.03, 0.07, 0.40, 0.20, 0.15, 0.15)

# Shares of the time that a phone spends in each setting, by what its owner does.
Weights = Mapping[Mode, Sequence[float]]
SETTINGS: Weights = {
    #            open  urban canyon indoor cell stale
    Mode.STAY: (0.05, 0.10, 0.00, 0.75, 0.04, 0.06),
    Mode.WALK: (0.30, 0.50, 0.12, 0.00, 0.03, 0.05),
    Mode.BIKE: (0.40, 0.45, 0.10, 0.00, 0.02, 0.03),
    Mode.CAR: (0.35, 0.50, 0.08, 0.00, 0.03, 0.04),
    Mode.ROAD: (0.85, 0.06, 0.00, 0.00, 0.04, 0.05),
    Mode.TRAIN: (0.10, 0.25, 0.05, 0.00, 0.40, 0.20),
    Mode.PLANE: (1.00, 0.00, 0.00, 0.00, 0.00, 0.00),
}
SETTING_LASTS_S = 180.0


@dataclass(frozen=True, slots=True)
class Pings:
    """Columns of pings in order of arrival. `received_ms` is when, `time_ms` the time of the fix."""

    device: Ints
    time_ms: Ints
    lon: Floats
    lat: Floats
    accuracy_m: Floats
    source: Ints
    received_ms: Ints

    def __len__(self) -> int:
        return len(self.device)

    def take(self, rows: Ints | Bools) -> "Pings":
        """The rows named, as new columns."""
        return Pings(*(getattr(self, column.name)[rows] for column in fields(self)))


@dataclass(frozen=True, slots=True)
class Phones:
    """How phones report, one row per device, numbered from 0."""

    interval_s: Floats
    rest_s: Floats  # no more often than this while the owner stays
    batch_s: Floats  # 0: each ping is sent at once
    late_share: Floats  # of pings that arrive after a newer one
    ios: Bools

    @classmethod
    def alike(cls, count: int, *, interval_s: float, rest_s: float = 0.0, late_share: float = 0.0) -> "Phones":
        """Phones that differ in nothing but their maker."""
        column = np.ones(count)
        return cls(column * interval_s, column * rest_s, column * 0.0, column * late_share, np.arange(count) % 2 == 1)

    @classmethod
    def mixed(cls, rng: np.random.Generator, count: int, *, late_share: float = 0.2) -> "Phones":
        """Phones of all kinds; a fifth sends batches of 5 or 15 minutes."""
        return cls(
            interval_s=rng.choice(INTERVALS_S, count, p=INTERVAL_SHARES),
            rest_s=rng.choice([60.0, 300.0, 900.0], count),
            batch_s=rng.choice([0.0, 300.0, 900.0], count, p=[0.8, 0.12, 0.08]),
            late_share=np.full(count, late_share),
            ios=rng.random(count) < 0.5,
        )


def reports(
    rng: np.random.Generator, tracks: Tracks, spans: Spans, phones: Phones, *, settings: Weights = SETTINGS
) -> Pings:
    """What the phones report of their owners' day, in order of arrival."""
    span, time_ms = _moments(rng, spans, phones)
    device = spans.device[span]
    lon, lat = tracks.at(device=device, time_ms=time_ms)
    setting = _settings(rng, span, spans.mode[span], time_ms, settings)
    fixes = observed(rng, device=device, time_ms=time_ms, lon=lon, lat=lat, setting=setting, ios=phones.ios[device])
    received_ms = _received(rng, device, time_ms, phones)
    pings = Pings(device, time_ms, fixes.lon, fixes.lat, fixes.accuracy_m, fixes.source, received_ms)
    return pings.take(np.lexsort((time_ms, received_ms)))


def _moments(rng: np.random.Generator, spans: Spans, phones: Phones) -> tuple[Ints, Ints]:
    """When each phone takes a fix, and in which span: at its interval, give or take a tenth."""
    resting = spans.mode == Mode.STAY
    every_s = phones.interval_s[spans.device]
    every_s = np.where(resting, np.maximum(every_s, phones.rest_s[spans.device]), every_s)
    lasts_s = (spans.end_ms - spans.begin_ms) / 1000.0
    count = np.floor(lasts_s / every_s + rng.random(len(lasts_s))).astype(np.int64)
    count[spans.mode == Mode.PLANE] = 0
    span = np.repeat(np.arange(len(count)), count)
    order = np.arange(len(span)) - np.repeat(np.cumsum(count) - count, count)
    begin = rng.random(len(count))[span]
    tick = np.clip(order + begin + rng.uniform(-0.1, 0.1, len(span)), 0.0, None)
    time_ms = spans.begin_ms[span] + np.rint(tick * 1000.0 * every_s[span]).astype(np.int64)
    inside = time_ms < spans.end_ms[span]
    return span[inside], time_ms[inside]


def _settings(rng: np.random.Generator, span: Ints, mode: Ints, time_ms: Ints, weights: Weights) -> Ints:
    """The setting of each ping: it lasts for minutes and changes with what the owner does."""
    gap_s = np.r_[np.inf, np.diff(time_ms) / 1000.0]
    gap_s[1:][span[1:] != span[:-1]] = np.inf
    spell = spells(rng, gap_s, SETTING_LASTS_S)
    first = np.flatnonzero(np.r_[True, spell[1:] != spell[:-1]])
    table = np.cumsum([weights.get(kind, SETTINGS[kind]) for kind in Mode], axis=1)
    drawn = rng.random(len(first))[:, None] >= table[mode[first]] / table[mode[first], -1:]
    setting: Ints = drawn.sum(axis=1).astype(np.int64)[spell]
    return setting


def _received(rng: np.random.Generator, device: Ints, time_ms: Ints, phones: Phones) -> Ints:
    """When each ping arrives: soon, at the end of its batch, or after the device's next ones."""
    batch_ms = np.rint(phones.batch_s[device] * 1000).astype(np.int64)
    due_ms = np.where(batch_ms > 0, -(-time_ms // np.maximum(batch_ms, 1)) * batch_ms, time_ms)
    late = rng.random(len(device)) < phones.late_share[device]
    # Held back beyond the next ping or two, never by so much that a day ends with a crowd.
    next_ms = np.r_[due_ms[1:], due_ms[-1:]]
    same = np.r_[device[1:] == device[:-1], False]
    held_ms = np.maximum(next_ms - due_ms, 1_000) * (1.05 + rng.exponential(1.0, len(device)))
    return due_ms + 200 + np.where(late & same, np.rint(held_ms).astype(np.int64), 0)


@dataclass(frozen=True, slots=True)
class Town:
    """A place where people live; `weight` says how many."""

    name: str
    lon: float
    lat: float
    weight: float


US_TOWNS = tuple(
    Town(*row)
    for row in (
        ("New York", -73.99, 40.73, 19.6),
        ("Los Angeles", -118.24, 34.05, 12.8),
        ("Chicago", -87.65, 41.85, 9.3),
        ("Dallas", -96.80, 32.79, 8.1),
        ("Houston", -95.38, 29.76, 7.5),
        ("Atlanta", -84.39, 33.76, 6.3),
        ("Washington", -77.03, 38.90, 6.3),
        ("Philadelphia", -75.16, 39.96, 6.2),
        ("Miami", -80.22, 25.79, 6.2),
        ("Phoenix", -112.07, 33.46, 5.1),
        ("Boston", -71.07, 42.35, 4.9),
        ("San Francisco", -122.42, 37.76, 4.6),
        ("Detroit", -83.07, 42.36, 4.3),
        ("Seattle", -122.32, 47.61, 4.0),
        ("Minneapolis", -93.27, 44.97, 3.7),
        ("Denver", -104.98, 39.74, 3.0),
        ("St. Louis", -90.22, 38.63, 2.8),
        ("Kansas City", -94.58, 39.09, 2.2),
        ("Cincinnati", -84.51, 39.11, 2.3),
        ("Omaha", -95.95, 41.26, 1.0),
        ("Memphis", -90.03, 35.14, 1.3),
        ("Boise", -116.21, 43.61, 0.8),
    )
)


def sample_day(
    *,
    seed: int,
    devices: int,
    towns: Sequence[Town] = US_TOWNS,
    beside: tuple[Floats, Floats] | None = None,
    begin_ms: int = DAY_BEGIN_MS,
    hours: float = 24.0,
) -> tuple[Tracks, Pings]:
    """A day of `devices` people, their true tracks and their pings in order of arrival.

    `beside` gives lon and lat of points on borders: one person in ten lives 5 to 60 m from one of them.
    """
    rng = np.random.default_rng(seed)
    home, town = _homes(rng, devices, towns, beside)
    journeys = _plans(rng, home, town, towns, begin_ms)
    end_ms = begin_ms + round(hours * HOUR_MS)
    tracks, spans = travel(rng, journeys, begin_ms=begin_ms, end_ms=end_ms)
    return tracks, reports(rng, tracks, spans, Phones.mixed(rng, devices))


def around(rng: np.random.Generator, lon: Floats, lat: Floats, away_m: Floats) -> tuple[Floats, Floats]:
    """Places `away_m` from others, in any direction."""
    angle = rng.uniform(0, 2 * np.pi, len(lon))
    scale = DEGREE_M * np.maximum(np.cos(np.radians(lat)), 0.01)
    return lon + away_m * np.cos(angle) / scale, lat + away_m * np.sin(angle) / DEGREE_M


Places = tuple[Floats, Floats]


def _homes(
    rng: np.random.Generator, devices: int, towns: Sequence[Town], beside: tuple[Floats, Floats] | None
) -> tuple[Places, Ints]:
    weight = np.array([town.weight for town in towns])
    town = rng.choice(len(towns), devices, p=weight / weight.sum())
    centre = np.array([[place.lon, place.lat] for place in towns])[town]
    lon, lat = around(rng, centre[:, 0], centre[:, 1], 300.0 + rng.gamma(2.0, 6_000.0, devices))
    if beside is not None:
        neighbour = np.flatnonzero(rng.random(devices) < 0.1)
        point = rng.integers(0, len(beside[0]), len(neighbour))
        away_m = rng.uniform(5.0, 60.0, len(neighbour))
        lon[neighbour], lat[neighbour] = around(rng, beside[0][point], beside[1][point], away_m)
    return (lon, lat), town


def _plans(rng: np.random.Generator, home: Places, town: Ints, towns: Sequence[Town], begin_ms: int) -> Journeys:
    """Who goes where: to work and back, errands on foot or by car, another town by train or plane."""
    devices = len(town)
    everyone = np.arange(devices)
    role = rng.choice(4, devices, p=(0.5, 0.12, 0.34, 0.04))  # drives, takes the train, stays near, flies
    work = around(rng, home[0], home[1], 500.0 + rng.gamma(1.6, 7_000.0, devices))
    far = around(rng, home[0], home[1], rng.uniform(15_000.0, 90_000.0, devices))
    near = around(rng, home[0], home[1], 150.0 + rng.exponential(800.0, devices))
    other = np.array([[place.lon, place.lat] for place in towns])[rng.integers(0, len(towns), devices)]
    goal = [np.choose(role, (work[i], far[i], near[i], other[:, i])) for i in range(2)]
    goal_mode = np.choose(role, (Mode.CAR, Mode.TRAIN, Mode.WALK, Mode.PLANE))
    distance_m = np.abs(goal[1] - home[1]) * DEGREE_M + np.abs(goal[0] - home[0]) * DEGREE_M * 0.8
    goal_mode[(goal_mode == Mode.CAR) & (distance_m > 25_000)] = Mode.ROAD
    leaves_h = np.clip(rng.normal(8.0, 1.3, devices), 4.0, 12.0)
    returns_h = leaves_h + np.choose(role, (9.0, 9.5, 2.0, 11.0)) + rng.normal(0.0, 0.8, devices).clip(-1.5, 3.0)
    errand = around(rng, home[0], home[1], 200.0 + rng.exponential(2_500.0, devices))
    errand_mode = np.where(rng.random(devices) < 0.4, Mode.WALK, Mode.CAR)
    errand_h = np.maximum(returns_h + 1.0, rng.uniform(17.0, 20.0, devices))
    legs = [
        (leaves_h, goal_mode, home, goal),
        (returns_h, goal_mode, goal, home),
        (errand_h, errand_mode, home, errand),
        (errand_h + rng.uniform(0.3, 1.5, devices), errand_mode, errand, home),
    ]
    hour = np.column_stack([leg[0] for leg in legs]).ravel()
    ends = [np.column_stack([leg[end][axis] for leg in legs]).ravel() for end in (2, 3) for axis in (0, 1)]
    plan = Journeys(
        device=np.repeat(everyone, len(legs)),
        depart_ms=begin_ms + np.rint(hour * HOUR_MS).astype(np.int64),
        mode=np.column_stack([leg[1] for leg in legs]).ravel().astype(np.int64),
        from_lon=ends[0],
        from_lat=ends[1],
        to_lon=ends[2],
        to_lat=ends[3],
    )
    goes = np.column_stack([np.ones((devices, 2), np.bool_), np.repeat(rng.random(devices) < 0.6, 2).reshape(-1, 2)])
    return _only(plan, goes.ravel())


def _only(plan: Journeys, rows: Bools) -> Journeys:
    return replace(plan, **{column.name: getattr(plan, column.name)[rows] for column in fields(plan)})


__all__ = ["INTERVALS_S", "Phones", "Pings", "Setting", "Town", "around", "reports", "sample_day"]
