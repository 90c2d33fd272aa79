"""One layer of a fence: its atlas, its tracks, and what may happen to a device in it.

Between `fence`, which knows devices and records, and `passage`, which knows columns. Turns passages into crossings.
Invariant: a device's track always speaks of the regions of one version: that in force, or, until it is swept, the one
before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geofence.atlas import Atlas
from geofence.crossing import Cause, Change, Crossing, Evidence, Place
from geofence.hysteresis import (
    CROSSING,
    OUTSIDE,
    REJECTED,
    TRAIL,
    TRAIL_LENGTH,
    UNKNOWN,
    caps_m,
    new_evidence,
    settle,
)
from geofence.passage import DWELLED, PASSAGE, Books, Passage, Taken, pass_overlay, pass_partition
from geofence.ping import CONFIDENCE, Pings
from geofence.region import Version
from geofence.sighting import Sightings
from geofence.tracks import NEVER, Tracks

Name = Callable[[int], str]
User = Callable[[int | None, int], str | None]
Order = tuple[int, int, int]  # the row; 0 before it, 1 at it; of what comes before it, the time
_CAUSES = {0: Cause.FIRST_FIX, 1: Cause.MOVED, DWELLED: Cause.MOVED}


@dataclass(frozen=True, slots=True)
class Heard:
    """Who speaks in each row of a batch, and when."""

    slots: NDArray[np.int64]
    ignored: NDArray[np.bool_]  # rows that no layer takes
    user: NDArray[np.int32]  # known at this row
    user_until: NDArray[np.int32]  # known of its device before the batch
    clock_ms: NDArray[np.int64]

    def user_before(self, taken: NDArray[np.int64], user_name: User, stop: int) -> User:
        """Who was known as a device's user before row `taken[stop]`."""

        def known(_: int | None, slot: int) -> str | None:
            rows = taken[self.slots[taken] == slot]
            earlier = rows[rows < taken[stop]]
            if len(earlier):
                return user_name(int(self.user[earlier[-1]]), slot)
            return user_name(int(self.user_until[rows[0]]) if len(rows) else None, slot)

        return known


