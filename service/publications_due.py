"""What a gateway tells of publications that are due and not in force: for how long, layer by layer.

Beside `gateway`; read from the catalog every few seconds, told when somebody asks. A gateway tells it, as workers that
obey nothing can't. Invariant: while the catalog does not answer, what was known last goes on growing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from boundaries.enduring import endure
from catalog import Catalog
from ingest.measure import gauge
from web.calling import called

WAITING = gauge(
    "geofence_gateway_publication_waiting_seconds",
    "For how long the oldest publication of a layer that is due has not been in force on every partition; "
    "told only while there is one",
    "layer",
)
MEASURES = (WAITING,)
_LOOK_S = 5.0


class PublicationsDue(Collector):
    """Since when each layer waits, as the catalog said last."""

    def __init__(self, catalog: Catalog, now_ms: Callable[[], int]) -> None:
        self._catalog, self._now_ms = catalog, now_ms
        self._since_ms: dict[str, int] = {}

    async def look(self) -> bool:
        """Ask the catalog; nothing more is to be done at once. Raises CatalogError."""
        found = await called(self._catalog.publications.due, now_ms=self._now_ms())
        self._since_ms = {one.layer: one.at_ms for one in reversed(found)}
        return False

    def collect(self) -> Iterator[Metric]:
        """What each layer stands at."""
        now_ms = self._now_ms()
        yield WAITING.of(((layer,), max(0, now_ms - at_ms) / 1000) for layer, at_ms in self._since_ms.items())


@asynccontextmanager
async def publications_due(catalog: Catalog, now_ms: Callable[[], int]) -> AsyncIterator[PublicationsDue]:
    """The metric, kept up to date meanwhile."""
    due = PublicationsDue(catalog, now_ms)
    looking = asyncio.create_task(endure("publications_due", due.look, partial(asyncio.sleep, _LOOK_S)))
    try:
        yield due
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
