"""`GET /v1/events` over an embedded log: resuming, filters, pages, rights, slow readers, many readers."""

import asyncio
import os
import resource
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from embedded import Embedded
from http_client import Sse, Stream

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "torture"
IDLE = 2000 if LONG else 200

Make = Callable[..., Embedded]


def crowd(first: int, last: int, devices: int = 6) -> list[tuple[str, str, int]]:
    """Events of some devices, in turn."""
    return [(f"d{number % devices}", "ab"[number % 2], number) for number in range(first, last)]


def by_device(events: list[Any]) -> dict[str, list[int]]:
    """The sequences of each device's events, in the order in which they came."""
    found = defaultdict[str, list[int]](list)
    for event in events:
        found[event["subject"]].append(int(event["sequence"]))
    return dict(found)


def expected(first: int, last: int, devices: int = 6) -> dict[str, list[int]]:
    """What a reader of `crowd` gets, whoever else has told something."""
    found = defaultdict[str, list[int]](list)
    for device, _, sequence in crowd(first, last, devices):
        found[device].append(sequence)
    return dict(found)


def changes(events: list[Sse]) -> list[Any]:
    """The region changes among what a stream told."""
    return [one.data for one in events if one.event == "message"]


def test_a_stream_resumes_without_a_gap_or_a_repeat_wherever_it_is_dropped(embedded: Make) -> None:
    gateway = embedded()
    key = gateway.key("events:read")

    async def story() -> None:
        gateway.tell(*crowd(0, 60))
        got, after = [], ""
        for dropped_after in (1, 2, 3, 5, 8, 13, 21):
            path = "/v1/events" if after else "/v1/events?from=beginning"
            stream = await Stream.open(gateway.port, path, key, after=after)
            got += await stream.take(dropped_after)
            after = stream.last_id
            stream.close()
        await asyncio.to_thread(gateway.tell, *crowd(60, 120))
        stream = await Stream.open(gateway.port, "/v1/events", key, after=after)
        got += await stream.take(120 - len(got))
        assert by_device(changes(got)) == expected(0, 120)
        stream.close()

    asyncio.run(story())


def test_a_stream_without_a_position_begins_now(embedded: Make) -> None:
    gateway = embedded()
    key = gateway.key("events:read")

    async def story() -> None:
        gateway.tell(*crowd(0, 30))
        stream = await Stream.open(gateway.port, "/v1/events", key)
        await asyncio.to_thread(gateway.tell, *crowd(30, 40))
        assert by_device(changes(await stream.take(10))) == expected(30, 40)
        stream.close()

    asyncio.run(story())


def test_who_catches_up_goes_over_to_what_comes_without_a_gap_or_a_repeat(embedded: Make) -> None:
    gateway = embedded(kept_bytes=200_000)  # some 150 events: nearly all has to be read back
    key = gateway.key("events:read")

    async def story() -> None:
        gateway.tell(*crowd(0, 3000))
        readers = [await Stream.open(gateway.port, "/v1/events?from=beginning", key) for _ in range(12)]
        taking = [asyncio.create_task(reader.take(3200, within_s=60)) for reader in readers]
        for number in range(3000, 3200, 4):
            await asyncio.to_thread(gateway.tell, *crowd(number, number + 4))
            await asyncio.sleep(0.01)
        for got in await asyncio.gather(*taking):
            assert by_device(changes(got)) == expected(0, 3200)
        for reader in readers:
            reader.close()

    asyncio.run(story())


def test_a_stream_goes_on_where_it_was_after_the_gateway_was_killed(embedded: Make) -> None:
    gateway = embedded()
    key = gateway.key("events:read")

    async def story() -> None:
        got, after = [], ""
        for round_ in range(3):
            await asyncio.to_thread(gateway.tell, *crowd(40 * round_, 40 * round_ + 40))
            path = "/v1/events" if after else "/v1/events?from=beginning"
            stream = await Stream.open(gateway.port, path, key, after=after)
            got += await stream.take(25)
            gateway.kill()
            got += await stream.take(1000)
            after = stream.last_id
            stream.close()
            await asyncio.to_thread(gateway.start)
        stream = await Stream.open(gateway.port, "/v1/events", key, after=after)
        got += await stream.take(120 - len(got))
        assert by_device(changes(got)) == expected(0, 120)
        stream.close()

    asyncio.run(story())


def test_filters_let_through_what_was_asked_for_and_move_the_position_past_the_rest(embedded: Make) -> None:
    gateway = embedded(heartbeat_s=0.2)
    key = gateway.key("events:read")

    async def story() -> None:
        gateway.tell(*crowd(0, 60))
        for query, count in (
            ("device=d1", 10),
            ("device=d1&device=d2", 20),
            ("region=a", 30),
            ("device=d1&region=a", 0),
            ("type=changed&layer=town", 60),
            ("type=geofence.region.entered", 0),
            ("layer=country", 0),
        ):
            pages = gateway.pages(f"/v1/events?from=beginning&{query}", key)
            assert len(pages) == count, query
            stream = await Stream.open(gateway.port, f"/v1/events?from=beginning&{query}", key)
            assert by_device(changes(await stream.take(count))) == by_device(pages), query
            stream.close()
        stream = await Stream.open(gateway.port, "/v1/events?device=d1", key)
        await asyncio.to_thread(gateway.tell, *[("nobody", "z", number) for number in range(20)])
        with pytest.raises(TimeoutError):
            await stream.take(1, within_s=1.0)  # heartbeats come, and with them positions
        assert gateway.pages("/v1/events", key, after=stream.last_id) == []
        stream.close()

    asyncio.run(story())


