"""The picture of layers: one walk over a partition and an overlay, and the events of each."""

from __future__ import annotations

from functools import cache

from bench.pictures.sheet import EAST, EAST_FILL, FENCE, INK, MUTED, RULE, WEST, WEST_FILL, Sheet
from bench.pictures.town import BEGIN_MS, districts, east_of, fences, lat_of, ping, steps_of
from geofence.ping import Ping
from geofence.witness import Told

PLACES = {"Park": (-520.0, -60.0, -20.0, 260.0), "Market": (-200.0, -200.0, 330.0, 60.0)}  # west, south, east, north
DWELL_S, EVERY_S, ACCURACY_M = 300.0, 20, 10.0
STATIONS = ((0, -700, 150), (200, -450, 180), (560, -120, 10), (760, 120, -40), (1160, 240, -90), (1500, 640, -120))
_MAP, _TOP, _HIGH, _SCALE = (24.0, 356.0), 62.0, 300.0, 0.23
_LINE, _END = 400.0, 736.0
_NAMES = {"changed": "{} → {}", "entered": "entered {1}", "exited": "exited {0}", "dwelled": "dwelled in {1}"}


@cache
def pings() -> list[Ping]:
    """The walk, from station to station: seconds, metres east, metres north."""
    found = []
    for at_s in range(0, STATIONS[-1][0] + 1, EVERY_S):
        after = next(k for k in range(1, len(STATIONS)) if STATIONS[k][0] >= at_s)
        (begin, x, y), (end, u, v) = STATIONS[after - 1], STATIONS[after]
        share = (at_s - begin) / (end - begin)
        found.append(ping("ben", at_s, x + share * (u - x), ACCURACY_M, north_m=y + share * (v - y)))
    return found


@cache
def told() -> list[Told]:
    """All events, in order."""
    return [one for step in steps_of("ben", pings(), [districts(), fences(PLACES, DWELL_S)]) for one in step.told]


def words(one: Told) -> str:
    """An event in short."""
    origin, target = (place.name if place else "not known" for place in (one.origin, one.target))
    if one.layer == "fences" and one.target is None:
        target = origin
    if one.cause == "first_fix" and one.layer == "districts":
        return f"first seen in {target}"
    return _NAMES[one.change].format(origin, target)


def draw() -> str:
    """The picture."""
    what = "A walk from West Side to East Side, through a park and a market that overlap. "
    what += "Events: " + "; ".join(f"{one.layer}: {words(one)}" for one in told()) + "."
    sheet = Sheet(760, 500, "A partition and an overlay", what)
    sheet.text(24, 28, "One walk, two layers", bold=True, size=15)
    sheet.text(24, 48, "districts are a partition, Park and Market an overlay", MUTED)
    _draw_map(sheet)
    _draw_events(sheet)
    _draw_bars(sheet)
    return sheet.svg()


def _spot(east_m: float, north_m: float) -> tuple[float, float]:
    middle = (_MAP[0] + _MAP[1]) / 2
    return middle + _SCALE * east_m, _TOP + _HIGH / 2 - _SCALE * north_m


def _draw_map(sheet: Sheet) -> None:
    border = _spot(0, 0)[0]
    sheet.rect(_MAP[0], _TOP, border - _MAP[0], _HIGH, WEST_FILL)
    sheet.rect(border, _TOP, _MAP[1] - border, _HIGH, EAST_FILL)
    for name, (west, south, east, north) in PLACES.items():
        (x, y), (u, v) = _spot(west, north), _spot(east, south)
        sheet.rect(x, y, u - x, v - y, FENCE, FENCE, fill_opacity=0.14, stroke_width=1.4)
        sheet.text(u - 8, y + 18 if name == "Park" else v - 8, name, FENCE, anchor="end")
    sheet.line([(border, _TOP), (border, _TOP + _HIGH)], INK, 1.6)
    sheet.text(_MAP[0] + 8, _TOP + _HIGH - 10, "West Side", WEST)
    sheet.text(_MAP[1] - 8, _TOP + _HIGH - 10, "East Side", EAST, anchor="end")
    way = [_spot(east_of(one), one.lat / lat_of(1.0)) for one in pings()]
    sheet.line(way, MUTED, 1)
    sheet.dots(way, INK, 4)


def _draw_events(sheet: Sheet) -> None:
    for column, layer in enumerate(("districts", "fences")):
        mine = [one for one in told() if one.layer == layer]
        x, y = _LINE, _TOP + 16 + column * 90
        sheet.text(x, y, f"{layer}: {len(mine)} events", bold=True)
        for row, one in enumerate(mine):
            sheet.text(x + 14, y + 20 + 18 * row, _clock(one.confirmed_ms), MUTED)
            sheet.text(x + 80, y + 20 + 18 * row, words(one))
    sheet.lines(_LINE, _TOP + 240, [
        "In a partition somebody is in one region at a time:", "one event says where from and where to.",
        "In an overlay each fence tells of itself.",
    ], MUTED, size=12)  # fmt: skip


def _draw_bars(sheet: Sheet) -> None:
    """What is believed when."""
    rows = {"districts": 400.0, "Park": 430.0, "Market": 452.0}
    for name, y in rows.items():
        sheet.text(24, y + 12, name, bold=name == "districts")
        sheet.line([(100, y + 16), (_END, y + 16)], RULE, 0.8)
    since: dict[str, tuple[float, str]] = {}
    for one in told():
        x = _x(one.confirmed_ms)
        if one.layer == "districts":
            _bar(sheet, rows["districts"], since.pop("districts", None), x)
            since["districts"] = x, EAST if one.target and one.target.id == "east" else WEST
        elif one.change == "entered" and one.target:
            since[one.target.name] = x, FENCE
        elif one.change == "exited" and one.origin:
            _bar(sheet, rows[one.origin.name], since.pop(one.origin.name), x)
    for name, begun in since.items():
        _bar(sheet, rows[name], begun, _END)
    for one in told():
        if one.change == "dwelled" and one.target:
            sheet.circle(_x(one.confirmed_ms), rows[one.target.name] + 8, 4, "#ffffff", INK, stroke_width=2)
    for minute in range(0, 26, 5):
        sheet.text(_x(BEGIN_MS + 60_000 * minute), 488, f"08:{minute:02d}", MUTED, anchor="middle", size=12)
    sheet.text(_END, 394, "ring: dwelled for 5 minutes", MUTED, anchor="end", size=12)


def _bar(sheet: Sheet, y: float, begun: tuple[float, str] | None, end: float) -> None:
    if begun is not None:
        sheet.rect(begun[0], y, end - begun[0], 16, begun[1], fill_opacity=0.8)


def _x(time_ms: int) -> float:
    return 100 + (_END - 100) * (time_ms - BEGIN_MS) / (1000 * STATIONS[-1][0])


def _clock(time_ms: int) -> str:
    seconds = (time_ms - BEGIN_MS) // 1000
    return f"08:{seconds // 60:02d}:{seconds % 60:02d}"
