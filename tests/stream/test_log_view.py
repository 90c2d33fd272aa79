"""Views: the newest value of each key, as soon as it is committed."""

import asyncio

from engines import Engine, play

from stream.port import Cleanup, Log, Record, Topic

STATE = Topic("state", 3, Cleanup.COMPACT)


def test_a_view_holds_the_newest_of_each_key_once_entered(log_engine: Engine) -> None:
    async def story(log: Log, topic: str) -> None:
        await log.append(topic, [Record(b"%d" % i, b"old") for i in range(30)])
        await log.append(topic, [Record(b"%d" % i, b"new") for i in range(0, 30, 2)])
        await log.append(topic, [Record(b"%d" % i, None) for i in range(0, 30, 3)])
        async with log.view(topic) as view:
            expected = {b"%d" % i: b"old" if i % 2 else b"new" for i in range(30) if i % 3}
            assert dict(view.items()) == expected
            assert view.get(b"1") == b"old"
            assert view.get(b"0") is None
            assert view.get(b"nobody") is None

    play(log_engine, story, STATE)


def test_a_view_follows_and_says_when_it_has_caught_up(log_engine: Engine) -> None:
    async def story(log: Log, topic: str) -> None:
        async with log.view(topic) as view:
            for i in range(50):
                await log.append(topic, [Record(b"k", b"%d" % i), Record(b"other", None)])
                await view.caught_up()
                assert view.get(b"k") == b"%d" % i
            await log.append(topic, [Record(b"k", None)])
            await view.caught_up()
            assert dict(view.items()) == {}

    play(log_engine, story, STATE)


def test_an_empty_value_is_a_value(log_engine: Engine) -> None:
    async def story(log: Log, topic: str) -> None:
        await log.append(topic, [Record(b"k", b"")])
        async with log.view(topic) as view:
            assert view.get(b"k") == b""

    play(log_engine, story, STATE)


def test_views_of_one_topic_agree(log_engine: Engine) -> None:
    async def story(log: Log, topic: str) -> None:
        async with log.view(topic) as one, log.view(topic) as other:
            await asyncio.gather(*(log.append(topic, [Record(b"%d" % (i % 7), b"%d" % i)]) for i in range(50)))
            await asyncio.gather(one.caught_up(), other.caught_up())
            assert dict(one.items()) == dict(other.items())
            assert len(one.items()) == 7

    play(log_engine, story, STATE)


def test_a_view_tells_of_every_change_in_order_with_what_was_before(log_engine: Engine) -> None:
    async def story(log: Log, topic: str) -> None:
        told: list[tuple[bytes, bytes | None, bytes | None]] = []
        await log.append(topic, [Record(b"k", b"1")])
        async with log.view(topic, on_change=lambda key, before, now: told.append((key, before, now))) as view:
            await log.append(topic, [Record(b"k", b"2"), Record(b"k", None), Record(b"k", b"3")])
            await view.caught_up()
        assert told == [(b"k", None, b"1"), (b"k", b"1", b"2"), (b"k", b"2", None), (b"k", None, b"3")]

    play(log_engine, story, STATE)
