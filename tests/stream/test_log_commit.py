"""Taking and committing: all or nothing, once, and only by whoever holds the partition."""

import asyncio

import pytest
from engines import Engine, play
from stories import claim_of, numbered, out, soon, stays_waiting, taken, texts, values

from stream.port import Log, Topic, Unavailable, Unusable

IN, OUT, MORE = Topic("in", 1), Topic("out", 1), Topic("more", 1)


def test_a_commit_is_seen_whole_and_its_offset_resumes(log_engine: Engine) -> None:
    group = log_engine.named("group")

    async def first(log: Log, source: str, to: str, more: str) -> int:
        await log.append(source, numbered(10))
        async with claim_of(log, source, group) as claim, claim.take() as grip:
            batch = await anext(grip.batches(most=4))
            assert len(batch.offsets) <= 4
            await grip.commit([out(to, texts("a", "b")), out(more, texts("c"))], batch.end)
            assert grip.offset == batch.end
            assert await values(log, to) == [b"a", b"b"]
            assert await values(log, more) == [b"c"]
            assert (await log.standing(source, group=group))[0].committed == batch.end
            return batch.end

    async def second(log: Log, source: str, to: str, more: str) -> None:
        async with claim_of(log, source, group) as claim, claim.take() as grip:
            assert grip.offset == end
            got = [value async for batch in log.read(source, 0, start=end, to_end=True) for value in batch.values]
            batch = await anext(grip.batches(most=100))
            assert list(batch.values) == got
        assert await values(log, to) == [b"a", b"b"]

    end = play(log_engine, first, IN, OUT, MORE)
    play(log_engine, second, IN, OUT, MORE)


def test_a_commit_without_records_moves_the_offset(log_engine: Engine) -> None:
    async def story(log: Log, source: str) -> None:
        await log.append(source, numbered(3))
        group = log_engine.named("group")
        async with claim_of(log, source, group) as claim:
            async with claim.take() as grip:
                batch = await anext(grip.batches(most=100))
                await grip.commit([], batch.end)
            async with claim.take() as grip:
                assert grip.offset == batch.end

    play(log_engine, story, IN)


def test_what_was_not_committed_comes_again_and_left_nothing(log_engine: Engine) -> None:
    async def story(log: Log, source: str, to: str) -> None:
        await log.append(source, numbered(5))
        async with claim_of(log, source, log_engine.named("group")) as claim:
            async with claim.take() as grip:
                await anext(grip.batches(most=100))
            async with claim.take() as grip:
                batch = await anext(grip.batches(most=100))
                assert list(batch.values) == [b"%d" % i for i in range(5)]
                await grip.commit([out(to, texts("done"))], batch.end)
        assert await values(log, to) == [b"done"]

    play(log_engine, story, IN, OUT)


def test_a_commit_that_is_refused_leaves_nothing(log_engine: Engine) -> None:
    async def story(log: Log, source: str, to: str) -> None:
        await log.append(source, numbered(5))
        async with claim_of(log, source, log_engine.named("group")) as claim:
            async with claim.take() as grip:
                batch = await anext(grip.batches(most=100))
                with pytest.raises(Unusable, match="nowhere"):
                    await grip.commit([out(to, texts("x")), out("nowhere", texts("y"))], batch.end)
            async with claim.take() as grip:
                assert grip.offset == batch.offsets[0]
        assert await values(log, to) == []

    play(log_engine, story, IN, OUT)


def test_taking_again_fences_off_the_grip_before(log_engine: Engine) -> None:
    async def story(log: Log, source: str, to: str) -> None:
        await log.append(source, numbered(5))
        async with claim_of(log, source, log_engine.named("group")) as claim, claim.take() as old:
            batch = await anext(old.batches(most=100))
            async with claim.take() as new:
                with pytest.raises(Unavailable):
                    await old.commit([out(to, texts("old"))], batch.end)
                assert await values(log, to) == []
                assert new.offset == batch.offsets[0]
                await new.commit([out(to, texts("new"))], batch.end)
            with pytest.raises(Unavailable):
                await old.commit([out(to, texts("old"))], batch.end)
        assert await values(log, to) == [b"new"]

    play(log_engine, story, IN, OUT)


