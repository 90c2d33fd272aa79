"""The fence: pings and control records of one partition in, trusted crossings out.

The top of the core, and all that a worker needs of it. The steps of `observe` are the flow: refuse, find the devices,
locate, decide, tell. Invariants: what comes out depends on the input alone, not on how it is split into batches or
which engine locates; each ping has exactly one outcome in each layer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from geofence.atlas import Atlas, Engine
from geofence.control import Consent, Control, Erase, Switch, Tick
from geofence.crossing import Cause, Crossing
from geofence.devices import CONSENT_GIVEN, CONSENT_UNSAID, CONSENT_WITHDRAWN, Devices
from geofence.dwelling import dwell_due_ms, dwells
from geofence.forgetting import end_bars, erase, let_go, silent, silent_ms
from geofence.hysteresis import LATE, OUTCOMES, REJECTED
from geofence.layer import LayerState
from geofence.library import Library
from geofence.ping import Pings
from geofence.presence import presence_of
from geofence.region import Version
from geofence.report import NO_CONSENT, Refusal, Report, refuse, tell_ignored
from geofence.resuming import kept_of, resume
from geofence.rows_in import take_in
from geofence.rows_out import rows_of
from geofence.standing import Standing, standing_of
from geofence.switching import sweep, switch
from geofence.taking import Heard, Order, take
from geofence.text import Texts
from geofence.tracks import NEVER
from geofence.view import TrackView, track_view
from geofence.wire_tracks import LayerInForce, PartitionRow, TrackRows, decode_partition, encode_partition

BATCH = 1 << 16
TICK_MOST = (
    5_000  # what one tick tells or lifts at most, about; another tick does the rest. No setting: a replay has it too
)
_CONSENT_RANGE = ("assumed", "required")


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
        library: Library | Sequence[Version] = (),
        atlases: Mapping[str, Atlas] | None = None,
        sweep_devices: int | None = None,
        keeps_time: bool = False,
    ) -> None:
        """Put one version of each layer in force; `library` are others that a switch may name, of new layers too.

        `atlases` are ready ones by version hash, made by `engine` where missing; a Library brings its own. With
        `sweep_devices` a switch moves only so many devices at once, and its owner calls `sweep` until `sweeping` is
        false. With `keeps_time` ticks are not awaited but made up between pings, as the owner of a log would append
        them.
        """
        if consent not in _CONSENT_RANGE:
            raise ValueError(f"consent is {consent!r}; allowed: {' or '.join(_CONSENT_RANGE)}")
        if not 0 < max_age_s < forget_after_s:
            raise ValueError(
                f"max_age_s is {max_age_s:g} and forget_after_s {forget_after_s:g}; max_age_s must be more than 0 and "
                "less than the other, or what is forgotten could come back"
            )
        if keeps_time and sweep_devices is not None:
            raise ValueError(
                f"sweep_devices is {sweep_devices} and keeps_time true; a fence that keeps time sweeps all at once, or "
                "what comes out would depend on the batches: leave sweep_devices out"
            )
        names = [version.layer for version in versions]
        if len(set(names)) < len(names):
            raise ValueError(f"layers are {names}; one version of each can be in force: put the others into `library`")
        self.clock_ms = NEVER
        self._required = consent == "required"
        self._forget_ms, self._bar_ms = int(forget_after_s * 1000), int(max_age_s * 1000)
        self._sweep_devices, self._keeps_time = sweep_devices, keeps_time
        made = library if isinstance(library, Library) else Library(library, engine=engine, atlases=atlases)
        for version in versions:
            made.add(version)
        self._library, self._devices = made, Devices()
        self._layers = {version.layer: LayerState(made.atlas(version), self._devices) for version in versions}
        self._resting = False  # rows were taken in, and what is in force is not known yet

    def observe(self, pings: Pings) -> Report:
        """Take pings in input order."""
        self._check_resumed()
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
        self._check_resumed()
        self.clock_ms = max(self.clock_ms, control.at_ms)
        report = Report()
        match control:
            case Consent():
                report.crossings.extend(self._consent(control))
            case Erase():
                slot = self._devices.roster.slot_of(control.device)
                if slot is not None:
                    self._forget_consent(slot)
                    report.crossings.extend(self._erase(np.array([slot]), Cause.CONSENT, control.at_ms))
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
                report.crossings.extend(sweep(layer, self._sweep_devices))
        return report

    @property
    def sweeping(self) -> bool:
        """Whether a switch has devices left to move."""
        return any(layer.sweeping for layer in self._layers.values())

    @property
    def nbytes(self) -> int:
        """Memory that the tracks take, without the atlases."""
        return self._devices.nbytes + sum(layer.tracks.nbytes for layer in self._layers.values())

    def versions(self) -> dict[str, Version]:
        """What is in force."""
        return {name: layer.version for name, layer in self._layers.items()}

    def in_force(self) -> list[LayerInForce]:
        """The same as a partition's row has it, with what is being left."""
        return [kept_of(layer) for layer in self._layers.values()]

    def has_obeyed(self, switch: Switch) -> bool:
        """Whether this publication, or a later one of the layer, was obeyed before."""
        layer = self._layers.get(switch.layer)
        return layer is not None and 0 < switch.number <= layer.number

    def due_ms(self) -> int | None:
        """The partition time at which a tick would do something; None if never."""
        dues = [dwell_due_ms(layer) for layer in self._layers.values()]
        return min((due for due in (*dues, self._silent_ms()) if due is not None), default=None)

    def _silent_ms(self) -> int | None:
        return silent_ms(self._devices, self._layers.values(), self._forget_ms)

    def devices(self) -> Iterator[tuple[str, int]]:
        """The devices of which something is remembered, with their rows, in the order of their names."""
        return iter(sorted((self._devices.name(slot), slot) for slot in self._devices.roster.live().tolist()))

    def tracks(self) -> Iterator[TrackView]:
        """Every track as people read it, by device and layer."""
        for device, slot in self.devices():
            heard_ms = int(self._devices.rows["heard_ms"][slot])
            for layer in self._layers.values():
                if layer.tracks.span["born_ms"][slot] != NEVER:
                    yield track_view(layer, slot, device=device, user=self._devices.user(None, slot), heard_ms=heard_ms)

    def standing(self, device: str) -> dict[str, Standing]:
        """Where a device stands in each layer, copied; a device that was never heard stands nowhere known."""
        slot = self._devices.roster.slot_of(device)
        return {name: standing_of(layer, slot) for name, layer in self._layers.items()}

    # -- rows to keep elsewhere ---------------------------------------------------------------------------------

    def changed(self) -> TrackRows:
        """The rows of the devices that were touched since this was last asked; tombstones of those that have gone."""
        slots, gone = self._devices.take_touched()
        return rows_of(self._devices, list(self._layers.values()), slots, gone)

    def presences(self) -> list[tuple[str, bytes | None]]:
        """Whose presence has changed since this was last asked, and how it is now; None: nothing is known any more.

        Devices that `changed` has a tombstone for are not among them.
        """
        layers = self._layers.values()
        slots = self._devices.take_told()
        return [(self._devices.name(slot), presence_of(self._devices, layers, slot)) for slot in slots.tolist()]

    def rows(self) -> TrackRows:
        """The rows of all devices."""
        return rows_of(self._devices, list(self._layers.values()), self._devices.roster.live(), [])

    def partition_row(self) -> bytes:
        """The row of the partition itself: its clock, and which versions are in force."""
        return encode_partition(PartitionRow(self.clock_ms, tuple(self.in_force())))

    def restore(self, rows: TrackRows) -> None:
        """Take in rows that were kept, any number of times, later ones replacing earlier ones; then `resume`.

        For a new fence, with the layers that the kept one had. Raises Malformed, and has changed nothing then.
        """
        if self.clock_ms != NEVER:
            raise ValueError("restore is for a new fence, and this one has seen pings or controls; make another")
        take_in(self._devices, list(self._layers.values()), rows)
        self._resting = True

    def resume(self, partition: bytes) -> None:
        """Go on from where the kept fence was: put its versions in force, from the library, and its clock.

        Raises UnknownVersion if one of them is not at hand, Malformed if a row speaks of none of them.
        """
        kept = decode_partition(partition)
        resume(self._layers, self._library, kept.layers)
        self.clock_ms, self._resting = kept.clock_ms, False

    def _check_resumed(self) -> None:
        if self._resting:
            raise ValueError("the fence has rows and does not know what is in force; call resume after restore")

    def _observe_in_time(self, pings: Pings, start: int, report: Report) -> None:
        """Take pings, and let what is due happen between them, each thing at its own time."""
        clock, begin = self._clock(pings, pings.faults() != 0), 0
        while begin < len(pings):
            due = self.due_ms()
            while due is not None and due <= clock[begin]:
                report.crossings.extend(self.apply(Tick(at_ms=max(due, self.clock_ms))).crossings)
                due = self.due_ms()
            horizon_ms = int(clock[begin]) + self._forget_ms  # who is heard from here on is not silent before
            next_ms = self._silent_ms()
            horizon_ms = horizon_ms if next_ms is None else min(horizon_ms, next_ms)
            end = max(begin + 1, int(np.searchsorted(clock, horizon_ms)))
            self._observe(pings.slice(begin, end), start + begin, report)
            begin = end

    def _clock(self, pings: Pings, faulty: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Partition time at each row: the largest record time so far, of refused pings too where the log gave it."""
        times = np.where(pings.received, pings.received_ms, np.where(faulty, NEVER, pings.time_ms))
        return np.maximum.accumulate(np.maximum(times, self.clock_ms))

    # -- the flow of a batch -------------------------------------------------------------------------------------

    def _observe(self, pings: Pings, start: int, report: Report) -> None:
        faulty = refuse(pings, start, report)
        refused = faulty.copy()
        slots = self._find_devices(pings, refused, start, report)
        clock = self._clock(pings, faulty)
        late = ~refused & (pings.time_ms <= self._devices.rows["barred_ms"][slots])
        heard = self._hear(pings, slots, refused | late, clock)
        told: list[tuple[Order, Crossing]] = []
        idle = refused.copy()
        for name, layer in self._layers.items():
            crossings, outcome = take(layer, pings, heard, timed=self._keeps_time)
            outcome[late] = LATE
            idle |= outcome == REJECTED
            tell_ignored(layer.version, pings, np.flatnonzero((outcome == REJECTED) & ~refused), start, report)
            told.extend(crossings)
            report.counts[name].update(
                {OUTCOMES[code]: int(many) for code, many in enumerate(np.bincount(outcome)) if many}
            )
        told.sort(key=lambda pair: pair[0])  # by row; layers keep their order
        report.crossings.extend(crossing for _, crossing in told)
        report.rejected.sort(key=lambda refusal: refusal.row)  # layers keep their order here too
        self._devices.users.let_go(np.concatenate([heard.user, heard.user_until]))
        let_go(self._devices, self._layers.values(), np.unique(slots[idle & ~faulty]))

    def _find_devices(self, pings: Pings, refused: NDArray[np.bool_], start: int, report: Report) -> NDArray[np.int64]:
        """The slot of each device (0 for a refused ping); refuses pings without consent in place."""
        slots = np.zeros(len(pings), np.int64)
        rows = np.flatnonzero(~refused)
        slots[rows] = self._devices.slots_of(pings.device if len(rows) == len(pings) else pings.device.take(rows))
        self._reserve(len(pings))
        consent = self._devices.rows["consent"][slots]
        without = ~refused & (consent != CONSENT_GIVEN if self._required else consent == CONSENT_WITHDRAWN)
        for row in np.flatnonzero(without).tolist():
            message = f"device {pings.device[row]!r} has not given consent; send a consent record for it first"
            report.rejected.append(Refusal(start + row, NO_CONSENT, message))
        refused |= without
        return slots

    def _hear(
        self, pings: Pings, slots: NDArray[np.int64], ignored: NDArray[np.bool_], clock: NDArray[np.int64]
    ) -> Heard:
        """Advance the clock, and remember when and of which user each device was heard."""
        until = self._devices.rows["user"][slots]
        user = self._devices.hear(slots, ignored, clock, pings.user)
        self.clock_ms = int(clock[-1])
        return Heard(slots, ignored, user, until, clock)

    # -- control records ------------------------------------------------------------------------------------------

    def _consent(self, control: Consent) -> list[Crossing]:
        slots = self._devices.slots_of(Texts.of([control.device]))
        self._reserve(1)
        self._devices.touched.add(slots)
        self._devices.rows["consent"][slots] = CONSENT_GIVEN if control.given else CONSENT_WITHDRAWN
        return [] if control.given else self._erase(slots, Cause.CONSENT, control.at_ms)

    def _forget_consent(self, slot: int) -> None:
        """A consent goes with the device; a withdrawal stays, or its pings would count where consent is assumed."""
        if self._devices.rows["consent"][slot] == CONSENT_GIVEN:
            self._devices.rows["consent"][slot] = CONSENT_UNSAID

    def _tick(self) -> list[Crossing]:
        """What time alone brings: dwells, then forgetting, then the end of bars; in an order that the input decides."""
        crossings: list[Crossing] = []
        most = None if self._keeps_time else TICK_MOST
        for layer in self._layers.values():
            crossings += dwells(layer, self.clock_ms, at_due=self._keeps_time, most=most)
        if most is not None and len(crossings) >= most:
            return crossings
        every = self._layers.values()
        quiet = silent(self._devices, every, self.clock_ms - self._forget_ms, most)
        crossings += self._erase(quiet, Cause.EXPIRED, self.clock_ms)
        end_bars(self._devices, every, self.clock_ms, most)
        return crossings

    def _switch(self, control: Switch) -> list[Crossing]:
        layer = self._layers.get(control.layer)
        if self.has_obeyed(control):
            return []
        atlas = self._library.find(control.layer, control.version, layer.version.kind if layer else None)
        if layer is None:
            layer = self._layers[control.layer] = LayerState(atlas, self._devices)
            layer.tracks.reserve(self._devices.ready, 0)
            layer.switched_ms = control.at_ms
        layer.number = control.number or layer.number
        if atlas.version.hash == layer.version.hash:
            return []
        crossings = sweep(layer, None)
        switch(layer, atlas, control.at_ms)
        return crossings + sweep(layer, self._sweep_devices)

    # -- devices ----------------------------------------------------------------------------------------------------

    def _reserve(self, more: int) -> None:
        for layer in self._layers.values():
            layer.tracks.reserve(self._devices.ready, more)

    def _erase(self, slots: NDArray[np.int64], cause: Cause, at_ms: int) -> list[Crossing]:
        until_ms = self.clock_ms + self._bar_ms
        return erase(self._devices, self._layers.values(), slots, cause, at_ms, until_ms)
