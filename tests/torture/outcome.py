"""What a run came to: the table, the numbers below it, and a line of JSON in var/torture.

Invariant: a run is good only if nothing is wrong, all recovered, nobody ended unasked and enough owners were hit.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from tests.torture.oracle import Verdict
from tests.torture.scene import Fault

RESULTS = Path(__file__).parents[2] / "var" / "torture"
_EXAMPLES = 5


@dataclass(slots=True)
class Outcome:
    """A run on one engine."""

    name: str
    seed: int
    faults: list[Fault]
    verdict: Verdict
    pings: int
    publications: int
    refusals: int
    strange: list[str]
    wanted: int  # owners to hit
    seconds: float
    bug: str | None = None

    @property
    def hits(self) -> int:
        """Owners that were hit."""
        return sum(fault.owner for fault in self.faults)

    @property
    def stuck(self) -> int:
        """Faults that were not recovered from."""
        return sum(fault.recover_s is None for fault in self.faults)

    @property
    def good(self) -> bool:
        """Whether all is as it should be."""
        return not (self.verdict.wrong or self.stuck or self.strange) and self.hits >= self.wanted

    def rows(self) -> list[tuple[str, int, int, float, float]]:
        """By kind: faults, those that hit an owner, seconds to recover: median and 95th percentile."""
        rows = []
        for kind in dict.fromkeys(fault.kind for fault in self.faults):
            some = [fault for fault in self.faults if fault.kind == kind]
            times = sorted(fault.recover_s for fault in some if fault.recover_s is not None) or [float("nan")]
            high = times[min(len(times) - 1, int(0.95 * len(times)))]
            rows.append((kind, len(some), sum(one.owner for one in some), median(times), high))
        return rows

    def text(self) -> str:
        """The table."""
        lines = [f"\n{self.name}, seed {self.seed}" + (f", with the bug {self.bug}" if self.bug else "")]
        lines.append(f"  {'kind':28} {'faults':>6} {'hit an owner':>12} {'recover p50':>12} {'p95':>8}")
        for kind, many, owners, middle, high in self.rows():
            lines.append(f"  {kind:28} {many:6} {owners:12} {middle:10.2f} s {high:6.2f} s")
        its = self.verdict
        lines.append(f"  {'all':28} {len(self.faults):6} {self.hits:12}    (wanted: {self.wanted})")
        lines.append(f"  pings {self.pings:,}, events {its.events:,} (of resting devices {its.boundary:,}), records in "
                     f"the log {its.records:,}, publications {self.publications}, appends refused {self.refusals}, "
                     f"{self.seconds:.0f} s")  # fmt: skip
        lines.append(f"  records lost {its.records_lost}, events lost {its.lost}, doubled {its.doubled}, in another "
                     f"order {its.disordered}, wrong tracks {its.tracks}, wrong presence {its.presence}, dead letters "
                     f"{its.letters}, wrong publications {its.publications}, not recovered {self.stuck}")  # fmt: skip
        lines += [f"  strange: {one}" for one in self.strange]
        lines += [f"  {one[:400]}" for one in its.examples[:_EXAMPLES]]
        return "\n".join([*lines, "  good" if self.good else "  NOT GOOD"])

    def record(self) -> dict[str, Any]:
        """As a JSON object."""
        verdict = asdict(self.verdict) | {"examples": self.verdict.examples[:_EXAMPLES]}
        kinds = [dict(zip(("kind", "faults", "owners", "p50_s", "p95_s"), row, strict=True)) for row in self.rows()]
        return {
            "run": self.name, "seed": self.seed, "bug": self.bug, "good": self.good, "kinds": kinds,
            "verdict": verdict, "pings": self.pings, "publications": self.publications, "strange": self.strange,
            "seconds": round(self.seconds), "at": round(time.time()), "machine": platform.platform(),
            "cores": os.cpu_count(),
        }  # fmt: skip


def summary(outcomes: Sequence[Outcome]) -> str:
    """One line for several runs."""
    kafka, sqlite = ([one for one in outcomes if one.name.startswith(engine)] for engine in ("kafka", "sqlite"))
    hits = ", ".join(
        f"{sum(one.hits for one in some)} owners hit and {sum(one.pings for one in some):,} pings on {engine}"
        for engine, some in (("Kafka", kafka), ("SQLite", sqlite))
        if some
    )
    seconds, wrong = sum(one.seconds for one in outcomes), sum(one.verdict.wrong for one in outcomes)
    return f"{hits}; {wrong} wrong; {seconds / 60:.1f} minutes\n"


def keep(outcomes: Sequence[Outcome]) -> None:
    """Append a line for each run."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    with (RESULTS / "results.jsonl").open("a") as file:
        file.writelines(json.dumps(outcome.record()) + "\n" for outcome in outcomes)
