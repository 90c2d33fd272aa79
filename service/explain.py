"""`geofence explain`: where the input of one device comes from, and what is said of it.

Between files or a log and `geofence.explanation`. Invariant: the fence is set as `replay` sets it, so that the events
of an account are those of a replay of the same input.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from geofence.atlas import Atlas
from geofence.control import Control
from geofence.explanation import Asked, Explanation, NotRetained, Setting, explain
from geofence.hearing import Heard, of_device
from geofence.instant import ms_of, text_of
from geofence.library import Library
from geofence.ping import Pings
from geofence.region import Version
from ingest.settings import WorkerSettings
from ingest.topics import PINGS
from service.complaints import Complaints
from service.horizon import Horizon, until_of
from service.layers import part_versions
from service.logs import open_log
from service.readers import Format, PingFile
from service.replay import Begin, checked_fence
from service.rows import Batch, Misread, Order
from service.source import Source, Unusable
from service.trial_sources import LogPings
from stream.partitioner import partition_of

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Options:
    """The worker's options that decide what is told."""

    consent: str = "assumed"
    forget_after_s: float = 30 * 86_400.0
    max_age_s: float = 7 * 86_400.0
    source: str = "geofence"


def setting_of(begin: Begin, options: Options) -> Setting:
    """The setting. Raises Unusable where the options don't go together."""
    more = {"consent": options.consent, "forget_after_s": options.forget_after_s, "max_age_s": options.max_age_s}
    checked_fence((), **more)
    return Setting(
        begin.in_force,
        begin.library.atlases(),
        consent=options.consent,
        forget_after_s=options.forget_after_s,
        max_age_s=options.max_age_s,
        source=options.source,
    )


def only(begin: Begin, layers: Sequence[str]) -> Begin:
    """The same with these layers alone; all of them if none is named. Raises Unusable."""
    if not layers:
        return begin
    atlases = begin.library.atlases()
    known = sorted({atlas.version.layer for atlas in atlases.values()})
    for name in layers:
        if name not in known:
            raise Unusable(f"--layer is {name!r}; there are {', '.join(known)}")
    kept = {key: atlas for key, atlas in atlases.items() if atlas.version.layer in layers}
    return begin_of([version for version in begin.in_force if version.layer in layers], kept)


def begin_of(in_force: Sequence[Version], atlases: dict[str, Atlas]) -> Begin:
    """A beginning with these versions."""
    return Begin(in_force, Library(atlases=atlases))


def explain_file(path: str, device: str, setting: Setting, asked: Asked, until: str | None) -> Explanation:
    """Explain a device from a file of pings. Raises Unusable."""
    complaints, until_ms = Complaints(path), until_of(until)
    with Source(path) as source:
        file = PingFile(source)

        def items() -> Iterator[Pings | Control]:
            for part in Horizon(source.name, until_ms).within(file.batches()):
                if isinstance(part, Batch):
                    for one in part.rejected:
                        complaints.add(one)
                    yield part.pings
                elif isinstance(part, Order):
                    yield part.control
                elif isinstance(part, Misread):
                    complaints.add(part.rejected)

        heard = list(of_device(items(), device))
        keeps_time = file.format is not Format.NDJSON
    return _explained(device, heard, replace(setting, keeps_time=keeps_time), asked, f"all of {path} was read")


def explain_log(url: str, device: str, setting: Setting, asked: Asked) -> Explanation:
    """Explain a device from what a log retains of its partition. Raises Unusable."""
    partition, begin = asyncio.run(_place(url, device))
    items = (item for some in LogPings(url, WorkerSettings().value_bytes)(partition) for item in some)
    first_ms: list[int] = []

    def watched() -> Iterator[Pings | Control]:
        for item in items:
            if not first_ms:
                first_ms.append(int(item.received_ms[0]) if isinstance(item, Pings) else item.at_ms)
            yield item

    heard = list(of_device(watched(), device))
    back = f"partition {partition} of the log goes back to {text_of(first_ms[0])}" if first_ms else "the log is empty"
    gone = f"; {begin:,} older records are gone" if begin else ""
    return _explained(device, heard, setting, asked, back + gone)


async def _place(url: str, device: str) -> tuple[int, int]:
    """The device's partition, and how many records retention has taken from it."""
    async with open_log(url, read_only=True) as log:
        partition = partition_of(device.encode("utf-8", "surrogatepass"), await log.partitions(PINGS))
        standing = await log.standing(PINGS, group="geofence-explain")
        return partition, standing[partition].begin


def _explained(device: str, heard: Sequence[Heard], setting: Setting, asked: Asked, back: str) -> Explanation:
    try:
        return explain(device, heard, setting, asked)
    except NotRetained as error:
        raise Unusable(f"not retained: {error} ({back})") from None


def asked_of(at: str | None, last: str | None, event: str | None) -> Asked:
    """What is asked for. Raises Unusable."""
    if sum(one is not None for one in (at, last, event)) > 1:
        raise Unusable("--at, --last and --event ask for different parts; allowed: one of them. Leave out the others.")
    try:
        at_ms = None if at is None else ms_of(at)
    except ValueError as error:
        raise Unusable(f"--at: {error}") from None
    return Asked(at_ms, None if last is None else _span_ms(last), event)


def _span_ms(text: str) -> int:
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS or not number.isascii() or not number.isdigit() or not 0 < int(number) < 10**6:
        raise Unusable(f"--last is {text!r}; allowed: a whole number and s, m, h or d, such as 30m or 2h")
    return int(number) * _UNITS[unit] * 1000


def begin_with_files(versions: Sequence[Version], engine: str) -> Begin:
    """Of several versions of a layer the first is in force."""
    first, _ = part_versions(versions)
    return begin_of(first, {version.hash: Atlas(version, engine) for version in versions})
