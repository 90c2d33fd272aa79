"""Erasing a device: its track in the log, its rows and keys in the catalog; and what remains of it, until when.

Behind `DELETE /v1/devices/{id}`. First the log, then the catalog: where either does not answer, the device's own key is
still good for another try. Invariants: doing it again changes nothing; what remains is told as the log keeps it now.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from catalog import Catalog, CatalogError
from geofence.control import Erase
from ingest.control import record_of
from ingest.gateway.flights import Flights
from ingest.gateway.forms import Erased, Remains
from ingest.topics import CHANGES, PINGS, PRESENCE, REJECTED, TRACKS
from stream.port import Log
from web.access import Access
from web.caller import Caller
from web.problem import Problem, come_again

_log = logging.getLogger("geofence.gateway")
_KEPT = {
    PINGS: "pings as they were received",
    CHANGES: "region changes that were told, and that it was erased; consumers keep their own",
    REJECTED: "pings that could not be used, as they were received",
}
_COMPACTED = (
    Remains("the track and the presence: gone for readers at once, from the disk within 48 hours", [TRACKS, PRESENCE]),
    Remains(
        "the device's name, so that pings from before are refused, for as long as such are taken (7 days)", [TRACKS]
    ),
    Remains(
        "the device's name in the audit of the catalog, and with its user on its revoked keys, for as long as whoever "
        "runs it keeps those"
    ),
)


class Erasing:
    """Erases devices."""

    def __init__(self, access: Access, log: Log, flights: Flights, catalog: Catalog, now_ms: Callable[[], int]) -> None:
        self._access, self._log, self._flights = access, log, flights
        self._catalog, self._now_ms = catalog, now_ms

    async def erase(self, device: str, caller: Caller) -> Erased:
        """Erase it; what to answer. Raises LogError and Problem: come again."""
        keeps = {topic: await self._log.keeps_ms(topic) for topic in _KEPT}
        await self._record(device)
        revoked = await self._remove(device, caller)
        if revoked:
            await self._erase_what_came_between(device)
        erased_ms = self._now_ms()
        remains = [_remains(topic, keep_ms, erased_ms) for topic, keep_ms in keeps.items()]
        return Erased(device, erased_ms, revoked, [*remains, *_COMPACTED])

    async def _record(self, device: str) -> None:
        """By the way of the pings, so that none of those that wait comes behind it. Raises Problem."""
        await self._flights.append([record_of(Erase(device=device, at_ms=self._now_ms()))])

    async def _remove(self, device: str, caller: Caller) -> int:
        try:
            return await asyncio.to_thread(
                self._catalog.devices.remove, device, by=caller.name, now_ms=self._now_ms()
            )  # fmt: skip
        except CatalogError:
            raise come_again(
                "The track is erased; the catalog does not answer. Send it again for the keys.", after_s=2
            ) from None

    async def _erase_what_came_between(self, device: str) -> None:
        """Pings that its keys have brought since; whoever used one of them can't ask again, so this may fail."""
        with suppress(CatalogError):
            await self._access.learn()
        try:
            await self._record(device)
        except Problem as error:
            _log.warning(
                "pings that came while a device was erased may be left: %s",
                error,
                extra={"action": "erasing_incomplete"},
            )


def _remains(topic: str, keep_ms: int | None, erased_ms: int) -> Remains:
    return Remains(_KEPT[topic], [topic], None if keep_ms is None else erased_ms + keep_ms)
