"""`geofence compare`: one trace under four rules, side by side: what each would have told, and how often it flapped.

Raw switching, three in a row, Amazon's accuracy filter, and ours. Invariant: all four see the same sightings of the
same valid pings; the peers' rules are in `peers`, ours is the core as `replay` runs it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import TextIO

import numpy as np

from geofence.atlas import Atlas
from geofence.crossing import Change, Crossing
from geofence.fence import Fence
from geofence.instant import text_of
from geofence.ping import Pings
from geofence.region import Version
from service.complaints import Complaints, printable
from service.horizon import Horizon, until_of
from service.peers import (
    UNKNOWN,
    Move,
    Peer,
    Seen,
    accuracy_filter,
    flips_back,
    raw_switching,
    runs,
    since_entry,
    three_in_a_row,
)
from service.player import Player
from service.progress import Progress
from service.readers import Format, PingFile
from service.rows import Batch
from service.source import Source, Unusable

OURS = "ours"
PEERS: dict[str, Peer] = {
    "raw switching": raw_switching,
    "three in a row": three_in_a_row,
    "accuracy filter": accuracy_filter,
}
METHODS = (*PEERS, OURS)
OUTSIDE = -1

Key = tuple[str, str, int]  # layer, device, and the fence in an overlay (OUTSIDE in a partition)


@dataclass(slots=True)
class Trace:
    """All valid pings of a file, device by device."""

    seen: dict[str, list[tuple[float, float, float | None, int]]] = field(default_factory=dict)
    pings: int = 0

    def add(self, pings: Pings) -> None:
        """Take the valid ones of a batch."""
        good = np.flatnonzero(pings.faults() == 0)
        self.pings += len(good)
        for row in good.tolist():
            accuracy_m = float(pings.accuracy_m[row])
            known = accuracy_m if accuracy_m > 0 else None
            place = (float(pings.lon[row]), float(pings.lat[row]), known, int(pings.time_ms[row]))
            self.seen.setdefault(pings.device[row], []).append(place)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What each method made of the trace: method -> key -> moves."""

    versions: Mapping[str, Version]
    trace: Trace
    moves: Mapping[str, Mapping[Key, list[Move]]]


def compare_file(path: str, versions: Sequence[Version], *, engine: str, until: str | None = None) -> Comparison:
    """Run all four methods over a file."""
    until_ms = until_of(until)
    atlases = {version.hash: Atlas(version, engine) for version in versions}
    trace, complaints = Trace(), Complaints(path)
    ours: dict[Key, list[Move]] = {}
    with Source(path) as source, Progress(source) as progress:
        file = PingFile(source)
        fence = Fence(versions, engine=engine, atlases=atlases, keeps_time=file.format is not Format.NDJSON)
        player = Player(fence)
        for part in Horizon(source.name, until_ms).within(file.batches()):
            if isinstance(part, Batch):
                trace.add(part.pings)
            played = player.play(part)
            for rejected in sorted(played.rejected, key=lambda one: one.row):
                complaints.add(rejected)
            _take_ours(ours, played.crossings, {version.layer: version for version in versions})
            progress.advance(player.rows)
    complaints.summary(player.rows)
    if not trace.pings:
        raise Unusable(f"{path}: has no valid ping to compare anything with")
    seen = _seen(trace, [atlases[version.hash] for version in versions])
    told = {name: {key: peer(shown) for key, shown in seen.items()} for name, peer in PEERS.items()} | {OURS: ours}
    entries = {key: runs(shown) for key, shown in seen.items()}
    moves = {
        name: {key: [since_entry(move, entries.get(key, ())) for move in made] for key, made in by_key.items()}
        for name, by_key in told.items()
    }
    return Comparison({version.layer: version for version in versions}, trace, moves)


def print_comparison(found: Comparison, out: TextIO, *, shown: int) -> None:
    """The table, then up to `shown` events of each method; 0 lists none."""
    pings, devices = found.trace.pings, len(found.trace.seen)
    out.write(f"{pings:,} pings of {devices:,} {'device' if devices == 1 else 'devices'}\n\n")
    width = max(len("layer"), *(len(layer) for layer in found.versions))
    out.write(f"{'layer':{width}}  {'method':15}  events  back within 5 min  within 15 min  median delay\n")
    for layer in found.versions:
        for method in METHODS:
            out.write(f"{layer:{width}}  {method:15}  {_figures(*figures_of(found, method, layer))}\n")
    out.write(
        "\nback: events that return to the region just left. "
        "delay: from the last time that its pings entered the region to the event.\n"
    )
    for method in METHODS if shown else ():
        _print_moves(found, method, out, shown)


