"""Borders that cross or touch themselves. In an overlay, so that holes are no finding of their own."""

from math import cos, pi, sin

from .case import Expected, Json, case, feature, file, hole, multipolygon, polygon, square

_SQUARE = square(10, 50)


def _alone(geometry: Json) -> Json:
    return file(feature("x", geometry))


def _crosses(lon: float, lat: float, many: int = 1) -> Expected:
    return Expected("ring_crosses", "x", lon, lat, many=many)


@case(_crosses(10.05, 50.05))
def figure_of_eight() -> Json:
    """A ring is a figure of eight."""
    return _alone(polygon([(10, 50), (10.1, 50.1), (10.1, 50), (10, 50.1), (10, 50)]))


@case(_crosses(10.05, 49.95))
def line_out_and_back() -> Json:
    """The border runs out to a point and back on the same line."""
    return _alone(polygon([(10, 50), (10.05, 50), (10.05, 49.9), (10.05, 50), *_SQUARE[1:]]))


@case(_crosses(10.05, 50))
def loop() -> Json:
    """The border makes a loop outside."""
    return _alone(
        polygon(
            [
                (10, 50),
                (10.06, 50),
                (10.04, 49.98),
                (10.06, 49.98),
                (10.04, 50.02),
                (10.1, 50.02),
                (10.1, 50.1),
                (10, 50.1),
                (10, 50),
            ]
        )
    )


@case(Expected("ring_crosses", "x"))
def pentagram() -> Json:
    """A ring is a star of five crossing lines."""
    return _alone(polygon([(10, 50), (10.1, 50.07), (10, 50.07), (10.08, 50), (10.05, 50.1), (10, 50)]))


@case(Expected("ring_crosses", "x"))
def ring_twice_around() -> Json:
    """A ring goes round twice."""
    return _alone(polygon([*_SQUARE, *_SQUARE[1:]]))


@case(_crosses(10.05, 50))
def pinched() -> Json:
    """A ring touches itself at a vertex, the two sides outside of each other."""
    return _alone(
        polygon([(10, 50), (10.05, 50), (10.08, 49.95), (10.1, 50), (10.05, 50), (10.05, 50.1), (10, 50.1), (10, 50)])
    )


@case(_crosses(11.05, 50.05), overlay=True)
def hole_outside() -> Json:
    """A hole lies outside."""
    return _alone(polygon(_SQUARE, hole(11, 50)))


@case(_crosses(10.1, 50.04), overlay=True)
def hole_crosses_border() -> Json:
    """A hole reaches over the border."""
    return _alone(polygon(_SQUARE, hole(10.08, 50.04, 0.04)))


@case(_crosses(10.04, 50.06), overlay=True)
def holes_cross() -> Json:
    """Two holes cross."""
    return _alone(polygon(_SQUARE, hole(10.02, 50.02, 0.04), hole(10.04, 50.04, 0.04)))


@case(_crosses(10.05, 50.05), overlay=True)
def hole_within_hole() -> Json:
    """A hole lies within a hole."""
    return _alone(polygon(_SQUARE, hole(10.02, 50.02, 0.06), hole(10.04, 50.04, 0.02)))


@case(_crosses(10.1, 50.05), overlay=True)
def hole_along_border() -> Json:
    """A hole touches the border along a line."""
    return _alone(polygon(_SQUARE, hole(10.08, 50.04, 0.02)))


@case(Expected("ring_crosses", "x"))
def rings_exchanged() -> Json:
    """A hole goes around the border: the two rings are in the wrong order."""
    return _alone(polygon(square(10.04, 50.04, 0.02), _SQUARE))


@case(_crosses(10.04, 50.05), overlay=True)
def holes_side_by_side() -> Json:
    """Two holes touch along a line."""
    return _alone(polygon(_SQUARE, hole(10.02, 50.04, 0.02), hole(10.04, 50.04, 0.02)))


@case(Expected("ring_crosses", "x"), overlay=True)
def hole_cuts_in_two() -> Json:
    """A hole touches the border at two vertices and cuts the region in two."""
    return _alone(polygon(_SQUARE, [(10, 50), (10.04, 50.06), (10.1, 50.1), (10.06, 50.04), (10, 50)]))


@case(_crosses(10.075, 50.075))
def parts_overlap() -> Json:
    """Two parts overlap."""
    return _alone(multipolygon([_SQUARE], [square(10.05, 50.05)]))


@case(_crosses(10.05, 50.05))
def part_within_part() -> Json:
    """A part lies within another."""
    return _alone(multipolygon([_SQUARE], [square(10.04, 50.04, 0.02)]))


@case(_crosses(10.05, 50.05))
def part_twice() -> Json:
    """A part is there twice."""
    return _alone(multipolygon([_SQUARE], [_SQUARE]))


@case(_crosses(10.1, 50.05))
def parts_side_by_side() -> Json:
    """Two parts share a border."""
    return _alone(multipolygon([_SQUARE], [square(10.1, 50)]))


@case(_crosses(10.1, 50.05), _crosses(10.2, 50.05))
def three_parts_in_a_row() -> Json:
    """Three parts share borders."""
    return _alone(multipolygon([_SQUARE], [square(10.1, 50)], [square(10.2, 50)]))


@case(Expected("ring_crosses", "a", 10.05, 50.05), Expected("ring_crosses", "b", 11.05, 50.05))
def two_figures_of_eight() -> Json:
    """Two regions are figures of eight."""
    eights = ([(w, 50), (w + 0.1, 50.1), (w + 0.1, 50), (w, 50.1), (w, 50)] for w in (10, 11))
    return file(*(feature(id, polygon(ring)) for id, ring in zip("ab", eights, strict=True)))  # noqa: A001


@case(Expected("ring_crosses", "x"))
def scribble() -> Json:
    """A ring of 1,001 positions crosses itself half a million times."""
    turns = [2 * pi * 500 * at / 1_001 for at in range(1_001)]
    star = [(10 + cos(turn), 50 + sin(turn)) for turn in turns]
    return _alone(polygon([*star, star[0]]))


@case()
def parts_touch_at_a_point() -> Json:
    """Clean: two parts touch at a point."""
    return _alone(multipolygon([_SQUARE], [square(10.1, 50.1)]))


@case(overlay=True)
def hole_touches_at_a_point() -> Json:
    """Clean: a hole touches the border at one vertex."""
    return _alone(polygon(_SQUARE, [(10, 50), (10.02, 50.06), (10.06, 50.02), (10, 50)]))
