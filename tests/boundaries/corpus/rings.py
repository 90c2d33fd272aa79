"""Geometries, positions and rings as they are drawn; what clutters a border."""

from typing import Any

from .case import Expected, Json, case, feature, file, hole, multipolygon, polygon, square

_SQUARE = square(10, 50)


def _beside(geometry: Json | None) -> Json:
    return file(feature("good", polygon(square(12, 50))), feature("bad", geometry))


def _of(kind: str, coordinates: Any) -> Json:
    return {"type": kind, "coordinates": coordinates}


@case(Expected("geometry_missing", "bad"))
def geometry_missing() -> Json:
    """A feature has no geometry."""
    return _beside(None)


@case(Expected("geometry_empty", "bad"))
def polygon_empty() -> Json:
    """A Polygon has no rings."""
    return _beside(polygon())


@case(Expected("geometry_empty", "bad"))
def polygon_of_empty_ring() -> Json:
    """A Polygon has a ring without positions."""
    return _beside(polygon([]))


@case(Expected("geometry_empty", "bad"))
def multipolygon_empty() -> Json:
    """A MultiPolygon has no polygons."""
    return _beside(multipolygon())


@case(Expected("geometry_not_polygon", "bad"))
def point() -> Json:
    """A feature is a point."""
    return _beside(_of("Point", [10, 50]))


@case(Expected("geometry_not_polygon", "bad"))
def line() -> Json:
    """A feature is a line, though a closed one."""
    return _beside(_of("LineString", _SQUARE))


@case(Expected("geometry_not_polygon", "bad", 10, 50))
def collection_with_line() -> Json:
    """A feature is a collection of a polygon and a line."""
    parts = [polygon(_SQUARE), _of("LineString", [[10, 50], [11, 51]])]
    return _beside({"type": "GeometryCollection", "geometries": parts})


@case(Expected("geometry_not_polygon", many=2))
def nothing_but_points() -> Json:
    """Every feature is a point."""
    return file(*(feature(id, _of("Point", [10, 50])) for id in "ab"))  # noqa: A001


@case(Expected("no_regions"))
def no_features() -> Json:
    """The file has no features."""
    return file()


@case(Expected("position_not_finite", "bad", 10, 50))
def position_infinite() -> Json:
    """A latitude is infinite."""
    return _beside(polygon([(10, 50), (10.1, float("inf")), (10.1, 50.1), (10, 50)]))


@case(Expected("position_out_of_range", "bad", 10.1, 95))
def latitude_beyond_the_pole() -> Json:
    """A latitude is 95."""
    return _beside(polygon([(10, 50), (10.1, 95), (10, 51), (10, 50)]))


@case(Expected("position_out_of_range", "bad", 1000, 50))
def longitude_off_the_world() -> Json:
    """A longitude is 1000."""
    return _beside(polygon([(10, 50), (1000, 50), (10, 51), (10, 50)]))


@case(Expected("position_out_of_range"))
def metres_of_a_projection() -> Json:
    """All coordinates are metres."""
    return file(*(feature(f"r{at}", polygon(square(500_000 + at * 1_000, 5_700_000, 1_000))) for at in range(3)))


@case(Expected("ring_too_short", "bad", 10, 50))
def ring_of_two_positions() -> Json:
    """A ring goes to a place and back."""
    return _beside(polygon([(10, 50), (11, 51), (10, 50)]))


@case(Expected("ring_too_short", "bad", 10, 50))
def ring_of_one_position() -> Json:
    """A ring has one position."""
    return _beside(polygon([(10, 50)]))


@case(Expected("ring_too_short", "bad", 10, 50))
def ring_on_one_spot() -> Json:
    """A ring has one position five times."""
    return _beside(polygon([(10, 50)] * 5))


@case(Expected("ring_too_short", "bad", 10, 50))
def ring_on_one_line() -> Json:
    """All positions of a ring are on one line."""
    return _beside(polygon([(10, 50), (11, 51), (12, 52), (10, 50)]))


@case(Expected("ring_too_short", "bad", 10.05, 50.05))
def hole_without_area() -> Json:
    """A hole has two different positions."""
    return _beside(polygon(_SQUARE, [(10.05, 50.05), (10.06, 50.06), (10.05, 50.05)]))


@case(Expected("ring_too_short", "bad", 11, 50))
def part_without_area() -> Json:
    """A part has two different positions."""
    return _beside(multipolygon([_SQUARE], [[(11, 50), (11, 51), (11, 51), (11, 50)]]))


@case(Expected("ring_open", "bad", 10, 50.1))
def ring_open() -> Json:
    """A ring does not come back."""
    return _beside(polygon(_SQUARE[:-1]))


@case(Expected("ring_open", "bad", 10, 50))
def ring_open_by_a_hair() -> Json:
    """A ring ends 1 mm from where it begins."""
    return _beside(polygon([*_SQUARE[:-1], (10.00000001, 50)]))


@case(Expected("ring_open", "bad", 10.08, 50.02), overlay=True)
def hole_open() -> Json:
    """A hole does not come back."""
    return _beside(polygon(_SQUARE, hole(10.02, 50.02, 0.06)[:-1]))


@case(Expected("ring_open", "bad", many=2))
def two_parts_open() -> Json:
    """Both parts of a region are open."""
    return _beside(multipolygon([_SQUARE[:-1]], [square(11, 50)[:-1]]))


@case(Expected("too_many_vertices", "bad", 9, 50))
def too_many_vertices() -> Json:
    """A region has 500,003 vertices."""
    steps = 500_000
    wave = [(9 + at / steps, 50 + (at % 2) * 1e-4) for at in range(steps)]
    return _beside(polygon([*wave, (10, 51), (9, 51), (9, 50)]))


