"""Bad input: each kind has its answer, none stops a partition, and a replay of the rest agrees."""

import asyncio
import dataclasses
import hashlib
import json
from pathlib import Path

import pytest
from runs import PARTITIONS, SETTINGS, World, device_partition
from shapely import box
from worlds import at, erase, overlay, partition, ping, switch, tick, walk

from geofence.library import UnknownVersion
from geofence.wire import encode_ping
from geofence.wire_events import decode_event
from ingest.control import order, record_of
from ingest.letters import KEPT_BYTES
from ingest.status import State
from ingest.topics import PARTITION_KEY, PINGS, TRACKS, topics
from ingest.worker import work
from stream.partitioner import partition_of
from stream.port import Record

ROW, FENCES = partition(), overlay()
HOME = device_partition("d")
ELSEWHERE = 1 - HOME
GOOD = encode_ping(ping("A", 10))
TICK = record_of(tick(1))

RESERVED = json.dumps({"kind": "erase", "device": PARTITION_KEY.decode(), "at_ms": at(10)}).encode()


def at_home(value: bytes | None, *, key: bytes = b"d", headers=(), time_s: float = 10) -> tuple[int, Record]:
    """A record on the partition of the device `d`."""
    return HOME, Record(key, value, headers, at(time_s))


def with_fields(**fields: object) -> bytes:
    return json.dumps({**json.loads(GOOD), **fields}).encode()


