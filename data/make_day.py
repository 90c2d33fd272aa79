"""Makes sample-day.csv.gz: a day of pings of people around San Francisco Bay, some of whom live beside a county border.

    python -m data.make_day

The pings are made up by `people` from a seed; nobody's recordings are in them. The same command gives the same bytes.
"""

import gzip
import io

import numpy as np
import shapely

from data.layers import HERE, read
from data.people import Town, sample_day

SEED, DEVICES = 7, 60
TOWNS = (
    Town("San Francisco", -122.43, 37.76, 3.0),
    Town("Oakland", -122.24, 37.80, 2.0),
    Town("San José", -121.88, 37.34, 2.0),
)
BAY = shapely.box(-122.6, 37.2, -121.7, 38.1)
SOURCES = ("unknown", "gps", "wifi", "cell", "fused")


def border_points() -> tuple[np.ndarray, np.ndarray]:
    """Points on the county borders around the bay, away from the water's edge where nobody lives."""
    everywhere = (feature.geometry for feature in read("us-counties").features)
    counties = [shape for shape in everywhere if shape.intersects(BAY)]
    shared = [
        one.intersection(two)
        for place, one in enumerate(counties)
        for two in counties[place + 1 :]
        if one.intersects(two)
    ]
    lines = shapely.union_all(shared).intersection(BAY)
    points = shapely.get_coordinates(shapely.segmentize(lines, 0.01))
    return points[:, 0], points[:, 1]


def main() -> None:
    """Write the file."""
    _, pings = sample_day(seed=SEED, devices=DEVICES, towns=TOWNS, beside=border_points())
    order = np.argsort(pings.received_ms, kind="stable")
    text = io.StringIO("")
    text.write("device,time_ms,lon,lat,accuracy_m,source\n")
    for row in order.tolist():
        text.write(
            f"phone-{pings.device[row]:02d},{pings.time_ms[row]},{pings.lon[row]:.6f},{pings.lat[row]:.6f},"
            f"{pings.accuracy_m[row]:.1f},{SOURCES[pings.source[row]]}\n"
        )
    path = HERE / "sample-day.csv.gz"
    path.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))
    print(f"{path.name}: {len(pings):,} pings of {DEVICES} phones, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
