"""How much of a partition's tracks has been read, told while they are read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from runs import World, device_partition
from worlds import partition, walk

from ingest import restoring
from ingest.restoring import restore
from ingest.status import PartitionStatus
from stream.port import Batch, Log


class Watched:
    """A log; what was told of the progress after each batch is noted."""

    def __init__(self, log: Log, status: PartitionStatus) -> None:
        self._log, self._status, self.seen = log, status, list[float]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def read(self, *given: Any, **more: Any) -> AsyncIterator[Batch]:
        async for batch in self._log.read(*given, **more):
            yield batch
            self.seen.append(self._status.restored_ratio)


def test_the_share_that_has_been_read_grows_to_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restoring, "ROWS", 3)
    its = World(tmp_path / "log.db", [partition()])
    for number in range(4):
        its.pour([one for device in range(5) for one in walk("A 0 A 60 B 120", f"d{number}-{device}")])
        its.work()

    async def story() -> None:
        async with its.open(read_only=True) as log:
            home = device_partition("d0-0")
            status = PartitionStatus(home, 0)
            watched = Watched(log, status)
            await restore(watched, home, its.fences(), status)  # type: ignore[arg-type]
            growing = [one for one in watched.seen if one]
            assert growing == sorted(growing)
            assert len(set(growing)) > 2
            assert 0 < growing[0] < 0.9
            assert status.restored_ratio == 1

    asyncio.run(story())