def figures_of(found: Comparison, method: str, layer: str) -> tuple[int, int, int, float | None]:
    """Of a method in a layer: events, those that go back within 5 and 15 minutes, and the median delay in seconds."""
    tracks = [moves for key, moves in found.moves[method].items() if key[0] == layer]
    told = [[move for move in moves if not _is_silent(move)] for moves in tracks]
    events, quick, slow = (sum(map(len, told)), *(sum(flips_back(one, s) for one in told) for s in (300, 900)))
    delays = [(move.confirmed_ms - move.entered_ms) / 1000 for one in told for move in one if move.origin != UNKNOWN]
    return events, quick, slow, median(delays) if delays else None


def told_moves(found: Comparison, method: str) -> list[tuple[int, Key, Move]]:
    """What a method told, in the order of confirmation."""
    return sorted(
        (move.confirmed_ms, key, move)
        for key, moves in found.moves[method].items()
        for move in moves
        if not _is_silent(move)
    )


def _figures(events: int, quick: int, slow: int, delay_s: float | None) -> str:
    delay = f"{delay_s:,.0f} s" if delay_s is not None else "-"
    return f"{events:6,}  {quick:17,}  {slow:13,}  {delay:>12}"


def _print_moves(found: Comparison, method: str, out: TextIO, shown: int) -> None:
    rows = told_moves(found, method)
    out.write(f"\n{method}: {len(rows):,} events\n")
    for _, (layer, device, _), move in rows[:shown]:
        version = found.versions[layer]
        told = f"{_name(version, move.origin)} -> {_name(version, move.target)}"
        out.write(f"  {text_of(move.confirmed_ms)}  {printable(device)}  {layer}: {printable(told)}\n")
    if len(rows) > shown:
        out.write(f"  ... and {len(rows) - shown:,} more (--events {len(rows)} shows all)\n")


def _name(version: Version, region: int) -> str:
    if region == UNKNOWN:
        return "(not known)"
    if region == OUTSIDE:
        return "(outside)"
    return version.regions[region].name or version.regions[region].id


def _is_silent(move: Move) -> bool:
    """Whether a method has nothing to tell: from nowhere known to nowhere."""
    return move.origin < 0 and move.target < 0


def _seen(trace: Trace, atlases: Sequence[Atlas]) -> dict[Key, list[Seen]]:
    """What every device showed of every layer."""
    return {
        (atlas.version.layer, device, fence): shown
        for atlas in atlases
        for device, places in trace.seen.items()
        for fence, shown in _sequences(atlas, places).items()
    }


def _sequences(atlas: Atlas, places: list[tuple[float, float, float | None, int]]) -> dict[int, list[Seen]]:
    """What one device showed: one sequence of regions in a partition; in an overlay one for each fence it was in."""
    lon, lat = np.array([place[0] for place in places]), np.array([place[1] for place in places])
    sighted = atlas.locate(lon, lat, 1.0)
    rows, regions = np.asarray(sighted.row), np.asarray(sighted.region)
    if not atlas.overlay:
        return {OUTSIDE: [Seen(*place, region) for place, region in zip(places, regions.tolist(), strict=True)]}
    found = {}
    for fence in np.unique(regions[regions >= 0]).tolist():
        inside = set(rows[regions == fence].tolist())
        found[fence] = [Seen(*place, fence if row in inside else OUTSIDE) for row, place in enumerate(places)]
    return found


def _take_ours(ours: dict[Key, list[Move]], crossings: Iterable[Crossing], versions: Mapping[str, Version]) -> None:
    for crossing in crossings:
        if crossing.change is Change.DWELLED:
            continue
        version = versions[crossing.layer]
        origin, target = (
            OUTSIDE if place is None else version.index[place.id] for place in (crossing.origin, crossing.target)
        )
        if crossing.cause == "first_fix":
            origin = UNKNOWN
        fence = OUTSIDE if crossing.change is Change.CHANGED else max(origin, target)
        move = Move(origin, target, crossing.occurred_ms, crossing.confirmed_ms)
        ours.setdefault((crossing.layer, crossing.device, fence), []).append(move)


def busiest(found: Comparison, version: Version) -> str:
    """The device with the most raw events in a layer: the one to draw."""
    counts = Counter(dict.fromkeys(found.trace.seen, 0))
    for (layer, device, _), moves in found.moves["raw switching"].items():
        counts[device] += len(moves) if layer == version.layer else 0
    return max(sorted(counts), key=lambda device: counts[device])
