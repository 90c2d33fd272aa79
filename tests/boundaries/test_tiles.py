"""Vector tiles: what a map in the browser gets is the version's regions, thinned without gaps."""

from collections import Counter

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import box
from tile_reading import area2, even_odd, read_tile

from boundaries.tiles.cache import TileCache
from boundaries.tiles.outlines import outlines_of, world_of
from boundaries.tiles.tiler import NoSuchTile, Tiler
from geofence.region import Region

EXTENT, BUFFER, PIXEL = 4096, 64, 16


def regions(**shapes):
    return [Region(name, shape, name.upper()) for name, shape in shapes.items()]


def units(lon, lat, z, x, y):
    """Where a place lies in a tile."""
    return world_of(np.array([[lon, lat]], float))[0] * EXTENT * 2**z - np.array([x, y]) * EXTENT


def found_at(features, points):
    """The ids of the features at each point."""
    return [{one.properties["id"] for one in features if one.covers(points[k : k + 1])[0]} for k in range(len(points))]


# -- what a tile says ------------------------------------------------------------------------------------------------


def test_a_tile_has_id_name_and_colour_of_each_region_and_nothing_else():
    first, second = read_tile(Tiler(regions(a=box(0, 0, 40, 40), b=box(40, 0, 80, 40))).tile(0, 0, 0))
    assert (first.id, first.properties["id"], first.properties["name"]) == (0, "a", "A")
    assert (second.id, second.properties["id"], second.properties["name"]) == (1, "b", "B")
    assert set(first.properties) == {"id", "name", "colour"}
    assert 0 <= first.properties["colour"] < 8


def test_a_region_keeps_its_colour_whatever_else_is_in_the_version():
    alone = read_tile(Tiler(regions(b=box(40, 0, 80, 40))).tile(0, 0, 0))
    both = read_tile(Tiler(regions(a=box(0, 0, 40, 40), b=box(40, 0, 80, 40))).tile(0, 0, 0))
    assert alone[0].properties["colour"] == both[1].properties["colour"]


@pytest.mark.parametrize("turn", [False, True], ids=["drawn clockwise", "drawn counterclockwise"])
def test_outer_rings_have_a_positive_area_and_holes_a_negative_one(turn):
    shape = shapely.orient_polygons(box(0, 0, 60, 60).difference(box(20, 20, 40, 40)), exterior_cw=turn)
    (one,) = read_tile(Tiler(regions(a=shape)).tile(0, 0, 0))
    assert [area2(ring) > 0 for ring in one.rings] == [True, False]


def test_a_tile_shows_its_part_and_a_buffer_around_it_and_no_more():
    (one,) = read_tile(Tiler(regions(a=box(-90, -60, 90, 60))).tile(3, 4, 3))
    assert one.rings[0].min() == -BUFFER
    assert one.rings[0].max() == EXTENT + BUFFER


def test_where_no_region_is_the_tile_is_empty():
    tiler = Tiler(regions(a=box(10, 10, 20, 20)))
    assert tiler.tile(5, 0, 0) == b""
    assert Tiler([]).tile(0, 0, 0) == b""


@pytest.mark.parametrize(("z", "x", "y"), [(0, 1, 0), (3, -1, 0), (3, 0, 8), (23, 0, 0), (-1, 0, 0)])
def test_a_tile_that_can_not_be_is_refused_and_the_message_says_which_can(z, x, y):
    with pytest.raises(NoSuchTile, match=f"the tile is {z}/{x}/{y}; allowed: zoom 0 to 22"):
        Tiler(regions(a=box(0, 0, 1, 1))).tile(z, x, y)


def test_names_in_any_script_come_through():
    (one,) = read_tile(Tiler([Region("地", box(0, 0, 60, 60), "Þórshöfn 🏝")]).tile(0, 0, 0))
    assert (one.properties["id"], one.properties["name"]) == ("地", "Þórshöfn 🏝")


# -- where things are ------------------------------------------------------------------------------------------------


