"""What came before a replay began: the orders that still count, and the past of a track whose first pings are gone.

Beside `explanation`. A replay that begins in the midst of a track finds the events that came later, but counts them
from its own beginning, so that their ids differ; those that the worker told say which they are. Invariant: where a
track is whole in the input, nothing is changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from geofence.control import Control
from geofence.instant import ms_of, text_of
from geofence.tracks import NEVER
from geofence.wire_events import Event
from geofence.witness import Step, Told

_Key = tuple[str, str, str | None, str | None, int]


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of the time before the first ping that is left.

    `born_ms`: by layer, when the track began that the worker keeps of the device; `told`: the events that were told of
    it since the input begins, None where that is not known.
    """

    orders: tuple[Control, ...] = ()
    born_ms: Mapping[str, int] = field(default_factory=dict)
    told: Sequence[Event] | None = None

    def cut_short(self, replayed_ms: Mapping[str, int]) -> dict[str, int]:
        """The layers whose track began before the replayed one, and when; NEVER is no track."""
        began = {layer: (born_ms, replayed_ms.get(layer, NEVER)) for layer, born_ms in self.born_ms.items()}
        return {layer: born_ms for layer, (born_ms, replay_ms) in began.items() if NEVER != replay_ms > born_ms}

    def as_told(self, steps: Sequence[Step], cut_short: Mapping[str, int]) -> list[Step]:
        """The steps, the events of these layers with the ids under which they were told."""
        if self.told is None or not cut_short:
            return list(steps)
        ids = {_key_of(event): event.id for event in self.told}
        return [_renamed(step, ids) if step.told and step.layer in cut_short else step for step in steps]


def cut_words(layer: str, born_ms: int) -> str:
    """That the beginning of a track is gone, in words."""
    return (
        f"{layer}: the beginning of its track, {text_of(born_ms)}, is not retained. The replay begins with the first "
        "ping that is left as if the device were new: what it says of the first pings may differ from what was decided."
    )


def _renamed(step: Step, ids: Mapping[_Key, str]) -> Step:
    told = tuple(_known(one, ids) for one in step.told)
    return msgspec.structs.replace(step, told=told, why=" ".join(one.words for one in told))


def _known(told: Told, ids: Mapping[_Key, str]) -> Told:
    origin, target = (None if place is None else place.id for place in (told.origin, told.target))
    found = ids.get((told.layer, str(told.change), origin, target, told.confirmed_ms))
    if found is not None:
        return msgspec.structs.replace(told, id=found)
    words = f"Only in this replay, no such event was told: {told.words}"
    return msgspec.structs.replace(told, id="", words=words)


def _key_of(event: Event) -> _Key:
    origin, target = (None if place is None else place.id for place in (event.data.origin, event.data.target))
    change = event.type.rpartition(".")[2]
    return event.data.layer, change, origin, target, ms_of(event.data.confirmed_at)
