"""The picture of hysteresis: a phone that lies beside a border for an hour and a half and is then carried away."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from bench.pictures.sheet import EAST, EAST_FILL, INK, MUTED, WEST, WEST_FILL, Sheet
from bench.pictures.town import BEGIN_MS, districts, east_of, ping, seen, steps_of
from geofence.ping import Ping
from service.demo.fixes import HALLWAY, OPEN, fix_of
from service.demo.ways import Way
from service.peers import accuracy_filter, raw_switching, three_in_a_row

AWAY_M, EVERY_S, RESTS_S, ENDS_S, GOES_TO_M = 9.0, 10, 5400, 5700, 300.0
_LEFT, _RIGHT, _TOP, _HIGH, _LANES, _MOST_M = 24.0, 736.0, 62.0, 210.0, 306.0, 110.0
Lane = Sequence[tuple[int, int]]  # when, and into which region: 0 is West Side, 1 East Side


@cache
def pings() -> list[Ping]:
    """Indoors at first, by Wi-Fi that errs anew every few seconds; then outdoors, by satellites."""
    way = Way(0.0, 0.0, [(-AWAY_M, 0.0), (-AWAY_M, 0.0), (GOES_TO_M, 0.0)], [0.0, RESTS_S, ENDS_S], 0.0, 0.0)
    found = []
    for at_s in range(0, ENDS_S, EVERY_S):
        fix = fix_of("home", way, ((1.0, HALLWAY if at_s < RESTS_S else OPEN),), float(at_s))
        found.append(ping("home", at_s, fix.lon * 111_195.08, round(fix.accuracy_m, 1), north_m=fix.lat * 111_195.08))
    return found


@cache
def lanes() -> dict[str, Lane]:
    """What each rule told: when, and of which region."""
    simple = seen(pings())
    told = [event for step in steps_of("home", pings(), [districts()]) for event in step.told]
    others = {"raw switching": raw_switching, "three in a row": three_in_a_row, "accuracy filter": accuracy_filter}
    found: dict[str, Lane] = {
        name: [(one.confirmed_ms, one.target) for one in rule(simple)] for name, rule in others.items()
    }
    ours = [(one.confirmed_ms, int(one.target is not None and one.target.id == "east")) for one in told]
    return found | {"geofence": ours}


def draw() -> str:
    """The picture."""
    counts = {name: len(lane) - 1 for name, lane in lanes().items()}
    said = ", ".join(f"{name} {count}" for name, count in counts.items())
    what = f"A phone rests {AWAY_M:.0f} m from a border, its fixes on both sides, then it moves away. Changes: {said}."
    sheet = Sheet(760, 500, "Beside a border", what)
    title = f"A phone rests {AWAY_M:.0f} m from a border for an hour and a half, then it is carried over it"
    sheet.text(_LEFT, 28, title, bold=True, size=15)
    sheet.text(_LEFT, 48, f"metres from the border, one dot for each of {len(pings())} pings", MUTED)
    _draw_pings(sheet)
    for row, (name, lane) in enumerate(lanes().items()):
        _draw_lane(sheet, _LANES + 44 * row, name, lane)
    for minute in range(0, 95, 15):
        x = _x(BEGIN_MS + 60_000 * minute)
        sheet.text(x, _LANES + 44 * 4 - 2, f"{8 + minute // 60:02d}:{minute % 60:02d}", MUTED, anchor="middle", size=12)
    return sheet.svg()


def _x(time_ms: int) -> float:
    return _LEFT + (_RIGHT - _LEFT) * (time_ms - BEGIN_MS) / (1000 * ENDS_S)


def _draw_pings(sheet: Sheet) -> None:
    middle = _TOP + _HIGH / 2
    sheet.rect(_LEFT, _TOP, _RIGHT - _LEFT, _HIGH / 2, EAST_FILL)
    sheet.rect(_LEFT, middle, _RIGHT - _LEFT, _HIGH / 2, WEST_FILL)
    for region, colour in enumerate((WEST, EAST)):
        mine = [one for one in pings() if int(east_of(one) >= 0) == region and abs(east_of(one)) <= _MOST_M]
        sheet.dots([(_x(one.time_ms), middle - _HIGH / 2 * east_of(one) / _MOST_M) for one in mine], colour, 3)
    sheet.line([(_LEFT, middle), (_RIGHT, middle)], INK, 1.6)
    sheet.text(_LEFT + 8, _TOP + 18, "East Side", EAST)
    sheet.text(_LEFT + 8, _TOP + _HIGH - 10, "West Side", WEST)
    sheet.text(_x(BEGIN_MS + 1000 * RESTS_S) - 8, _TOP + 18, "it leaves ▸", MUTED, anchor="end")


def _draw_lane(sheet: Sheet, y: float, name: str, lane: Lane) -> None:
    """Who believes what, as a bar that changes its colour."""
    ends = [_x(at_ms) for at_ms, _ in lane[1:]] + [_RIGHT]
    for (at_ms, region), end in zip(lane, ends, strict=True):
        sheet.rect(_x(at_ms), y, end - _x(at_ms), 16, (WEST, EAST)[region])
    changes = len(lane) - 1
    sheet.text(
        _LEFT, y - 5, f"{name}: {changes} change{'' if changes == 1 else 's'} of region", bold=name == "geofence"
    )
