"""Pings and control records into the log while faults happen, and the memory of what was acknowledged.

Invariant: what an append has acknowledged is counted once; what it has not is sent again, so that it may be there
twice, which the judge does not mind.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from geofence.control import Control
from geofence.ping import Ping
from geofence.wire import encode_ping
from ingest.control import record_of
from stream.partitioner import partition_of
from stream.port import Record, Unavailable
from tests.torture.crew import Crew
from tests.torture.crowd import Crowd
from tests.torture.member import Member
from tests.torture.town import PARTITIONS

Append = Callable[[int, Sequence[Record]], Awaitable[None]]
_ROUND_S = 0.15  # so that a batch holds a few dozen pings


class Feeder:
    """Feeds until it is told to stop."""

    def __init__(self, crowd: Crowd, append: Append, now_ms: Callable[[], int], rate: float) -> None:
        self._crowd, self._append, self._now_ms, self._rate = crowd, append, now_ms, rate
        self.acknowledged: Counter[int] = Counter()  # hashes of keys and values
        self.pings = self.refusals = 0
        self.burst = 1  # times the rate
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Send what is under way and no more."""
        self._stop.set()

    async def run(self) -> None:
        """Round after round; a round is over when all of it is acknowledged."""
        owed, before = 0.0, time.monotonic()
        while not self._stop.is_set():
            await asyncio.sleep(_ROUND_S)
            now = time.monotonic()
            most = self._rate * max(2, 0.3 * self.burst)
            owed, before = min(owed + self.burst * self._rate * (now - before), most), now
            items = [self._crowd.item(self._now_ms()) for _ in range(int(owed))]
            owed %= 1
            await asyncio.gather(*(self._send(*shared) for shared in self._shared(items).items()))

    def _shared(self, items: Sequence[Ping | Control]) -> Mapping[int, list[Record]]:
        """The records of a round by partition, received now."""
        now_ms, shared = self._now_ms(), dict[int, list[Record]]()
        for item in items:
            if isinstance(item, Ping):
                self.pings += 1
                record = Record(item.device.encode(), encode_ping(item), time_ms=now_ms)
            else:
                record = record_of(item)
            shared.setdefault(partition_of(record.key, PARTITIONS), []).append(record)
        return shared

    async def _send(self, partition: int, records: Sequence[Record]) -> None:
        while True:
            try:
                await self._append(partition, records)
            except Unavailable:
                self.refusals += 1
                await asyncio.sleep(0.1)
            else:
                self.acknowledged.update(fingerprint(record.key, record.value) for record in records)
                return


def fingerprint(key: bytes | None, value: bytes | None) -> int:
    """A record in 64 bits."""
    return hash((key, value))


class Dictation:
    """Appends through a worker's process, as the embedded log has one owner."""

    def __init__(self, crew: Crew) -> None:
        self._crew, self._number = crew, 0
        self._waiting: dict[int, tuple[Member, asyncio.Future[None]]] = {}
        crew.listener = self._hear

    async def append(self, partition: int, records: Sequence[Record]) -> None:
        """Append; raises Unavailable if that is refused, or the process ends first."""
        member = next((one for one in self._crew.members if one.begun and not one.ended.is_set()), None)
        if member is None:
            raise Unavailable("nobody is there")
        self._number += 1
        answer = asyncio.get_running_loop().create_future()
        self._waiting[self._number] = member, answer
        member.tell(append={"number": self._number, "partition": partition, "records": records})
        await answer

    def _hear(self, member: Member, message: Mapping[str, Any]) -> None:
        if message["say"] in ("appended", "refused"):
            _, answer = self._waiting.pop(message["number"])
            if message["say"] == "appended":
                answer.set_result(None)
            else:
                answer.set_exception(Unavailable(message["why"]))
        elif message["say"] == "ended":
            for number in [number for number, (whose, _) in self._waiting.items() if whose is member]:
                self._waiting.pop(number)[1].set_exception(Unavailable("its process has ended"))
