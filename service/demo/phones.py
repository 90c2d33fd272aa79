"""Who the pretend phones are: their names, where they go among the sample layers, and how often they report.

The table of the demonstration. Trains, vans and ferries pass a border, or the edge of a fence, in the middle of their
way, by a timetable that repeats after ten minutes (of ferries and walkers, after twenty), so that somebody passes
every few seconds. Homes lie beside a border and never leave. Invariant: a name keeps its way for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from service.demo.fixes import CUTTING, HALLWAY, MASTS, OPEN, URBAN, WIFI, WINDOW, Setting
from service.demo.ways import Way, line, stay, streets

REST_S = 30.0
TRAVEL_S = 270.0
LONG_TRAVEL_S = 570.0
FIRST_PASSES_S = 2.0, 7.0  # the first two trains reach their borders so long after the beginning
FIRST_WALK_S = 1.0
APART_S = 300.0 / 15  # the other trains and vans one after another, each at its border twice in ten minutes
WALKS_APART_S = 600.0 / 14

COUNTRIES, PROVINCES, COUNTIES, FENCES = "countries", "provinces", "us-counties", "fences"
Mix = Sequence[tuple[float, Setting]]


@dataclass(frozen=True, slots=True)
class Phone:
    """A pretend phone. `passes`: the layer whose border lies in the middle of its way."""

    name: str
    way: Way
    every_s: float
    settings: Mix
    passes: str | None = None


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A phone that rests beside a border of a layer."""

    name: str
    layer: str
    away_m: float


@dataclass(frozen=True, slots=True)
class _Middle:
    """Where a way passes what it passes, and in which direction."""

    name: str
    lon: float
    lat: float
    bearing: float
    passes: str


_TRAINS = (  # the first two pass country borders first of all
    _Middle("train-1", 7.80308, 48.56392, 298, COUNTRIES),  # Kehl and Strasbourg
    _Middle("train-2", 12.97348, 47.82794, 124, COUNTRIES),  # Freilassing and Salzburg
    _Middle("train-3", 7.61196, 47.58968, 185, COUNTRIES),  # Weil and Basel
    _Middle("train-4", 6.03751, 50.70959, 236, COUNTRIES),  # Aachen and Liège
    _Middle("train-5", 4.46587, 51.47067, 173, COUNTRIES),  # Roosendaal and Essen
    _Middle("train-6", 17.05259, 48.12578, 66, COUNTRIES),  # Vienna and Bratislava
    _Middle("train-7", 139.66865, 35.55817, 219, PROVINCES),  # Tokyo and Yokohama
    _Middle("train-8", 6.19818, 46.19509, 94, COUNTRIES),  # Geneva and Annemasse
    _Middle("train-9", 6.13678, 49.48561, 176, COUNTRIES),  # Luxembourg and Thionville
)
_VANS = (
    _Middle("van-1", -122.43926, 37.70834, 190, COUNTIES),  # San Francisco and Daly City
    _Middle("van-2", -94.60868, 39.03913, 263, COUNTIES),  # the two Kansas Cities
    _Middle("van-3", -83.05451, 42.32176, 154, COUNTRIES),  # Detroit and Windsor
    _Middle("van-4", 3.24081, 50.62, 90, COUNTRIES),  # Lille and Tournai
    _Middle("van-5", -90.18308, 38.62606, 94, COUNTIES),  # St. Louis and East St. Louis
    _Middle("van-6", -117.02483, 32.539, 172, COUNTRIES),  # San Diego and Tijuana
    _Middle("van-7", 13.61291, 45.94323, 70, COUNTRIES),  # Gorizia and Nova Gorica
)
_WALKERS = (  # the first enters a fence first of all
    _Middle("walker-7", 18.10426, 42.6428, 120, FENCES),  # Old Town, Dubrovnik
    _Middle("walker-1", -73.98372, 40.76034, 210, FENCES),  # Times Square
    _Middle("walker-2", 14.4289, 50.08885, 250, FENCES),  # Old Town, Prague
    _Middle("walker-3", 18.06768, 59.32035, 20, FENCES),  # Gamla stan
    _Middle("walker-4", 12.338, 45.43805, 180, FENCES),  # San Marco
    _Middle("walker-5", -122.42243, 37.77744, 50, FENCES),  # Downtown San Francisco
    _Middle("walker-6", -121.86941, 37.34399, 240, FENCES),  # Downtown San José
    _Middle("walker-8", -122.24958, 37.80288, 280, FENCES),  # Downtown Oakland
    _Middle("walker-9", 18.04296, 59.34947, 150, FENCES),  # Inner city, Stockholm
    _Middle("walker-10", -73.97591, 40.76868, 200, FENCES),  # Midtown Manhattan
    _Middle("walker-11", -0.41821, 51.47, 270, FENCES),  # Heathrow Airport
    _Middle("walker-12", -77.02601, 38.98202, 159, COUNTIES),  # Silver Spring and Washington
)
_FERRIES = (
    _Middle("ferry-1", 12.66276, 56.04128, 80, COUNTRIES),  # Elsinore and Helsingborg
    _Middle("ferry-2", -74.03712, 40.67531, 38, COUNTIES),  # Staten Island and Manhattan
)
_HOMES = (
    (Neighbour("home-1", COUNTIES, 9.0), -122.439013, 37.708431, HALLWAY),  # in San Francisco, by San Mateo County
    (Neighbour("home-2", COUNTRIES, 14.0), 6.060911, 50.876529, WINDOW),  # in Kerkrade, by Germany
    (Neighbour("home-3", COUNTIES, 11.0), -94.608827, 39.038817, WINDOW),  # in Kansas, by Missouri
    (Neighbour("home-4", COUNTRIES, 10.0), 7.611654, 47.589698, URBAN),  # in Weil, by Switzerland
)
_DESKS = (
    ("desk-1", -73.984, 40.7549, WIFI),  # Midtown Manhattan
    ("desk-2", 103.989, 1.359, WIFI),  # Changi Airport
    ("desk-3", 13.388, 52.517, WIFI),  # Berlin
    ("desk-4", -0.4543, 51.47, WIFI),  # Heathrow Airport
    ("desk-5", 36.82, -1.29, MASTS),  # Nairobi
    ("desk-6", 139.781, 35.552, WIFI),  # Haneda Airport
)

