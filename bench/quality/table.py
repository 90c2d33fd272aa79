"""Runs rules over suites, and sets out what they come to: as text, and as records for other programs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bench.quality.peers import Judge
from bench.quality.published import HELD_BACK, RECORDINGS, Row
from bench.quality.score import COUNTS, Tally, figures, intervals, score
from bench.quality.suites import Suite

NAME_WIDTH = 26


@dataclass(frozen=True, slots=True)
class Result:
    """One rule on one suite."""

    suite: Suite
    rule: str
    tally: Tally
    figures: dict[str, float]
    intervals: dict[str, tuple[float, float]]

    def record(self) -> dict[str, object]:
        """The result as plain values; a figure that nothing was there for is None."""
        return {
            "group": self.suite.group,
            "suite": self.suite.name,
            "width_m": self.suite.width_m,
            "rule": self.rule,
            "figures": {name: _plain(value) for name, value in self.figures.items()},
            "intervals": {name: [_plain(end) for end in ends] for name, ends in self.intervals.items()},
            "counts": {name: float(self.tally.counts[name].sum()) for name in COUNTS},
        }


def _plain(value: float) -> float | None:
    return None if value != value else round(value, 6)


def judged(suite: Suite, judges: Mapping[str, Judge], *, draws: int) -> list[Result]:
    """Every rule on every scene of the suite."""
    tallies: dict[str, Tally] = {}
    for scene in suite.scenes():
        for name, judge in judges.items():
            events = judge(scene.corpus.pings, scene.sightings, scene.cells)
            tally = score(scene.corpus, scene.cells, scene.sightings, events, true_visits=scene.visits)
            if name in tallies:
                tallies[name].merge(tally)
            else:
                tallies[name] = tally
    return [
        Result(suite, name, tally, figures(tally), intervals(tally, draws=draws))
        for name, tally in tallies.items()
    ]


def block(suite: Suite, results: Iterable[Result]) -> str:
    """The rows of one suite, the published ones of the same suite below."""
    results = list(results)
    total = {name: int(results[0].tally.counts[name].sum()) for name in ("crossings", "asked")}
    hours = results[0].tally.counts["span_ms"].sum() / 3_600_000
    lines = [
        f"{suite.name}, regions about {suite.width_m / 1000:g} km "
        f"({total['crossings']} true crossings, {total['asked']} visits of 120 s and more, {hours:.0f} device-hours)",
        HEADING,
    ]
    lines += [_line(result.rule, result.figures, result.intervals) for result in results]
    known = RECORDINGS.get((suite.name, suite.width_m), {})
    lines += [_line(name, row, {}) for name, row in known.items()]
    return "\n".join(lines)


def held_back() -> str:
    """The published table on other recordings, for comparison, with the goals."""
    lines = []
    for title, rows in HELD_BACK.items():
        lines += [f"published: {title}", HEADING, *(_line(name, row, {}) for name, row in rows.items()), ""]
    return "\n".join(lines).rstrip()


HEADING = (
    f"  {'':{NAME_WIDTH}}{'flaps/true':>22}{'flaps/h':>9}{'misses':>20}{'clear':>7}"
    f"{'delay s, median':>20}{'p90':>7}{'wrong':>7}"
)


def _line(name: str, row: Row, ranges: Mapping[str, tuple[float, float]]) -> str:
    return (
        f"  {name:{NAME_WIDTH}}{_cell(row, ranges, 'flaps', 4):>22}{_cell(row, {}, 'flaps_per_h', 4):>9}"
        f"{_cell(row, ranges, 'miss', 3):>20}{_cell(row, {}, 'clear_miss', 3):>7}"
        f"{_cell(row, ranges, 'delay_s', 0):>20}{_cell(row, {}, 'delay_p90_s', 0):>7}{_cell(row, {}, 'wrong', 3):>7}"
    )


def _cell(row: Row, ranges: Mapping[str, tuple[float, float]], name: str, digits: int) -> str:
    value = row.get(name, float("nan"))
    if value != value:
        return "-"
    shown = _number(value, digits)
    if name in ranges:
        low, high = (_number(end, digits) for end in ranges[name])
        shown += f" ({low}-{high})"
    return shown


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".removeprefix("0") if 0 < value < 1 and digits else f"{value:.{digits}f}"
