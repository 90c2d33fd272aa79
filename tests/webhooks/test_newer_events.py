"""Events that only a newer program can read are waited at, by webhooks and readers alike, and lost by neither."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest
from receiver import receiving
from rig import PARTITIONS, Rig, crowd, expected, rig_in, sending, until

from ingest.gateway.feed import feeding
from ingest.gateway.history import Gap, History, together
from ingest.gateway.told import NewerEvent, Told, Wanted
from ingest.topics import CHANGES
from stream.partitioner import partition_of
from stream.port import Record
from tests.gateway.one_process import event_record

HELD = partition_of(b"d0", PARTITIONS)


def of_others(sequences: dict[str, list[int]]) -> dict[str, list[int]]:
    """Without the devices of the partition that is held."""
    return {device: its for device, its in sequences.items() if partition_of(device.encode(), PARTITIONS) != HELD}


async def tell_newer(rig: Rig) -> None:
    """One event of d0 as the next version would write it."""
    one = event_record("d0", "a", 0)
    headers = tuple((name, text.replace(b"change:1", b"change:2")) for name, text in one.headers)
    assert headers != one.headers
    await rig.log.append(CHANGES, [Record(one.key, one.value, headers, one.time_ms)])


def update_program(patch: pytest.MonkeyPatch) -> None:
    """From now on the program reads that version."""
    patch.setattr("geofence.wire_events.EVENT_VERSION", 2)


@pytest.mark.parametrize("kept_s", [3600.0, 1e-6])
def test_a_webhook_waits_at_a_newer_event_and_goes_on_with_a_newer_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, kept_s: float
) -> None:
    async def story() -> None:
        async with rig_in(tmp_path) as rig, receiving() as server:
            hook = await rig.webhook(server.url)
            await tell_newer(rig)
            await rig.tell(*crowd(1, 61))
            rig.clock._now_ms += 60_000  # what was told lies before what the feed keeps, where that is nothing
            with caplog.at_level(logging.WARNING):
                async with sending(rig, kept_s=kept_s):
                    others = of_others(expected(1, 61))
                    await until(lambda: server.sequences() == others)
                    await rig.tell(*crowd(61, 121))
                    others = of_others(expected(1, 121))
                    await until(lambda: server.sequences() == others)
            assert rig.progress(hook).marks[HELD] == 0
            assert "Update the program that reads" in caplog.text
            update_program(monkeypatch)
            async with sending(rig, kept_s=kept_s):
                await until(lambda: len(server.taken) >= 121)
            assert server.sequences() == expected(0, 121)

    asyncio.run(story())


def test_pages_end_before_a_newer_event_and_say_so_when_nothing_else_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gathered(history: History) -> tuple[list[Told], Any]:
        found, marks = list[Told](), (0,) * PARTITIONS
        for _ in range(100):
            try:
                some, marks, _late = await history.gather(await history.standing(), Wanted(), marks, 7)
            except NewerEvent as error:
                return found, error
            found += some
        return found, None

    async def story() -> None:
        async with rig_in(tmp_path) as rig:
            await rig.tell(*crowd(1, 31))
            await tell_newer(rig)
            await rig.tell(*crowd(31, 61))
            async with feeding(rig.log, most_bytes=10**6, since_ms=rig.clock.now_ms() + 10**6) as feed:
                found, error = await gathered(History(rig.log, feed, 1))
                held = [told for told in found if told.partition == HELD]
                assert len(found) - len(held) == sum(map(len, of_others(expected(1, 61)).values()))
                assert len(held) == 30 - sum(map(len, of_others(expected(1, 31)).values()))
                assert f"{CHANGES} {HELD}:{len(held)}: the event has version 2" in str(error)
                update_program(monkeypatch)
                found, error = await gathered(History(rig.log, feed, 1))
                assert (len(found), error) == (61, None)

    asyncio.run(story())


def test_all_that_is_gone_is_told_as_one_gap() -> None:
    gaps = [Gap({0: (0, 5)}, (5, 0, 0)), Gap({1: (2, 9)}, (5, 9, 0)), Gap({0: (6, 8)}, (8, 9, 0))]
    assert together(gaps) == Gap({0: (0, 8), 1: (2, 9)}, (8, 9, 0))
    assert together([]) is None
