"""What a device with a key of its own costs: in the memory of every gateway, and in the catalog on SQLite."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figures import Figure
from catalog import open_catalog, upgrade
from catalog.keys import KeptKey
from service.catalogs import now_ms

DEVICES = 2_000


def figures() -> Iterator[Figure]:
    """Enrolled as phones are: a code, exchanged for a key."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "catalog.db"
        upgrade(f"sqlite:{path}")
        empty = path.stat().st_size
        with open_catalog(f"sqlite:{path}") as catalog:
            for number in range(DEVICES):
                name, at_ms = f"{number:08x}-phone", now_ms()
                code = catalog.devices.add(name, user=None, grants_consent=True, by="bench", now_ms=at_ms)
                catalog.devices.redeem(code, now_ms=at_ms)
            tracemalloc.start()
            kept: dict[str, KeptKey] = {one.key.id: one for one in catalog.keys.since(0).keys}
            held, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        size = path.stat().st_size - empty
    yield Figure("enrolled", f"{len(kept):,} keys in a gateway", held / DEVICES, "bytes a key")
    yield Figure("enrolled", f"{DEVICES:,} devices in the catalog, audit included", size / DEVICES, "bytes a device")
