"""The fence: pings and control records of one partition in, trusted crossings out.

The top of the core, and all that a worker needs of it. The steps of `observe` are the flow: refuse, find the devices,
locate, decide, tell. Invariants: what comes out depends on the input alone, not on how it is split into batches or
which engine locates; each ping has exactly one outcome in each layer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geofence.atlas import Atlas, Engine
from geofence.control import Consent, Control, Erase, Switch, Tick
from geofence.crossing import Cause, Crossing
from geofence.hysteresis import LATE, OUTCOMES, REJECTED
from geofence.layer import Heard, LayerState, Order
from geofence.ping import Pings, fault_of
from geofence.pool import grown_far
from geofence.region import Version
from geofence.roster import Roster, SharedRoster
from geofence.text import Texts
from geofence.tracks import CONSENT_GIVEN, CONSENT_UNSAID, CONSENT_WITHDRAWN, DEVICE, NEVER, NONE
from geofence.view import TrackView, track_view

BATCH = 1 << 16
NO_CONSENT = "no_consent"
_CONSENT_RANGE = ("assumed", "required")


class UnknownVersion(LookupError):
    """A switch to a version that is not at hand."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A ping that was refused: its row in the batch, and why."""

    row: int
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """What one call did. The counts of each layer add up to the pings given."""

    crossings: list[Crossing] = field(default_factory=list)
    rejected: list[Refusal] = field(default_factory=list)
    counts: dict[str, Counter[str]] = field(default_factory=dict)


