"""Vector tiles: how long one takes by zoom, at once after a version is taken up and once its levels are there.

The budget is 10 ms at the median, whatever the zoom. Tiles are chosen where borders are. Cold: a new tiler for each
zoom, the first tile of it, with what the zoom needs made for it; warm: any other tile, none of them from a cache.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator

import numpy as np

from bench.figures import Figure
from boundaries.tiles.outlines import outlines_of
from boundaries.tiles.tiler import Tiler
from data.layers import HERE
from geofence.region import Region
from service.layers import versions_of

LAYERS, ZOOMS, TILES = ("us-counties", "countries", "provinces"), (0, 2, 4, 6, 8, 10, 12, 14, 16), 200
Place = tuple[int, int, int]


def figures() -> Iterator[Figure]:
    """Building, the first tile of a zoom, others."""
    Tiler(versions_of([str(HERE / "fences.geojson.gz")])[0].regions).tile(0, 0, 0)  # compiled by now
    for name in LAYERS:
        regions = versions_of([str(HERE / f"{name}.geojson.gz")])[0].regions
        begun = time.perf_counter()
        tiler = Tiler(regions)
        yield Figure("tiles", f"{name}: taken up", 1e3 * (time.perf_counter() - begun), "ms")
        xy = outlines_of(regions).xy
        for zoom in ZOOMS:
            yield from _zoom(name, regions, tiler, _places(xy, zoom))


def _zoom(name: str, regions: tuple[Region, ...], tiler: Tiler, places: list[Place]) -> Iterator[Figure]:
    zoom = places[0][0]
    case = f"{name}, zoom {zoom}"
    yield Figure("tiles", f"{case}: first tile, its level made", _spent_ms(Tiler(regions), places[0]), "ms")
    tiler.tile(*places[0])
    spent = [_spent_ms(tiler, place) for place in places]
    size = np.median([len(gzip.compress(tiler.tile(*place), 6)) for place in places[:20]]) / 1e3
    yield Figure("tiles", f"{case}: median, {size:.1f} kB gzip", float(np.median(spent)), "ms", budget=10.0, most=True)
    yield Figure("tiles", f"{case}: p99", float(np.quantile(spent, 0.99)), "ms")


def _spent_ms(tiler: Tiler, place: Place) -> float:
    begun = time.perf_counter()
    tiler.tile(*place)
    return 1e3 * (time.perf_counter() - begun)


def _places(xy: np.ndarray, zoom: int) -> list[Place]:
    """Tiles with borders in them, those with many more often."""
    picked = xy[np.random.default_rng(zoom).integers(0, len(xy), TILES)]
    tiles = np.clip((picked * 2**zoom).astype(np.int64), 0, 2**zoom - 1)
    return [(zoom, int(x), int(y)) for x, y in tiles]
