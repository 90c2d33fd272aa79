"""Regions beside each other, and beside the version before."""

from __future__ import annotations

import shapely

from geofence.region import Region

from .case import Expected, Json, case, feature, file, hole, multipolygon, polygon, square

_CELLS = [(x, y) for x in range(3) for y in range(3)]


def _pair(west_of_border: float) -> Json:
    """Two squares; the second one begins at this longitude."""
    east = [(west_of_border, 50), (10.2, 50), (10.2, 50.1), (west_of_border, 50.1), (west_of_border, 50)]
    return file(feature("a", polygon(square(10, 50))), feature("b", polygon(east)))


def _before() -> list[Region]:
    return [Region(name, shapely.box(lon, 50, lon + 0.1, 50.1)) for name, lon in (("a", 10.0), ("b", 10.1))]


@case(Expected("overlap", "a", 10.095, 50.095, within_m=300))
def corner_overlaps() -> Json:
    """A corner of a region lies 1 km within another."""
    return file(feature("a", polygon(square(10, 50))), feature("b", polygon(square(10.09, 50.09))))


@case(Expected("overlap", "a"))
def region_within_region() -> Json:
    """A region lies within another, which has no hole for it."""
    return file(feature("a", polygon(square(10, 50, 0.3))), feature("b", polygon(square(10.1, 50.1))))


@case(Expected("overlap", "a"))
def region_twice() -> Json:
    """Two regions have the same shape."""
    return file(feature("a", polygon(square(10, 50))), feature("b", polygon(square(10, 50))))


@case(Expected("overlap_narrow", "a"))
def overlap_of_half_a_metre() -> Json:
    """Two neighbours overlap by 50 cm along their border."""
    return _pair(10.099993)


@case(overlay=True)
def overlap_wanted() -> Json:
    """Clean: two neighbours overlap in an overlay."""
    return _pair(10.05)


@case(Expected("gap", "01", 10.15, 50.15, within_m=2_500))
def gap_among_neighbours() -> Json:
    """The middle one of nine squares is missing."""
    return file(*(feature(f"{x}{y}", polygon(square(10 + x / 10, 50 + y / 10))) for x, y in _CELLS if (x, y) != (1, 1)))


@case(Expected("sliver", "b"))
def sliver_of_half_a_metre() -> Json:
    """Between two neighbours, which touch at both ends of it, lies a strip of 50 cm."""
    bent = [(10.1, 50), (10.2, 50), (10.2, 50.1), (10.1, 50.1), (10.100007, 50.09), (10.100007, 50.01), (10.1, 50)]
    return file(feature("a", polygon(square(10, 50))), feature("b", polygon(bent)))


@case(Expected("hole_unfilled", "a", 10.05, 50.05, within_m=1_000))
def hole_unfilled() -> Json:
    """A region of a partition has a hole, and nothing lies in it."""
    return file(feature("a", polygon(square(10, 50), hole(10.03, 50.03, 0.04))))


@case(Expected("too_narrow", "b"))
def street_as_a_region() -> Json:
    """A region is 10 m wide."""
    strip = [(10.1, 50), (10.10014, 50), (10.10014, 50.1), (10.1, 50.1), (10.1, 50)]
    return file(feature("a", polygon(square(10, 50))), feature("b", polygon(strip)))


@case(Expected("region_vanished", "b", 10.15, 50.05, within_m=2_500), previous=_before)
def region_gone() -> Json:
    """A region of the version before is not there."""
    return file(feature("a", polygon(square(10, 50))))


@case(Expected("region_jumped", "a"), Expected("region_jumped", "b"), previous=_before)
def ids_exchanged() -> Json:
    """Two regions have exchanged their ids since the version before."""
    return file(feature("b", polygon(square(10, 50))), feature("a", polygon(square(10.1, 50))))


@case(Expected("ring_open", "b"), previous=_before)
def broken_but_not_gone() -> Json:
    """A region of the version before has an open ring now; it has neither vanished nor left a gap."""
    return file(feature("a", polygon(square(10, 50))), feature("b", polygon(square(10.1, 50)[:-1])))


@case(previous=_before)
def unchanged() -> Json:
    """Clean: nothing has changed since the version before."""
    return file(feature("a", polygon(square(10, 50))), feature("b", polygon(square(10.1, 50))))


@case()
def nested_enclaves() -> Json:
    """Clean: a region of two parts, an enclave in one, and an enclave in that."""
    parts = multipolygon([square(10, 50, 0.9), hole(10.3, 50.3, 0.3)], [square(10.4, 50.4)])
    return file(feature("outer", parts), feature("inner", polygon(square(10.3, 50.3, 0.3), hole(10.4, 50.4))))