def test_an_edge_that_is_straight_in_lon_and_lat_is_bent_on_the_map():
    triangle = shapely.Polygon([(0, 0), (60, 0), (60, 70)])
    tiler = Tiler(regions(a=triangle))
    z, x, y = 6, int(world_of(np.array([[30.0, 35.0]]))[0, 0] * 64), int(world_of(np.array([[30.0, 35.0]]))[0, 1] * 64)
    (one,) = read_tile(tiler.tile(z, x, y))
    for lon, inside in ((29.99, False), (30.01, True)):  # either side of the edge's middle, 7 units from it
        assert one.covers(units(lon, 35.0, z, x, y)[None])[0] == inside


def test_a_ring_cut_at_the_180th_meridian_has_no_border_there():
    east, west = box(178, -20, 180, -15), box(-180, -20, -179, -15)
    tiler = Tiler([Region("fiji", shapely.MultiPolygon([east, west]), "Fiji")])
    (left,), (right,) = read_tile(tiler.tile(6, 0, 35)), read_tile(tiler.tile(6, 63, 35))
    assert left.rings[0][:, 0].min() == -BUFFER
    assert right.rings[0][:, 0].max() == EXTENT + BUFFER
    for one in (left, right):
        xs = one.rings[0][:, 0]
        along = (np.abs(np.diff(np.append(xs, xs[0]))) == 0) & ((xs == 0) | (xs == EXTENT))
        assert not along.any()


def test_a_region_over_a_pole_fills_the_map_to_its_end_and_beyond():
    tiler = Tiler(regions(south=box(-180, -90, 180, -60), north=box(-180, 70, 180, 90)))
    drawn = {one.properties["id"]: one.rings[0] for one in read_tile(tiler.tile(0, 0, 0))}
    assert drawn["south"][:, 1].max() == EXTENT + BUFFER
    assert drawn["north"][:, 1].min() == -BUFFER
    assert (drawn["south"][:, 0].min(), drawn["south"][:, 0].max()) == (-BUFFER, EXTENT + BUFFER)


@pytest.mark.parametrize("z", [0, 5, 10])
def test_a_region_never_vanishes_and_is_at_least_a_pixel(z):
    islet = shapely.MultiPolygon([box(10, 10, 10.0001, 10.0001), box(10.001, 10, 10.0013, 10.0003)])
    x, y = (int(value * 2**z) for value in world_of(np.array([[10.0, 10.0]]))[0])
    (one,) = read_tile(Tiler(regions(a=islet)).tile(z, x, y))
    (ring,) = one.rings
    assert ((ring.max(axis=0) - ring.min(axis=0)) >= PIXEL - 1).all()
    assert np.abs(ring.mean(axis=0) - units(10.001, 10.0, z, x, y)).max() < PIXEL


def test_islands_and_lakes_too_small_to_see_are_left_out_when_there_is_more_of_the_region():
    shape = shapely.MultiPolygon([box(0, 0, 20, 20).difference(box(5, 5, 5.01, 5.01)), box(30, 0, 30.01, 0.01)])
    tiler = Tiler(regions(a=shape))
    assert len(read_tile(tiler.tile(0, 0, 0))[0].rings) == 1
    assert read_tile(tiler.tile(4, *tile_of(30.005, 0.005, 4))) == []
    assert len(read_tile(tiler.tile(10, *tile_of(30.005, 0.005, 10)))[0].rings) == 1
    assert len(read_tile(tiler.tile(10, *tile_of(5.005, 5.005, 10)))[0].rings) == 2


def tile_of(lon, lat, z):
    return tuple(int(value * 2**z) for value in world_of(np.array([[lon, lat]], float))[0])


def test_fences_that_overlap_are_all_drawn_whole():
    shapes = {"a": box(0, 0, 40, 40), "b": box(20, 20, 60, 60), "c": box(25, 25, 30, 30)}
    features = read_tile(Tiler(regions(**shapes)).tile(0, 0, 0))
    spots = np.array([units(lon, lat, 0, 0, 0) for lon, lat in ((5, 5), (27, 27), (38, 38), (50, 50), (5, 50))])
    assert found_at(features, spots) == [{"a"}, {"a", "b", "c"}, {"a", "b"}, {"b"}, set()]


# -- any partition, any zoom -----------------------------------------------------------------------------------------

SIDE = 12


