"""The picture of evidence: a walk along a border and over it, the score after each ping, and what was needed."""

from __future__ import annotations

from bench.pictures.sheet import BAD, EAST, EAST_FILL, GOOD, INK, MUTED, RULE, WEST, WEST_FILL, Sheet
from bench.pictures.town import BEGIN_MS, DEGREE_M, districts, east_of, ping, seen, steps_of
from geofence.ping import Ping
from geofence.witness import Step, Weighed
from service.peers import raw_switching

ACCURACY_M, EVERY_S = 25.0, 30
LON = (-0.004, -0.002, -0.0003, 0.0003, -0.0002, 0.0002, -0.0001, 0.0004, 0.002, 0.004)  # the walk of the README
EAST_M = [DEGREE_M * lon for lon in LON]  # of the border, ping by ping
_LEFT, _RIGHT, _MAP, _CURVE, _HIGH, _LANE = 84.0, 730.0, 60.0, 270.0, 170.0, 480.0
_MOST_M, _MOST = 150.0, 8.0


def walk() -> list[Ping]:
    """The pings."""
    return [ping("anna", EVERY_S * k, east_m, ACCURACY_M) for k, east_m in enumerate(EAST_M)]


def weighed() -> list[tuple[Step, Weighed]]:
    """What the rule made of each."""
    return [(step, step.beliefs[0]) for step in steps_of("anna", walk(), [districts()]) if step.beliefs]


def draw() -> str:
    """The picture."""
    pings, found = walk(), weighed()
    score = next(one.score for step, one in found for event in step.told if event.cause == "moved")
    what = "A walk goes up to a border, to and fro over it, and away into the east. The score rises with pings beyond "
    what += f"the border and falls with pings before it; at {score:.1f} of 2.8 one crossing is told."
    sheet = Sheet(760, 560, "Evidence is added up until it is enough", what)
    sheet.text(_LEFT - 60, 28, "Anna walks along a border before she crosses it", bold=True, size=15)
    words = f"metres from the border, ping by ping; bars: the stated accuracy, {ACCURACY_M:.0f} m"
    sheet.text(_LEFT - 60, 48, words, MUTED)
    _draw_way(sheet, pings)
    _draw_score(sheet, found)
    _draw_lanes(sheet, pings, found)
    return sheet.svg()


def _x(time_ms: int) -> float:
    return _LEFT + 12 + (_RIGHT - _LEFT - 40) * (time_ms - BEGIN_MS) / (1000 * EVERY_S * (len(EAST_M) - 1))


def _draw_way(sheet: Sheet, pings: list[Ping]) -> None:
    def y(metres: float) -> float:
        return _MAP + _HIGH / 2 - _HIGH / 2 * min(max(metres / _MOST_M, -0.92), 0.92)

    sheet.rect(_LEFT, _MAP, _RIGHT - _LEFT, _HIGH / 2, EAST_FILL)
    sheet.rect(_LEFT, _MAP + _HIGH / 2, _RIGHT - _LEFT, _HIGH / 2, WEST_FILL)
    sheet.line([(_LEFT, y(0)), (_RIGHT, y(0))], INK, 1.6)
    sheet.text(_LEFT + 8, _MAP + 18, "East Side", EAST)
    sheet.text(_RIGHT - 8, _MAP + _HIGH - 10, "West Side", WEST, anchor="end")
    for marked_m in (-100, 0, 100):
        sheet.text(_LEFT - 8, y(marked_m) + 4, f"{marked_m:+d} m" if marked_m else "border", MUTED, anchor="end")
    sheet.line([(_x(one.time_ms), y(east_of(one))) for one in pings], MUTED, 1, stroke_dasharray="3 3")
    for one in pings:
        x, metres = _x(one.time_ms), east_of(one)
        if abs(metres) < _MOST_M:
            sheet.line([(x, y(metres - ACCURACY_M)), (x, y(metres + ACCURACY_M))], MUTED, 3, stroke_opacity=0.5)
        else:
            low = y(metres) + (20 if metres > 0 else -10)
            sheet.text(x - 6, low, f"{metres:+.0f} m", MUTED, anchor="end" if metres > 0 else "start", size=12)
        sheet.circle(x, y(metres), 4, EAST if metres > 0 else WEST)


def _draw_score(sheet: Sheet, found: list[tuple[Step, Weighed]]) -> None:
    def y(value: float) -> float:
        return _CURVE + _HIGH - _HIGH * value / _MOST

    sheet.text(_LEFT - 60, _CURVE - 12, "evidence for having left West Side: the score, and what is needed", MUTED)
    for value in range(0, int(_MOST) + 1, 2):
        sheet.line([(_LEFT, y(value)), (_RIGHT, y(value))], RULE, 0.8)
        sheet.text(_LEFT - 8, y(value) + 4, str(value), MUTED, anchor="end")
    begun = [(step, one) for step, one in found if not any(event.cause == "first_fix" for event in step.told)]
    crossed = next(place for place, (_, one) in enumerate(begun) if one.crossed)
    shown = begun[: crossed + 1]
    steps = [(_x(shown[0][0].time_ms), y(shown[0][1].needed))]
    for step, one in shown[1:]:
        steps += [(_x(step.time_ms), steps[-1][1]), (_x(step.time_ms), y(one.needed))]
    sheet.line(steps, GOOD, 1.8, stroke_dasharray="6 4")
    sheet.text(steps[-1][0] + 8, steps[-1][1] + 4, f"needed {shown[-1][1].needed:.1f}", GOOD)
    sheet.text(steps[0][0], steps[0][1] - 6, f"needed {shown[0][1].needed:.0f}, as long as she seems to rest", GOOD)
    sheet.line([(_x(step.time_ms), y(one.score)) for step, one in shown], INK, 2.2)
    for step, one in shown:
        sheet.circle(_x(step.time_ms), y(one.score), 3.5, BAD if one.crossed else INK)
        if one.score > 0:
            below = 2.0 < one.score < one.needed  # beside the dashed line
            spot = (_x(step.time_ms) + 8, y(one.score) + 14) if below else (_x(step.time_ms) - 26, y(one.score) - 8)
            sheet.text(*spot, f"{one.score:.1f}", size=12)


def _draw_lanes(sheet: Sheet, pings: list[Ping], found: list[tuple[Step, Weighed]]) -> None:
    raw = [(one.confirmed_ms, one.target) for one in raw_switching(seen(pings))]
    ours = [(step.time_ms, int(event.target is not None and event.target.id == "east"))
            for step, _ in found for event in step.told]  # fmt: skip
    end = _x(pings[-1].time_ms) + 12
    for row, (name, moves) in enumerate((("raw switching", raw), ("geofence", ours))):
        y = _LANE + 38 * row
        for place, (at_ms, region) in enumerate(moves):
            until = _x(moves[place + 1][0]) if place + 1 < len(moves) else end
            sheet.rect(_x(at_ms), y, until - _x(at_ms), 18, (WEST, EAST)[region], fill_opacity=0.75)
        sheet.text(_LEFT - 60, y - 5, f"{name}: {len(moves)} events", bold=True)
    sheet.text(end, _LANE + 38 - 5, "blue: West Side, brown: East Side", MUTED, anchor="end", size=12)
    for minute in range(5):
        x = _x(BEGIN_MS + 60_000 * minute)
        sheet.text(x, _LANE + 72, f"08:0{minute}", MUTED, anchor="middle", size=12)