class Fence:
    """The state of one partition of the input: its layers, its devices and its clock."""

    def __init__(
        self,
        versions: Sequence[Version],
        *,
        engine: Engine | str = Engine.COMPILED,
        consent: str = "assumed",
        forget_after_s: float = 30 * 86_400,
        max_age_s: float = 7 * 86_400,
        library: Sequence[Version] = (),
        atlases: dict[str, Atlas] | None = None,
        sweep_devices: int | None = None,
        keeps_time: bool = False,
    ) -> None:
        """Put one version of each layer in force; `library` are others that a switch may name.

        `atlases` are ready ones by version hash, made here where missing. With `sweep_devices` a switch moves only so
        many devices at once, and its owner calls `sweep` until `sweeping` is false. With `keeps_time` ticks are
        not awaited but made up between pings, as the owner of a log would append them.
        """
        if consent not in _CONSENT_RANGE:
            raise ValueError(f"consent is {consent!r}; allowed: {' or '.join(_CONSENT_RANGE)}")
        if not 0 < max_age_s < forget_after_s:
            raise ValueError(
                f"max_age_s is {max_age_s:g} and forget_after_s {forget_after_s:g}; max_age_s must be more than 0 and "
                "less than the other, or what is forgotten could come back"
            )
        names = [version.layer for version in versions]
        if len(set(names)) < len(names):
            raise ValueError(f"layers are {names}; one version of each can be in force: put the others into `library`")
        self.clock_ms = NEVER
        self._required = consent == "required"
        self._forget_ms, self._bar_ms = int(forget_after_s * 1000), int(max_age_s * 1000)
        self._sweep_devices, self._keeps_time = sweep_devices, keeps_time
        self._engine, self._atlases = Engine(engine), dict(atlases or {})
        self._library = {version.hash: version for version in (*library, *versions)}
        self._layers = {version.layer: LayerState(self._atlas(version)) for version in versions}
        self._roster, self._users = Roster(), SharedRoster()
        self._devices, self._ready = np.zeros(0, DEVICE), 0

    def observe(self, pings: Pings) -> Report:
        """Take pings in input order."""
        report = Report(counts={name: Counter() for name in self._layers})
        for start in range(0, len(pings), BATCH):
            some = pings if len(pings) <= BATCH else pings.slice(start, min(len(pings), start + BATCH))
            if self._keeps_time:
                self._observe_in_time(some, start, report)
            else:
                self._observe(some, start, report)
        return report

    def apply(self, control: Control) -> Report:
        """Take one control record. Raises UnknownVersion for a switch to a version that is not at hand."""
        self.clock_ms = max(self.clock_ms, control.at_ms)
        report = Report()
        match control:
            case Consent():
                report.crossings.extend(self._consent(control))
            case Erase():
                slot = self._roster.slot_of(control.device)
                if slot is not None:
                    report.crossings.extend(self._erase(slot, Cause.CONSENT, control.at_ms))
            case Tick():
                report.crossings.extend(self._tick())
            case Switch():
                report.crossings.extend(self._switch(control))
        return report

    def sweep(self) -> Report:
        """Go on with a switch: move the next devices."""
        report = Report()
        for layer in self._layers.values():
            if layer.sweeping and not report.crossings:
                report.crossings.extend(layer.sweep(self._sweep_devices, self._name, self._user))
        return report

    @property
    def sweeping(self) -> bool:
        """Whether a switch has devices left to move."""
        return any(layer.sweeping for layer in self._layers.values())

    @property
    def nbytes(self) -> int:
        """Memory that the tracks take, without the atlases."""
        columns = self._roster.nbytes + self._users.nbytes + self._ready * DEVICE.itemsize
        return columns + sum(layer.tracks.nbytes for layer in self._layers.values())

    def versions(self) -> dict[str, Version]:
        """What is in force."""
        return {name: layer.version for name, layer in self._layers.items()}

    def due_ms(self) -> int | None:
        """The partition time at which a tick would do something; None if never."""
        dues = [layer.dwell_due_ms() for layer in self._layers.values()]
        return min((due for due in (*dues, self._silent_ms()) if due is not None), default=None)

    def _silent_ms(self) -> int | None:
        """When the next device has been silent for too long, or a bar ends."""
        live = self._roster.live()
        silent = self._devices["heard_ms"][live[self._has_track(live)]] + self._forget_ms
        barred = self._devices["barred_until_ms"][live]
        dues = np.concatenate([silent, barred[barred != NEVER]])
        return int(dues.min()) if len(dues) else None

    def devices(self) -> Iterator[tuple[str, int]]:
        """The devices of which something is remembered, with their rows, in the order of their names."""
        return iter(sorted((self._roster.name(slot), slot) for slot in self._roster.live().tolist()))

    def tracks(self) -> Iterator[TrackView]:
        """Every track as people read it, by device and layer."""
        for device, slot in self.devices():
            heard_ms = int(self._devices["heard_ms"][slot])
            for layer in self._layers.values():
                if layer.tracks.span["born_ms"][slot] != NEVER:
                    yield track_view(layer, slot, device=device, user=self._user(None, slot), heard_ms=heard_ms)

    def _observe_in_time(self, pings: Pings, start: int, report: Report) -> None:
        """Take pings, and let what is due happen between them, each thing at its own time."""
        clock, begin = self._clock(pings, pings.faults() != 0), 0
        while begin < len(pings):
            due = self.due_ms()
            while due is not None and due <= clock[begin]:
                report.crossings.extend(self.apply(Tick(at_ms=max(due, self.clock_ms))).crossings)
                due = self.due_ms()
            horizon_ms = int(clock[begin]) + self._forget_ms  # who is heard from here on is not silent before
            silent = self._silent_ms()
            horizon_ms = horizon_ms if silent is None else min(horizon_ms, silent)
            end = max(begin + 1, int(np.searchsorted(clock, horizon_ms)))
            self._observe(pings.slice(begin, end), start + begin, report)
            begin = end

    def _clock(self, pings: Pings, faulty: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Partition time at each row: the largest record time so far, of refused pings too where the log gave it."""
        times = np.where(pings.received_ms >= 0, pings.received_ms, np.where(faulty, NEVER, pings.time_ms))
        return np.maximum.accumulate(np.maximum(times, self.clock_ms))

    # -- the flow of a batch -------------------------------------------------------------------------------------

    def _observe(self, pings: Pings, start: int, report: Report) -> None:
        faulty = self._refuse(pings, start, report)
        refused = faulty.copy()
        slots = self._find_devices(pings, refused, start, report)
        clock = self._clock(pings, faulty)
        late = ~refused & (pings.time_ms <= self._devices["barred_ms"][slots])
        heard = self._hear(pings, slots, refused | late, clock)
        told: list[tuple[Order, Crossing]] = []
        idle = refused.copy()
        for name, layer in self._layers.items():
            crossings, outcome = layer.observe(pings, heard, self._keeps_time, self._name, self._user)
            outcome[late] = LATE
            idle |= outcome == REJECTED
            told.extend(crossings)
            report.counts[name].update(
                {OUTCOMES[code]: int(many) for code, many in enumerate(np.bincount(outcome)) if many}
            )
        told.sort(key=lambda pair: pair[0])  # by row; layers keep their order
        report.crossings.extend(crossing for _, crossing in told)
        self._users.let_go(np.concatenate([heard.user, heard.user_until]))
        self._let_go(np.unique(slots[idle & ~faulty]))

    def _refuse(self, pings: Pings, start: int, report: Report) -> NDArray[np.bool_]:
        codes = pings.faults()
        for row in np.flatnonzero(codes).tolist():
            fault = fault_of(int(codes[row]))
            report.rejected.append(Refusal(start + row, fault.reason, fault.message(pings.value(row, fault.field))))
        return np.asarray(codes != 0)

    def _find_devices(self, pings: Pings, refused: NDArray[np.bool_], start: int, report: Report) -> NDArray[np.int64]:
        """The slot of each device (0 for a refused ping); refuses pings without consent in place."""
        slots = np.zeros(len(pings), np.int64)
        rows = np.flatnonzero(~refused)
        slots[rows] = self._roster.slots_of(pings.device if len(rows) == len(pings) else pings.device.take(rows))
        self._reserve(len(pings))
        consent = self._devices["consent"][slots]
        without = ~refused & (consent != CONSENT_GIVEN if self._required else consent == CONSENT_WITHDRAWN)
        for row in np.flatnonzero(without).tolist():
            message = f"device {pings.device[row]!r} has not given consent; send a consent record for it first"
            report.rejected.append(Refusal(start + row, NO_CONSENT, message))
        if without.any():
            report.rejected.sort(key=lambda refusal: refusal.row)
        refused |= without
        return slots

    def _hear(
        self, pings: Pings, slots: NDArray[np.int64], ignored: NDArray[np.bool_], clock: NDArray[np.int64]
    ) -> Heard:
        """Advance the clock, and remember when and of which user each device was heard."""
        user, until = np.full(len(pings), NONE, np.int32), self._devices["user"][slots]
        rows = np.flatnonzero((np.diff(pings.user.offsets) > 0) & ~ignored)
        if len(rows):
            user[rows] = self._users.slots_of(pings.user.take(rows))
        _hear(self._devices, self._users.holders, slots, ignored, clock, user)
        self.clock_ms = int(clock[-1])
        return Heard(slots, ignored, user, until, clock)

    # -- control records ------------------------------------------------------------------------------------------

    def _consent(self, control: Consent) -> list[Crossing]:
        slot = self._slot(control.device)
        if control.given:
            self._devices["consent"][slot] = CONSENT_GIVEN
            return []
        self._devices["consent"][slot] = CONSENT_WITHDRAWN
        return self._erase(slot, Cause.CONSENT, control.at_ms)

    def _erase(self, slot: int, cause: Cause, at_ms: int) -> list[Crossing]:
        """Forget a device's tracks, with an event wherever it was in a region; older pings stay barred for a while."""
        crossings: list[Crossing] = []
        last_ms = NEVER
        for layer in self._layers.values():
            crossings.extend(layer.leave(slot, cause, at_ms, self._name, self._user))
            last_ms = max(last_ms, layer.forget(slot))
        if last_ms != NEVER:
            self._devices["barred_ms"][slot] = max(last_ms, int(self._devices["barred_ms"][slot]))
            self._devices["barred_until_ms"][slot] = self.clock_ms + self._bar_ms
        self._forget_user(slot)
        self._let_go(np.array([slot]))
        return crossings

    def _tick(self) -> list[Crossing]:
        """What time alone brings: dwells, forgetting, and the end of bars; in an order that the input decides."""
        crossings: list[Crossing] = []
        for layer in self._layers.values():
            dwells = layer.dwells(self.clock_ms, self._name, self._user, at_due=self._keeps_time)
            crossings.extend(dwells)
        live = self._roster.live()
        heard = self._devices["heard_ms"][live]
        silent = live[self._has_track(live) & (heard + self._forget_ms <= self.clock_ms)].tolist()
        for slot in sorted(silent, key=lambda slot: (int(self._devices["heard_ms"][slot]), self._name(slot))):
            crossings.extend(self._erase(slot, Cause.EXPIRED, self.clock_ms))
        live = self._roster.live()
        ended = live[
            (self._devices["barred_until_ms"][live] != NEVER)
            & (self._devices["barred_until_ms"][live] <= self.clock_ms)
        ]
        self._devices["barred_ms"][ended] = self._devices["barred_until_ms"][ended] = NEVER
        self._let_go(ended)
        return crossings

    def _switch(self, control: Switch) -> list[Crossing]:
        if control.layer not in self._layers or control.version not in self._library:
            known = ", ".join(sorted(f"{version.layer} {key[:12]}" for key, version in self._library.items()))
            raise UnknownVersion(
                f"version {control.version[:12]!r} of layer {control.layer!r} is not at hand; "
                f"there are {known}. Give its regions too."
            )
        layer, version = self._layers[control.layer], self._library[control.version]
        if version.layer != control.layer or version.kind is not layer.version.kind:
            raise UnknownVersion(
                f"version {control.version[:12]!r} is a {version.kind} of layer {version.layer!r}; layer "
                f"{control.layer!r} is a {layer.version.kind}, and its kind never changes"
            )
        if version.hash == layer.version.hash:
            return []
        crossings = layer.sweep(None, self._name, self._user)
        layer.switch(self._atlas(version), control.at_ms)
        return crossings + layer.sweep(self._sweep_devices, self._name, self._user)

    # -- devices ----------------------------------------------------------------------------------------------------

    def _atlas(self, version: Version) -> Atlas:
        if version.hash not in self._atlases:
            self._atlases[version.hash] = Atlas(version, self._engine)
        return self._atlases[version.hash]

    def _slot(self, name: str) -> int:
        slot = int(self._roster.slots_of(Texts.of([name]))[0])
        self._reserve(1)
        return slot

    def _reserve(self, more: int) -> None:
        size = max(1, self._roster.size)
        if size > self._ready:
            self._devices = grown_far(self._devices, size)
            new = self._devices[self._ready : size]
            new["barred_ms"], new["barred_until_ms"], new["heard_ms"], new["user"] = NEVER, NEVER, NEVER, NONE
            self._ready = size
        for layer in self._layers.values():
            layer.tracks.reserve(size, more)

    def _has_track(self, slots: NDArray[np.int64]) -> NDArray[np.bool_]:
        has = np.zeros(len(slots), np.bool_)
        for layer in self._layers.values():
            has |= layer.tracks.span["born_ms"][slots] != NEVER
        return has

    def _let_go(self, slots: NDArray[np.int64]) -> None:
        """Give up the slots of which nothing needs to be remembered."""
        idle = ~self._has_track(slots) & (self._devices["consent"][slots] == CONSENT_UNSAID)
        idle &= self._devices["barred_until_ms"][slots] == NEVER
        for slot in slots[idle].tolist():
            if self._roster.holds(slot):
                self._forget_user(slot)
                self._devices[slot] = (CONSENT_UNSAID, NONE, NEVER, NEVER, NEVER)
                self._roster.drop(slot)

    def _forget_user(self, slot: int) -> None:
        user = self._devices["user"][slot : slot + 1].copy()
        if user[0] != NONE:
            self._users.holders[user] -= 1
            self._users.let_go(user)
            self._devices["user"][slot] = NONE

    def _name(self, slot: int) -> str:
        return self._roster.name(slot)

    def _user(self, user: int | None, slot: int) -> str | None:
        known = int(self._devices["user"][slot]) if user is None else user
        return None if known == NONE else self._users.name(known)


@njit(cache=True)
def _hear(devices, holders, slots, ignored, clock_ms, given):  # type: ignore[no-untyped-def]
    """Remember when each device was heard, in partition time, and its user; `given` becomes the user known then."""
    for row in range(len(slots)):
        if ignored[row]:
            continue
        it = devices[slots[row]]
        it.heard_ms = clock_ms[row]
        if given[row] != NONE and given[row] != it.user:
            if it.user != NONE:
                holders[it.user] -= 1
            holders[given[row]] += 1
            it.user = given[row]
        given[row] = it.user
