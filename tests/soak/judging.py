"""The torture's judge over a copy: a replay of the input beside what was told, kept and delivered.

After a run, when the service has ended in order. Of a long one each partition is judged in a process of its own.
Invariant: nothing is forgiven; what is not byte for byte as the replay has it is counted.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields
from multiprocessing import get_context
from pathlib import Path

import msgspec

from boundaries.loading import Loader
from catalog import open_catalog
from ingest.following import CatalogFences
from ingest.restoring import restore
from ingest.settings import WorkerSettings
from ingest.status import PartitionStatus
from service.home import Home
from service.logs import open_log
from service.published import begin_published
from tests.soak.copying import Copy
from tests.torture.obeyed import told_twice
from tests.torture.oracle import Verdict, letters_in, presence_in, presence_of, replayed_file

SETTINGS = WorkerSettings(consent="required")  # as `geofence run` has them
_SIDE_BY_SIDE, _FEW = 2, 100_000  # processes; pings for which none is worth its start
_EXAMPLES = 20


class _Told(msgspec.Struct):
    id: str
    subject: str
    data: dict[str, msgspec.Raw]


def judge(home: Home, copy: Copy, done: Sequence[int]) -> Verdict:
    """All partitions, and whether what was acknowledged is in the input."""
    verdict = Verdict(records=copy.pings, records_lost=copy.missing(list(done)))
    asked = [(home.folder, one, copy.input(one), copy.events(one)) for one in range(copy.partitions)]
    if copy.pings < _FEW:
        parts = [judge_partition(*one) for one in asked]
    else:
        with ProcessPoolExecutor(_SIDE_BY_SIDE, mp_context=get_context("spawn")) as lanes:
            parts = list(lanes.map(judge_partition, *zip(*asked, strict=True)))
    for part in parts:
        _add(verdict, part)
    return verdict


def judge_partition(folder: Path, partition: int, input_file: Path, events_file: Path) -> Verdict:
    """One."""
    home, verdict = Home(folder), Verdict()
    begin = begin_published(home.catalog_url, str(home.shelf))
    expected, tracks = replayed_file(input_file, begin, SETTINGS)
    told = defaultdict[str, list[bytes]](list)
    for line in events_file.read_bytes().splitlines():
        told[msgspec.json.decode(line, type=_Told).subject].append(line)
    verdict.count_events(told, expected)
    verdict.boundary, twice = told_twice(told)
    verdict.count_publications(twice)
    asyncio.run(_kept(home, partition, tracks, verdict))
    verdict.examples = [one[:400] for one in verdict.examples[:_EXAMPLES]]
    return verdict


async def _kept(home: Home, partition: int, tracks: bytes, verdict: Verdict) -> None:
    """Tracks, presence and dead letters, as the log has them in the end."""
    with open_catalog(home.catalog_url) as catalog:
        fences = CatalogFences(Loader(catalog, home.shelf).load, SETTINGS)
        async with open_log(home.log_url, read_only=True) as log:
            fence = await restore(log, partition, fences, PartitionStatus(partition, 0))
            found = b"".join(msgspec.json.encode(track) + b"\n" for track in fence.tracks())
            verdict.count_tracks(found, tracks)
            verdict.count_presence(await presence_in(log, partition), presence_of(fence))
            verdict.count_letters(await letters_in(log, partition), set())


def undelivered(copy: Copy, layer: str, got: Mapping[str, Sequence[str]]) -> tuple[int, int]:
    """Events of a layer that a webhook did not get, and devices that first got a later one before an earlier one."""
    expected = defaultdict[str, list[str]](list)
    for partition in range(copy.partitions):
        for line in copy.events(partition).read_bytes().splitlines():
            its = msgspec.json.decode(line, type=_Told)
            if bytes(its.data["layer"]) == b'"%s"' % layer.encode():
                expected[its.subject].append(its.id)
    missing = sum((Counter(ids) - Counter(got.get(device, ()))).total() for device, ids in expected.items())
    strange = sum(1 for device in got if device not in expected)
    disordered = sum(1 for device, ids in got.items() if device in expected and list(ids) != expected[device])
    return missing, strange + (disordered if not missing else 0)


def _add(whole: Verdict, part: Verdict) -> None:
    for one in fields(Verdict):
        setattr(whole, one.name, getattr(whole, one.name) + getattr(part, one.name))
