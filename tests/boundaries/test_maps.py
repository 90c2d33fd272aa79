"""Maps: what a window shows, outlines against shapely's own clipping, scale, names, pins and colours."""

from __future__ import annotations

import re

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import MultiPolygon, Polygon, affinity, box
from shapely.geometry.base import BaseGeometry
from shapes import polygons, sample

from boundaries.maps.backdrop import COLOURS, Backdrop
from boundaries.maps.outlines import RIM_PX, Outline, outlines, path
from boundaries.maps.pins import Spot, pinned
from boundaries.maps.sheet import Sheet
from boundaries.maps.window import Box, Window, box_of
from geofence.region import Region

FIJI = MultiPolygon([box(179, -17, 180, -16), box(-180, -17, -179, -16)])
GEOD = pyproj.Geod(ellps="WGS84")


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    """A box anywhere, from a point to the world; its east may lie beyond 180."""
    west, south = draw(st.floats(-180, 180)), draw(st.floats(-90, 90))
    wide, high = draw(st.sampled_from([0, 1e-6, 0.1, 20, 180, 360])), draw(st.sampled_from([0, 1e-6, 0.1, 20, 180]))
    return west, south, west + min(wide, 360), min(90.0, south + high)


def windows(around: Box) -> list[Window]:
    made = [Window.around(around, width_px=460, height_px=320, least_m=100)]
    if around[2] > around[0] and around[3] > around[1]:
        made.append(Window.on(around, width_px=960))
    return made


def surface(found: list[Outline], window: Window) -> BaseGeometry:
    """What the browser fills by the even-odd rule, within the picture."""
    filled: BaseGeometry = Polygon()
    for one in found:
        filled = shapely.symmetric_difference(filled, shapely.make_valid(Polygon(one.points)))
    return shapely.intersection(filled, box(0, 0, window.width_px, window.height_px))


@given(boxes())
def test_a_window_shows_all_of_what_it_was_made_around(around: Box) -> None:
    west, south, east, north = around
    for window in windows(around):
        if window.projection.bends and not window.projection.round_pole:
            south, north = max(south, -84.0), min(north, 84.0)
        for lon, lat in ((west, south), (east, north), ((west + east) / 2, (south + north) / 2)):
            x, y = window.pixels(np.array([[lon, lat]]))[0]
            assert -0.01 <= x <= window.width_px + 0.01
            assert -0.01 <= y <= window.height_px + 0.01


@given(boxes())
def test_a_window_knows_which_part_of_the_world_it_shows(around: Box) -> None:
    for window in windows(around):
        shown = window.boxes()
        assert shown
        for west, south, east, north in shown:
            assert -180 <= west <= east <= 180
            assert -90 <= south <= north <= 90
        lon, lat = (around[0] + around[2]) / 2, (around[1] + around[3]) / 2
        lon -= 360 * np.floor((lon + 180) / 360)
        near = [
            west - 1e-6 <= lon <= east + 1e-6 and south - 1e-6 <= lat <= north + 1e-6
            for west, south, east, north in shown
        ]
        assert any(near) or abs(abs(lon) - 180) < 1e-6


@given(polygons(), st.floats(0.3, 9), st.floats(-2, 8), st.floats(-2, 8))
def test_outlines_fill_what_clipping_by_shapely_gives(shape: BaseGeometry, size: float, x: float, y: float) -> None:
    window = Window.around((x, y, x + size, y + size), width_px=460, height_px=320, least_m=1)
    in_pixels = shapely.transform(shape, window.pixels)
    seen = shapely.intersection(in_pixels, box(0, 0, window.width_px, window.height_px))
    filled = surface(outlines([shape], window), window)
    apart = shapely.symmetric_difference(seen, filled).area
    assert apart <= 0.5 * (seen.length + 10)


