"""The picture of accuracy: the same place beyond a border, stated with three radii, and what each says."""

from __future__ import annotations

from math import exp

import numpy as np

from bench.pictures.sheet import EAST, EAST_FILL, FENCE, GOOD, INK, MUTED, RULE, WEST_FILL, Sheet
from geofence.evidence import doubt, log_odds, sigma_m
from geofence.rule import Rule

BEYOND_M = 60.0
RADII_M = (10.0, 50.0, 300.0)
CURVES = {10.0: GOOD, 50.0: EAST, 300.0: FENCE}
_SCALE, _WIDE, _HIGH, _TOP, _LEFT = 0.31, 232, 200, 46, 16
_FAR_M, _BOTTOM, _MOST = 500.0, 560, 7.0


def said(distance_m: float, radius_m: float) -> float:
    """What a ping so far beyond a border says for having crossed it, in log-odds."""
    rule = Rule.preset("balanced").packed()[0]
    return float(log_odds(distance_m, sigma_m(radius_m, np.nan, rule), doubt(radius_m)))


def draw() -> str:
    """The picture."""
    chances = ", ".join(f"{radius:.0f} m says {_odds(radius)}" for radius in RADII_M)
    what = f"Three pings lie {BEYOND_M:.0f} m beyond a border. One with an accuracy of {chances}. Below, curves of "
    sheet = Sheet(760, 590, "What a ping says depends on its accuracy", what + "what a ping says by its distance.")
    sheet.text(380, 26, f"Three pings, each {BEYOND_M:.0f} m beyond the border", bold=True, size=15, anchor="middle")
    for place, radius_m in enumerate(RADII_M):
        _draw_map(sheet, _LEFT + place * (_WIDE + 16), radius_m)
    _draw_curves(sheet)
    return sheet.svg()


def _draw_map(sheet: Sheet, left: float, radius_m: float) -> None:
    border, middle = left + 0.5 * _WIDE - _SCALE * BEYOND_M / 2, _TOP + _HIGH / 2
    x = border + _SCALE * BEYOND_M
    sheet.rect(left, _TOP, border - left, _HIGH, WEST_FILL)
    sheet.rect(border, _TOP, left + _WIDE - border, _HIGH, EAST_FILL)
    sheet.circle(x, middle, _SCALE * radius_m, CURVES[radius_m], CURVES[radius_m], fill_opacity=0.15, stroke_width=1.5)
    sheet.line([(border, _TOP), (border, _TOP + _HIGH)], INK, 1.6)
    sheet.circle(x, middle, 3, INK)
    sheet.text(left + 8, _TOP + 18, "A", MUTED)
    sheet.text(left + _WIDE - 8, _TOP + 18, "B", MUTED, anchor="end")
    x = left + _WIDE / 2
    sheet.text(x, _TOP + _HIGH + 20, f"accuracy {radius_m:.0f} m", bold=True, anchor="middle")
    sheet.text(x, _TOP + _HIGH + 38, f"{_odds(radius_m)}: it is in B", anchor="middle")
    sheet.text(x, _TOP + _HIGH + 56, f"evidence {said(BEYOND_M, radius_m):+.1f}", MUTED, anchor="middle")


def _odds(radius_m: float) -> str:
    odds = exp(said(BEYOND_M, radius_m))
    return f"{odds:.0f} to 1" if odds >= 10 else f"{odds:.1f} to 1"


def _draw_curves(sheet: Sheet) -> None:
    """Evidence by distance, a curve for each radius."""
    left, right, top = 70.0, 740.0, 350.0

    def spot(distance_m: float, value: float) -> tuple[float, float]:
        x = left + (right - left) * distance_m / _FAR_M
        return x, _BOTTOM - 20 - (_BOTTOM - 20 - top) * value / _MOST

    sheet.text(left - 50, top - 14, "evidence of one ping (log-odds), by how far beyond the border it lies", bold=True)
    for value in range(0, int(_MOST) + 1, 2):
        sheet.line([spot(0, value), spot(_FAR_M, value)], RULE, 0.8)
        sheet.text(left - 10, spot(0, value)[1] + 4, f"{value}", MUTED, anchor="end")
    for distance_m in range(0, int(_FAR_M) + 1, 100):
        unit = " m" if distance_m == _FAR_M else ""
        sheet.text(spot(distance_m, 0)[0], _BOTTOM, f"{distance_m}{unit}", MUTED, anchor="middle")
    x = spot(BEYOND_M, 0)[0]
    sheet.line([(x, spot(0, 0)[1]), (x, top)], MUTED, 1, stroke_dasharray="4 3")
    for radius_m, colour in CURVES.items():
        curve = [(float(metres), said(float(metres), radius_m)) for metres in range(0, int(_FAR_M) + 1, 5)]
        sheet.line([spot(*one) for one in curve], colour, 2.2)
        sheet.circle(*spot(BEYOND_M, said(BEYOND_M, radius_m)), 3.5, colour)
        x, y = spot(_FAR_M, curve[-1][1])
        sheet.text(x, y - 7, f"accuracy {radius_m:.0f} m", colour, anchor="end")
    words = "No curve rises for ever: any fix may be altogether wrong. The finer the radius, the less that is feared."
    sheet.text(left - 50, _BOTTOM + 22, words, MUTED, size=12)