def test_a_grip_that_was_left_commits_no_more(log_engine: Engine) -> None:
    async def story(log: Log, source: str, to: str) -> None:
        async with claim_of(log, source, log_engine.named("group")) as claim:
            async with claim.take() as grip:
                pass
            with pytest.raises(Unavailable):
                await grip.commit([out(to, texts("late"))], 0)
        assert await values(log, to) == []

    play(log_engine, story, IN, OUT)


def test_a_grip_waits_for_more_and_wakes(log_engine: Engine) -> None:
    async def story(log: Log, source: str) -> None:
        async with claim_of(log, source, log_engine.named("group")) as claim, claim.take() as grip:
            coming = grip.batches(most=10)
            for i in range(3):
                waiting = asyncio.create_task(anext(coming))
                assert await stays_waiting(waiting)
                await log.append(source, texts(str(i)))
                assert list((await soon(waiting)).values) == [str(i).encode()]

    play(log_engine, story, IN)


def test_members_share_the_partitions_out_and_each_is_held_once(log_engine: Engine) -> None:
    async def story(log: Log, source: str) -> None:
        group = log_engine.named("group")
        async with log.claims(source, group=group) as claims:
            mine = await taken(claims, 4)
            assert sorted(mine) == [0, 1, 2, 3]
            async with log.claims(source, group=group) as others:
                theirs = await taken(others, 2)
                for partition in theirs:
                    await soon(mine[partition].revoked.wait())
                gone = {partition for partition, claim in mine.items() if claim.revoked.is_set()}
                assert set(theirs) <= gone
            back = {}
            while len(back) < len(theirs):
                claim = await asyncio.wait_for(anext(claims), 20)
                if not claim.revoked.is_set():
                    back[claim.partition] = claim
            assert set(theirs) <= set(back) | (set(mine) - gone)

    play(log_engine, story, Topic("in", 4))


def test_a_revoked_claim_ends_its_batches_once_it_is_let_go_the_next_member_has_it(log_engine: Engine) -> None:
    async def story(log: Log, source: str) -> None:
        group = log_engine.named("group")
        await log.append(source, numbered(4), partition=0)
        await log.append(source, numbered(4), partition=1)

        async with log.claims(source, group=group) as claims:
            mine = await taken(claims, 2)
            busy = asyncio.Semaphore(0)

            async def work(partition: int) -> None:
                async with mine[partition].take() as grip:
                    async for batch in grip.batches(most=100):
                        await grip.commit([], batch.end)
                        busy.release()

            workers = [asyncio.create_task(work(partition)) for partition in sorted(mine)]
            for _ in workers:
                await busy.acquire()
            async with log.claims(source, group=group) as others:
                claim = await asyncio.wait_for(anext(others), 20)
                await soon(workers[claim.partition])
                async with claim.take() as grip:
                    assert grip.offset == (await log.standing(source, group=group))[claim.partition].end
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    play(log_engine, story, Topic("in", 2))


def test_groups_know_nothing_of_each_other(log_engine: Engine) -> None:
    async def story(log: Log, source: str) -> None:
        await log.append(source, numbered(5))
        one, other = log_engine.named("one"), log_engine.named("other")
        async with claim_of(log, source, one) as claim, claim.take() as grip:
            batch = await anext(grip.batches(most=100))
            await grip.commit([], batch.end)
        async with claim_of(log, source, other) as claim, claim.take() as grip:
            assert grip.offset == batch.offsets[0]

    play(log_engine, story, IN)


def test_standing_tells_begin_committed_and_end(log_engine: Engine) -> None:
    async def story(log: Log, source: str) -> None:
        group = log_engine.named("group")
        await log.append(source, numbered(6), partition=1)
        before = await log.standing(source, group=group)
        assert [before[i].committed for i in (0, 1)] == [None, None]
        assert before[0].begin == before[0].end
        assert before[1].begin == 0
        async with log.claims(source, group=group) as claims, (await taken(claims, 2))[1].take() as grip:
            batch = await anext(grip.batches(most=3))
            await grip.commit([], batch.end)
        after = await log.standing(source, group=group)
        assert after[1].committed == batch.end
        assert after[1].end >= 6

    play(log_engine, story, Topic("in", 2))
