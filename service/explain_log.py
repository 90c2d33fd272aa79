"""What a log and a catalog know of a device, made into an explanation.

Between `ingest.retrieving` and `geofence.explanation`; for the command, and for the program that a gateway starts.
Invariant: what is not retained is said so, with how far back the log goes, and never explained by guessing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from boundaries.loading import Loader
from catalog import Catalog
from catalog.publication import IN_FORCE, SENDING, SENT
from geofence.explanation import Asked, Explanation, NotRetained, explain
from geofence.instant import text_of
from geofence.library import UnknownVersion
from geofence.wire_events import Event
from ingest.retained import Bounds, Retained, Sent
from ingest.retrieving import Reading
from ingest.settings import WorkerSettings
from service.catalogs import answering, opened
from service.explain import begin_of, setting_of
from service.logs import open_log, run
from service.replay import Begin
from service.source import Unusable

_SENT = (SENDING, SENT, IN_FORCE)


class Gone(Exception):
    """What was asked for is not retained. `known`: whether there once was such a thing."""

    def __init__(self, why: str, *, known: bool) -> None:
        super().__init__(f"not retained: {why}")
        self.known = known


@dataclass(frozen=True, slots=True)
class Versions:
    """What is in force where nothing was published before; the versions at hand, and what a catalog has published."""

    begin: Begin
    sent: Sent = field(default_factory=dict)


async def explained(
    reading: Reading, found: Retained, versions: Versions, worker: WorkerSettings, asked: Asked
) -> Explanation:
    """The explanation. Raises Gone."""
    try:
        setting = replace(setting_of(versions.begin, worker), past=found.past(versions.sent))
        its = explain(reading.device, found.heard, setting, asked)
    except NotRetained as error:
        told = next((one for one in await reading.told(found.partition) if one.id == asked.event), None)
        why = f"{error}{_told_words(told) if asked.event else ''} ({_back(found)})"
        raise Gone(why, known=told is not None or asked.event is None) from None
    return msgspec.structs.replace(its, notes=(*its.notes, *found.notes))


def _told_words(told: Event | None) -> str:
    if told is None:
        return ", nor is it among the events of this device that the log keeps"
    change = told.type.rpartition(".")[2]
    where = f"{told.data.layer} {change}, confirmed {told.data.confirmed_at}"
    return f"; it was told ({where}), but the pings that led to it are not all left"


def _back(found: Retained) -> str:
    """How far back the log goes."""
    if found.first_ms is None:
        return "the log is empty"
    how = "was read back" if found.passed_over else "goes back"
    back = f"partition {found.partition} of the log {how} to {text_of(found.first_ms)}"
    return back + (f"; {found.gone:,} older records are gone" if found.gone else "")


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