def test_pages_and_streams_tell_the_same_and_take_each_others_positions(embedded: Make) -> None:
    gateway = embedded()
    key = gateway.key("events:read")

    async def story() -> None:
        gateway.tell(*crowd(0, 100))
        for limit in (1, 9, 1000):
            pages = gateway.pages("/v1/events?from=beginning", key, limit=limit)
            assert by_device(pages) == expected(0, 100)
        page = gateway.ask("/v1/events?from=beginning&limit=33", key).body
        stream = await Stream.open(gateway.port, "/v1/events", key, after=page["next"])
        rest = changes(await stream.take(67))
        assert by_device(page["events"] + rest) == expected(0, 100)
        assert gateway.pages("/v1/events", key, after=stream.last_id) == []
        stream.close()

    asyncio.run(story())


def test_json_is_a_page_and_anything_else_a_stream(embedded: Make) -> None:
    gateway = embedded()
    key = gateway.key("events:read")
    page = gateway.ask("/v1/events", key, Accept="application/json")
    assert page.body["events"] == []
    assert page.body["more"] is False


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("after=AAAA", "after is 'AAAA'"),
        ("after=%F0", "after is"),
        ("from=tomorrow", "from is 'tomorrow'"),
        ("from=2999-01-01T00:00:00Z", "from is '2999"),
        ("type=left", "type is 'left'"),
        ("limit=0", "limit is '0'; allowed: 1 to 1000"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_is_allowed(
    gateway_of_module: Embedded, query: str, told: str
) -> None:
    key = gateway_of_module.key("events:read")
    answer = gateway_of_module.ask(
        f"/v1/events?limit=5&{query}" if "limit" not in query else f"/v1/events?{query}", key
    )
    assert answer.status == 400
    assert told in answer.body["detail"]
    assert "allowed" in answer.body["detail"]


def test_a_devices_own_key_sees_its_device_alone(embedded: Make) -> None:
    gateway = embedded()
    own = gateway.key("events:read", device="d1")
    gateway.tell(*crowd(0, 60))
    assert set(by_device(gateway.pages("/v1/events?from=beginning", own))) == {"d1"}
    assert gateway.ask("/v1/events?device=d2&limit=1", own).status == 403
    assert gateway.ask("/v1/events?limit=1", gateway.key("devices:read")).status == 403
    assert gateway.ask("/v1/events?limit=1", "gf_nobody_nothing").status == 401


def test_a_key_that_is_revoked_gets_nothing_more(embedded: Make) -> None:
    gateway = embedded(heartbeat_s=1.0, keys_s=0.2)
    key = gateway.key("events:read")

    async def story() -> None:
        stream = await Stream.open(gateway.port, "/v1/events", key)
        gateway.revoke(key)
        await asyncio.sleep(2.5)
        await asyncio.to_thread(gateway.tell, *crowd(0, 6))
        told = await stream.take(10, within_s=10)
        assert [one.event for one in told] == ["cut"]
        assert told[0].data["reason"] == "not_allowed"
        stream.close()

    asyncio.run(story())


def test_however_many_streams_a_revoked_key_has_all_of_them_end(embedded: Make) -> None:
    gateway = embedded(heartbeat_s=0.5, keys_s=0.2, failures_a_minute=3)
    keys = [gateway.key("events:read", "positions:read"), gateway.key("events:read")]

    async def story() -> None:
        paths = ["/v1/events"] * 8 + ["/v1/positions"] * 4
        streams = [await Stream.open(gateway.port, path, keys[0]) for path in paths]
        gateway.revoke(keys[0])
        for stream in streams:
            assert [one.data["reason"] for one in await stream.take(10, within_s=10)] == ["not_allowed"]
            stream.close()
        for status in (401, 401, 401, 429):
            assert gateway.ask("/v1/events?limit=1", "gf_nobody_nothing").status == status

    asyncio.run(story())


def test_who_reads_old_events_slowly_holds_no_reading_of_the_log(embedded: Make) -> None:
    gateway = embedded(kept_bytes=200_000, readings=1, write_s=60.0)
    key = gateway.key("events:read")

    async def story() -> None:
        await asyncio.to_thread(gateway.tell, *crowd(0, 12_000))
        path = "/v1/events?from=beginning"
        slow = [await Stream.open(gateway.port, path, key, limit=4096) for _ in range(3)]
        await asyncio.sleep(1.0)
        page = await asyncio.to_thread(gateway.ask, f"{path}&limit=5", key)
        assert (page.status, len(page.body["events"])) == (200, 5)
        assert by_device(changes(await slow[0].take(12_000))) == expected(0, 12_000)
        for stream in slow:
            stream.close()

    asyncio.run(story())


def test_a_position_that_has_expired_says_from_where_it_goes_on(embedded: Make) -> None:
    gateway = embedded()
    key = gateway.key("events:read")

    async def story() -> None:
        gateway.tell(*crowd(0, 50), days=8)
        after = gateway.ask("/v1/events?from=beginning&limit=5", key).body["next"]
        gateway.tell(*crowd(50, 60))
        gateway.upkeep()
        await asyncio.to_thread(gateway.stop)  # it remembers what it has read
        await asyncio.to_thread(gateway.start)
        stream = await Stream.open(gateway.port, "/v1/events", key, after=after)
        first, *rest = await stream.take(11)
        assert first.event == "gap"
        assert first.data["reason"] == "expired"
        assert all(part["from"] < part["to"] for part in first.data["partitions"])
        left = by_device(changes(rest))
        assert left == expected(50, 60)
        page = gateway.ask(f"/v1/events?limit=100&after={after}", key).body
        assert by_device(page["events"]) == left
        assert page["gap"][0]["partitions"] == first.data["partitions"]
        stream.close()

    asyncio.run(story())


def test_a_slow_reader_is_cut_off_with_a_reason_while_others_go_on_and_memory_stays(embedded: Make) -> None:
    gateway = embedded(kept_bytes=1_000_000)
    key = gateway.key("events:read")

    async def story() -> None:
        slow = [await Stream.open(gateway.port, "/v1/events", key, limit=1024) for _ in range(20)]
        for one in slow:
            one.reader._transport.pause_reading()
        brisk = await Stream.open(gateway.port, "/v1/events", key)
        begun, many = gateway.rss(), 40_000
        taking = asyncio.create_task(brisk.take(many, within_s=120))
        for number in range(0, many, 500):
            await asyncio.to_thread(gateway.tell, *crowd(number, number + 500))
            await asyncio.sleep(0.02)
        assert by_device(changes(await taking)) == expected(0, many)
        assert gateway.rss() - begun < 60_000_000
        for one in slow[:3]:
            one.reader._transport.resume_reading()
            told = await one.take(many, within_s=60)
            assert told[-1].event == "cut"
            assert told[-1].data["reason"] == "too_slow"
            resumed = await Stream.open(gateway.port, "/v1/events", key, after=one.last_id)
            rest = await resumed.take(many - len(told) + 1, within_s=60)
            assert by_device(changes(told + rest)) == expected(0, many)
            resumed.close()
        for one in (*slow, brisk):
            one.close()

    asyncio.run(story())


def test_a_reader_that_takes_nothing_is_cut_off_after_a_time(embedded: Make) -> None:
    gateway = embedded(write_s=1.0)
    key = gateway.key("events:read")

    async def story() -> None:
        stream = await Stream.open(gateway.port, "/v1/events", key, limit=1024)
        stream.reader._transport.pause_reading()
        for number in range(0, 12_000, 500):
            await asyncio.to_thread(gateway.tell, *crowd(number, number + 500))
        await asyncio.sleep(2.5)
        stream.reader._transport.resume_reading()
        got = await stream.take(20_000, within_s=20)
        assert 0 < len(got) < 12_000
        resumed = await Stream.open(gateway.port, "/v1/events", key, after=stream.last_id)
        rest = await resumed.take(12_000 - len(got), within_s=30)
        assert by_device(changes(got + rest)) == expected(0, 12_000)
        stream.close()
        resumed.close()

    asyncio.run(story())


def test_idle_readers_cost_next_to_nothing_and_are_all_told(embedded: Make) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(IDLE + 500, 4096), resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    gateway = embedded(keys_s=1.0)
    key = gateway.key("events:read")

    async def story() -> None:
        before = gateway.rss()
        readers = [await Stream.open(gateway.port, f"/v1/events?device=r{n}", key) for n in range(IDLE // 2)]
        readers += [await Stream.open(gateway.port, "/v1/events", key) for _ in range(IDLE - IDLE // 2)]
        assert gateway.rss() - before < 10_000_000 + IDLE * 100_000
        begun, seconds = gateway.cpu_s(), 32.0 if LONG else 5.0
        await asyncio.sleep(seconds)
        idle = (gateway.cpu_s() - begun) / seconds
        print(f"{IDLE} idle: {(gateway.rss() - before) / IDLE / 1000:.0f} kB each, {100 * idle:.1f} % of a core")
        assert idle < 0.1
        await asyncio.to_thread(gateway.tell, ("r7", "a", 1), ("r8", "a", 1))
        for one in readers[IDLE // 2 :]:
            assert len(await one.take(2)) == 2
        assert [one.data["subject"] for one in await readers[7].take(1)] == ["r7"]
        for one in readers:
            one.close()

    asyncio.run(story())
