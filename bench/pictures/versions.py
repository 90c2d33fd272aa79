"""The picture of versions: a border is moved between two pings, and who is told of it."""

from __future__ import annotations

from functools import cache

from bench.pictures.sheet import EAST, EAST_FILL, FENCE, FENCE_FILL, GOOD, INK, MUTED, WEST, WEST_FILL, Sheet
from bench.pictures.town import BEGIN_MS, districts, ping, steps_of
from geofence.control import Control, Switch
from geofence.ping import Ping
from geofence.witness import Step

BEFORE_M, AFTER_M, ACCURACY_M = 0.0, -500.0, 10.0
PHONES = {"ada": (-250.0, 60.0), "bo": (-800.0, -40.0), "cy": (400.0, 0.0)}  # metres east and north of the middle
ORDER = ("ada", "bo", "cy", "bo", "", "cy", "bo", "cy", "ada")  # "": the switch
_MAP_HIGH, _TOP, _SCALE, _LOG, _BOX = 150.0, 64.0, 0.14, 318.0, 78.0


@cache
def items() -> list[Ping | Control]:
    """A partition of the input."""
    after, found = districts(AFTER_M), list[Ping | Control]()
    for offset, device in enumerate(ORDER):
        if device:
            east_m, north_m = PHONES[device]
            found.append(ping(device, 20.0 * offset, east_m, ACCURACY_M, north_m=north_m))
        else:
            at_ms = BEGIN_MS + 20_000 * offset
            found.append(Switch(layer=after.layer, version=after.hash, at_ms=at_ms, number=2))
    return found


@cache
def steps() -> list[tuple[int, str, Step]]:
    """What each record told: its offset, of whom, and how."""
    found = []
    for device in PHONES:
        account = steps_of(device, items(), [districts(BEFORE_M)], districts(AFTER_M))
        offsets = {BEGIN_MS + 20_000 * offset: offset for offset in range(len(ORDER))}
        found += [(offsets[step.time_ms], device, step) for step in account if step.told]
    return sorted(found, key=lambda one: one[:2])


def draw() -> str:
    """The picture."""
    moved = [device for _, device, step in steps() if step.told[0].cause == "boundary"]
    what = "Two versions of a layer; in the second the border lies further west. In the log a switch stands between "
    what += f"pings. At its offset an event of {', '.join(moved)}, who rests in the strip that changes hands, is told."
    sheet = Sheet(760, 500, "A version comes into force between two pings", what)
    sheet.text(24, 28, "A border is moved while people are asleep", bold=True, size=15)
    for place, (border_m, name) in enumerate(((BEFORE_M, "version 1"), (AFTER_M, "version 2"))):
        _draw_map(sheet, 24.0 + 368 * place, border_m, f"{name}: {districts(border_m).hash[:12]}…")
    _draw_log(sheet)
    _draw_events(sheet)
    return sheet.svg()


def _draw_map(sheet: Sheet, left: float, border_m: float, title: str) -> None:
    wide = 344.0

    def x(east_m: float) -> float:
        return left + wide / 2 + _SCALE * (east_m + 200)

    sheet.text(left, _TOP - 10, title, MUTED)
    sheet.rect(left, _TOP, x(border_m) - left, _MAP_HIGH, WEST_FILL)
    sheet.rect(x(border_m), _TOP, left + wide - x(border_m), _MAP_HIGH, EAST_FILL)
    if border_m == AFTER_M:
        sheet.rect(x(AFTER_M), _TOP, x(BEFORE_M) - x(AFTER_M), _MAP_HIGH, FENCE, fill_opacity=0.13)
    sheet.line([(x(border_m), _TOP), (x(border_m), _TOP + _MAP_HIGH)], INK, 1.6)
    sheet.text(left + 8, _TOP + _MAP_HIGH - 10, "West Side", WEST)
    sheet.text(left + wide - 8, _TOP + _MAP_HIGH - 10, "East Side", EAST, anchor="end")
    for device, (east_m, north_m) in PHONES.items():
        spot = x(east_m), _TOP + _MAP_HIGH / 2 - _SCALE * north_m
        sheet.circle(*spot, 5, WEST if east_m < border_m else EAST)
        sheet.text(spot[0] + 9, spot[1] + 4, device)


def _draw_log(sheet: Sheet) -> None:
    sheet.text(24, _LOG - 58, "one partition of the topic pings", bold=True)
    switch = ORDER.index("")
    for offset, device in enumerate(ORDER):
        x = _x(offset)
        fill, edge = ("#ffffff", WEST) if offset < switch else ("#ffffff", EAST)
        if offset == switch:
            fill, edge = FENCE_FILL, FENCE
        sheet.rect(x, _LOG, _BOX - 6, 44, fill, edge, rx=5, stroke_width=1.5)
        name = device or "switch"
        sheet.text(x + (_BOX - 6) / 2, _LOG + 19, name, FENCE if not device else INK, anchor="middle", bold=not device)
        sheet.text(x + (_BOX - 6) / 2, _LOG + 36, "ping" if device else "to version 2", MUTED, anchor="middle", size=11)
        sheet.text(x + (_BOX - 6) / 2, _LOG - 6, f"{offset}", MUTED, anchor="middle", size=11)
    sheet.line([(_x(0), _LOG - 26), (_x(switch) - 8, _LOG - 26)], WEST, 3)
    sheet.line([(_x(switch), _LOG - 26), (_x(len(ORDER)) - 6, _LOG - 26)], EAST, 3)
    sheet.text(_x(0), _LOG - 32, "version 1 decides", WEST, size=12)
    sheet.text(_x(switch), _LOG - 32, "version 2 decides", EAST, size=12)
    sheet.text(_x(0) - 4, _LOG - 6, "offset", MUTED, size=11)


def _draw_events(sheet: Sheet) -> None:
    y = _LOG + 86
    words = (
        "Events. The switch alone moves ada, who is not asked to send a ping; later pings of the others tell nothing."
    )
    sheet.text(24, y + 78, words, MUTED, size=12)
    for offset, device, step in steps():
        event = step.told[0]
        x, boundary = _x(offset) + (_BOX - 6) / 2, event.cause == "boundary"
        sheet.arrow((x, _LOG + 46), (x, y - 14))
        target = event.target.name if event.target else "outside"
        sheet.text(x, y + 2, device, GOOD if boundary else INK, anchor="middle", bold=True)
        if boundary:
            origin = event.origin.name if event.origin else "outside"
            sheet.text(x, y + 19, f"{origin} → {target}", GOOD, anchor="middle")
            sheet.text(x, y + 36, "cause: boundary", GOOD, anchor="middle", size=12)
        else:
            sheet.text(x, y + 19, target, MUTED, anchor="middle", size=12)
            sheet.text(x, y + 36, str(event.cause), MUTED, anchor="middle", size=12)


def _x(offset: int) -> float:
    return 32 + _BOX * offset
