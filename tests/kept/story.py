"""What happens in a log that is kept: its layers, its input, and where the worker of that release stopped.

Never change what is here: the files under `0.1.0` and later came of it. Another story gets a name of its own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runs import SETTINGS, World
from shapely.geometry import box
from worlds import consent, erase, overlay, partition, ping, switch, tick, walk

SQUARES = {name: box(west, 0.0, west + 0.01, 0.01) for name, west in (("A", 0.0), ("B", 0.01), ("C", 0.02))}
SHIFTED = {name: box(west, 0.0, west + 0.01, 0.01) for name, west in (("A", -0.01), ("B", 0.0), ("C", 0.01))}
FENCES = {"inner": box(0.002, 0.002, 0.008, 0.008), "outer": box(-0.02, -0.02, 0.03, 0.03)}
ROW, MOVED, ZONES = partition(SQUARES), partition(SHIFTED), overlay(FENCES, dwell_s=100)
DEVICES = [f"d{number}" for number in range(12)]
CROSSING = "A 0 A 60 A 120 B 180 B 240 B 300 B 360"


def world(log_file: Path) -> World:
    """The log and its worker, in batches so small that there are many commits."""
    return World(log_file, [ROW, ZONES], [MOVED], dataclasses.replace(SETTINGS, batch_records=7))


def before() -> Sequence[Any]:
    """What the worker has taken: crossings half believed, dwells that wait, an erasure,
    consents, users, what is refused.
    """
    crowd = [one for device in DEVICES for one in walk(CROSSING, device)]
    crowd.sort(key=lambda one: one.time_ms)
    bad = ping((200.0, 0.0), 201, "bad")
    return [
        consent("d1", True, 0), *crowd[:50], *walk("A 130 A 190", "owned", user="u1"), erase("d2", 250), bad,
        consent("d3", False, 255),
    ]  # fmt: skip


SWITCH = switch(MOVED, 260)  # the worker was killed when half of the devices had been moved


def after() -> Sequence[Any]:
    """What came later, and nobody has taken yet."""
    crowd = [one for device in DEVICES for one in walk(CROSSING, device)]
    crowd.sort(key=lambda one: one.time_ms)
    return [
        *crowd[50:], tick(400), consent("d3", True, 410), *walk("C 500 C 560 C 620", "d4"), switch(ROW, 630),
        *walk("C 700 C 760 C 820", "d6"), *walk("A 830 B 890 B 950", "new"), tick(1200),
    ]  # fmt: skip