@case(Expected("spike", "bad", 10.2, 50.05))
def spike_outward() -> Json:
    """The border runs out 7 km to a point, 50 cm wide at its foot."""
    return _beside(
        polygon(
            [(10, 50), (10.1, 50), (10.1, 50.05), (10.2, 50.05), (10.1, 50.050005), (10.1, 50.1), (10, 50.1), (10, 50)]
        )
    )


@case(Expected("spike", "bad", 10.05, 50.05))
def spike_inward() -> Json:
    """The border runs in 3.6 km to a point, 50 cm wide at its foot."""
    return _beside(
        polygon(
            [(10, 50), (10.1, 50), (10.1, 50.05), (10.05, 50.05), (10.1, 50.050005), (10.1, 50.1), (10, 50.1), (10, 50)]
        )
    )


@case(Expected("spike", "bad", 10.2, 50.05), Expected("spike", "good", 10.2, 50.05))
def spike_between_neighbours() -> Json:
    """A spike into the neighbour, which has it too."""
    border = [(10.1, 50.0), (10.1, 50.05), (10.2, 50.05), (10.1, 50.050005), (10.1, 50.1)]
    west, east = [(10, 50), *border, (10, 50.1), (10, 50)], [(10.3, 50.1), *border[::-1], (10.3, 50), (10.3, 50.1)]
    return file(feature("good", polygon(east)), feature("bad", polygon(west)))


@case(Expected("vertices_close", "bad", 10.05, 50))
def vertices_a_millimetre_apart() -> Json:
    """Two neighbouring positions are 1 mm apart."""
    return _beside(polygon([(10, 50), (10.05, 50), (10.05000001, 50), *_SQUARE[1:]]))


@case(Expected("vertices_close", "bad", 10.01, 50))
def vertices_digitised_twice() -> Json:
    """Each of several positions was digitised twice, 1 mm apart."""
    twice = [(10 + at / 100 + step, 50) for at in range(1, 9) for step in (0, 1e-8)]
    return _beside(polygon([(10, 50), *twice, *_SQUARE[1:]]))


@case(Expected("part_tiny", "bad", 11, 50))
def part_tiny() -> Json:
    """A part is 1 m wide."""
    return _beside(multipolygon([_SQUARE], [square(11, 50, 1e-5)]))


@case(Expected("part_tiny", "bad", 10.05001, 50.05), overlay=True)
def hole_tiny() -> Json:
    """A hole is 1 m wide."""
    return _beside(polygon(_SQUARE, hole(10.05, 50.05, 1e-5)))


@case(Expected("part_tiny", "bad", 11, 50))
def dust_of_an_intersection() -> Json:
    """A region has nine parts of 1 m or less."""
    return _beside(multipolygon([_SQUARE], *([square(11 + at / 100, 50, 1e-6 * (1 + at))] for at in range(9))))


@case(Expected("winding_turned", "bad"))
def winding_turned() -> Json:
    """An outer ring is clockwise."""
    return _beside(polygon(_SQUARE[::-1]))


@case(Expected("winding_turned", "bad"), overlay=True)
def winding_of_hole_turned() -> Json:
    """A hole is counterclockwise."""
    return _beside(polygon(_SQUARE, square(10.02, 50.02, 0.05)))


@case(Expected("winding_turned"))
def winding_of_all_turned() -> Json:
    """All rings are wound as in a Shapefile."""
    return file(*(feature(f"r{at}", polygon(square(10 + at / 10, 50)[::-1])) for at in range(4)))


@case(Expected("heights_dropped", "bad"))
def heights() -> Json:
    """A region has heights."""
    return _beside(polygon([(*position, 100.0) for position in _SQUARE]))


@case(Expected("heights_dropped"))
def heights_of_all() -> Json:
    """All regions have heights."""
    return file(*(feature(f"r{at}", polygon([(*p, 5.0) for p in square(10 + at / 10, 50)])) for at in range(4)))


@case(
    Expected("id_missing"),
    Expected("ring_open", None),
    Expected("ring_too_short", "b"),
    Expected("position_out_of_range", "c"),
    Expected("text_garbled", "c"),
)
def several_at_once() -> Json:
    """Five things are wrong with three of four features."""
    return file(
        feature("d", polygon(square(14, 50))),
        feature(None, polygon(_SQUARE[:-1])),
        feature("b", polygon([(11, 50), (11, 50)])),
        feature("c", polygon([(12, 50), (12, 51), (999, 51), (12, 50)]), "Ã¼"),
    )


@case()
def positions_repeated() -> Json:
    """Clean: positions are repeated exactly."""
    return _beside(polygon([position for position in _SQUARE for _ in range(3)]))


@case()
def neighbours_clean() -> Json:
    """Clean: nine squares side by side."""
    return file(*(feature(f"{x}{y}", polygon(square(10 + x / 10, 50 + y / 10))) for x in range(3) for y in range(3)))


@case()
def lake_with_island() -> Json:
    """Clean: a region with a lake (another region) and an island in it, and a pond on the island."""
    land = multipolygon([square(10, 50, 0.9), hole(10.1, 50.1, 0.7)], [square(10.2, 50.2, 0.5), hole(10.4, 50.4, 0.1)])
    return file(
        feature("land", land),
        feature("lake", polygon(square(10.1, 50.1, 0.7), hole(10.2, 50.2, 0.5))),
        feature("pond", polygon(square(10.4, 50.4, 0.1))),
    )