class LayerState:
    """A layer in force."""

    def __init__(self, atlas: Atlas) -> None:
        """No devices yet."""
        self.atlas = atlas
        self.version: Version = atlas.version
        self.tracks = Tracks(overlay=atlas.overlay)
        self._read(self.version)
        self._before: Atlas | None = None
        self._stale: list[int] | None = None  # those to be swept, the last first; some have moved by themselves since
        self._switched_ms, self._epoch = NEVER, 0
        self._scratch, self._out = np.zeros(TRAIL_LENGTH, TRAIL), np.zeros(TRAIL_LENGTH, CROSSING)

    def _read(self, version: Version) -> None:
        self.rules = version.rule.packed()
        self._dwell_ms = dwell_ms(version)
        self._places = [Place(region.id, region.name) for region in version.regions]

    def observe(
        self,
        pings: Pings,
        heard: Heard,
        timed: bool,
        name: Name,
        user_name: User,
    ) -> tuple[list[tuple[Order, Crossing]], NDArray[np.uint8]]:
        """Take the rows that were heard: the crossings, each with its order, and the outcome of every row.

        If `timed`, dwells that become due on the way, by the clock at each row, are told too.
        """
        told = self._settle_first(heard, name, user_name) if self.sweeping else []
        slots, outcome = heard.slots, np.full(len(pings), REJECTED, np.uint8)
        taken = np.flatnonzero(~heard.ignored)
        if len(taken) < len(slots):
            pings, slots = pings.take(taken), slots[taken]
        batch = self._taken(pings, slots, heard.clock_ms[taken])
        sighted = self.atlas.locate(batch.lon, batch.lat, batch.cap_m if self.atlas.overlay else batch.deep_m)
        if self.atlas.overlay:
            passages, dwells = self._pass_overlay(batch, sighted, heard, taken, timed, name, user_name)
            told.extend(dwells)
        else:
            passages = pass_partition(
                self._books(),
                self.atlas.borders,
                self.atlas.within_m,
                batch,
                sighted.region,
                sighted.margin_m,
                sighted.covered,
            )
        outcome[taken] = batch.outcome
        for passage in map(Passage._make, passages.tolist()):
            row = int(taken[passage.row])
            crossing = self._crossing(passage, pings, name, user_name(int(heard.user[row]), passage.slot))
            told.append(((row, 1, 0), crossing))
        return told, outcome

    def _taken(self, pings: Pings, slots: NDArray[np.int64], clock_ms: NDArray[np.int64]) -> Taken:
        """The batch as the kernels take it, with the largest margins that each ping can use."""
        confidence = np.where(np.isnan(pings.confidence), CONFIDENCE, pings.confidence)
        caps, deep = caps_m(pings.accuracy_m, confidence, self.rules[0])
        place = (slots, pings.lon, pings.lat, pings.accuracy_m, confidence, pings.source, pings.time_ms)
        return Taken(*place, caps, deep, clock_ms, np.zeros(len(slots), np.uint8))

    def _books(self) -> Books:
        """The columns as they are now; growing makes new ones."""
        tracks = self.tracks
        chain, beliefs = tracks.fences.columns
        own = (tracks.span, tracks.motion, tracks.evidence, tracks.place)
        fences = (chain, beliefs, tracks.fences.free, tracks.fences.left)
        trails = (tracks.trails.columns[0], tracks.trails.free, tracks.trails.left)
        return Books(*own, *fences, *trails, self.rules, self._scratch, self._out)

    def _pass_overlay(
        self,
        batch: Taken,
        sighted: Sightings,
        heard: Heard,
        taken: NDArray[np.int64],
        timed: bool,
        name: Name,
        user_name: User,
    ) -> tuple[NDArray[Any], list[tuple[Order, Crossing]]]:
        """The passages, and the dwells told on the way, each with its order."""
        self.tracks.reserve_sighted(batch.slot, len(sighted.row))
        first = np.searchsorted(sighted.row, np.arange(len(batch.slot) + 1))
        timed = timed and self._dwell_ms >= 0
        found: list[NDArray[Any]] = []
        dwells: list[tuple[Order, Crossing]] = []
        row = 0
        while row < len(batch.slot):
            due = self.dwell_due_ms() if timed else NEVER
            passages, row = pass_overlay(
                self._books(), self.atlas.borders, self._dwell_ms, batch, first, sighted.region, sighted.margin_m, row,
                _FAR_OFF if due is None else due,
            )  # fmt: skip
            found.append(passages)
            if row < len(batch.slot):
                known = heard.user_before(taken, user_name, row)
                told = self.dwells(int(batch.clock_ms[row]), name, known, at_due=True)
                dwells += [((int(taken[row]), 0, crossing.confirmed_ms), crossing) for crossing in told]
        if timed:  # refused rows after the last one taken may have moved the clock
            told = self.dwells(int(heard.clock_ms[-1]), name, user_name, at_due=True)
            dwells += [((len(heard.slots), 0, crossing.confirmed_ms), crossing) for crossing in told]
        return np.concatenate(found) if found else np.zeros(0, PASSAGE), dwells

    # -- what happens without a ping ---------------------------------------------------------------------------

    def leave(self, slot: int, cause: Cause, at_ms: int, name: Name, user_name: User) -> list[Crossing]:
        """The events of a device that is about to be forgotten: out of wherever it was."""
        told = self._settle([slot], name, user_name)
        if self.tracks.span["born_ms"][slot] == NEVER:
            return told
        if not self.atlas.overlay:
            inside = [int(self.tracks.evidence["region"][slot])]
        else:
            rows = self.tracks.fence_rows(slot)
            inside = [int(self.tracks.fences.columns[1]["region"][row]) for row in rows]
        for region in inside:
            if region >= 0:
                told.append(self._event(slot, region, OUTSIDE, cause, at_ms, name, user_name))
        return told

    def forget(self, slot: int) -> int:
        """Clear a device's track; the event time of its last ping, or NEVER."""
        born = self.tracks.span["born_ms"][slot]
        last_ms = NEVER if born == NEVER else int(self.tracks.motion["last_ms"][slot])
        self.tracks.clear(slot)
        return last_ms

    def dwell_due_ms(self) -> int | None:
        """When the next dwell is due, in partition time."""
        due = self._undwelled()[1]
        return int(due.min()) if len(due) else None

    def dwells(self, clock_ms: int, name: Name, user_name: User, *, at_due: bool = False) -> list[Crossing]:
        """The dwells that are due, in the order in which they became so; told now, or `at_due` each when it did."""
        # Whoever is not swept yet may dwell in a fence that is new to it.
        told = self.sweep(None, name, user_name) if self._dwell_ms >= 0 else []
        rows, due = self._undwelled()
        chain = self.tracks.fences.columns[0]
        ready = [
            (at, name(int(chain["slot"][row])), int(chain["fence"][row]), row)
            for at, row in zip(due.tolist(), rows.tolist(), strict=True)
            if at <= clock_ms
        ]
        for at, _, fence, row in sorted(ready):
            chain["dwelled"][row] = 1
            slot, dwelled_ms = int(chain["slot"][row]), int(chain["since_ms"][row]) + self._dwell_ms
            confirmed_ms = at if at_due else clock_ms
            told.append(
                self._event(slot, fence, fence, Cause.MOVED, dwelled_ms, name, user_name, confirmed_ms=confirmed_ms)
            )
        return told

    def _undwelled(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The fence rows whose device is inside and has not dwelled yet, and when each will have."""
        if self._dwell_ms < 0:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        rows = self.tracks.fences_in_use()
        chain, beliefs = self.tracks.fences.columns
        rows = rows[(beliefs["region"][rows] >= 0) & (chain["dwelled"][rows] == 0)]
        return rows, chain["due_ms"][rows]

    # -- a new version -----------------------------------------------------------------------------------------------

    @property
    def sweeping(self) -> bool:
        """Whether devices are left that stand in the version before."""
        return self._before is not None

    def version_of(self, slot: int) -> Version:
        """The version whose regions a device's track speaks of."""
        swept = self._before is None or self.tracks.span["epoch"][slot] == self._epoch
        return self.version if swept or self._before is None else self._before.version

    def switch(self, atlas: Atlas, at_ms: int) -> None:
        """Put another version in force; every device moves to it before anything else happens to it."""
        self._before, self._switched_ms = self.atlas, at_ms
        self.atlas, self.version = atlas, atlas.version
        self._read(self.version)
        self._epoch += 1

    def sweep(self, most: int | None, name: Name, user_name: User) -> list[Crossing]:
        """Move up to `most` devices to the version in force, in the order of their names."""
        if self._before is None:
            return []
        if self._stale is None:
            alive = self.tracks.alive()
            stale = alive[self.tracks.span["epoch"][alive] != self._epoch].tolist()
            self._stale = sorted(stale, key=name, reverse=True)
        some = self._stale[: -most - 1 : -1] if most is not None else self._stale[::-1]
        del self._stale[len(self._stale) - len(some) :]
        told = self._settle(some, name, user_name)
        if not self._stale:
            self._before = self._stale = None
        return told

    def _settle_first(self, heard: Heard, name: Name, user_name: User) -> list[tuple[Order, Crossing]]:
        """Move the devices of these rows, each at its first row."""
        told: list[tuple[Order, Crossing]] = []
        rows = np.flatnonzero(~heard.ignored)
        _, firsts = np.unique(heard.slots[rows], return_index=True)
        for row in np.sort(rows[firsts]).tolist():
            user_then = partial(_user_then, user_name, int(heard.user_until[row]))
            moved = self._settle([int(heard.slots[row])], name, user_then)
            told.extend(((row, 1, 0), crossing) for crossing in moved)
        return told

    def _settle(self, slots: list[int], name: Name, user_name: User) -> list[Crossing]:
        """Move these devices to the version in force, if they stand in the one before."""
        if self._before is None or not slots:
            return []
        span = self.tracks.span
        stale = [slot for slot in slots if span["born_ms"][slot] != NEVER and span["epoch"][slot] != self._epoch]
        told = (self._settle_overlay if self.atlas.overlay else self._settle_partition)(stale, name, user_name)
        span["epoch"][slots] = self._epoch
        return told

    def _settle_partition(self, slots: list[int], name: Name, user_name: User) -> list[Crossing]:
        tracks, before = self.tracks, self._before
        assert before is not None  # noqa: S101  (the caller's check, for the type checker)
        old, anchor = tracks.evidence["region"][slots], tracks.evidence[["anchor_lon", "anchor_lat"]][slots]
        same = _successors(before.version, self.version)[old] if len(slots) else old
        seen = ~np.isnan(anchor["anchor_lon"])
        new = np.where(same == _GONE, OUTSIDE, same)
        new[seen] = self.atlas.locate(anchor["anchor_lon"][seen], anchor["anchor_lat"][seen], 0.0).region
        new[old == UNKNOWN] = UNKNOWN
        told = [
            self._event(
                slot,
                int(was),
                int(now),
                Cause.BOUNDARY,
                self._switched_ms,
                name,
                user_name,
                origin_of=before.version,
            )
            for slot, was, still, now in zip(slots, old, same, new, strict=True)
            if now != still and not (was < 0 and now < 0)
        ]
        _settle_rows(tracks.evidence, np.array(slots, np.int64), new.astype(np.int64))
        for slot in slots:
            tracks.drop_trail(slot)
        return told

    def _settle_overlay(self, slots: list[int], name: Name, user_name: User) -> list[Crossing]:
        told: list[Crossing] = []
        before = self._before
        assert before is not None  # noqa: S101
        successors, predecessors = (
            _successors(before.version, self.version),
            _successors(self.version, before.version),
        )
        for slot in slots:
            place = self.tracks.place[slot]
            now = set(self._fences_at(self.atlas, place["lon"], place["lat"]))
            then = set(self._fences_at(before, place["lon"], place["lat"]))
            kept: set[int] = set()
            for row in list(self.tracks.fence_rows(slot)):
                fence = self._settle_fence(slot, row, successors, told, before.version, name, user_name)
                kept |= {fence} if fence >= 0 else set()
            for fence in sorted(now - kept):
                if int(predecessors[fence]) in then:
                    continue  # it lay in this fence before, and that was not enough: the border did not do it
                self._begin_in(slot, fence)
                told.append(self._event(slot, OUTSIDE, fence, Cause.BOUNDARY, self._switched_ms, name, user_name))
        return told

    def _settle_fence(
        self,
        slot: int,
        row: int,
        successors: NDArray[np.int64],
        told: list[Crossing],
        origin_of: Version,
        name: Name,
        user_name: User,
    ) -> int:
        """Move one fence row: the fence that the device is still in, or -1."""
        chain, beliefs = self.tracks.fences.columns
        old, region = int(chain["fence"][row]), int(beliefs["region"][row])
        fence = int(successors[old])
        inside = region >= 0 and fence != _GONE
        if inside and not np.isnan(beliefs["anchor_lon"][row]):
            inside = fence in self._fences_at(self.atlas, beliefs["anchor_lon"][row], beliefs["anchor_lat"][row])
        if inside:
            chain["fence"][row], chain["due_ms"][row] = fence, self._due_again(chain[row])
            self.tracks.drop_fence_trail(row)
            _settle_rows(beliefs, np.array([row]), np.array([fence]))
            return fence
        if region >= 0:
            told.append(
                self._event(
                    slot,
                    old,
                    OUTSIDE,
                    Cause.BOUNDARY,
                    self._switched_ms,
                    name,
                    user_name,
                    origin_of=origin_of,
                )
            )
        self.tracks.drop_fence(slot, row)
        return -1

    def _due_again(self, chain: np.void) -> int:
        """When a fence's dwell is due, the dwell time being another now."""
        before_ms = -1 if self._before is None else dwell_ms(self._before.version)
        if self._dwell_ms < 0 or self._dwell_ms == before_ms:
            return int(chain["due_ms"])
        begin_ms = int(chain["since_ms"]) if before_ms < 0 else int(chain["due_ms"]) - before_ms
        return max(self._switched_ms, begin_ms + self._dwell_ms)

    def _begin_in(self, slot: int, fence: int) -> None:
        row = self.tracks.add_fence(slot, fence, self._switched_ms)
        place, (chain, beliefs) = self.tracks.place[slot], self.tracks.fences.columns
        chain["due_ms"][row] = self._switched_ms + max(0, self._dwell_ms)
        begin_row(beliefs, row, fence)
        beliefs["anchor_lon"][row], beliefs["anchor_lat"][row] = place["lon"], place["lat"]

    @staticmethod
    def _fences_at(atlas: Atlas, lon: float, lat: float) -> list[int]:
        return [int(region) for region in atlas.locate([lon], [lat], 0.0).region if region >= 0]

    # -- crossings -----------------------------------------------------------------------------------------------------

    def _event(
        self,
        slot: int,
        origin: int,
        target: int,
        cause: Cause,
        at_ms: int,
        name: Name,
        user_name: User,
        *,
        confirmed_ms: int | None = None,
        origin_of: Version | None = None,
    ) -> Crossing:
        """A crossing that no ping confirmed; takes the next sequence."""
        span = self.tracks.span
        span["sequence"][slot] += 1
        span["since_ms"][slot] = at_ms
        return Crossing(
            device=name(slot),
            layer=self.version.layer,
            change=self._change(origin, target),
            cause=cause,
            origin=_place(origin_of, origin) if origin_of else self._place(origin),
            target=self._place(target),
            born_ms=int(span["born_ms"][slot]),
            sequence=int(span["sequence"][slot]),
            occurred_ms=at_ms,
            confirmed_ms=at_ms if confirmed_ms is None else confirmed_ms,
            user=user_name(None, slot),
            version=self.version.hash,
        )

    def _crossing(self, passage: Passage, pings: Pings, name: Name, user: str | None) -> Crossing:
        """A passage in words."""
        received, dwelled = int(pings.received_ms[passage.row]), passage.cause == DWELLED
        seconds = (passage.confirmed_ms - passage.occurred_ms) / 1000
        grounds = Evidence(passage.pings, seconds, round(passage.score, 3))
        return Crossing(
            device=name(passage.slot),
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


def _user_then(user_name: User, user: int, _: int | None, slot: int) -> str | None:
    return user_name(user, slot)


_GONE = -3
_FAR_OFF = 2**62


def _successors(old: Version, new: Version) -> NDArray[np.int64]:
    """For each region of the old version the index of the same id in the new one, or _GONE; -1 (the last) stays -1."""
    found = [new.index.get(region.id, _GONE) for region in old.regions]
    return np.array([*found, _GONE, OUTSIDE], np.int64)  # indexed by UNKNOWN (-2) and OUTSIDE (-1) too


def _place(version: Version, index: int) -> Place | None:
    if index < 0:
        return None
    region = version.regions[index]
    return Place(region.id, region.name)


@njit(cache=True)
def _settle_rows(beliefs, rows, regions):  # type: ignore[no-untyped-def]
    """Put each row into a region, by decree."""
    for k in range(len(rows)):
        settle(beliefs[rows[k]], regions[k])


@njit(cache=True)
def begin_row(beliefs, row, region):  # type: ignore[no-untyped-def]
    """A new belief in this region."""
    new_evidence(beliefs[row], region)
