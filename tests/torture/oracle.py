"""The judge: what a replay of the dumped input tells, beside what consumers of the log read.

After a run, over the public commands' own functions: the dump, `geofence replay`, a reader of committed records.
Invariant: nothing is forgiven; what is not byte for byte as the replay has it is counted.
"""

from __future__ import annotations

import io
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from catalog import Catalog
from geofence.fence import Fence
from geofence.wire_events import decode_binary, encode_event
from ingest.dump import dump
from ingest.letters import read_letter
from ingest.restoring import restore
from ingest.settings import WorkerSettings
from ingest.status import PartitionStatus
from ingest.topics import CHANGES, PINGS, PRESENCE, REJECTED
from service.replay import Begin, ReplayOptions, replay_file
from stream.partitioner import partition_of
from stream.port import Log
from tests.torture.archive import Archive
from tests.torture.crowd import NOWHERE
from tests.torture.feeding import fingerprint
from tests.torture.obeyed import faults as publication_faults
from tests.torture.obeyed import told_twice
from tests.torture.town import PARTITIONS, SETTINGS

_NOWHERE = b'"lon":%.1f' % NOWHERE  # what is refused once it has been read


@dataclass(slots=True)
class Verdict:
    """How much was wrong. Records are acknowledged input, the rest is what came of it."""

    records_lost: int = 0
    lost: int = 0  # events that the replay tells and the log does not have
    doubled: int = 0  # events that the log has and the replay does not tell, or not as often
    disordered: int = 0  # devices with the right events in another order
    tracks: int = 0  # of devices in layers, that are not the replay's
    presence: int = 0  # devices whose presence is not the tracks'
    letters: int = 0  # dead letters that are missing or there twice
    publications: int = 0  # that were not obeyed as the catalog says, partition by partition
    events: int = 0
    boundary: int = 0  # events among them of devices that a switch has moved
    records: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> int:
        """All of it."""
        events = self.lost + self.doubled + self.disordered
        return self.records_lost + events + self.tracks + self.presence + self.letters + self.publications

    def count_events(self, told: dict[str, list[bytes]], expected: dict[str, list[bytes]]) -> None:
        """Compare device by device."""
        for device in told.keys() | expected.keys():
            ours, theirs = told.get(device, []), expected.get(device, [])
            self.events += len(theirs)
            if ours == theirs:
                continue
            lost, doubled = Counter(theirs) - Counter(ours), Counter(ours) - Counter(theirs)
            self.lost += lost.total()
            self.doubled += doubled.total()
            self.disordered += not lost and not doubled
            self.examples += [f"lost {event!r}" for event in lost] + [f"extra {event!r}" for event in doubled]

    def count_tracks(self, found: bytes, expected: bytes) -> None:
        """Compare row by row."""
        ours, theirs = _by_track(found), _by_track(expected)
        wrong = [one for one in ours.keys() | theirs.keys() if ours.get(one) != theirs.get(one)]
        self.tracks += len(wrong)
        self.examples += [f"track {ours.get(one)!r} instead of {theirs.get(one)!r}" for one in wrong]

    def count_presence(self, found: dict[str, bytes], expected: dict[str, bytes]) -> None:
        """Compare device by device."""
        wrong = [device for device in found.keys() | expected.keys() if found.get(device) != expected.get(device)]
        self.presence += len(wrong)
        self.examples += [f"presence {found.get(one)!r} instead of {expected.get(one)!r}" for one in wrong]

    def count_letters(self, found: Counter[int], expected: set[int]) -> None:
        """One for each refused record's offset, no more."""
        wrong = {offset for offset in found.keys() | expected if found[offset] != (offset in expected)}
        self.letters += len(wrong)
        self.examples += [f"{found[offset]} dead letters of offset {offset}" for offset in sorted(wrong)]

    def count_publications(self, faults: Sequence[str]) -> None:
        """Whatever is wrong with one on a partition."""
        self.publications += len(faults)
        self.examples += faults


