"""The whole core on realistic traffic: locate, decide, crossings, and the events' bytes; per CPU-second, one thread.

The budget is 2 million pings a CPU-second. Beside it stands a loop of rtree and prepared polygons, without any rule:
it says how fast the machine was just then: 57,000 to 60,000 when quiet, 35,000 when busy.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from bench.figures import Figure, interleaved
from bench.peers import PingByPing
from data.layers import HERE
from data.people import sample_day
from geofence.atlas import Atlas
from geofence.fence import Fence
from geofence.ping import Pings
from geofence.region import Version
from geofence.text import Texts
from geofence.wire_events import encode_event, event_of
from service.layers import versions_of

DEVICES, SEED, ROUNDS, BATCH = 4_000, 11, 5, 8_192
BUDGET = 2_000_000.0
FEW = 20_000


def traffic(devices: int = DEVICES) -> Pings:
    """A day of people in US towns, in the order of arrival."""
    _, made = sample_day(seed=SEED, devices=devices)
    order = np.argsort(made.received_ms, kind="stable")
    names = np.array([f"{number:08x}-phone" for number in range(devices)], "S14")[made.device[order]]
    offsets = np.arange(len(names) + 1, dtype=np.int64) * names.itemsize
    return Pings.columns(
        device=Texts(np.frombuffer(names.tobytes(), np.uint8), offsets),
        lon=made.lon[order],
        lat=made.lat[order],
        time_ms=made.time_ms[order],
        accuracy_m=made.accuracy_m[order],
        source=made.source[order].astype(np.uint8),
        received_ms=made.received_ms[order],
    )


def run(pings: Pings, version: Version, atlas: Atlas) -> tuple[float, int]:
    """Pings a CPU-second through the core in batches of a worker's size, and how many events came out."""
    fence, events = Fence([version], atlases={version.hash: atlas}), 0
    started = time.process_time()
    for start in range(0, len(pings), BATCH):
        report = fence.observe(pings.slice(start, min(len(pings), start + BATCH)))
        for crossing in report.crossings:
            encode_event(event_of(crossing, source="bench"))
        events += len(report.crossings)
    return len(pings) / (time.process_time() - started), events


def figures() -> Iterator[Figure]:
    """Counties and countries, beside a loop that only looks up, a ping at a time."""
    pings = traffic()
    for name in ("us-counties", "countries"):
        yield from _figures(name, pings)


def _figures(name: str, pings: Pings) -> Iterator[Figure]:
    version = versions_of([str(HERE / f"{name}.geojson.gz")])[0]
    atlas, peer = Atlas(version), PingByPing(version.regions)
    _, events = run(pings, version, atlas)
    ours, loop = interleaved(
        [
            (lambda: run(pings, version, atlas), len(pings)),
            (lambda: peer.locate(pings.lon[:FEW], pings.lat[:FEW]), FEW),
        ],
        ROUNDS,
    )
    case = f"{name}, {len(pings):,} pings of {DEVICES:,} people, {events:,} events"
    yield Figure("core", case, ours, "pings/s", budget=BUDGET)
    yield Figure("core", case, ours, "pings/s", "a ping at a time, no rule", loop)
