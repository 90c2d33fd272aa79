"""Turns a true track into visits: which region, from when to when.

Between two rows of the truth the way is taken as straight. A visit of which no row is known, only the
inside of a gap of more than `GAP_S`, is *unseen*: it may be what an event means, but no rule is asked to
find it, and it counts as no true crossing.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bench.quality.cells import Cells, sight
from bench.quality.columns import Bools, Floats, Ints
from bench.quality.corpus import Corpus, starts

GAP_S = 30.0
STEP_M = 20.0


@dataclass(frozen=True, slots=True)
class Visits:
    """Visits of one session in order; `end_ms` of one is `begin_ms` of the next."""

    region: Ints
    begin_ms: Ints
    end_ms: Ints
    seen: Bools

    def __len__(self) -> int:
        return len(self.region)

    def between(self, first_ms: int, last_ms: int) -> "Visits":
        """What a device that reports from `first_ms` to `last_ms` could have known of them."""
        keep = (self.end_ms > first_ms) & (self.begin_ms <= last_ms)
        begin_ms, end_ms = self.begin_ms[keep], self.end_ms[keep]
        begin_ms, end_ms = np.maximum(begin_ms, first_ms), np.minimum(end_ms, last_ms)
        return Visits(self.region[keep], begin_ms, end_ms, self.seen[keep])


def of_sessions(corpus: Corpus, cells: Cells) -> list[Visits]:
    """The visits of each session's truth."""
    truth = corpus.truth
    sessions = int(corpus.session_of.max()) + 1
    bounds = starts(truth.session, sessions)
    spans = [slice(a, b) for a, b in pairwise(bounds)]
    return [visits(cells, time_ms=truth.time_ms[s], lon=truth.lon[s], lat=truth.lat[s]) for s in spans]


def visits(cells: Cells, *, time_ms: Ints, lon: Floats, lat: Floats) -> Visits:
    """The visits of one true track."""
    along, unseen = _steps(cells, time_ms, lon, lat)
    row = np.arange(len(time_ms))
    fine_lon, fine_lat = np.interp(along, row, lon), np.interp(along, row, lat)
    fine_ms = np.rint(np.interp(along, row, time_ms)).astype(np.int64)
    region = sight(cells, lon=fine_lon, lat=fine_lat).region
    first = np.flatnonzero(np.r_[True, region[1:] != region[:-1]])
    begin_ms = fine_ms[first]
    seen = np.add.reduceat(~unseen, first) > 0
    return Visits(region[first], begin_ms, np.r_[begin_ms[1:], fine_ms[-1]], seen)


def _steps(cells: Cells, time_ms: Ints, lon: Floats, lat: Floats) -> tuple[Floats, Bools]:
    """Fractional rows at most `STEP_M` apart, and which of them lie inside a gap."""
    dx, dy = np.diff(lon) * cells.lon_m, np.diff(lat) * cells.lat_m
    parts = np.maximum(1, np.ceil(np.sqrt(dx * dx + dy * dy) / STEP_M)).astype(np.int64)
    owner = np.repeat(np.arange(len(parts)), parts)
    part = np.arange(len(owner)) - np.repeat(np.cumsum(parts) - parts, parts)
    unseen = (part > 0) & (np.diff(time_ms)[owner] > GAP_S * 1000)
    return np.r_[owner + part / parts[owner], float(len(parts))], np.r_[unseen, False]