BAD = {
    "0 bytes": (at_home(b""), "malformed"),
    "no JSON": (at_home(b"\x00\xff\x80 not json"), "malformed"),
    "another JSON": (at_home(b"[1, 2]"), "malformed"),
    "deep JSON": (at_home(b"[" * 60_000), "malformed"),
    "10 MB": (at_home(b'{"device": "' + b"x" * 10_000_000 + b'"}'), "too_large"),
    "a tombstone": (at_home(None), "tombstone"),
    "another device than the key": (at_home(with_fields(device="e")), "key_differs"),
    "an empty key": (at_home(GOOD, key=b""), "key_differs"),
    "the wrong partition": ((ELSEWHERE, Record(b"d", GOOD, (), at(10))), "wrong_partition"),
    "a newer schema": (at_home(with_fields(v=2)), "version_newer"),
    "a missing field": (at_home(b'{"device": "d", "lon": 1, "lat": 1}'), "malformed"),
    "a place that is none": (at_home(with_fields(lat=91)), "lat_range"),
    "a device's clock that is ahead": (at_home(with_fields(time_ms=at(5000))), "time_future"),
    "a log's clock before 1970": (at_home(GOOD, time_s=-at(0) / 1000 - 5), "received_range"),
    "a control that is no JSON": (at_home(b"?", headers=(("kind", b"tick"),)), "malformed"),
    "a control of no known kind": (at_home(b'{"kind": "dance"}', headers=(("kind", b"dance"),)), "malformed"),
    "a control with another header": (at_home(TICK.value, headers=(("kind", b"erase"),)), "malformed"),
    "a control tombstone": (at_home(None, headers=(("kind", b"erase"),)), "malformed"),
    "an erasure under another key": (
        at_home(b'{"kind":"erase","device":"d","at_ms":1}', key=b"e", headers=(("kind", b"erase"),)),
        "malformed",
    ),
    "an erasure of the partition's own row": (
        (partition_of(PARTITION_KEY, PARTITIONS), Record(PARTITION_KEY, RESERVED, (("kind", b"erase"),), at(10))),
        "malformed",
    ),
    "an erasure on the wrong partition": (
        (ELSEWHERE, Record(b"d", b'{"kind":"erase","device":"d","at_ms":1}', (("kind", b"erase"),), at(10))),
        "malformed",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_record_is_a_dead_letter_and_the_rest_goes_on(tmp_path: Path, name: str) -> None:
    (place, record), reason = BAD[name]
    its = World(tmp_path / "log.db", [ROW, FENCES])
    steps = walk("A 0 A 60 A 120 B 180 B 240 B 300")
    its.pour([*steps[:3], (place, record), *steps[3:]])
    its.work()
    [letter] = its.letters()
    assert letter.reason == reason
    assert letter.hint
    assert letter.partition == place
    value = record.value or b""
    assert (letter.value or b"") == value[:KEPT_BYTES]
    assert letter.length == len(value)
    assert letter.sha256 == hashlib.sha256(value).hexdigest()
    assert letter.key == record.key
    told = its.check_against_replay(tmp_path)
    assert [decode_event(line).data.target.id for line in told["d"] if decode_event(line).data.layer == "row"] == [
        "A",
        "B",
    ]


def test_a_key_that_is_very_long_is_cut_in_its_dead_letter(tmp_path: Path) -> None:
    its = World(tmp_path / "log.db", [ROW])
    key = b"k" * (KEPT_BYTES + 7)
    its.pour([(HOME, Record(key, GOOD, (), at(10))), *walk("A 70 A 130")])
    its.work()
    [letter] = its.letters()
    assert (letter.reason, letter.key, letter.key_length) == ("key_differs", key[:KEPT_BYTES], len(key))
    with pytest.raises(ValueError, match=f"key had {len(key)} bytes, {KEPT_BYTES} were kept"):
        letter.again()


FINE = {
    "unknown fields": at_home(with_fields(battery=0.5, kind="scan", nested={"a": [1]})),
    "foreign headers": at_home(GOOD, headers=(("traceparent", b"00-1-2-03"), ("x", b"\xff"))),
    "an older schema": at_home(with_fields(v=1)),
    "its own time of receipt": at_home(with_fields(received_ms=1)),
    "a byte order mark": at_home(GOOD, headers=(("", b""),)),
}


@pytest.mark.parametrize("name", FINE)
def test_what_is_only_unusual_is_taken(tmp_path: Path, name: str) -> None:
    its = World(tmp_path / "log.db", [ROW])
    its.pour([FINE[name], *walk("A 70 A 130")])
    its.work()
    assert its.letters() == []
    assert len(its.check_against_replay(tmp_path)["d"]) == 1


def test_many_bad_records_hide_no_good_one(tmp_path: Path) -> None:
    its = World(tmp_path / "log.db", [ROW])
    bad = [record for record, _ in BAD.values() if len(record[1].value or b"") < 1000]
    steps = walk("A 0 A 60 A 120 B 180 B 240 B 300 B 360")
    its.pour([item for step in steps for item in (step, *bad)])
    its.work()
    assert len(its.letters()) == len(bad) * len(steps)
    assert len(its.check_against_replay(tmp_path)["d"]) == 2


def test_the_clock_of_a_partition_never_goes_back(tmp_path: Path) -> None:
    its = World(tmp_path / "log.db", [ROW])
    its.pour(walk("A 0 A 60 A 120 A 180"), times=[at(500), at(100), at(0), at(501)])
    its.work()
    its.check_against_replay(tmp_path)
    assert its.restored(HOME).clock_ms == at(501)


def test_a_record_from_the_future_moves_the_clock_once_and_the_partition_goes_on(tmp_path: Path) -> None:
    its = World(tmp_path / "log.db", [ROW])
    times = [at(0), at(60), at(100_000_000), at(180), at(240), at(300)]
    its.pour(walk("A 0 A 60 A 120 A 180 A 240 A 300"), times=times)
    its.now_ms = at(300)
    its.work()
    told = [decode_event(line).data.cause for line in its.check_against_replay(tmp_path)["d"]]
    assert told == ["first_fix"]


@pytest.mark.parametrize("key", [b"d", PARTITION_KEY])
def test_rows_of_a_newer_program_stop_the_partition_visibly(tmp_path: Path, key: bytes) -> None:
    its = World(tmp_path / "log.db", [ROW])
    its.pour([*walk("A 0 A 60")])
    its.work()
    status = run_for_a_while(its, HOME, Record(key, b"\xfa newer"))
    assert status.state is State.BLOCKED
    assert "version 250" in status.reason
    assert its.status.of(ELSEWHERE, 0).state is State.LEFT, "the others went on"


def test_a_switch_to_a_version_that_nobody_has_waits_visibly(tmp_path: Path) -> None:
    its = World(tmp_path / "log.db", [ROW])
    strange = partition({"A": box(0, 0, 1, 1)})
    its.pour([*walk("A 0 A 60"), switch(strange, 70), *walk("B 120 B 180 B 240 B 300")])
    status = run_for_a_while(its, HOME)
    assert status.state is State.BLOCKED
    assert UnknownVersion.__name__ in status.reason
    assert strange.hash[:12] in status.reason
    assert len(its.events()["d"]) == 1, "what stood before the switch was told"
    its.library = [strange]
    its.work()
    its.check_against_replay(tmp_path)
    assert its.restored(HOME).versions()["row"].hash == strange.hash


def test_a_switch_can_be_skipped_by_name(tmp_path: Path) -> None:
    strange = partition({"A": box(0, 0, 1, 1)})
    its = World(tmp_path / "log.db", [ROW])
    its.settings = dataclasses.replace(SETTINGS, skip_versions=frozenset({strange.hash}))
    its.pour([*walk("A 0 A 60"), switch(strange, 70), *walk("B 120 B 180 B 240 B 300")])
    its.work()
    assert [letter.reason for letter in its.letters()] == ["version_unknown"] * PARTITIONS
    assert len(its.check_against_replay(tmp_path)["d"]) == 2


def run_for_a_while(its: World, partition_: int, *rows: Record):
    """Append rows to the tracks, run the worker until the partition is blocked, and tell its status."""

    async def run() -> None:
        stop = asyncio.Event()
        async with its.open() as log:
            await log.create(topics(PARTITIONS))
            if rows:
                await log.append(TRACKS, list(rows), partition=partition_)
            working = asyncio.create_task(
                work(log, its.fences(), its.settings, its.status, stop, now_ms=lambda: its.now_ms)
            )
            async with asyncio.timeout(10):
                while its.status.of(partition_, 0).state is not State.BLOCKED:
                    await asyncio.sleep(0.005)
            stop.set()
            reason = its.status.of(partition_, 0).reason
            await working
            its.status.of(partition_, 0).state, its.status.of(partition_, 0).reason = State.BLOCKED, reason

    asyncio.run(run())
    return its.status.of(partition_, 0)


def test_an_order_reaches_every_partition_or_the_device_s_own(tmp_path: Path) -> None:
    its = World(tmp_path / "log.db", [ROW])
    its.pour(walk("A 0"))

    async def tell() -> None:
        async with its.open() as log:
            await order(log, switch(ROW, 10))
            await order(log, switch(ROW, 10))
            await order(log, erase("d", 11))

    asyncio.run(tell())
    kinds = [(place, dict(headers).get("kind")) for place, _, _, headers in its.records(PINGS)]
    assert sorted(kinds, key=str) == sorted(
        [(HOME, None), (HOME, b"erase"), *[(place, b"version") for place in (0, 0, 1, 1)]], key=str
    )
