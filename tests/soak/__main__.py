"""`python -m tests.soak [--minutes 30] [--rate PINGS]`: the whole service at half load for long, then the judge.

`python -m tests.soak restarts [--rounds 20] [--rate PINGS]`: ended and started under load. See docs/torture.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import uvloop

from tests.soak.lasting import Found, lasted, measured
from tests.soak.restarts import Restarted, restarted

RESULTS = Path(__file__).parents[2] / "var" / "soak"


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("what", nargs="?", choices=["lasting", "restarts"], default="lasting")
    parser.add_argument("--minutes", type=float, default=30.0, help="how long it lasts (30)")
    parser.add_argument("--rounds", type=int, default=20, help="starts under load (20)")
    parser.add_argument("--rate", type=float, help="pings a second; half of what was measured, or 2,000 for restarts")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="geofence-soak-"))
    try:
        if given.what == "restarts":
            return told(uvloop.run(restarted(folder, given.rate or 2000.0, given.rounds, say)))
        rate = given.rate or capacity(folder / "capacity") / 2
        (folder / "long").mkdir()
        return told(uvloop.run(lasted(folder / "long", rate, given.minutes, say)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def capacity(folder: Path) -> float:
    """What this machine can do, said."""
    folder.mkdir()
    rate = uvloop.run(measured(folder))
    shutil.rmtree(folder, ignore_errors=True)
    say(f"it can do {rate:,.0f} pings/s here")
    return rate


def told(found: Found | Restarted) -> int:
    """Print what came of it and keep it; the exit status."""
    say(found.text())
    RESULTS.mkdir(parents=True, exist_ok=True)
    machine = {"at": round(time.time()), "machine": platform.platform(), "cores": os.cpu_count()}
    with (RESULTS / "results.jsonl").open("a") as file:
        file.write(json.dumps(machine | {"good": found.good} | asdict(found)) + "\n")
    return 0 if found.good else 1


def say(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
