"""Topics: made once, checked, and what becomes of old records."""

import time
from dataclasses import replace

import pytest
from engines import Engine, play
from stories import batches, claim_of, everything, numbered

from stream.port import Cleanup, Log, Record, Topic, Unusable

HOUR = 3_600_000
ONE = Topic("one", 1, keep_ms=HOUR)
STATE = Topic("state", 1, Cleanup.COMPACT, compact_within_ms=HOUR)


def hours_ago(hours: float) -> int:
    return time.time_ns() // 1_000_000 - int(hours * HOUR)


def test_what_is_missing_is_made_and_what_is_there_is_left(log_engine: Engine) -> None:
    async def story(log: Log, one: str) -> None:
        await log.append(one, numbered(3))
        new = log_engine.named("new")
        assert list(await log.create([Topic(one, 7), Topic(new, 2)])) == [new]
        assert await log.partitions(one) == 1
        assert await log.partitions(new) == 2
        assert len(await everything(log, one)) == 3

    play(log_engine, story, ONE)


def test_a_topic_has_a_partition_at_least(log_engine: Engine) -> None:
    async def story(log: Log) -> None:
        with pytest.raises(Unusable, match="partitions"):
            await log.create([Topic(log_engine.named("none"), 0)])

    play(log_engine, story)


def test_a_topic_as_wanted_has_nothing_wrong(log_engine: Engine) -> None:
    async def story(log: Log, one: str, state: str) -> None:
        assert list(await log.check([replace(ONE, name=one), replace(STATE, name=state)])) == []

    play(log_engine, story, ONE, STATE)


@pytest.mark.parametrize(
    ("change", "setting"),
    [
        ({"partitions": 3}, "partitions"),
        ({"keep_ms": 2 * HOUR}, "keep_ms"),
        ({"keep_bytes": 1 << 30}, "keep_bytes"),
        ({"cleanup": Cleanup.COMPACT, "keep_ms": HOUR}, "cleanup"),
    ],
)
def test_a_setting_that_is_wrong_is_told_with_the_fix(
    log_engine: Engine, change: dict[str, object], setting: str
) -> None:
    async def story(log: Log, one: str) -> None:
        (wrong,) = await log.check([replace(ONE, name=one, **change)])
        assert wrong.topic == one
        assert wrong.found != wrong.wanted
        assert wrong.fix
        if log_engine.name == "sqlite":
            assert wrong.setting == setting

    play(log_engine, story, ONE)


def test_for_how_long_a_topic_keeps_records_is_told(log_engine: Engine) -> None:
    async def story(log: Log, one: str, state: str, ever: str) -> None:
        assert await log.keeps_ms(one) == HOUR
        assert await log.keeps_ms(state) is None
        assert await log.keeps_ms(ever) is None
        with pytest.raises(Unusable, match="nowhere"):
            await log.keeps_ms("nowhere")

    play(log_engine, story, ONE, STATE, Topic("ever", 1))


def test_a_topic_that_is_missing_is_told(log_engine: Engine) -> None:
    async def story(log: Log) -> None:
        (wrong,) = await log.check([Topic(log_engine.named("missing"), 1)])
        assert "missing" in wrong.found
        assert wrong.fix

    play(log_engine, story)


def test_records_past_their_time_go_and_reading_begins_at_the_oldest_left(tidy_engine: Engine) -> None:
    async def story(log: Log, one: str) -> None:
        await log.append(one, [Record(b"k", b"old", time_ms=hours_ago(3))] * 10)
        await log.append(one, [Record(b"k", b"new")] * 10)
        await tidy_engine.settle(log)
        left = await batches(log, one)
        assert [value for batch in left for value in batch.values] == [b"new"] * 10
        assert left[0].offsets[0] == 10
        assert (await log.standing(one, group=tidy_engine.named("nobody")))[0].begin == 10
        assert await log.offset_at(one, 0, time_ms=0) == 10

    play(tidy_engine, story, ONE)


def test_compaction_keeps_the_newest_of_each_key_where_it_was(tidy_engine: Engine) -> None:
    async def story(log: Log, state: str) -> None:
        for i in range(20):
            await log.append(state, [Record(b"%d" % (i % 4), b"%d" % i, time_ms=hours_ago(0.9))])
        await log.append(state, [Record(b"3", None, time_ms=hours_ago(0.9))])
        await tidy_engine.settle(log)
        (batch,) = await batches(log, state)
        assert list(batch.offsets) == [16, 17, 18, 20]
        assert list(batch.values) == [b"16", b"17", b"18", None]
        for start, first in ((0, 16), (17, 17), (19, 20), (20, 20)):
            assert (await batches(log, state, start=start))[0].offsets[0] == first
        async with log.view(state) as view:
            assert sorted(view.items()) == [b"0", b"1", b"2"]

    play(tidy_engine, story, STATE)


def test_a_tombstone_goes_once_its_time_is_up(tidy_engine: Engine) -> None:
    async def story(log: Log, state: str) -> None:
        await log.append(state, [Record(b"a", b"1", time_ms=hours_ago(5)), Record(b"b", b"1", time_ms=hours_ago(5))])
        await log.append(state, [Record(b"b", None, time_ms=hours_ago(4))])
        await tidy_engine.settle(log)
        (batch,) = await batches(log, state)
        assert list(batch.keys) == [b"a"]
        async with log.view(state) as view:
            assert dict(view.items()) == {b"a": b"1"}
            await log.append(state, [Record(b"b", b"2")])
            await view.caught_up()
            assert view.get(b"b") == b"2"

    play(tidy_engine, story, STATE)


def test_a_group_goes_on_where_the_oldest_is_left(tidy_engine: Engine) -> None:
    async def story(log: Log, one: str) -> None:
        group = tidy_engine.named("group")
        await log.append(one, [Record(b"k", b"old", time_ms=hours_ago(3))] * 10)
        await tidy_engine.settle(log)
        await log.append(one, [Record(b"k", b"new")])
        async with claim_of(log, one, group) as claim, claim.take() as grip:
            batch = await anext(grip.batches(most=10))
            assert list(batch.values) == [b"new"]

    play(tidy_engine, story, ONE)
