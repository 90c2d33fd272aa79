"""Scores a rule's events against the truth.

Counts are kept per session (`Tally`), so that figures of several regions, phones and trips add up and the
bootstrap can draw whole sessions. What is asked of a device is what happened between its first ping and its
last. The region of the truth at its first ping is where it starts, not a crossing: an event for it
(`first_fix`) is neither a find nor a flap; one for any other region must stand for a visit like every
event.

A visit of any length may be what an event means. A *true crossing*, over which flaps are reckoned and
delays taken, begins a visit of `COUNTED_MS` or more to another region than the last such visit: corners
clipped for seconds and a truth that trembles on a border would only make the flap rate look small. True
crossings into visits of 120 s and more are *asked* for: without an event each is a miss. Misses and clear
misses are shares of the same visits.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from bench.quality.align import LONG_MS, align
from bench.quality.cells import Cells, Sightings
from bench.quality.columns import Bools, Floats, Ints
from bench.quality.corpus import Corpus, starts
from bench.quality.events import Events
from bench.quality.visits import Visits, of_sessions

COUNTED_MS = 60_000
CLEAR_ACCURACY_M = 100.0
CLEAR_PINGS = 3

COUNTS = (
    "events",
    "flaps",
    "crossings",
    "asked",
    "misses",
    "clear",
    "clear_misses",
    "wrong_ms",
    "known_ms",
    "span_ms",
)


@dataclass(slots=True)
class Tally:
    """Counts and delays per session, and for every event whether it was right and how sure the rule was."""

    sessions: int
    counts: dict[str, Floats] = field(default_factory=dict)
    delays_s: list[list[float]] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)
    confidence: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.counts = self.counts or {name: np.zeros(self.sessions) for name in COUNTS}
        self.delays_s = self.delays_s or [[] for _ in range(self.sessions)]

    def add(self, session: int, **counts: float) -> None:
        """Adds to the counts of a session."""
        for name, value in counts.items():
            self.counts[name][session] += value

    def merge(self, other: "Tally") -> None:
        """Adds another tally of the same sessions (other regions, other phones)."""
        for name in COUNTS:
            self.counts[name] += other.counts[name]
        for mine, more in zip(self.delays_s, other.delays_s, strict=True):
            mine.extend(more)
        self.right.extend(other.right)
        self.confidence.extend(other.confidence)


def score(
    corpus: Corpus,
    cells: Cells,
    sightings: Sightings,
    events: Events,
    *,
    true_visits: list[Visits] | None = None,
) -> Tally:
    """The tally of one rule's events on one set of regions; `true_visits` saves working them out again."""
    tally = Tally(int(corpus.session_of.max()) + 1)
    true_visits = true_visits or of_sessions(corpus, cells)
    pings = corpus.pings
    ping_at, event_at = starts(pings.device, corpus.devices), starts(events["device"], corpus.devices)
    for device in range(corpus.devices):
        mine = slice(ping_at[device], ping_at[device + 1])
        if mine.start == mine.stop:
            continue
        time_ms = pings.time_ms[mine]
        first_ms, last_ms = int(time_ms.min()), int(time_ms.max())
        session = int(corpus.session_of[device])
        visits = true_visits[session].between(first_ms, last_ms)
        if len(visits) == 0:
            continue
        good = pings.accuracy_m[mine] <= CLEAR_ACCURACY_M
        clear = _clear(visits, sightings.region[mine][good], time_ms[good])
        _judge(tally, session, visits, clear, events[event_at[device] : event_at[device + 1]], last_ms)
    return tally


def _clear(visits: Visits, region: Ints, time_ms: Ints) -> Bools:
    """Which visits have enough good pings inside, in time and place."""
    at = np.searchsorted(visits.begin_ms, time_ms, side="right") - 1
    inside = (at >= 0) & (visits.region[np.maximum(at, 0)] == region) & (time_ms <= visits.end_ms[at])
    enough: Bools = np.bincount(at[inside], minlength=len(visits)) >= CLEAR_PINGS
    return enough


