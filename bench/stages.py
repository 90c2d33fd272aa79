"""What each stage of the worker costs, in microseconds a ping: a table and the picture in docs/pictures.

From the worker's own clocks around its steps, set to the processor's time; what is left of that is the log's: fetching,
laying out, compressing and sending. `python -m bench.stages` draws it again from bench/results/stages.json.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.client import Spent
from bench.figures import RESULTS

STEPS = {
    "read": "read: bytes to columns",
    "decide": "decide: locate, weigh, decide",
    "tell": "tell: events",
    "remember": "remember: rows, presence",
    "log": "the log: fetch, send, commit",
}
PICTURE = Path(__file__).parent.parent / "docs" / "pictures" / "stages.svg"
_COLOURS = ("#4477aa", "#66ccee", "#228833", "#ccbb44", "#aa3377")
_ENGINES = {"worker": "on Kafka", "embedded": "embedded"}
Table = Mapping[str, Mapping[str, float]]


def write_stages(found: Mapping[str, Sequence[Spent]], bare_us: float) -> None:
    """Keep the median round's figures of each engine, and draw them."""
    table = {name: _of(sorted(some, key=lambda one: one.rate)[len(some) // 2]) for name, some in found.items()}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "stages.json").write_text(json.dumps({"bare_us": bare_us, "stages": table}, indent=1))
    PICTURE.write_text(drawn(table, bare_us))
    for name, stages in table.items():
        print(f"{_ENGINES[name]}: " + ", ".join(f"{stage} {value:.2f}" for stage, value in stages.items()) + " µs")


def _of(spent: Spent) -> dict[str, float]:
    each = 1e6 / spent.pings
    stages = {name: spent.steps_s[name] * each for name in STEPS if name in spent.steps_s}
    return stages | {"log": spent.cpu_s * each - sum(stages.values())}


def drawn(table: Table, bare_us: float) -> str:
    """The picture: a bar for each engine, a line where the bare loop ends."""
    scale, left, high = 60.0, 90.0, 34.0
    parts = []
    for row, (engine, stages) in enumerate(table.items()):
        x, y = left, 20 + row * 50
        parts.append(f'<text x="{left - 8}" y="{y + 22}" text-anchor="end">{_ENGINES[engine]}</text>')
        for colour, name in zip(_COLOURS, STEPS, strict=True):
            wide = scale * max(0.0, stages.get(name, 0.0))
            parts.append(f'<rect x="{x:.1f}" y="{y}" width="{wide:.1f}" height="{high}" fill="{colour}"/>')
            if wide > 24:
                at = f'x="{x + wide / 2:.1f}" y="{y + 22}" text-anchor="middle" fill="white"'
                parts.append(f"<text {at}>{stages[name]:.1f}</text>")
            x += wide
    end, low = left + scale * bare_us, 20 + 50 * len(table)
    parts.append(f'<path d="M{end:.1f} 8V{low}" stroke="#333" stroke-dasharray="4 3"/>')
    parts.append(f'<text x="{end + 5:.1f}" y="14">bare loop on Kafka, {bare_us:.1f}</text>')
    for place, (colour, words) in enumerate(zip(_COLOURS, STEPS.values(), strict=True)):
        x, y = left + 215 * (place % 3), low + 18 + 20 * (place // 3)
        parts.append(f'<rect x="{x}" y="{y - 10}" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{x + 18}" y="{y}">{words}</text>')
    size = f'width="740" height="{low + 50}" viewBox="0 0 740 {low + 50}"'
    style = "font-family='sans-serif' font-size='13'"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>'
    title = "<title>Microseconds of the processor's time for each ping</title>"
    return "\n".join([head, title, '<rect width="100%" height="100%" fill="white"/>', *parts, "</svg>", ""])


if __name__ == "__main__":
    kept = json.loads((RESULTS / "stages.json").read_text())
    PICTURE.write_text(drawn(kept["stages"], kept["bare_us"]))
