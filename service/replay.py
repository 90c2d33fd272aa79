"""`geofence replay`: the events that a file of pings gives, one CloudEvent per line in the order of
confirmation.

The oracle by which everything else is judged: the core alone, with nothing between the file and the fence but
`Player`. Invariant: standard output holds events and nothing else, and the same input gives the same bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from geofence.atlas import Atlas
from geofence.fence import Fence
from geofence.hysteresis import OUTCOMES
from geofence.library import Library
from geofence.region import Version
from geofence.wire_events import encode_event, event_of
from service.complaints import Complaints
from service.horizon import Horizon, until_of
from service.layers import part_versions
from service.player import Player
from service.progress import Progress
from service.readers import Format, PingFile
from service.source import Source, Unusable

SOURCE_LENGTH = 1024


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """How to replay."""

    consent: str = "assumed"
    source: str = "geofence"
    tracks: str | None = None
    stats: bool = False
    until: str | None = None
    forget_after_s: float = 30 * 86_400.0
    max_age_s: float = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class Begin:
    """What a fence begins with."""

    in_force: Sequence[Version]
    library: Library


def begin_with(versions: Sequence[Version], engine: str) -> Begin:
    """Of several versions of a layer the first is in force, the others wait for a switch."""
    first, _ = part_versions(versions)
    atlases = {version.hash: Atlas(version, engine) for version in versions}
    return Begin(first, Library(engine=engine, atlases=atlases))


def replay_file(path: str, begin: Begin, out: BinaryIO, options: ReplayOptions) -> None:
    """Replay a file and write its events."""
    check_source(options.source)
    until_ms = until_of(options.until)
    if options.tracks is not None:
        Path(options.tracks).open("wb").close()  # say at once if it can't be written
    complaints = Complaints(path)
    with Source(path) as source, Progress(source) as progress:
        file = PingFile(source)
        fence = fence_of(begin, options, keeps_time=file.format is not Format.NDJSON)
        player = Player(fence)
        for part in Horizon(source.name, until_ms).within(file.batches()):
            played = player.play(part)
            for rejected in sorted(played.rejected, key=lambda one: one.row):
                complaints.add(rejected)
            if played.crossings:
                events = (event_of(crossing, source=options.source) for crossing in played.crossings)
                with progress.aside():
                    out.write(b"".join([encode_event(event) + b"\n" for event in events]))
            progress.advance(player.rows)
    out.flush()
    complaints.summary(player.rows)
    if options.tracks is not None:
        _write_tracks(fence, options.tracks)
    if options.stats:
        _print_stats(player)


def fence_of(begin: Begin, options: ReplayOptions, *, keeps_time: bool) -> Fence:
    """A fence. A dump of a partition has its own ticks; over other files the fence keeps time."""
    return checked_fence(
        begin.in_force,
        consent=options.consent,
        forget_after_s=options.forget_after_s,
        max_age_s=options.max_age_s,
        library=begin.library,
        keeps_time=keeps_time,
    )


def checked_fence(versions: Sequence[Version], **more: Any) -> Fence:
    """A fence. Raises Unusable where the options don't go together."""
    try:
        return Fence(versions, **more)
    except ValueError as error:
        raise Unusable(str(error)) from None


def check_source(source: str) -> None:
    """Refuse what CloudEvents would refuse as an event's source."""
    if not source or len(source) > SOURCE_LENGTH or not source.isascii() or not source.isprintable() or " " in source:
        raise Unusable(
            f"--source is {source[:40]!r}; allowed: 1 to {SOURCE_LENGTH} characters of a URI, such as geofence or "
            "https://example.org/bay. Name the deployment."
        )


def _write_tracks(fence: Fence, path: str) -> None:
    """Every track as one JSON object per line."""
    with Path(path).open("wb") as file:
        for track in fence.tracks():
            file.write(msgspec.json.encode(track) + b"\n")


def _print_stats(player: Player) -> None:
    """How many pings had which outcome, by layer; each line adds up to the pings."""
    width = max([len("layer"), *map(len, player.counts)])
    heads = [*OUTCOMES, "total"]
    sys.stderr.write(f"{'layer':{width}}  " + "  ".join(f"{head:>11}" for head in heads) + "\n")
    for layer, counts in player.counts.items():
        numbers = [counts.get(outcome, 0) for outcome in OUTCOMES]
        line = "  ".join(f"{number:>11,}" for number in [*numbers, sum(numbers)])
        sys.stderr.write(f"{layer:{width}}  {line}\n")
    sys.stderr.write(f"{player.rows:,} rows, {player.pings:,} pings, {player.events:,} events\n")
