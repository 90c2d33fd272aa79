"""The suites: which pings, over which regions. All is seeded: a suite is the same on every run."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from bench.quality import recordings, simulated
from bench.quality.cells import Cells, Sightings, sight, voronoi
from bench.quality.corpus import Corpus
from bench.quality.visits import Visits, of_sessions
from data.noise import Setting

SEEDS = (101, 102, 103)
WIDTHS_M = (3000.0, 1000.0)


@dataclass(frozen=True, slots=True)
class Scene:
    """A corpus laid over regions, with all that every rule needs of it."""

    corpus: Corpus
    cells: Cells
    sightings: Sightings
    visits: list[Visits]

    @classmethod
    def of(cls, corpus: Corpus, cells: Cells) -> "Scene":
        """Works out sightings and true visits once, for all rules."""
        sightings = sight(cells, lon=corpus.pings.lon, lat=corpus.pings.lat)
        return cls(corpus, cells, sightings, of_sessions(corpus, cells))


@dataclass(frozen=True, slots=True)
class Suite:
    """A named row of scenes over regions of one width; their tallies add up, session by session."""

    group: str  # recordings, simulated or still
    name: str
    width_m: float
    scenes: Callable[[], Iterator[Scene]]


def suites(tracks: Path | None, *, seeds: tuple[int, ...] = SEEDS) -> list[Suite]:
    """All suites; without `tracks` those of the simulator."""
    rows = _recorded(tracks, seeds) if tracks is not None else []
    for kind in simulated.TRIPS:
        make = partial(simulated.trips, kind, seed=seeds[0])
        rows += [
            Suite("simulated", kind.name, width_m, partial(_over, make, width_m, seeds[:1])) for width_m in WIDTHS_M
        ]
    for setting in (None, *Setting):
        name = "still, a day at home" if setting is None else f"still, {setting.name.lower()}"
        rows.append(Suite("still", name, 3000.0, partial(_still, setting, seeds[0])))
    return rows


def _recorded(tracks: Path, seeds: tuple[int, ...]) -> list[Suite]:
    plain = recordings.read(tracks)
    corpora = [
        plain,
        recordings.thinned(plain, every_s=30),
        recordings.thinned(plain, every_s=120),
        recordings.without_good(plain, share=0.5, seed=seeds[0]),
        recordings.cell_grade(plain, share=0.5, seed=seeds[0]),
        recordings.once_a_second(plain),
    ]
    return [
        Suite("recordings", corpus.name, width_m, partial(_over, partial(_same, corpus), width_m, seeds))
        for corpus in corpora
        for width_m in WIDTHS_M
    ]


def _same(corpus: Corpus) -> Corpus:
    return corpus


def _over(make: Callable[[], Corpus], width_m: float, seeds: tuple[int, ...]) -> Iterator[Scene]:
    corpus = make()
    for seed in seeds:
        yield Scene.of(corpus, voronoi(lon=corpus.truth.lon, lat=corpus.truth.lat, width_m=width_m, seed=seed))


def _still(setting: Setting | None, seed: int) -> Iterator[Scene]:
    lon, lat = (np.array([degrees - 0.2, degrees + 0.2]) for degrees in simulated.CENTRE)
    cells = voronoi(lon=lon, lat=lat, width_m=3000.0, seed=seed)
    often = setting in (Setting.OPEN, Setting.URBAN, Setting.CANYON)
    hours, devices = (24.0, 60) if often else (72.0, 200)
    corpus = simulated.still(
        cells, setting=setting, interval_s=30.0 if often else 120.0, devices=devices, hours=hours, seed=seed
    )
    yield Scene.of(corpus, cells)