def test_simplifying_moves_no_place_of_a_border_by_more_than_a_third_of_a_pixel() -> None:
    angle = np.linspace(0, 2 * np.pi, 5_000, endpoint=False)
    away = 1 + 0.02 * np.sin(40 * angle) + 0.001 * np.sin(900 * angle)
    coast = Polygon(np.column_stack([5 + away * np.cos(angle), 45 + away * np.sin(angle)]))
    window = Window.around(coast.bounds, width_px=460, height_px=320, least_m=1)
    (one,) = outlines([coast], window)
    assert len(one.points) < 2_500
    exact = shapely.transform(coast, window.pixels).exterior
    assert shapely.hausdorff_distance(exact, shapely.LinearRing(one.points), densify=0.1) < 0.34


@given(polygons(), boxes())
def test_outlines_are_finite_and_hardly_leave_the_picture(shape: BaseGeometry, around: Box) -> None:
    there = affinity.translate(shape, around[0] - 4, min(80.0, max(-90.0, around[1] - 4)))
    for window in windows(around):
        for one in outlines([there], window):
            assert np.isfinite(one.points).all()
            low, high = one.points.min(axis=0), one.points.max(axis=0)
            assert (low >= -RIM_PX - 1e-6).all()
            assert high[0] <= window.width_px + RIM_PX + 1e-6
            assert high[1] <= window.height_px + RIM_PX + 1e-6


def test_what_lies_on_both_sides_of_the_180th_meridian_is_one_piece() -> None:
    around = box_of([FIJI])
    assert around == (179.0, -17.0, 181.0, -16.0)
    window = Window.around(around, width_px=460, height_px=320, least_m=100)
    (one,) = outlines([FIJI], window)
    middle, _ = window.pixel(lon=180.0, lat=-16.5)
    assert window.pixel(lon=-180.0, lat=-16.5)[0] == pytest.approx(middle)
    on_the_meridian = np.abs(one.points[:, 0] - middle) < 1
    assert not (on_the_meridian & np.roll(on_the_meridian, 1)).any()


def test_halves_that_do_not_match_at_the_180th_meridian_are_drawn_all_the_same() -> None:
    crooked = MultiPolygon([box(179, -17, 180, -16), box(-180, -16.5, -179, -15), box(178, -17, 178.5, -16)])
    window = Window.around((178, -17, 181, -15), width_px=460, height_px=320, least_m=100)
    assert surface(outlines([crooked], window), window).area == pytest.approx(
        sum(
            shapely.transform(part, window.pixels).area for part in (box(179, -17, 180, -16), box(180, -16.5, 181, -15))
        )
        + shapely.transform(box(178, -17, 178.5, -16), window.pixels).area,
        rel=0.02,
    )


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        ([box(-10, 0, 10, 1)], (-10, 0, 10, 1)),
        ([box(170, 0, 171, 1), box(-170, 0, -169, 1)], (170, 0, 191, 1)),
        ([box(-180, -90, 180, 90)], (-180, -90, 180, 90)),
        ([box(-180, 0, 0, 1), box(0, 0, 180, 1)], (-180, 0, 180, 1)),
        ([shapely.Point(5, 6)], (5, 6, 5, 6)),
        ([shapely.Polygon()], None),
        ([], None),
    ],
)
def test_the_box_of_shapes_goes_the_short_way_round(shapes: list[BaseGeometry], expected: Box | None) -> None:
    assert box_of(shapes) == expected


