"""Appending: what waits for one partition goes out as one batch, while the next one gathers behind it.

Each partition has a lane with at most one round on its way: so the order is that of the calls, a batch grows under
load, and a lonely record does not wait. After any error the producer is discarded: its sequence of numbers is broken.
"""

from __future__ import annotations

import asyncio
from asyncio import Future, Task
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from aiokafka import AIOKafkaProducer

from stream.kafka.connection import asking, close
from stream.kafka.settings import KafkaSettings
from stream.kafka.writing import new_producer, send, size_of, start
from stream.partitioner import partition_of
from stream.port import Record, Unavailable, Unusable

ROUND_BYTES = 4 * 1024 * 1024  # a round is several batches at most

_partition_of = lru_cache(maxsize=1 << 16)(partition_of)


@dataclass(slots=True, eq=False)
class _Load:
    records: Sequence[Record]
    size: int
    answer: Future[None]


@dataclass(slots=True)
class _Lane:
    waiting: deque[_Load] = field(default_factory=deque)
    driver: Task[None] | None = None


class Appender:
    """The appends of one process, over one producer."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._lanes: dict[tuple[str, int], _Lane] = {}
        self._bytes, self._freed = 0, asyncio.Condition()
        self._producer: AIOKafkaProducer | None = None
        self._written = 0
        self._starting = asyncio.Lock()
        self._discarding: set[Task[None]] = set()

    async def append(self, topic: str, records: Sequence[Record], *, partitions: int, partition: int | None) -> None:
        """The log's `append`, to a topic that exists."""
        if partition is not None and not 0 <= partition < partitions:
            raise Unusable(f"{topic} has no partition {partition}: it has {partitions}, from 0 on")
        loads = [self._load(part, parts) for part, parts in _shared(records, partitions, partition).items()]
        size = sum(load.size for _, load in loads)
        async with asking(f"appending to {topic}", self._settings.append_s):
            await self._make_room(size)
            try:
                for part, load in loads:
                    self._enter((topic, part), load)
                done = await asyncio.gather(*(load.answer for _, load in loads), return_exceptions=True)
            finally:
                self._forget((topic, part) for part, load in loads if load.answer.cancelled())
                async with self._freed:
                    self._bytes -= size
                    self._freed.notify_all()
        for error in done:
            if isinstance(error, BaseException):
                raise error

    async def close(self) -> None:
        """Give up what still waits, and the producer."""
        drivers = [lane.driver for lane in self._lanes.values() if lane.driver]
        for driver in drivers:
            driver.cancel()
        await asyncio.gather(*drivers, return_exceptions=True)
        for lane in self._lanes.values():
            _answer(lane.waiting, Unavailable("the log is being closed"))
        self._discard(self._producer)
        await asyncio.gather(*self._discarding, return_exceptions=True)

    def _load(self, partition: int, records: Sequence[Record]) -> tuple[int, _Load]:
        sizes = [size_of(record) for record in records]
        if max(sizes) > (most := self._settings.record_bytes):
            raise Unusable(f"a record of {max(sizes)} bytes; at most {most} (record_bytes) are taken")
        return partition, _Load(records, sum(sizes), asyncio.get_running_loop().create_future())

    async def _make_room(self, size: int) -> None:
        async with self._freed:
            await self._freed.wait_for(lambda: self._bytes == 0 or self._bytes + size <= self._settings.waiting_bytes)
            self._bytes += size

    def _forget(self, given_up: Iterable[tuple[str, int]]) -> None:
        """Take out what nobody waits for any more, so that it does not pile up while the brokers are away."""
        for where in given_up:
            waiting = self._lanes[where].waiting
            for load in [load for load in waiting if load.answer.cancelled()]:
                waiting.remove(load)

    def _enter(self, where: tuple[str, int], load: _Load) -> None:
        lane = self._lanes.setdefault(where, _Lane())
        lane.waiting.append(load)
        if lane.driver is None:
            lane.driver = asyncio.create_task(self._drive(*where, lane))

    async def _drive(self, topic: str, partition: int, lane: _Lane) -> None:
        """Round after round until nothing waits."""
        try:
            while lane.waiting:
                loads = _round(lane.waiting)
                error: Exception | None = None
                try:
                    await self._write(topic, partition, loads)
                except Exception as problem:
                    error = problem
                except BaseException:
                    _answer(loads, Unavailable("given up while it was written"))
                    raise
                _answer(loads, error)
        finally:
            lane.driver = None

    async def _write(self, topic: str, partition: int, loads: Sequence[_Load]) -> None:
        producer = None
        try:
            async with asking(f"appending to {topic} {partition}", self._settings.append_s):
                producer = await self._started()
                records = [record for load in loads for record in load.records]
                for _, answer in await send(producer, topic, partition, records):
                    await answer
                self._written += len(records)
        except BaseException:
            self._discard(producer)
            raise
        if self._written >= self._settings.records_per_producer:
            self._discard(producer)

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                self._producer = await start(new_producer(self._settings), self._settings)
                self._written = 0
            return self._producer

    def _discard(self, producer: AIOKafkaProducer | None) -> None:
        if producer is None or producer is not self._producer:
            return
        self._producer = None
        closing = asyncio.create_task(close(producer, self._settings.close_s))
        self._discarding.add(closing)
        closing.add_done_callback(self._discarding.discard)


def _shared(records: Sequence[Record], partitions: int, partition: int | None) -> Mapping[int, Sequence[Record]]:
    if partition is not None:
        return {partition: records} if records else {}
    shared: dict[int, list[Record]] = {}
    for record in records:
        shared.setdefault(_partition_of(record.key, partitions), []).append(record)
    return shared


def _round(waiting: deque[_Load]) -> list[_Load]:
    loads = [waiting.popleft()]
    size = loads[0].size
    while waiting and size + waiting[0].size <= ROUND_BYTES:
        loads.append(waiting.popleft())
        size += loads[-1].size
    return loads


def _answer(loads: Sequence[_Load] | deque[_Load], error: Exception | None) -> None:
    for load in loads:
        if load.answer.done():
            continue
        if error is None:
            load.answer.set_result(None)
        else:
            load.answer.set_exception(error)
            load.answer.exception()  # its caller may have gone
