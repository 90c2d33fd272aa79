"""`make run`, for now: a sample day of pings over sample regions, and the crossings that can be trusted.

Stands on the same parts as `geofence replay`. Invariant: needs no network and nothing but the files in `data/`.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
SHOWN = 40

NEXT = """
What to try next:
  . .venv/bin/activate                                    puts geofence on the PATH
  geofence replay --regions data/us-counties.geojson.gz --stats data/sample-day.csv.gz | head -3
  geofence locate --regions data/countries.geojson.gz --regions data/provinces.geojson.gz tests/places.csv | head
  geofence compare --regions data/us-counties.geojson.gz data/sample-day.csv.gz --help
  make test        all tests            make bench       how fast it is
README.md says what it guarantees, docs/detection.md how a crossing is decided.
"""


def main() -> None:
    """Replay the sample day, print the crossings, and say what to try next."""
    started = time.perf_counter()
    from geofence.fence import Fence
    from service.layers import versions_of
    from service.player import Player
    from service.readers import PingFile
    from service.source import Source

    versions = versions_of([str(DATA / "us-counties.geojson.gz"), str(DATA / "fences.geojson.gz")])
    fence = Fence(versions, keeps_time=True)
    layers = " · ".join(f"{version.layer} {len(version.regions):,}" for version in versions)
    print(f"✓ {layers}, ready in {time.perf_counter() - started:.1f} s\n")
    with Source(str(DATA / "sample-day.csv.gz")) as source:
        player = Player(fence)
        shown: list[str] = []
        causes: Counter[str] = Counter()
        for part in PingFile(source).batches():
            for crossing in player.play(part).crossings:
                causes[crossing.cause] += 1
                if crossing.cause == "moved" and len(shown) < SHOWN:
                    shown.append(_line(crossing))
                    print(shown[-1])
    _summary(player, causes, time.perf_counter() - started)
    print(NEXT)


def _line(crossing) -> str:  # type: ignore[no-untyped-def]
    """A crossing as people read it."""
    at = time.strftime("%H:%M:%S", time.gmtime(crossing.confirmed_ms / 1000))
    origin, target = (place and (place.name or place.id) for place in (crossing.origin, crossing.target))
    what = {
        "changed": f"{origin or 'outside'} → {target or 'outside'}",
        "entered": f"entered {target}",
        "exited": f"left {origin}",
        "dwelled": f"stays at {target}",
    }[crossing.change]
    grounds = crossing.evidence
    why = f"{grounds.pings} {'ping' if grounds.pings == 1 else 'pings'}, {grounds.seconds:.0f} s" if grounds else ""
    return f"  {at}  {crossing.device:<12} {what:<52} {why}".rstrip()


def _summary(player, causes: Counter[str], seconds: float) -> None:  # type: ignore[no-untyped-def]
    print(
        f"  ... and {player.events:,} events in all: "
        + ", ".join(f"{many:,} {cause}" for cause, many in causes.items())
    )
    for layer, counts in player.counts.items():
        told = " + ".join(f"{name} {many:,}" for name, many in sorted(counts.items(), key=lambda pair: -pair[1]))
        print(f"  {layer}: {sum(counts.values()):,} pings = {told}")
    print(f"  replayed in {seconds:.1f} s")


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    main()