def _judge(tally: Tally, session: int, visits: Visits, clear: Bools, events: Events, last_ms: int) -> None:
    events = events[np.argsort(events["confirmed_ms"], kind="stable")]
    stands_for = align(region=events["to_region"], confirmed_ms=events["confirmed_ms"], visits=visits)
    crossing = _crossings(visits)
    asked = crossing & (visits.end_ms - visits.begin_ms >= LONG_MS)
    found = np.zeros(len(visits), np.bool_)
    found[stands_for[stands_for >= 0]] = True
    wrong_ms, known_ms = _wrong_time(visits, events, last_ms)
    tally.add(
        session,
        events=len(events),
        flaps=float((stands_for < 0).sum()),
        crossings=float(crossing.sum()),
        asked=float(asked.sum()),
        misses=float((asked & ~found).sum()),
        clear=float((asked & clear).sum()),
        clear_misses=float((asked & clear & ~found).sum()),
        wrong_ms=wrong_ms,
        known_ms=known_ms,
        span_ms=float(last_ms - visits.begin_ms[0]),
    )
    timed = stands_for > 0
    late_ms = events["confirmed_ms"][timed] - visits.begin_ms[stands_for[timed]]
    tally.delays_s[session].extend((late_ms[crossing[stands_for[timed]]] / 1000).tolist())
    tally.right.extend((stands_for >= 0).tolist())
    tally.confidence.extend(events["confidence"].tolist())


def _crossings(visits: Visits) -> Bools:
    """Which visits begin with a true crossing: they last, and are not to the region of the last that did."""
    lasts = visits.end_ms - visits.begin_ms >= COUNTED_MS
    lasts[0] = True
    crossing = np.zeros(len(visits), np.bool_)
    at = np.flatnonzero(lasts)
    crossing[at[1:]] = visits.region[at[1:]] != visits.region[at[:-1]]
    return crossing & visits.seen


def _wrong_time(visits: Visits, events: Events, last_ms: int) -> tuple[float, float]:
    """Milliseconds in which the region stated was not the true one, of those in which one was stated."""
    if len(events) == 0:
        return 0.0, 0.0
    begin_ms, end_ms = max(int(events["confirmed_ms"][0]), int(visits.begin_ms[0])), int(visits.end_ms[-1])
    cuts = np.unique(np.clip(np.r_[visits.begin_ms, events["confirmed_ms"], end_ms, last_ms], begin_ms, end_ms))
    if len(cuts) < 2:
        return 0.0, 0.0
    true_at = np.searchsorted(visits.begin_ms, cuts[:-1], side="right") - 1
    stated_at = np.searchsorted(events["confirmed_ms"], cuts[:-1], side="right") - 1
    spans = np.diff(cuts)
    wrong = visits.region[true_at] != events["to_region"][stated_at]
    return float(spans[wrong].sum()), float(spans.sum())


FIGURES = ("flaps", "flaps_per_h", "miss", "clear_miss", "delay_s", "delay_p90_s", "wrong")


def figures(tally: Tally, drawn: Ints | None = None) -> dict[str, float]:
    """What the counts come to, for all sessions or for those drawn (with repeats)."""
    rows = np.arange(tally.sessions) if drawn is None else drawn
    total = {name: float(column[rows].sum()) for name, column in tally.counts.items()}
    delays_s = np.array([delay for row in rows for delay in tally.delays_s[row]])
    median, p90 = np.quantile(delays_s, (0.5, 0.9)) if len(delays_s) else (np.nan, np.nan)
    return {
        "flaps": _ratio(total["flaps"], total["crossings"]),
        "flaps_per_h": _ratio(total["flaps"], total["span_ms"] / 3_600_000),
        "miss": _ratio(total["misses"], total["asked"]),
        "clear_miss": _ratio(total["clear_misses"], total["asked"]),
        "delay_s": float(median),
        "delay_p90_s": float(p90),
        "wrong": _ratio(total["wrong_ms"], total["known_ms"]),
    }


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")


def intervals(tally: Tally, *, draws: int = 400, seed: int = 7, level: float = 0.9) -> dict[str, tuple[float, float]]:
    """For each figure the bootstrap interval over sessions, `level` of the draws inside."""
    rng = np.random.default_rng(seed)
    drawn: Iterable[Ints] = (rng.integers(0, tally.sessions, tally.sessions) for _ in range(draws))
    rows = [figures(tally, draw) for draw in drawn]
    tails = ((1 - level) / 2, (1 + level) / 2)
    result = {}
    for name in FIGURES:
        column = np.array([row[name] for row in rows])
        column = column[~np.isnan(column)]
        low, high = np.quantile(column, tails) if len(column) else (np.nan, np.nan)
        result[name] = (float(low), float(high))
    return result
