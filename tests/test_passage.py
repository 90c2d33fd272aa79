"""Pings in columns go the way that each would go alone, with all that the rule could ask about it measured first."""

from __future__ import annotations

from collections import Counter

import numpy as np

from data.layers import HERE
from data.people import sample_day
from geofence.atlas import Atlas
from geofence.fence import Fence
from geofence.hysteresis import (
    CROSSING,
    EVIDENCE,
    MOTION,
    OUTCOMES,
    TRAIL,
    TRAIL_LENGTH,
    UNKNOWN,
    cap_m,
    new_evidence,
    new_motion,
    step,
)
from geofence.ping import Pings
from geofence.region import Version
from geofence.sighting import home_m
from geofence.text import Texts
from service.layers import versions_of


def people(devices: int) -> Pings:
    """A day of theirs, in the order of arrival."""
    _, made = sample_day(seed=29, devices=devices)
    order = np.argsort(made.received_ms, kind="stable")
    return Pings.columns(
        device=Texts.of([f"phone-{number}" for number in made.device[order]]),
        lon=made.lon[order],
        lat=made.lat[order],
        time_ms=made.time_ms[order],
        accuracy_m=made.accuracy_m[order],
        source=made.source[order].astype(np.uint8),
        received_ms=made.received_ms[order],
    )


class OneByOne:
    """The rule, asked about one ping after the other."""

    def __init__(self, version: Version, atlas: Atlas) -> None:
        """Know nobody."""
        self.atlas, self.rule, self.seen = atlas, version.rule.packed(), dict[str, list[np.ndarray]]()
        self.counts, self.crossings = Counter[str](), list[tuple[str, int, int, int]]()

    def take(self, pings: Pings, row: int) -> None:
        """One ping, with its margin and its way home as far as any rule may ask."""
        device, lon, lat = pings.device[row], pings.lon[row], pings.lat[row]
        if device not in self.seen:
            rows = [np.zeros(1, dtype).view(np.recarray) for dtype in (MOTION, EVIDENCE)]
            new_motion(rows[0][0])
            new_evidence(rows[1][0], UNKNOWN)
            self.seen[device] = [*rows, np.zeros(TRAIL_LENGTH, TRAIL), np.zeros(TRAIL_LENGTH, CROSSING)]
        motion, evidence, trail, out = self.seen[device]
        cap = cap_m(pings.accuracy_m[row], 0.68, self.rule[0])
        at = self.atlas.locate([lon], [lat], cap)
        region, home = int(at.region[0]), 0.0
        if evidence[0].region not in (UNKNOWN, region):
            home = home_m(
                self.atlas.borders, evidence[0].region, region, bool(at.covered[0]), self.atlas.within_m, lon, lat, cap
            )
        outcome, many = step(
            motion[0], evidence[0], trail, lon, lat, pings.accuracy_m[row], 0.68, 0, int(pings.time_ms[row]),
            region, at.margin_m[0], home, self.rule[0], out,
        )  # fmt: skip
        self.counts[OUTCOMES[outcome]] += 1
        for told in out[:many]:
            if told["region_from"] >= 0 or told["region_to"] >= 0:
                self.crossings.append((device, told["region_to"], told["occurred_ms"], told["confirmed_ms"]))


def test_columns_go_the_way_that_each_ping_would_go_alone() -> None:
    version = versions_of([str(HERE / "us-counties.geojson.gz")])[0]
    atlas, pings = Atlas(version), people(12)
    fence, alone = Fence([version], atlases={version.hash: atlas}), OneByOne(version, atlas)
    report = fence.observe(pings)
    for row in range(len(pings)):
        alone.take(pings, row)
    assert report.counts[version.layer] == alone.counts
    index = {region.id: number for number, region in enumerate(version.regions)} | {None: -1}
    told = [
        (it.device, index[it.target.id if it.target else None], it.occurred_ms, it.confirmed_ms)
        for it in report.crossings
    ]
    assert told == alone.crossings
    assert len(told) > 20
    slots = dict(fence.devices())
    kept = fence._layers[version.layer].tracks.evidence
    for device, (_, evidence, _, _) in alone.seen.items():
        assert kept[slots[device]].tobytes() == evidence[0].tobytes(), device