@st.composite
def patchworks(draw):
    """A square of cells, each given to one of some regions: long borders with steps, exclaves, enclaves, forks."""
    place = st.tuples(st.integers(0, SIDE - 1), st.integers(0, SIDE - 1))
    seats = np.array(draw(st.lists(place, min_size=1, max_size=5, unique=True)))
    every = np.stack(np.divmod(np.arange(SIDE * SIDE), SIDE), axis=1)
    cells = np.abs(every[:, None] - seats).sum(axis=2).argmin(axis=1)
    many = len(seats)
    for (row, column), region in draw(st.dictionaries(place, st.integers(0, many - 1), max_size=6)).items():
        cells[row * SIDE + column] = region
    west, south = draw(st.integers(-170, 150)), draw(st.integers(-60, 50))
    wide = draw(st.sampled_from((0.003, 0.05, 0.4, 1.0)))
    rows, columns = np.divmod(np.arange(SIDE * SIDE), SIDE)
    shapes = {}
    for region in range(many):
        mine = np.flatnonzero(cells == region)
        if len(mine):
            squares = box(
                west + wide * columns[mine],
                south + wide * rows[mine],
                west + wide * (columns[mine] + 1),
                south + wide * (rows[mine] + 1),
            )
            shapes[f"r{region}"] = shapely.union_all(squares)
    return regions(**shapes), (west, south, wide * SIDE)


def tile_and_points(tiler, area, z, across):
    """The tile over a part of an area; places in it, many near borders, none on one; which are deep in the area."""
    west, south, size = area
    x, y = tile_of(west + size * across, south + size / 2, z)
    features = read_tile(tiler.tile(z, x, y))
    (left, bottom), (right, top) = units(west, south, z, x, y), units(west + size, south + size, z, x, y)
    low, high = np.maximum([left, top], -BUFFER), np.minimum([right, bottom], EXTENT + BUFFER)
    rng = np.random.default_rng(z)
    vertices = tiler.level(z).rings.xy * EXTENT * 2.0**z - np.array([x, y]) * EXTENT
    near = rng.choice(vertices, 600) + rng.uniform(-PIXEL, PIXEL, (600, 2))
    points = np.floor(np.vstack([rng.uniform(low - 20, high + 20, (200, 2)), near]))
    points[:, 0] += 0.5
    points[:, 1] += 0.49
    deep = (points > np.array([left, top]) + 12) & (points < np.array([right, bottom]) - 12)
    inside = (points > -BUFFER + 1) & (points < EXTENT + BUFFER - 1)
    return features, points[inside.all(axis=1)], deep.all(axis=1)[inside.all(axis=1)], (x, y)


@given(patchworks(), st.integers(0, 17))
def test_neighbours_keep_the_same_edges_at_any_zoom(patchwork, z):
    some, (west, south, size) = patchwork
    whole = shapely.union_all([one.geometry for one in some])
    around = box(west - 9, south - 9, west + size + 9, south + size + 9).difference(whole)
    every = [*some, Region("around", around)]
    rings, drawn = Tiler(every).level(z).rings, set(map(tuple, outlines_of(every).xy))
    seen = Counter(frozenset(map(tuple, edge)) for edge in zip(rings.xy, rings.xy[rings.following()], strict=True))
    corners = set(map(tuple, rings.xy[np.isin(rings.xy[:, 0], [rings.xy[:, 0].min(), rings.xy[:, 0].max()])]))
    alone = [edge for edge, many in seen.items() if many % 2 and edge <= drawn]  # not those of squares for the lost
    assert all(edge <= corners for edge in alone)
    assert len(alone) == 4


@given(patchworks(), st.integers(0, 17), st.floats(0.05, 0.95))
def test_no_gap_opens_between_neighbours(patchwork, z, across):
    some, area = patchwork
    features, points, deep, _ = tile_and_points(Tiler(some), area, z, across)
    covered = np.zeros(len(points), int)
    for one in features:
        covered += one.covers(points)
    assert (covered[deep] >= 1).all()