@pytest.mark.parametrize(("lon", "lat"), [(0.0, 0.0), (10.0, 50.0), (-70.0, -53.0), (25.0, 78.0), (30.0, -89.9)])
@pytest.mark.parametrize("size_deg", [1e-4, 0.05, 1.0])
def test_the_scale_bar_is_as_long_as_it_says(lon: float, lat: float, size_deg: float) -> None:
    around = (lon - size_deg, max(-90.0, lat - size_deg / 2), lon + size_deg, lat + size_deg / 2)
    window = Window.around(around, width_px=460, height_px=320, least_m=1)
    sheet = Sheet(window, title="scale")
    sheet.scale_bar()
    drawn = re.search(r"v5h([\d.]+)v-5.*>([\d,.]+) (km|m|cm)<", sheet.svg())
    assert drawn is not None
    wide_px = float(drawn[1])
    far_m = float(drawn[2].replace(",", "")) * {"km": 1000, "m": 1, "cm": 0.01}[drawn[3]]
    assert 46 <= wide_px <= 139
    middle = (around[1] + around[3]) / 2
    step = min(size_deg, 0.1)
    if window.projection.round_pole:
        (x1, y1), (x2, y2) = window.pixel(lon=lon, lat=middle), window.pixel(lon=lon, lat=middle + step / 10)
        ground_m = GEOD.inv(lon, middle, lon, middle + step / 10)[2]
    else:
        (x1, y1), (x2, y2) = window.pixel(lon=lon - step, lat=middle), window.pixel(lon=lon + step, lat=middle)
        ground_m = GEOD.inv(lon - step, middle, lon + step, middle)[2]
    assert far_m / wide_px == pytest.approx(ground_m / np.hypot(x2 - x1, y2 - y1), rel=0.02)


def test_paths_come_back_as_they_were_to_a_tenth_of_a_pixel() -> None:
    ring = np.array([[0.0, 0.0], [10.04, -0.06], [10.0, 20.0], [0.0, 0.0]])
    assert path([Outline(0, ring, True)]) == "M0 0l100-1 0 201z"
    assert path([Outline(0, ring[:2], False)]) == "M0 0l100-1"


def test_neighbours_have_different_colours_and_few_colours_do() -> None:
    backdrop = Backdrop(sample("us-counties").regions)
    one, other = shapely.STRtree(backdrop.shapes).query(backdrop.shapes, predicate="intersects")
    pairs = [(a, b) for a, b in zip(one, other, strict=True) if a < b]
    same = sum(backdrop.colours[a] == backdrop.colours[b] for a, b in pairs)
    assert same < 0.02 * len(pairs)
    assert set(backdrop.colours) <= set(range(COLOURS))


def test_names_are_escaped_and_never_over_each_other() -> None:
    regions = [Region(str(n), box(n / 8, 0, (n + 1) / 8, 1), f"<R & {n}>") for n in range(8)]
    sheet = Sheet(Window.around((0, 0.4, 1, 0.6), width_px=900, height_px=300, least_m=1), title="names")
    sheet.neighbours(Backdrop(regions))
    svg = sheet.svg()
    names = re.findall(r'<text class="name" x="(\d+)" y="(\d+)">([^<]*)</text>', svg)
    assert names
    assert all(text.startswith("&lt;R &amp; ") for _, _, text in names)
    places = [(float(x), float(y)) for x, y, _ in names]
    assert all(abs(a[0] - b[0]) > 45 or abs(a[1] - b[1]) > 12 for n, a in enumerate(places) for b in places[:n])


@given(st.lists(st.tuples(st.floats(-5, 15), st.floats(-5, 15)), max_size=60))
def test_every_number_on_the_map_is_in_one_pin_and_pins_lie_apart(places: list[tuple[float, float]]) -> None:
    window = Window.on((0, 0, 10, 10), width_px=900)
    spots = [Spot(number, lon, lat, "note") for number, (lon, lat) in enumerate(places)]
    pins = pinned(spots, window)
    numbers = sorted(spot.number for pin in pins for spot in pin.spots)
    inside = []
    for spot in spots:
        x, y = window.pixel(lon=spot.lon, lat=spot.lat)
        if 0 <= x <= window.width_px and 0 <= y <= window.height_px:
            inside.append(spot.number)
    assert numbers == inside
    centres = [(pin.x, pin.y) for pin in pins]
    assert all(max(abs(a[0] - b[0]), abs(a[1] - b[1])) >= 26 for n, a in enumerate(centres) for b in centres[:n])
