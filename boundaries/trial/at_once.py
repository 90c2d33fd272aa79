"""What changes at once: the devices of a partition whose region another version would change, from their tracks.

The first half of a dry run. Tracks are restored as the worker does it, of the one layer alone, and the core's
`foresight` is asked. Invariant: what is counted is what the switch would tell; nothing outside this module's own
columns is touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from boundaries.errors import Unreadable
from boundaries.trial.outcome import MOST_EXAMPLES, MOST_PAIRS, AtOnce, DeviceMove, RegionMove
from geofence.atlas import Atlas
from geofence.devices import Devices
from geofence.foresight import Moves, foresee
from geofence.layer import LayerState
from geofence.region import Version
from geofence.resuming import resume_layer
from geofence.rows_in import take_in
from geofence.switching import sweep
from geofence.wire_tracks import LayerInForce, TrackRows, decode_partition

Pair = tuple[str | None, str | None]
TracksRead = tuple[TrackRows, bytes | None]  # rows of devices, and the newest of the partition itself among them


@dataclass(slots=True)
class AtOnceCounts:
    """Counts of one partition, or of several together."""

    devices: int = 0
    affected: int = 0
    moves: Counter[Pair] = field(default_factory=Counter)
    examples: list[DeviceMove] = field(default_factory=list)

    def add(self, other: AtOnceCounts) -> None:
        """Take in another partition's."""
        self.devices += other.devices
        self.affected += other.affected
        self.moves.update(other.moves)
        self.examples = sorted([*self.examples, *other.examples], key=_order)[:MOST_EXAMPLES]

    def outcome(self) -> AtOnce:
        """As it is told."""
        pairs = sorted(self.moves.items(), key=lambda pair: (-pair[1], *map(_text, pair[0])))
        return AtOnce(
            devices=self.devices,
            affected=self.affected,
            share=self.affected / self.devices if self.devices else 0.0,
            events=sum(self.moves.values()),
            moves=[RegionMove(*pair, many) for pair, many in pairs[:MOST_PAIRS]],
            moves_left_out=len(pairs[MOST_PAIRS:]),
        )


def count_at_once(
    read: Iterable[TracksRead],
    after: Version,
    known: Sequence[Version],
    atlas_of: Callable[[Version], Atlas],
    tell: Callable[[int], None] = lambda _: None,
) -> AtOnceCounts:
    """Count one partition from its rows of `tracks`. `known`: the versions that may be in force there.

    `tell` is told of rows as they are read. Raises Unreadable if a version in force is none of those known.
    """
    devices, newest = Devices(), None
    layer = LayerState(atlas_of(after), devices)
    for rows, own in read:
        take_in(devices, [layer], rows, others=True)
        newest = own or newest
        tell(len(rows))
    kept = _in_force(newest, after.layer)
    if kept is None:  # the layer is in force nowhere in this partition: nobody can change
        return AtOnceCounts()
    before, earlier = _known(kept.version, known), kept.before and _known(kept.before, known)
    resume_layer(layer, kept, atlas_of(before), atlas_of(earlier) if earlier else None)
    sweep(layer, None)  # a switch that is under way will be done before another one
    moves = foresee(layer, atlas_of(after)) if before.hash != after.hash else Moves(*np.zeros((3, 0), np.int64))
    return _counted(layer, moves, before, after)


def _counted(layer: LayerState, moves: Moves, before: Version, after: Version) -> AtOnceCounts:
    pairs, many = np.unique(np.column_stack([moves.origin, moves.target]), axis=0, return_counts=True)
    names = [(_id(before, origin), _id(after, target)) for origin, target in pairs.tolist()]
    counted = Counter(dict(zip(names, many.tolist(), strict=True)))
    rows = zip(*(column[:MOST_EXAMPLES].tolist() for column in moves), strict=True)
    examples = [
        DeviceMove(layer.devices.name(slot), _id(before, origin), _id(after, target)) for slot, origin, target in rows
    ]
    affected = len(np.unique(moves.slot))
    return AtOnceCounts(len(layer.tracks.alive()), affected, counted, sorted(examples, key=_order))


def _in_force(row: bytes | None, name: str) -> LayerInForce | None:
    if row is None:
        return None
    return next((one for one in decode_partition(row).layers if one.layer == name), None)


def _known(key: str, known: Sequence[Version]) -> Version:
    found = next((version for version in known if version.hash == key), None)
    if found is None:
        there = ", ".join(version.hash[:12] for version in known) or "none"
        raise Unreadable(
            f"version {key[:12]!r} is in force in a partition and not at hand; there are {there}. Load it from the "
            "catalog, or try again when publishing is done."
        )
    return found


def _id(version: Version, index: int) -> str | None:
    return version.regions[index].id if index >= 0 else None


def _order(move: DeviceMove) -> tuple[str, str, str]:
    return move.device, _text(move.origin), _text(move.target)


def _text(region: str | None) -> str:
    return region or ""
