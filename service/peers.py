"""What others do, as small rules: believe every ping, believe three in a row, ignore what moved too little.

For `compare`, never for deciding. Each takes what one device showed of one layer, in order of arrival, and gives its
changes. None of them has an answer to pings out of order, so those are left out. Invariant: the first sighting is
believed at once, and no change goes from a region to itself.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import itemgetter

from geofence.ground import ground_m

UNKNOWN = -2


@dataclass(frozen=True, slots=True)
class Seen:
    """One ping of a device: where, how sure (None: not said), when, and the region that it lies in (-1:
    none).
    """

    lon: float
    lat: float
    accuracy_m: float | None
    time_ms: int
    region: int


@dataclass(frozen=True, slots=True)
class Move:
    """A change of region. `origin` is UNKNOWN for the first; `entered_ms` is when the target was last entered."""

    origin: int
    target: int
    entered_ms: int
    confirmed_ms: int


Peer = Callable[[Sequence[Seen]], list[Move]]


def raw_switching(pings: Sequence[Seen]) -> list[Move]:
    """Believe every ping."""
    return consecutive(pings, needed=1)


def three_in_a_row(pings: Sequence[Seen]) -> list[Move]:
    """Believe a region that three pings running lie in."""
    return consecutive(pings, needed=3)


def consecutive(pings: Sequence[Seen], *, needed: int) -> list[Move]:
    """Believe a region that `needed` pings running lie in."""
    moves: list[Move] = []
    known, candidate, count, since_ms = UNKNOWN, UNKNOWN, 0, 0
    for ping in in_order(pings):
        if ping.region != candidate:
            candidate, count, since_ms = ping.region, 0, ping.time_ms
        count += 1
        if candidate != known and (count >= needed or known == UNKNOWN):
            moves.append(Move(known, candidate, since_ms, ping.time_ms))
            known = candidate
    return moves


def accuracy_filter(pings: Sequence[Seen]) -> list[Move]:
    """Amazon Location's AccuracyBased filter: ignore a ping that moved less than both radii, else believe it.

    As its API reference has it: of two updates with 5 m and 10 m the second is ignored if the device moved less than
    15 m; a missing accuracy counts as 0. Moved is measured from the last update that was not ignored.
    """
    kept: list[Seen] = []
    for ping in in_order(pings):
        if kept:
            last = kept[-1]
            moved_m = ground_m(last.lon, last.lat, ping.lon, ping.lat)
            if moved_m < _radius_m(last) + _radius_m(ping):
                continue
        kept.append(ping)
    return consecutive(kept, needed=1)


def in_order(pings: Sequence[Seen]) -> list[Seen]:
    """The pings that are newer than all before them."""
    kept: list[Seen] = []
    for ping in pings:
        if not kept or ping.time_ms > kept[-1].time_ms:
            kept.append(ping)
    return kept


def flips_back(moves: Sequence[Move], within_s: float) -> int:
    """How many changes return, within this time, to the region that the change before had left."""
    return sum(
        one.origin == two.target and two.confirmed_ms - one.confirmed_ms <= within_s * 1000
        for one, two in pairwise(moves)
    )


def runs(pings: Sequence[Seen]) -> list[tuple[int, int]]:
    """When the device, as its pings have it, entered which region: time and region of each run of pings."""
    found: list[tuple[int, int]] = []
    for ping in in_order(pings):
        if not found or ping.region != found[-1][1]:
            found.append((ping.time_ms, ping.region))
    return found


def since_entry(move: Move, entered: Sequence[tuple[int, int]]) -> Move:
    """The move with its delay counted as everybody's: from the last entry into its target (`runs`) before it."""
    last = bisect_right(entered, move.confirmed_ms, key=itemgetter(0))
    times = (time_ms for time_ms, region in reversed(entered[:last]) if region == move.target)
    return replace(move, entered_ms=next(times, move.entered_ms))


def _radius_m(ping: Seen) -> float:
    return max(0.0, ping.accuracy_m or 0.0)
