"""What a log retains of a device, made into an explanation.

Between `ingest.retrieving` and `geofence.explanation`; for the command, and for the program that a gateway starts.
Invariant: what is not retained is said so, with how far back the log goes, and never explained by guessing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import msgspec

from geofence.explanation import Asked, Explanation, NotRetained, explain
from geofence.instant import text_of
from geofence.wire_events import Event
from ingest.retained import Retained, Sent
from ingest.retrieving import Reading
from ingest.settings import WorkerSettings
from service.explain import setting_of
from service.replay import Begin

_TOO_MANY = "; whether it was told is not known, the partition has more events than may be looked through"


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
        events = await reading.told(found.partition)
        told = next((one for one in events or () if one.id == asked.event), None)
        words = _TOO_MANY if events is None else _told_words(told)
        why = f"{error}{words if asked.event else ''} ({_back(found)})"
        raise Gone(why, known=told is not None or events is None or asked.event is None) from None
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