async def judge(log: Log, catalog: Catalog, archive: Archive, acknowledged: Counter[int], folder: Path) -> Verdict:
    """Compare all that a log holds with a replay of its input, and with what the catalog says."""
    verdict, its_fences, begin = Verdict(), archive.fences(catalog), await archive.begin()
    there: Counter[int] = Counter()
    for partition in range(PARTITIONS):
        refused: set[int] = set()
        async for batch in log.read(PINGS, partition, to_end=True):
            there.update(map(fingerprint, batch.keys, batch.values))
            values = zip(batch.offsets, batch.values, strict=True)
            refused |= {offset for offset, value in values if _NOWHERE in (value or b"")}
        verdict.count_letters(await letters_in(log, partition), refused)
        fence = await restore(log, partition, its_fences, PartitionStatus(partition, 0))
        lines = [line async for part in dump(log, partition, value_bytes=SETTINGS.value_bytes) for line in part.lines]
        expected, tracks = replayed(lines, begin, folder / f"input-{partition}.ndjson")
        events = await events_in(log, partition)
        verdict.count_events(events, expected)
        boundary, twice = told_twice(events)
        verdict.boundary += boundary
        verdict.count_publications([*twice, *publication_faults(catalog, partition, lines, fence)])
        verdict.count_tracks(b"".join(msgspec.json.encode(track) + b"\n" for track in fence.tracks()), tracks)
        verdict.count_presence(await presence_in(log, partition), presence_of(fence))
    verdict.records = there.total()
    verdict.records_lost = (acknowledged - there).total()
    return verdict


def replayed(lines: Sequence[bytes], begin: Begin, path: Path) -> tuple[dict[str, list[bytes]], bytes]:
    """The events by device and the tracks that `geofence replay` makes of a dump."""
    path.write_bytes(b"".join(line + b"\n" for line in lines) or b"\n{}\n")
    return replayed_file(path, begin, SETTINGS)


def replayed_file(path: Path, begin: Begin, its: WorkerSettings) -> tuple[dict[str, list[bytes]], bytes]:
    """The same of a dump in a file, as workers with these settings would."""
    tracks, out, expected = path.with_suffix(".tracks"), io.BytesIO(), defaultdict[str, list[bytes]](list)
    options = ReplayOptions(
        consent=its.consent, source=its.source, tracks=str(tracks), until="2099-01-01",
        forget_after_s=its.forget_after_s, max_age_s=its.max_age_s,
    )  # fmt: skip
    with path.with_suffix(".err").open("w") as said, redirect_stderr(said):
        replay_file(str(path), begin, out, options)
    for line in out.getvalue().splitlines():
        expected[msgspec.json.decode(line)["subject"]].append(line)
    return dict(expected), tracks.read_bytes()


async def letters_in(log: Log, partition: int) -> Counter[int]:
    """How many dead letters there are of each offset."""
    found: Counter[int] = Counter()
    async for batch in log.read(REJECTED, partition, to_end=True):
        for key, value, headers in zip(batch.keys, batch.values, batch.headers, strict=True):
            found[read_letter(key, value, headers).offset] += 1
    return found


async def events_in(log: Log, partition: int) -> dict[str, list[bytes]]:
    """The events by device, in order, as a consumer reads them."""
    found = defaultdict[str, list[bytes]](list)
    async for batch in log.read(CHANGES, partition, to_end=True):
        for key, value, headers in zip(batch.keys, batch.values, batch.headers, strict=True):
            event = decode_binary({name: text.decode() for name, text in headers}, value or b"")
            if key != event.subject.encode() or partition_of(key, PARTITIONS) != partition:
                raise ValueError(f"an event of {event.subject} stands under {key!r} in partition {partition}")
            found[event.subject].append(encode_event(event))
    return dict(found)


async def presence_in(log: Log, partition: int) -> dict[str, bytes]:
    newest: dict[str, bytes | None] = {}
    async for batch in log.read(PRESENCE, partition, to_end=True):
        newest.update((key.decode(), value) for key, value in zip(batch.keys, batch.values, strict=True) if key)
    return {device: value for device, value in newest.items() if value is not None}


def presence_of(fence: Fence) -> dict[str, bytes]:
    """The presence that the tracks of a fence speak of."""
    fence._devices.told.add(fence._devices.roster.live())
    return {device: value for device, value in fence.presences() if value is not None}


def _by_track(rows: bytes) -> dict[str, bytes]:
    tracks = [(msgspec.json.decode(row), row) for row in rows.splitlines()]
    return {f"{track['device']} {track['layer']}": row for track, row in tracks}