@given(patchworks(), st.integers(0, 17), st.floats(0.05, 0.95))
def test_each_pixel_lies_in_the_region_that_the_thinned_layer_has_there(patchwork, z, across):
    some, area = patchwork
    tiler = Tiler(some)
    features, points, _, (x, y) = tile_and_points(tiler, area, z, across)
    drawn = {one.properties["id"]: one for one in features}
    rings = tiler.level(z).rings
    for place, region in enumerate(some):
        mine = [
            np.rint(rings.xy[rings.begin[ring] : rings.begin[ring + 1]] * EXTENT * 2.0**z) - np.array([x, y]) * EXTENT
            for ring in np.flatnonzero(rings.region == place)
        ]
        wanted = even_odd(mine, points)
        found = drawn[region.id].covers(points) if region.id in drawn else np.zeros(len(points), bool)
        lines = shapely.multilinestrings([shapely.linestrings(np.vstack([ring, ring[:1]])) for ring in mine])
        clear = (
            shapely.distance(lines, shapely.points(points)) > 1
        )  # cutting at the buffer's end moves a border by less
        assert (wanted == found)[clear].all()


@given(patchworks(), st.integers(6, 17))
def test_thinning_moves_no_border_by_more_than_half_a_pixel(patchwork, z):
    some, area = patchwork
    features, points, _, (x, y) = tile_and_points(Tiler(some), area, z, 0.5)
    drawn = {one.properties["id"]: one for one in features}
    for region in some:
        coordinates = shapely.transform(
            region.geometry, lambda lonlat: world_of(lonlat) * EXTENT * 2.0**z - np.array([x, y]) * EXTENT
        )
        if coordinates.area < 4 * PIXEL * PIXEL:
            continue
        clear = shapely.distance(coordinates.boundary, shapely.points(points)) > PIXEL / 2 + 2
        wanted = shapely.contains_xy(coordinates, points)
        found = drawn[region.id].covers(points) if region.id in drawn else np.zeros(len(points), bool)
        assert (wanted == found)[clear].all()


@given(patchworks(), st.permutations(range(0, 18, 3)))
def test_the_same_regions_give_the_same_bytes_whatever_was_asked_before(patchwork, zooms):
    some, (west, south, size) = patchwork
    one, other = Tiler(some), Tiler(some)
    asked = {z: one.tile(z, *tile_of(west + size / 2, south + size / 2, z)) for z in zooms}
    for z in sorted(zooms):
        assert other.tile(z, *tile_of(west + size / 2, south + size / 2, z)) == asked[z]


# -- the cache -------------------------------------------------------------------------------------------------------


def test_a_tile_at_hand_is_not_made_again_and_another_version_s_is_another():
    cache, made = TileCache(), []

    def make(text):
        made.append(text)
        return text

    assert cache.get(("v", 0, 0, 0), lambda: make(b"one")) == b"one"
    assert cache.get(("v", 0, 0, 0), lambda: make(b"two")) == b"one"
    assert cache.get(("w", 0, 0, 0), lambda: make(b"three")) == b"three"
    assert made == [b"one", b"three"]


def test_the_cache_never_takes_more_than_its_limit_and_lets_the_longest_unused_go():
    cache = TileCache(3 * 1200)
    for x in range(3):
        cache.get(("v", 2, x, 0), lambda: bytes(1000))
    cache.get(("v", 2, 0, 0), lambda: b"not asked")
    cache.get(("v", 2, 3, 0), lambda: bytes(1000))
    assert (len(cache), cache.nbytes) == (3, 3600)
    assert cache.get(("v", 2, 0, 0), lambda: b"gone") == bytes(1000)
    assert cache.get(("v", 2, 1, 0), lambda: b"gone") == b"gone"
    assert cache.nbytes <= 3600


def test_a_tile_larger_than_the_cache_is_handed_over_and_not_kept():
    cache = TileCache(1000)
    assert len(cache.get(("v", 0, 0, 0), lambda: bytes(5000))) == 5000
    assert (len(cache), cache.nbytes) == (0, 0)


def test_bending_is_bounded_and_neighbours_still_share_their_border(monkeypatch: pytest.MonkeyPatch) -> None:
    west = shapely.Polygon([(-170, -60), (170, 70), (-170, 70)])
    east = shapely.Polygon([(-170, -60), (170, -60), (170, 70)])
    regions = [Region("a", west), Region("b", east)]
    free = len(outlines_of(regions).xy)
    monkeypatch.setattr("boundaries.tiles.outlines._MOST_ADDED", free // 4)
    drawn = outlines_of(regions)
    assert len(drawn.xy) <= free // 4 + 6 < free
    sides = [set(map(tuple, drawn.xy[drawn.begin[k] : drawn.begin[k + 1]].tolist())) for k in range(2)]
    assert len(sides[0] & sides[1]) > free // 16
