"""All webhooks of this process: one sender for each whose lease it has.

The top of this package; `service/webhooks.py` gives it a log and a catalog. Several processes share the webhooks out by
leases; one that dies is replaced when its leases have run out. Invariants: what changes in the catalog counts within
seconds; a webhook that fails, hangs or breaks holds no other; on the end what is under way ends and is remembered.
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from math import inf
from time import monotonic

from catalog import Catalog, CatalogError
from catalog.deliveries import Lease
from catalog.webhook import ACTIVE, Webhook
from ingest.gateway.feed import feeding
from ingest.gateway.history import History
from ingest.webhooks.address import Addresses, Resolve
from ingest.webhooks.clock import Clock, WallClock
from ingest.webhooks.means import Means
from ingest.webhooks.sender import Dead, LeaseLost, Sender
from ingest.webhooks.settings import WebhookSettings
from stream.port import Log

_log = logging.getLogger("geofence.webhooks")
_PAUSE_S, _FAULT_PAUSE_S = 0.5, 10.0


@dataclass(slots=True)
class _Tended:
    """A webhook that somebody looks after here."""

    changed: int
    stop: asyncio.Event
    task: asyncio.Task[None]


class Runner:
    """Looks after all webhooks; made by `running`."""

    def __init__(self, means: Means) -> None:
        self._tended: dict[str, _Tended] = {}
        self._leaving = set[asyncio.Task[None]]()
        self._number = -1
        self.means, self.senders = means, set[Sender]()
        self.states: Counter[str] = Counter()  # of all webhooks of the catalog
        self._looked = -inf

    @property
    def catalog_age_s(self) -> float:
        """Seconds since the catalog last told which webhooks there are; infinite before it has."""
        return monotonic() - self._looked

    async def follow(self) -> None:
        """Look at what changes in the catalog, for ever."""
        while True:
            try:
                news = await asyncio.to_thread(self.means.catalog.webhooks.since, self._number)
                if news is not None:
                    self._apply({one.id: one for one in news.webhooks if one.state == ACTIVE})
                    self._number, self.states = news.number, Counter(one.state for one in news.webhooks)
                self._looked = monotonic()
            except CatalogError as error:
                _log.warning(
                    "the catalog does not answer, webhooks stay as they were: %s",
                    error,
                    extra={"action": "catalog_away"},
                )
            except Exception:  # such as a row that a newer program wrote
                _log.exception("webhooks can't be read, they stay as they were", extra={"action": "webhooks_fault"})
            await asyncio.sleep(self.means.settings.look_s)

    def _apply(self, active: dict[str, Webhook]) -> None:
        for webhook_id in self._tended.keys() - active.keys():
            self._leave(webhook_id)
        for one in active.values():
            before = self._tended.get(one.id)
            if before is None or before.changed != one.changed:
                former = self._leave(one.id)
                stop = asyncio.Event()
                self._tended[one.id] = _Tended(one.changed, stop, asyncio.create_task(self._tend(one, stop, former)))

    def _leave(self, webhook_id: str) -> asyncio.Task[None] | None:
        """Have a webhook looked after no more; the task that ends with it."""
        tended = self._tended.pop(webhook_id, None)
        if tended is None:
            return None
        tended.stop.set()
        self._leaving.add(tended.task)
        tended.task.add_done_callback(self._leaving.discard)
        return tended.task

    async def end(self) -> None:
        """Leave all, in order."""
        for webhook_id in list(self._tended):
            self._leave(webhook_id)
        await asyncio.gather(*self._leaving, return_exceptions=True)

    async def _tend(self, webhook: Webhook, stop: asyncio.Event, former: asyncio.Task[None] | None) -> None:
        """Deliver one webhook, whenever its lease can be had, until it is left."""
        if former is not None:
            await asyncio.wait((former,))
        while not stop.is_set():
            wait_s = _FAULT_PAUSE_S
            try:
                wait_s = await self._turn(webhook, stop)
            except CatalogError as error:
                _log.warning(
                    "webhook %s waits for the catalog: %s", webhook.id, error, extra={"action": "catalog_away"}
                )
            except Exception:
                _log.exception("webhook %s broke off", webhook.id, extra={"action": "webhook_fault"})
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await stop.wait()

    async def _turn(self, webhook: Webhook, stop: asyncio.Event) -> float:
        """Deliver for as long as the lease holds; how long to wait before the next turn. Raises CatalogError."""
        means, deliveries = self.means, self.means.catalog.deliveries
        lease_ms = round(means.settings.lease_s * 1000)
        lease: Lease | None = await asyncio.to_thread(
            deliveries.take, webhook.id, for_ms=lease_ms, now_ms=means.clock.now_ms()
        )
        if lease is None:
            return means.settings.lease_s / 4
        sender = Sender(webhook, lease, means)
        self.senders.add(sender)
        try:
            await sender.run(stop)
        except LeaseLost:
            return _PAUSE_S
        except Dead as dead:
            reason, now_ms = str(dead), means.clock.now_ms()
            if await asyncio.to_thread(deliveries.die, lease, sender.progress, reason, now_ms=now_ms):
                means.load.died += 1
                _log.warning("webhook %s is switched off: %s", webhook.id, dead, extra={"action": "webhook_dead"})
            return _PAUSE_S
        finally:
            self.senders.discard(sender)
            await asyncio.to_thread(deliveries.release, lease, sender.progress)
        return _PAUSE_S


@asynccontextmanager
async def running(
    log: Log,
    catalog: Catalog,
    settings: WebhookSettings,
    *,
    clock: Clock | None = None,
    resolve: Resolve | None = None,
    tls: ssl.SSLContext | None = None,
    chance: Callable[[], float] = random.random,
) -> AsyncIterator[Runner]:
    """Deliver all webhooks meanwhile."""
    clock = clock or WallClock()
    if tls is None:
        tls = await asyncio.to_thread(ssl.create_default_context)
    since_ms = clock.now_ms() - round(settings.kept_s * 1000)
    addresses = Addresses(private_addresses=settings.private_addresses, resolve=resolve)
    async with feeding(log, most_bytes=settings.kept_bytes, since_ms=since_ms) as feed:
        history = History(log, feed, settings.readings)
        runner = Runner(Means(catalog, history, addresses, tls, settings, clock, chance))
        following = asyncio.create_task(runner.follow())
        try:
            yield runner
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            await runner.end()
            addresses.close()
