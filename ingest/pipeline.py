"""The worker's pipeline: a batch of records goes through its steps, and what comes of it is committed as one.

Between `partition`, which has the batches, and the core. Invariant: nothing is visible before the last step, and then
all of it is; after any exception the fence is ahead of the log and must be thrown away.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from time import perf_counter

from geofence.control import Control, Switch
from geofence.crossing import Crossing
from geofence.fence import Fence
from geofence.library import UnknownVersion
from geofence.report import NO_CONSENT, Report
from ingest.control import record_of
from ingest.counting import count_batch, count_crossings, outcomes_of
from ingest.fences import Fences
from ingest.outgoing import event_records, letters, outgoing, state_records
from ingest.reading import Order, Reader, Refused, Run, control_rows, kind_of
from ingest.settings import WorkerSettings
from ingest.status import PartitionStatus
from ingest.telling import tell_events, tell_records
from ingest.topics import PINGS
from stream.port import Batch, Grip, Outgoing, Record

_log = logging.getLogger("geofence.worker")
_ALONE = ("version", "tick")  # what begins a piece of its own


@dataclass(slots=True)
class Work:
    """What has become of a batch so far."""

    offset: int  # to be committed
    batch: Batch | None = None  # None: a sweep
    items: list[Run | Order] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)  # refused and kept nowhere, by reason
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)  # of pings, by layer and outcome
    crossings: list[Crossing] = field(default_factory=list)
    events: list[Record] = field(default_factory=list)
    tracks: Sequence[Record] = ()
    presence: list[Record] = field(default_factory=list)


class Pipeline:
    """One partition's fence between its input and its outputs."""

    def __init__(
        self,
        grip: Grip,
        fence: Fence,
        fences: Fences,
        reader: Reader,
        settings: WorkerSettings,
        status: PartitionStatus,
        now_ms: Callable[[], int],
    ) -> None:
        """From the grip's offset on, with a fence that stands there; `fences` bring the versions that switches name."""
        self.fence, self._grip, self._fences = fence, grip, fences
        self._reader, self._settings, self._status, self._now_ms = reader, settings, status, now_ms
        self.offset = status.offset = grip.offset
        status.sweeping = fence.sweeping

    async def take(self, batch: Batch) -> None:
        """Take a batch: one commit, or one for each piece if it holds switches or ticks."""
        for piece in _pieces(batch):
            if self.fence.sweeping and _stands_alone(piece, 0):
                await self.finish_sweep()
            await self._run(Work(piece.end, piece))

    async def sweep(self) -> None:
        """Move some devices on to the version in force."""
        await self._run(Work(self.offset))

    async def finish_sweep(self) -> None:
        """Move all that are left, in commits of bounded size."""
        while self.fence.sweeping:
            await self.sweep()

    async def order(self, control: Control) -> None:
        """Append a control record to the partition's own input."""
        ordered = Outgoing(PINGS, self._reader.partition, [record_of(control)])
        await self._grip.commit([ordered], self.offset)

    async def _run(self, work: Work) -> None:
        """What happens to every batch, in this order."""
        for step in (
            self._read,  # bytes to columns; what can't be read is refused
            self._fetch,  # the versions that switches name
            self._decide,  # located, weighed, decided: crossings
            self._tell,  # crossings to events
            self._remember,  # what has changed to rows and presence
            self._commit,  # all of it and the offset, or nothing
        ):
            begun = perf_counter()
            await step(work)
            self._status.spend(step.__name__.removeprefix("_"), perf_counter() - begun)

    async def _read(self, work: Work) -> None:
        if work.batch is not None:
            work.items, work.refused = self._reader.read(work.batch)

    async def _fetch(self, work: Work) -> None:
        for item in work.items:
            if isinstance(item, Order) and isinstance(item.control, Switch) and not self.fence.has_obeyed(item.control):
                try:
                    await self._fences.fetch(item.control)
                except UnknownVersion:
                    if item.control.version not in self._settings.skip_versions:  # or else `_obey` passes it over
                        raise

    async def _decide(self, work: Work) -> None:
        if work.batch is None:
            work.crossings += self.fence.sweep().crossings
        for item in work.items:
            if isinstance(item, Run):
                self._note(self.fence.observe(item.pings), item, work)
            else:
                self._obey(item, work)

    def _obey(self, order: Order, work: Work) -> None:
        try:
            work.crossings += self.fence.apply(order.control).crossings
        except UnknownVersion as fault:
            if not isinstance(order.control, Switch) or order.control.version not in self._settings.skip_versions:
                raise
            work.refused.append(Refused(order.row, "version_unknown", str(fault)))

    def _note(self, report: Report, run: Run, work: Work) -> None:
        """Keep what came of pings. What lacks consent is counted, not kept; what one layer ignores others may use."""
        work.crossings += report.crossings
        for refusal in report.rejected:
            if refusal.layer is not None or refusal.reason == NO_CONSENT:
                work.passed_over[refusal.reason] += 1
            else:
                work.refused.append(Refused(int(run.rows[refusal.row]), refusal.reason, refusal.message))
        work.outcomes.update(outcomes_of(report))

    async def _tell(self, work: Work) -> None:
        work.events = event_records(work.crossings, self._settings.source)

    async def _remember(self, work: Work) -> None:
        work.tracks, work.presence = state_records(self.fence)

    async def _commit(self, work: Work) -> None:
        rejected = [] if work.batch is None else letters(work.batch, work.refused)
        every = outgoing(self._reader.partition, work.events, work.presence, work.tracks, rejected)
        self._status.sweeping = self.fence.sweeping  # before it shows that the input has been taken
        await self._grip.commit(every, work.offset)
        self.offset = work.offset
        self._count(work)

    def _count(self, work: Work) -> None:
        status = self._status
        status.offset, status.clock_ms, status.failures = self.offset, self.fence.clock_ms, 0
        status.in_force = tuple(self.fence.in_force())
        status.counts.update(work.passed_over)
        status.counts.update(commits=1, events=len(work.events))
        if work.batch is not None:
            read = sum(len(item.pings) for item in work.items if isinstance(item, Run))
            count_batch(status, work.batch, read, work.outcomes, work.refused, self.fence.versions())
        count_crossings(status, work.crossings, self._now_ms())
        if _log.isEnabledFor(logging.DEBUG):
            tell_records(self._reader.partition, work.batch, work.refused)
            tell_events(self._reader.partition, work.crossings, self._settings.source)


def _pieces(batch: Batch) -> Iterator[Batch]:
    """The batch, cut before each switch and tick: what a switch has left to do is done before them."""
    cuts = [row for row in control_rows(batch) if row and _stands_alone(batch, row)]
    for begin, end in pairwise([0, *cuts, len(batch.offsets)]):
        yield part(batch, begin, end)


def _stands_alone(batch: Batch, row: int) -> bool:
    return kind_of(batch.headers[row]) in _ALONE


def part(batch: Batch, begin: int, end: int) -> Batch:
    """The rows from `begin` to `end` (exclusive) of a batch."""
    if end - begin == len(batch.offsets):
        return batch
    columns = (batch.offsets, batch.times_ms, batch.keys, batch.values, batch.headers)
    return Batch(batch.topic, batch.partition, *(column[begin:end] for column in columns))  # type: ignore[arg-type]