NEIGHBOURS = tuple(neighbour for neighbour, *_ in _HOMES)


def phones() -> list[Phone]:
    """All of them, of each kind a few before more of one."""
    kinds = [_trains(), _walkers(), _homes(), _desks(), _vans(), _ferries()]
    longest = max(map(len, kinds))
    return [kind[turn] for turn in range(longest) for kind in kinds if turn < len(kind)]


def _trains() -> list[Phone]:
    mixed = ((0.7, OPEN), (0.15, URBAN), (0.15, CUTTING))
    return [
        Phone(
            one.name, _lines(one, 13_000.0, TRAVEL_S, _passes_s(number)),
            5.0 if number < 2 else 8.0, ((1.0, OPEN),) if number < 3 else mixed, one.passes,
        )
        for number, one in enumerate(_TRAINS)
    ]  # fmt: skip


def _vans() -> list[Phone]:
    mixed = ((0.6, OPEN), (0.4, URBAN))
    return [
        Phone(one.name, _lines(one, 5_000.0, TRAVEL_S, _passes_s(number)), 10.0, mixed, one.passes)
        for number, one in enumerate(_VANS, len(_TRAINS))
    ]


def _passes_s(number: int) -> float:
    """When a train or van is at its border."""
    return FIRST_PASSES_S[number] if number < 2 else FIRST_PASSES_S[0] + (number - 1) * APART_S


def _ferries() -> list[Phone]:
    begin_s = len(_WALKERS) * WALKS_APART_S
    return [
        Phone(
            one.name, _lines(one, 3_800.0, LONG_TRAVEL_S, begin_s + number * WALKS_APART_S), 20.0, ((1.0, OPEN),),
            one.passes,
        )
        for number, one in enumerate(_FERRIES)
    ]  # fmt: skip


def _walkers() -> list[Phone]:
    return [
        Phone(
            one.name, _on_foot(one, FIRST_WALK_S + number * WALKS_APART_S),
            25.0 if number else 5.0, ((0.5, OPEN), (0.5, URBAN)) if number else ((1.0, OPEN),), one.passes,
        )
        for number, one in enumerate(_WALKERS)
    ]  # fmt: skip


def _homes() -> list[Phone]:
    return [
        Phone(neighbour.name, stay(lon, lat), 5.0 if number == 0 else 15.0, ((1.0, setting),))
        for number, (neighbour, lon, lat, setting) in enumerate(_HOMES)
    ]


def _desks() -> list[Phone]:
    return [Phone(name, stay(lon, lat), 60.0, ((1.0, setting),)) for name, lon, lat, setting in _DESKS]


def _lines(one: _Middle, length_m: float, travel_s: float, passes_s: float) -> Way:
    return line(
        one.lon, one.lat, bearing=one.bearing, length_m=length_m, travel_s=travel_s, rest_s=REST_S, passes_s=passes_s
    )


def _on_foot(one: _Middle, passes_s: float) -> Way:
    return streets(
        one.name, one.lon, one.lat, bearing=one.bearing, speed_mps=1.35, travel_s=LONG_TRAVEL_S, rest_s=REST_S,
        passes_s=passes_s,
    )  # fmt: skip
