"""One layer of a fence: its atlas, its tracks, and how what happens in it is put into words.

What may happen stands in modules of its own: `taking` (pings), `dwelling` (time), `switching` (another version).
Invariant: a device's track always speaks of the regions of one version: that in force, or, until it is swept, the one
before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from geofence.atlas import Atlas
from geofence.crossing import Cause, Change, Crossing, Evidence, Place
from geofence.devices import Devices
from geofence.hysteresis import CROSSING, OUTSIDE, TRAIL, TRAIL_LENGTH
from geofence.passage import DWELLED, Books, Passage
from geofence.ping import Pings
from geofence.region import Version
from geofence.tracks import NEVER, Tracks

User = Callable[[int | None, int], str | None]
Ints = NDArray[np.int64]
_CAUSES = {0: Cause.FIRST_FIX, 1: Cause.MOVED, DWELLED: Cause.MOVED}


class LayerState:
    """A layer in force."""

    def __init__(self, atlas: Atlas, devices: Devices) -> None:
        """No tracks yet."""
        self.tracks, self.devices = Tracks(overlay=atlas.overlay), devices
        self.before: Atlas | None = None  # whose regions the tracks of an older epoch speak of
        self.stale: Ints | None = None  # those to be swept, in order; some have moved by themselves since
        self.switched_ms, self.epoch = NEVER, 0
        self.number = 0  # of the newest publication that was obeyed; 0: none had one
        self._scratch, self._out = np.zeros(TRAIL_LENGTH, TRAIL), np.zeros(TRAIL_LENGTH, CROSSING)
        self.put_in_force(atlas)

    def put_in_force(self, atlas: Atlas) -> None:
        """Read what the atlas' version says."""
        self.atlas, self.version = atlas, atlas.version
        self.rules, self.dwell_ms = self.version.rule.packed(), dwell_ms(self.version)
        self._places = _places(self.version)

    @property
    def sweeping(self) -> bool:
        """Whether devices are left that stand in the version before."""
        return self.before is not None

    def is_stale(self, slots: Ints) -> NDArray[np.bool_]:
        """Which of these have a track that stands in the version before."""
        if self.before is None:
            return np.zeros(len(slots), np.bool_)
        span = self.tracks.span[slots]
        return np.asarray((span["born_ms"] != NEVER) & (span["epoch"] != self.epoch))

    def version_of(self, slot: int) -> Version:
        """The version whose regions a device's track speaks of."""
        stale = self.before is not None and bool(self.is_stale(np.array([slot]))[0])
        return self.before.version if stale and self.before is not None else self.version

    def books(self) -> Books:
        """The columns as they are now; growing makes new ones."""
        tracks = self.tracks
        chain, beliefs = tracks.fences.columns
        own = (tracks.span, tracks.motion, tracks.evidence, tracks.place)
        fences = (chain, beliefs, tracks.fences.free, tracks.fences.left)
        trails = (tracks.trails.columns[0], tracks.trails.free, tracks.trails.left)
        return Books(*own, *fences, *trails, self.rules, self._scratch, self._out)

    # -- forgetting ------------------------------------------------------------------------------------------------

    def leave(self, slots: Ints, cause: Cause, at_ms: int) -> list[Crossing]:
        """The events of devices that are about to be forgotten: out of wherever they were."""
        slots = slots[self.tracks.span["born_ms"][slots] != NEVER]
        if self.atlas.overlay:
            rows, begin = self.tracks.chains_of(slots)
            slots, regions = np.repeat(slots, np.diff(begin)), self.tracks.fences.columns[1]["region"][rows]
        else:
            regions = self.tracks.evidence["region"][slots]
        inside = regions >= 0
        return self.events(slots[inside], regions[inside], OUTSIDE, cause, at_ms)

    def forget(self, slots: Ints) -> Ints:
        """Clear these devices' tracks; the event times of their last pings, or NEVER."""
        born = self.tracks.span["born_ms"][slots]
        last_ms: Ints = np.where(born == NEVER, NEVER, self.tracks.motion["last_ms"][slots])
        self.tracks.clear(slots)
        return last_ms

    # -- crossings -------------------------------------------------------------------------------------------------

    def events(
        self,
        slots: Ints,
        origin: ArrayLike,
        target: ArrayLike,
        cause: Cause,
        at_ms: ArrayLike,
        *,
        confirmed_ms: ArrayLike | None = None,
        user: User | None = None,
        origin_of: Version | None = None,
    ) -> list[Crossing]:
        """Crossings that no ping confirmed, one for each slot; each takes the device's next sequence."""
        many, named = len(slots), user or self.devices.user
        if not many:
            return []
        sequence = np.empty(many, np.int64)
        occurred = np.broadcast_to(np.asarray(at_ms, np.int64), many)
        _count_events(self.tracks.span, slots, occurred, sequence)
        self.devices.touched.add(slots)
        self.devices.told.add(slots)
        origins = self._places if origin_of is None else _places(origin_of)
        columns = (
            slots, np.broadcast_to(origin, many), np.broadcast_to(target, many), self.tracks.span["born_ms"][slots],
            sequence, occurred, occurred if confirmed_ms is None else np.broadcast_to(confirmed_ms, many),
        )  # fmt: skip
        return [
            Crossing(
                device=self.devices.name(slot),
                layer=self.version.layer,
                change=self._change(was, now),
                cause=cause,
                origin=origins[was] if was >= 0 else None,
                target=self._places[now] if now >= 0 else None,
                born_ms=born_ms,
                sequence=number,
                occurred_ms=occurred_ms,
                confirmed_ms=sure_ms,
                user=named(None, slot),
                version=self.version.hash,
            )
            for slot, was, now, born_ms, number, occurred_ms, sure_ms in zip(
                *(np.asarray(column).tolist() for column in columns), strict=True
            )
        ]

    def crossing(self, passage: Passage, pings: Pings, user: str | None) -> Crossing:
        """A passage in words."""
        received, dwelled = int(pings.received_ms[passage.row]), passage.cause == DWELLED
        seconds = (passage.confirmed_ms - passage.occurred_ms) / 1000
        grounds = Evidence(passage.pings, seconds, round(passage.score, 3))
        return Crossing(
            device=self.devices.name(passage.slot),
            layer=self.version.layer,
            change=Change.DWELLED if dwelled else self._change(passage.region_from, passage.region_to),
            cause=_CAUSES[passage.cause],
            origin=self._place(passage.region_from),
            target=self._place(passage.region_to),
            born_ms=passage.born_ms,
            sequence=passage.sequence,
            occurred_ms=passage.occurred_ms,
            confirmed_ms=passage.confirmed_ms,
            received_ms=None if received < 0 else received,
            user=user,
            confidence=round(passage.confidence, 3),
            evidence=None if dwelled else grounds,
            version=self.version.hash,
        )

    def _change(self, origin: int, target: int) -> Change:
        if not self.atlas.overlay:
            return Change.CHANGED
        if origin == target:
            return Change.DWELLED
        return Change.ENTERED if target >= 0 else Change.EXITED

    def _place(self, index: int) -> Place | None:
        return self._places[index] if index >= 0 else None


def dwell_ms(version: Version) -> int:
    """The dwell time, or -1 where dwells are not told."""
    return -1 if version.dwell_s is None else int(version.dwell_s * 1000)


def _places(version: Version) -> list[Place]:
    return [Place(region.id, region.name) for region in version.regions]


@njit(cache=True)
def _count_events(span: Any, slots: Any, at_ms: Any, sequence: Any) -> None:
    for k in range(len(slots)):
        its = span[slots[k]]
        its.sequence += 1
        its.since_ms = at_ms[k]
        sequence[k] = its.sequence
