"""A phone's post is a signed delivery at a webhook's receiver a moment later: `geofence run` as people start it."""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path

from service.samples import publish
from tests.soak.hook import Hook, hooked
from tests.soak.served import Served, served
from tests.soak.town import DISTRICTS, layers
from tests.soak.walkers import latencies_s, walked, walkers

PHONES, POSTS = 4, 5
SANE_S = 30.0  # how quick it is, `python -m bench end_to_end` says


async def told(one: Served, hook: Hook, many: int) -> None:
    """Wait until so many different events have come."""
    end = time.monotonic() + SANE_S
    while hook.events < many:
        assert time.monotonic() < end, f"{hook.events} of {many} events have come"
        await asyncio.sleep(0.01)


def test_each_crossing_that_owntracks_posts_arrives_signed_and_in_order(tmp_path: Path) -> None:
    async def story() -> None:
        with served(tmp_path, {}) as one:
            await one.start()
            async with hooked() as hook:
                with one.server() as server:
                    (districts,) = layers(tmp_path, DISTRICTS)
                    assert await publish(server, districts)
                    await hook.subscribe(server, DISTRICTS)
                phones = walkers(one, PHONES)
                await walked(phones, POSTS, 0.2)
                await told(one, hook, PHONES * POSTS)
                assert hook.forged == hook.repeats == 0
                assert {device: len(ids) for device, ids in hook.got.items()} == dict.fromkeys(
                    (phone.device for phone in phones), POSTS
                )
                times = {phone.device: sorted(phone.sent_s) for phone in phones}
                came: dict[str, list[int]] = {}
                for arrival in hook.arrivals.values():
                    came.setdefault(arrival.device, []).append(arrival.confirmed_ms)
                assert came == times
                found = latencies_s(phones, hook)
                assert 0 < min(found) <= max(found) < SANE_S
                print(f"from a post to its receipt: median {1000 * statistics.median(found):.0f} ms")
            await one.ended()

    asyncio.run(story())
