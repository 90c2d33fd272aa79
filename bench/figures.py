"""Figures: what a benchmark found, beside a baseline measured in the same run, and whether the budget is met.

Every module of `bench` yields them from `figures()`. Invariant: a ratio is of two
numbers from this run on this machine.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. `budget` is the least ratio to the baseline, or the least of ours (`most`: the most)."""

    bench: str
    case: str
    ours: float
    unit: str
    baseline_name: str = ""
    baseline: float | None = None
    budget: float | None = None
    most: bool = False

    @property
    def ratio(self) -> float | None:
        """Ours over the baseline, if there is one."""
        return None if not self.baseline else self.ours / self.baseline

    @property
    def met(self) -> bool | None:
        """Whether the budget is met: of the ratio, or of our figure where there is no baseline."""
        if self.budget is None:
            return None
        value = self.ours if self.ratio is None else self.ratio
        return value <= self.budget if self.most else value >= self.budget

    def record(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self) | {"ratio": self.ratio, "met": self.met}


def rate(work: Callable[[], object], many: int) -> float:
    """How many a CPU-second of this process."""
    started = time.process_time()
    work()
    return many / max(1e-9, time.process_time() - started)


def interleaved(works: Sequence[tuple[Callable[[], object], int]], rounds: int) -> list[float]:
    """The median rate of each work, taken in turns so that a noisy machine hits them all."""
    rates = np.array([[rate(work, many) for work, many in works] for _ in range(rounds)])
    return [float(value) for value in np.median(rates, axis=0)]


def machine() -> dict[str, Any]:
    """What this ran on."""
    return {"machine": platform.platform(), "cpu": _cpu(), "cores": os.cpu_count(), "python": platform.python_version()}


def report(found: Sequence[Figure], name: str) -> None:
    """Print a table, and write a JSON line for each figure behind one for the machine."""
    RESULTS.mkdir(exist_ok=True)
    lines = [machine(), *(figure.record() for figure in found)]
    path = RESULTS / f"{name}.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    table = Table(
        "bench", "case", "ours", "baseline", "ratio", "budget", "met", title=f"{_cpu()}, {os.cpu_count()} cores"
    )
    for figure in found:
        sign = "≤" if figure.most else "≥"
        table.add_row(
            figure.bench,
            figure.case,
            f"{_short(figure.ours)} {figure.unit}",
            "" if figure.baseline is None else f"{figure.baseline_name}: {_short(figure.baseline)}",
            "" if figure.ratio is None else f"{figure.ratio:,.2f}",
            "" if figure.budget is None else f"{sign} {_short(figure.budget)}",
            {True: "yes", False: "NO", None: ""}[figure.met],
        )
    Console(width=170).print(table)
    print(f"written to {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")


def _short(value: float) -> str:
    if abs(value) >= 1e6:
        return f"{value / 1e6:,.2f} M"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
