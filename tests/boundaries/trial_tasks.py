"""A dry run whose processes tell who they are and then read for ever: for a test that kills it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shapely import box

from boundaries.trial.running import Plan, try_out
from geofence.region import Region, Version


@dataclass(frozen=True)
class Endless:
    """Tracks that never come."""

    folder: Path

    def __call__(self, partition: int) -> Iterator[object]:
        (self.folder / f"{partition}.pid").write_text(str(os.getpid()))
        while True:
            time.sleep(0.1)
            yield from ()


if __name__ == "__main__":
    square = Version.of("s", [Region("a", box(0, 0, 1, 1))])
    try_out(Plan(before=square, after=square, partitions=2, tracks=Endless(Path(sys.argv[1]))))  # type: ignore[arg-type]
