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
        Result(suite, name, tally, figures(tally), intervals(tally, draws=draws)) for name, tally in tallies.items()
    ]


def block(suite: Suite, results: Iterable[Result]) -> str:
    """The rows of one suite, the published ones of the same suite below."""
    results = list(results)
    total = {name: int(results[0].tally.counts[name].sum()) for name in ("crossings", "asked")}
    hours = results[0].tally.counts["span_ms"].sum() / 3_600_000
    size = f"{total['crossings']} true crossings, {total['asked']} visits asked for, {hours:.0f} device-hours"
    lines = [f"{suite.name}, regions about {suite.width_m / 1000:g} km ({size})", HEADING]
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


# figure, heading, digits, width, with its interval
COLUMNS = (
    ("flaps", "flaps/true", 4, 22, True),
    ("flaps_per_h", "flaps/h", 4, 9, False),
    ("miss", "misses", 3, 18, True),
    ("clear_miss", "clear", 3, 7, False),
    ("delay_s", "delay s, median", 0, 17, True),
    ("delay_p90_s", "p90", 0, 6, False),
    ("wrong", "wrong", 3, 7, False),
)
HEADING = " " * NAME_WIDTH + "".join(f"{heading:>{width}}" for _, heading, _, width, _ in COLUMNS)


def _line(name: str, row: Row, ranges: Mapping[str, tuple[float, float]]) -> str:
    line = f"  {name:{NAME_WIDTH - 2}}"
    for figure, _, digits, width, ranged in COLUMNS:
        shown = _number(row.get(figure, float("nan")), digits)
        if ranged and figure in ranges and shown != "-":
            shown += " ({}–{})".format(*(_number(end, digits) for end in ranges[figure]))
        line += f"{shown:>{width}}"
    return line


def _number(value: float, digits: int) -> str:
    if value != value:
        return "-"
    text = f"{value:.{digits}f}"
    return "0" if float(text) == 0 else text.removeprefix("0")
