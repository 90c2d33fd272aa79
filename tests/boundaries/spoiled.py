"""Random valid partitions, and known ways to spoil one of their regions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st

from boundaries.drawing import Drawing, Feature, Ring

STEP_DEG = 0.1
DECIMALS = 7


@dataclass(frozen=True)
class Spoiled:
    """A feature that was spoiled: with what must be found, and about where."""

    feature: Feature
    code: str
    at: tuple[float, float] | None = None


@st.composite
def partitions(draw: st.DrawFn) -> list[Feature]:
    """Cells of a crooked grid somewhere in the world; neighbours share every vertex."""
    seed, side = draw(st.integers(0, 2**32 - 1)), draw(st.integers(2, 4))
    west, south = draw(st.integers(-170, 160)), draw(st.integers(-75, 70))
    rng = np.random.default_rng(seed)
    return _cells(rng, side, west, south, points=int(rng.integers(1, 5)))


def _cells(rng: np.random.Generator, side: int, west: float, south: float, points: int) -> list[Feature]:
    def moved(lon: float, lat: float) -> list[float]:
        return np.round(
            np.array([west + STEP_DEG * lon, south + STEP_DEG * lat]) + rng.uniform(-0.01, 0.01, 2), DECIMALS
        ).tolist()

    share = np.arange(1, points + 1) / (points + 1)
    node = {(x, y): moved(x, y) for x in range(side + 1) for y in range(side + 1)}
    east = {(x, y): [moved(x + t, y) for t in share] for x in range(side) for y in range(side + 1)}
    north = {(x, y): [moved(x, y + t) for t in share] for x in range(side + 1) for y in range(side)}
    cells = []
    for x, y in np.ndindex(side, side):
        ring = [node[x, y], *east[x, y], node[x + 1, y], *north[x + 1, y], node[x + 1, y + 1]]
        ring += [*east[x, y + 1][::-1], node[x, y + 1], *north[x, y][::-1], node[x, y]]
        cells.append(_feature(len(cells), f"cell {x}-{y}", np.array(ring)))
    return cells


def _feature(row: int, id: str, ring: Ring) -> Feature:  # noqa: A002
    return Feature(row, id, id.title(), Drawing("Polygon", ((ring,),)))


def _with(feature: Feature, *polygons: Sequence[Ring]) -> Feature:
    kind = "Polygon" if len(polygons) == 1 else "MultiPolygon"
    return replace(feature, drawing=Drawing(kind, tuple(map(tuple, polygons))))


def _edge(feature: Feature, rng: np.random.Generator) -> tuple[Ring, int]:
    ring = feature.drawing.polygons[0][0]
    return ring, int(rng.integers(0, len(ring) - 1))


def opened(feature: Feature, rng: np.random.Generator) -> Spoiled:
    """The closing position is left out."""
    ring = feature.drawing.polygons[0][0]
    return Spoiled(_with(feature, [ring[:-1]]), "ring_open", tuple(ring[-2]))


def turned(feature: Feature, rng: np.random.Generator) -> Spoiled:
    """The ring is wound the other way."""
    return Spoiled(_with(feature, [feature.drawing.polygons[0][0][::-1]]), "winding_turned")


def doubled(feature: Feature, rng: np.random.Generator) -> Spoiled:
    """A position is there twice, 1 to 4 mm apart along the border."""
    ring, at = _edge(feature, rng)
    ahead = ring[at + 1] - ring[at]
    second = ring[at] + ahead * (rng.uniform(1e-8, 3e-8) / np.hypot(*ahead))
    return Spoiled(_with(feature, [np.insert(ring, at + 1, second, axis=0)]), "vertices_close", tuple(ring[at]))


def spiked(feature: Feature, rng: np.random.Generator) -> Spoiled:
    """From the middle of an edge the border runs out to a point and back."""
    ring, at = _edge(feature, rng)
    ahead = ring[at + 1] - ring[at]
    foot = ring[at] + ahead / 2
    other = foot + ahead * (1e-6 / np.hypot(*ahead))
    tip = foot + np.array([ahead[1], -ahead[0]]) / np.hypot(*ahead) * rng.uniform(0.001, 0.005)
    return Spoiled(_with(feature, [np.insert(ring, at + 1, [foot, tip, other], axis=0)]), "spike", tuple(tip))


def dusted(feature: Feature, rng: np.random.Generator) -> Spoiled:
    """A part of less than a square metre lies beside the partition."""
    ring = feature.drawing.polygons[0][0]
    corner = np.array([ring[:, 0].min() - 5, ring[:, 1].min()])
    speck = corner + np.array([[0, 0], [5e-6, 0], [5e-6, 5e-6], [0, 0]])
    return Spoiled(_with(feature, [ring], [speck]), "part_tiny", tuple(corner))


def crossed(feature: Feature, rng: np.random.Generator) -> Spoiled:
    """A figure of eight is added as a second part, outside of the partition."""
    ring = feature.drawing.polygons[0][0]
    corner = np.array([ring[:, 0].min() - 5, ring[:, 1].min()])
    eight = corner + 0.1 * np.array([[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]])
    return Spoiled(_with(feature, [ring], [eight]), "ring_crosses", tuple(corner + 0.05))


def beyond(feature: Feature, rng: np.random.Generator) -> Spoiled:
    """A latitude is off the world."""
    ring, at = _edge(feature, rng)
    ring = ring.copy()
    ring[at, 1] = 90 + rng.uniform(1, 1000)
    return Spoiled(_with(feature, [ring]), "position_out_of_range", tuple(ring[at]))


def infinite(feature: Feature, rng: np.random.Generator) -> Spoiled:
    """A coordinate is no number."""
    ring, at = _edge(feature, rng)
    ring = ring.copy()
    ring[at, rng.integers(0, 2)] = rng.choice([np.nan, np.inf, -np.inf])
    return Spoiled(_with(feature, [ring]), "position_not_finite")


def nameless(feature: Feature, rng: np.random.Generator) -> Spoiled:
    """The id is missing."""
    return Spoiled(replace(feature, id=None), "id_missing")


def garbled(feature: Feature, rng: np.random.Generator) -> Spoiled:
    """The name was read in the wrong encoding."""
    return Spoiled(replace(feature, name="Mönchengladbach Süd".encode().decode("cp1252")), "text_garbled")


def bare(feature: Feature, rng: np.random.Generator) -> Spoiled:
    """The geometry is missing."""
    return Spoiled(replace(feature, drawing=Drawing("")), "geometry_missing")


Spoiler = Callable[[Feature, np.random.Generator], Spoiled]
HARMLESS = (opened, turned, dusted)  # mending them gives the region back as it was
SPOILERS: tuple[Spoiler, ...] = (*HARMLESS, doubled, spiked, crossed, beyond, infinite, nameless, garbled, bare)
