"""`python -m bench.soak [--minutes 10] [--engine kafka]`: half of what the chain holds, for minutes on end.

Its budget is that memory stays flat: what is resident at the end is at most 5 % above what it was after a fifth of the
time. Prints a line every ten seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys

import numpy as np

from bench.worker import _chain, _log

FLAT = 1.05


def main() -> int:
    """Run it; the status is 1 if memory grew."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--engine", choices=("kafka", "embedded"), default="kafka")
    given = parser.parse_args()
    os.environ |= {"GEOFENCE_KAFKA_REPLICATION": "1", "GEOFENCE_KAFKA_MIN_IN_SYNC": "1"}
    with _log(given.engine) as url:
        rate = _chain(url, "capacity", 5)[0]["rate"] / 2
        print(f"{rate:,.0f} pings/s for {given.minutes:g} minutes", flush=True)
        command = (sys.executable, "-m", "bench.chain", url, "soak", str(rate), str(given.minutes))
        lines = []
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout or ():
                print(line, end="", flush=True)
                lines.append(json.loads(line))
    resident = np.array([line["resident_mb"] for line in lines])
    early, late = np.median(resident[len(resident) // 5 :][:6]), np.median(resident[-6:])
    worst = max(line["worst_ms"] for line in lines)
    print(f"resident: {early:.0f} MB, in the end {late:.0f} MB; the slowest event {worst:.0f} ms")
    return int(process.returncode != 0 or late > FLAT * early)


if __name__ == "__main__":
    raise SystemExit(main())
