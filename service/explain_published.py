"""`geofence explain` of a log: under the layers of files, or those that a catalog has published.

Above `explain_log`. Invariant: of a catalog only those versions are loaded that were in force.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from pathlib import Path

from boundaries.loading import Loader
from catalog import Catalog
from catalog.publication import IN_FORCE, SENDING, SENT
from geofence.explanation import Asked, Explanation
from geofence.library import UnknownVersion
from ingest.retained import Bounds, Retained, Sent
from ingest.retrieving import Reading
from ingest.settings import WorkerSettings
from service.catalogs import answering, opened
from service.explain import begin_of
from service.explain_log import Gone, Versions, explained
from service.logs import open_log, run
from service.replay import Begin
from service.source import Unusable

_SENT = (SENDING, SENT, IN_FORCE)


def sent_of(catalog: Catalog, layers: Collection[str]) -> Sent:
    """What was published of these layers; of all if none is named. Raises Unusable where one does not exist."""
    known = [layer.name for layer in catalog.layers.list()]
    for name in layers:
        if name not in known:
            raise Unusable(f"layer is {name!r}; there are {', '.join(known) or 'none'}")
    return {
        name: [(one.number, one.hash) for one in catalog.publications.list(name) if one.state in _SENT]
        for name in layers or known
    }


def explain_log(
    url: str, device: str, worker: WorkerSettings, asked: Asked, given: Begin | tuple[str, Path], layers: Sequence[str]
) -> tuple[Explanation, Begin]:
    """Explain a device from a log; with the versions that were at hand. Raises Unusable.

    `given`: the layers, or where the catalog and its shelf are.
    """
    return run(_explain_log(url, device, worker, asked, given, layers))


async def _explain_log(
    url: str, device: str, worker: WorkerSettings, asked: Asked, given: Begin | tuple[str, Path], layers: Sequence[str]
) -> tuple[Explanation, Begin]:
    async with open_log(url, read_only=True) as log:
        reading = Reading(log, device, worker.value_bytes, Bounds(), layers)
        found = await reading.read(asked.at_ms, asked.event)
        if isinstance(given, Begin):
            versions = Versions(given)
        else:
            versions = await _published(found, *given, layers)
        try:
            return await explained(reading, found, versions, worker, asked), versions.begin
        except Gone as error:
            raise Unusable(str(error)) from None


async def _published(found: Retained, catalog_url: str, shelf: Path, layers: Sequence[str]) -> Versions:
    """Those of the catalog's versions that were in force."""
    with answering(), opened(catalog_url) as catalog:
        sent, loader = await asyncio.to_thread(sent_of, catalog, layers), Loader(catalog, shelf)
        known = {key for its in sent.values() for _, key in its}
        try:
            atlases = {key: await loader.load(key) for key in sorted(found.versions(sent) & known)}
        except UnknownVersion as error:
            raise Unusable(str(error)) from None
    return Versions(begin_of((), atlases), sent)
