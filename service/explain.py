"""`geofence explain` of a file: where the input of one device comes from, and what is asked of it.

Beside `explain_log`; between files and `geofence.explanation`. Invariant: the fence is set as `replay` sets it, so that
the events of an account are those of a replay of the same input.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import msgspec

from geofence.atlas import Atlas
from geofence.control import Control
from geofence.explanation import Asked, Explanation, NotRetained, Setting, explain
from geofence.hearing import Newest, of_device
from geofence.instant import ms_of
from geofence.library import Library
from geofence.past import Past
from geofence.ping import Pings
from geofence.region import Version
from geofence.rule import PRESETS
from ingest.retained import Bounds
from ingest.settings import WorkerSettings
from service.complaints import Complaints
from service.horizon import Horizon, until_of
from service.layers import part_versions
from service.readers import Format, PingFile
from service.replay import Begin, checked_fence
from service.rows import Batch, Misread, Order
from service.source import Source, Unusable

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def setting_of(begin: Begin, worker: WorkerSettings) -> Setting:
    """The setting. Raises Unusable where the options don't go together."""
    more = {"consent": worker.consent, "forget_after_s": worker.forget_after_s, "max_age_s": worker.max_age_s}
    checked_fence((), **more)
    return Setting(
        begin.in_force,
        begin.library.atlases(),
        consent=worker.consent,
        forget_after_s=worker.forget_after_s,
        max_age_s=worker.max_age_s,
        source=worker.source,
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

        newest = Newest(Bounds().items)
        for one in of_device(items(), device):
            newest.add(one)
        keeps_time = file.format is not Format.NDJSON
    setting = replace(setting, keeps_time=keeps_time, past=Past(newest.before()))
    try:
        found = explain(device, newest.items, setting, asked)
    except NotRetained as error:
        raise Unusable(f"not retained: {error} (all of {path} was read)") from None
    left_out = f"{newest.let_go:,} older pings were left out: the newest {Bounds().items:,} are looked at."
    return msgspec.structs.replace(found, notes=(left_out,)) if newest.let_go else found


def asked_of(
    at: str | None, last: str | None, event: str | None, presets: Sequence[str] = (), *, prefix: str = "--"
) -> Asked:
    """What is asked for; `prefix`: what the names are written with. Raises Unusable."""
    if sum(one is not None for one in (at, last, event)) > 1:
        names = f"{prefix}at, {prefix}last and {prefix}event"
        raise Unusable(f"{names} ask for different parts; allowed: one of them. Leave out the others.")
    for name in presets:
        if name not in PRESETS:
            raise Unusable(f"{prefix}preset is {name[:40]!r}; allowed: {', '.join(PRESETS)}")
    try:
        at_ms = None if at is None else ms_of(at)
    except ValueError as error:
        raise Unusable(f"{prefix}at: {error}") from None
    last_ms = None if last is None else _span_ms(last, prefix)
    return Asked(at_ms, last_ms, event, tuple(presets) or tuple(PRESETS))


def _span_ms(text: str, prefix: str) -> int:
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS or not number.isascii() or not number.isdigit() or not 0 < int(number) < 10**6:
        raise Unusable(f"{prefix}last is {text[:40]!r}; allowed: a whole number and s, m, h or d, such as 30m or 2h")
    return int(number) * _UNITS[unit] * 1000


def begin_with_files(versions: Sequence[Version], engine: str) -> Begin:
    """Of several versions of a layer the first is in force."""
    first, _ = part_versions(versions)
    return begin_of(first, {version.hash: Atlas(version, engine) for version in versions})
