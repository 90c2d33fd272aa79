"""The ring that all readers of a stream share: everything in order for who keeps up, a clear end for who does not."""

import asyncio
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.gateway.ring import Ring, TooSlow


@dataclass(frozen=True)
class One:
    """Something that happened."""

    number: int
    device: str
    size: int = 10


def test_it_never_holds_more_than_its_bytes_and_tells_what_goes() -> None:
    gone: list[One] = []
    ring = Ring[One](100, gone.append)
    for number in range(1000):
        ring.put(One(number, "d"))
        assert ring.bytes <= 100
    assert [one.number for one in gone] == list(range(990))


def test_who_falls_behind_is_told() -> None:
    ring = Ring[One](100)
    with ring.reader(lambda _: True, at=0, device=None) as reader:
        for number in range(10):
            ring.put(One(number, "d"))
        assert [one.number for one in reader.take(20)] == [0, 1]
        for number in range(10, 20):
            ring.put(One(number, "d"))
        with pytest.raises(TooSlow):
            reader.take(20)


@given(st.lists(st.one_of(st.sampled_from("abc"), st.integers(1, 3)), max_size=60), st.sampled_from((None, "a")))
def test_a_reader_gets_what_it_wants_once_and_in_order_however_it_waits(
    script: list[str | int], only: str | None
) -> None:
    async def story() -> None:
        ring, got, put = Ring[One](10_000), list[int](), list[One]()
        with ring.reader(lambda one: only is None or one.device == only, at=0, device=only) as reader:

            async def read() -> None:
                while True:
                    got.extend(one.number for one in reader.take(25))
                    await reader.wait(0.001)

            reading = asyncio.create_task(read())
            for step in script:
                if isinstance(step, int):
                    await asyncio.sleep(0.0005 * step)
                else:
                    put.append(One(len(put), step))
                    ring.put(put[-1])
            await asyncio.sleep(0.005)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        assert got == [one.number for one in put if only is None or one.device == only]

    asyncio.run(story())


def test_a_reader_that_waits_for_one_device_is_not_overtaken_by_the_others() -> None:
    async def story() -> None:
        ring = Ring[One](100)
        with ring.reader(lambda one: one.device == "a", at=0, device="a") as reader:
            waiting = asyncio.create_task(reader.wait(5.0))
            await asyncio.sleep(0)
            for number in range(500):
                ring.put(One(number, "b"))
            ring.put(One(500, "a"))
            assert await waiting
            assert [one.number for one in reader.take(100)] == [500]

    asyncio.run(story())
