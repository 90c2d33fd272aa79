"""Whatever rings a file draws, the checks come to an end, and what they let through an atlas can take."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import Polygon

from boundaries.checking.check import EVERY_CODE, check
from boundaries.checking.crossing import DUST_M2
from boundaries.checking.finding import Mend
from boundaries.checking.mends import feature_of
from boundaries.checking.shapes import check_shapes
from boundaries.drawing import Drawing, Feature, Ring
from boundaries.ground import area_m2, areas_m2
from boundaries.layer import LayerSettings
from geofence.region import Kind, Version

_NUMBER = st.one_of(
    st.floats(width=32),
    st.integers(-200, 200).map(float),
    st.sampled_from([0.0, 90.0, -90.0, 180.0, -180.0, 179.999999, 540.0, 1e-9]),
)
_ANY_RING = st.lists(st.tuples(_NUMBER, _NUMBER), max_size=8).map(lambda ring: np.array(ring, float).reshape(-1, 2))
_GRID = st.tuples(st.integers(0, 5), st.integers(0, 5)).map(lambda xy: (10 + xy[0] / 8, 50 + xy[1] / 8))
_FREE = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(lambda xy: (round(10 + xy[0], 6), round(50 + xy[1], 6)))


def _closed(positions: list[tuple[float, float]]) -> Ring:
    return np.array([*positions, positions[0]])


def _rings(position: st.SearchStrategy[tuple[float, float]]) -> st.SearchStrategy[Ring]:
    return st.lists(position, min_size=3, max_size=12, unique=True).map(_closed)


_TANGLED = st.lists(st.lists(st.one_of(_rings(_GRID), _rings(_FREE)), min_size=1, max_size=3), min_size=1, max_size=3)


def _features(drawn: list[list[list[Ring]]]) -> list[Feature]:
    shapes = [tuple(tuple(rings) for rings in polygons) for polygons in drawn]
    return [Feature(row, f"r{row}", "", Drawing("MultiPolygon", polygons)) for row, polygons in enumerate(shapes)]


@given(st.lists(st.lists(st.lists(_ANY_RING, max_size=3), max_size=2), max_size=3), st.booleans())
def test_any_rings_are_judged(drawn: list[list[list[Ring]]], mend: bool) -> None:
    settings = LayerSettings(name="any", kind=Kind.OVERLAY)
    checked = check(None, _features(drawn), settings, fix=EVERY_CODE if mend else frozenset())
    Version.of("any", checked.regions, kind=Kind.OVERLAY)


@given(_TANGLED)
def test_tangled_rings_are_mended_once_and_for_all(polygons: list[list[Ring]]) -> None:
    (draft,) = check_shapes(_features([polygons]), fix=EVERY_CODE).drafts
    if draft.shape is None:
        return
    assert draft.shape.is_valid
    assert not [one for one in draft.findings if one.mend is Mend.OFFERED]
    assert areas_m2(shapely.get_parts(draft.shape)).min() >= DUST_M2
    (region,) = check(None, _features([polygons]), LayerSettings(name="x", kind=Kind.OVERLAY), fix=EVERY_CODE).regions
    (again,) = check_shapes([feature_of(region, 0)], fix=EVERY_CODE).drafts
    assert not [one for one in again.findings if one.mend is not Mend.NO]  # what can only be mended by hand
    assert again.shape.wkb == region.geometry.wkb


@given(_TANGLED)
def test_mending_a_crossing_takes_and_adds_nothing_that_the_rings_do_not_go_round(polygons: list[list[Ring]]) -> None:
    (draft,) = check_shapes(_features([polygons]), fix=frozenset({"ring_crosses", "ring_too_short"})).drafts
    if draft.shape is None or not draft.sound:
        return
    around = shapely.union_all([face for rings in polygons for face in _faces(rings[0])])
    assert area_m2(shapely.difference(draft.shape, shapely.buffer(around, 1e-9))) < 1
    if all(len(rings) == 1 for rings in polygons):
        odd = [face for rings in polygons for face in _faces(rings[0]) if _rounds(rings[0], face) % 2]
        assert area_m2(shapely.difference(shapely.union_all(odd), shapely.buffer(draft.shape, 1e-9))) < 1


def _faces(ring: Ring) -> list[Polygon]:
    """The places that a ring parts the plane into, but for the outermost."""
    return list(shapely.polygonize([shapely.node(shapely.LineString(ring))]).geoms)


def _rounds(ring: Ring, face: Polygon) -> int:
    """How often a ring crosses the way from a face to the east: odd where it goes round."""
    lon, lat = shapely.get_coordinates(face.representative_point())[0]
    (lon_a, lat_a), (lon_b, lat_b) = ring[:-1].T, ring[1:].T
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = lon_a + (lat - lat_a) / (lat_b - lat_a) * (lon_b - lon_a)
    return int((((lat_a > lat) != (lat_b > lat)) & (crossing > lon)).sum())
