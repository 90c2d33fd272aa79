"""One webhook's deliveries, while this process has its lease: read, send, remember how far it is.

Between `runner`, which has one of these for each webhook, and `source`, `window` and `delivery`. Devices go side by
side. A delivery that fails holds the whole webhook: what is under way ends, nothing else is begun until the next try,
and that is one event alone; once it is taken, all goes on. Invariants: events of a device are sent in their order, each
only when the one before it was taken; the position in the catalog never passes an event that was not taken; memory is
bounded.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import msgspec

from catalog import CatalogError
from catalog.deliveries import Lease, Progress
from catalog.webhook import Webhook
from ingest.gateway.history import Gap
from ingest.webhooks.delivery import Answer, Receiver
from ingest.webhooks.means import Means
from ingest.webhooks.schedule import given_up, wait_s
from ingest.webhooks.source import Source, wanted_of
from ingest.webhooks.window import Waiting, Window
from stream.port import LogError

_log = logging.getLogger("geofence.webhooks")
_PAUSE_S = 1.0
_LEAST_S = 0.1  # for a delivery, however soon the lease ends


class LeaseLost(Exception):
    """Somebody else delivers this webhook now, or an administrator has moved it: begin anew."""


class Dead(Exception):
    """The webhook is to be switched off; the message says why."""


class Sender:
    """Sends for one webhook; used once."""

    def __init__(self, webhook: Webhook, lease: Lease, means: Means) -> None:
        self._webhook, self._lease, self._means = webhook, lease, means
        self._settings, self._clock = means.settings, means.clock
        self._leased_until_ms = lease.until_ms
        self._progress = self._written = lease.progress
        self._window = Window(lease.progress.marks)
        wanted = wanted_of(webhook.filters)
        self._source = Source(means.history, wanted, lease.progress.marks, most=means.settings.window_events)
        self._receiver = Receiver(webhook.url, means.addresses, means.tls, means.settings, means.clock.now_ms)
        self._running = set[asyncio.Task[None]]()
        self._changed = asyncio.Event()  # something came, or was delivered, or failed
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return replace(self._progress, marks=self._window.position)

    @property
    def waiting(self) -> int:
        """Events that are in memory and not known to be delivered."""
        return len(self._window)

    async def run(self, stop: asyncio.Event) -> None:
        """Until it is to stop; what is under way may end. Raises LeaseLost and Dead."""
        parts: list[Coroutine[None, None, object]] = [self._read(), self._send(), self._remember(), stop.wait()]
        tasks: list[asyncio.Future[Any]] = [*map(asyncio.create_task, parts), self._failed]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()
        finally:
            for one in tasks:
                one.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._drain()
            await self._receiver.close()

    async def _drain(self) -> None:
        """Let what is under way end, if it does so soon."""
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=self._settings.drain_s)
            for one in late:
                one.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _read(self) -> None:
        """Fill the window, as long as there is room. Raises Dead."""
        had, has = len(self._lease.progress.marks), len(self._means.history.feed.marks)
        if had != has:
            raise Dead(f"its position is one of {had} partitions, and the log has {has}: replay it from a time")
        while True:
            try:
                async with aclosing(self._source.read()) as read:
                    async for some in read:
                        if some.gap:
                            self._note_gap(some.gap)
                        self._window.put(some.events, some.marks)
                        self._changed.set()
                        await self._room()
            except LogError as error:
                _log.warning("webhook %s waits for the log: %s", self._webhook.id, error, extra={"action": "log_away"})
                await asyncio.sleep(_PAUSE_S)

    async def _room(self) -> None:
        while len(self._window) >= self._settings.window_events:
            self._changed.clear()
            await self._changed.wait()

    async def _send(self) -> None:
        """Begin deliveries, when they may be."""
        while True:
            await self._hold()
            one = self._next()
            if one is None:
                self._changed.clear()
                await self._changed.wait()
                continue
            task = asyncio.create_task(self._deliver(one))
            self._running.add(task)
            self._means.load.under_way += 1
            task.add_done_callback(self._ended)

    async def _hold(self) -> None:
        """Wait for the next try, if it is not due yet."""
        while (left_ms := (self._progress.next_try_ms or 0) - self._clock.now_ms()) > 0:
            await self._clock.sleep(left_ms / 1000)

    def _next(self) -> Waiting | None:
        """What may be sent now. Raises LeaseLost."""
        if self._clock.now_ms() >= self._leased_until_ms:
            raise LeaseLost
        most = 1 if self._progress.failures or self._means.crowded else self._settings.at_once
        return self._window.take() if len(self._running) < most else None

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._means.load.under_way -= 1
        self._changed.set()
        if not task.cancelled() and (error := task.exception()) and not self._failed.done():
            self._failed.set_exception(error)

    async def _deliver(self, one: Waiting) -> None:
        """Send one. Raises Dead."""
        failures = self._progress.failures
        secrets = self._webhook.signing(self._clock.now_ms())
        left_s = (self._leased_until_ms - self._clock.now_ms()) / 1000
        answer = await self._receiver.send(one.id, one.told.data, secrets, within_s=max(left_s, _LEAST_S))
        self._means.load.end(answer)
        if _log.isEnabledFor(logging.DEBUG):
            self._tell(one.id, answer)
        now_ms = self._clock.now_ms()
        last = {"last_ms": now_ms, "last_status": answer.status, "last_answer": answer.text}
        self._progress = replace(self._progress, **last)  # type: ignore[arg-type]
        current = failures == self._progress.failures  # what was begun before a failure says nothing new
        if answer.taken:
            self._window.done(one)
            progress = self._progress.unhurt() if current else self._progress
            self._progress = replace(progress, delivered=progress.delivered + 1)
            return
        self._window.failed(one)
        if answer.gone:
            raise Dead("the receiver answered 410: it wants no more")
        if current:
            self._fail(answer, now_ms)

    def _tell(self, event: str, answer: Answer) -> None:
        facts = {"event": event, "webhook": self._webhook.id, "status": answer.status, "took_ms": answer.took_ms}
        said = " ".join(f"{name}={value}" for name, value in facts.items())
        _log.debug("delivery %s", said, extra={"action": "delivery", "facts": facts})

    def _fail(self, answer: Answer, now_ms: int) -> None:
        """Hold until the next try. Raises Dead."""
        failures = self._progress.failures + 1
        since_ms = self._failing_since_ms(now_ms)
        wait = wait_s(failures, answer, self._settings, self._means.chance())
        self._progress = replace(
            self._progress, failures=failures, failing_since_ms=since_ms, next_try_ms=now_ms + round(wait * 1000)
        )
        said = f"no answer: {answer.text}" if answer.status is None else f"it answered {answer.status}"
        _log.info("webhook %s failed: %s", self._webhook.id, said, extra={"action": "webhook_failed"})
        if given_up(since_ms, now_ms, self._settings):
            raise Dead(f"nothing was taken for {self._settings.give_up_s:g} s; at last: {said}")

    def _failing_since_ms(self, now_ms: int) -> int:
        """Since when it fails; the time in which nobody tried, as no sender ran, does not count."""
        since_ms, due_ms = self._progress.failing_since_ms, self._progress.next_try_ms
        if since_ms is None:
            return now_ms
        late_ms = now_ms - due_ms if due_ms is not None else 0
        return since_ms + late_ms if late_ms > self._settings.most_wait_s * 1000 else since_ms

    async def _remember(self) -> None:
        """Write how far it is, and hold the lease. Raises LeaseLost."""
        while True:
            await self._clock.sleep(self._settings.commit_s)
            progress, now_ms, lease_ms = self.progress, self._clock.now_ms(), round(self._settings.lease_s * 1000)
            happened = replace(progress, marks=self._written.marks) != self._written
            if not happened and self._leased_until_ms - now_ms > lease_ms * 2 // 3:
                continue
            try:
                keep = self._means.catalog.deliveries.keep
                kept = await asyncio.to_thread(keep, self._lease, progress, until_ms=now_ms + lease_ms)
            except CatalogError as error:
                _log.warning(
                    "how far webhook %s is can't be written: %s",
                    self._webhook.id,
                    error,
                    extra={"action": "catalog_away"},
                )
                continue
            if not kept:
                raise LeaseLost
            self._written, self._leased_until_ms = progress, now_ms + lease_ms

    def _note_gap(self, gap: Gap) -> None:
        """Retention took what was to be delivered: it goes on with what is left, and says so."""
        lost: dict[str, object] = {"at_ms": self._clock.now_ms(), **msgspec.to_builtins(gap.told())}
        self._progress = replace(self._progress, lost=lost)
        self._means.load.lost += 1
        _log.warning("webhook %s lost events: %s", self._webhook.id, lost, extra={"action": "webhook_lost"})
