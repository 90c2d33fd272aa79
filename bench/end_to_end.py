"""From a phone's post to a webhook's receipt: `geofence run` as people start it, OwnTracks posts that cross borders.

The time of an event counts from when the post of the ping that confirmed it is begun until its delivery is at the
receiver, whose check of the signature is not in it. Phones, receiver and load are in this process, the service in one
of its own. There is no budget: it depends on what else the machine does.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import uvloop

from bench.figures import Figure
from service.samples import publish
from tests.soak.hook import Hook, hooked
from tests.soak.phones import Phones, phones_at
from tests.soak.senders import Load
from tests.soak.served import Served, served
from tests.soak.town import COUNTIES, DISTRICTS, layers
from tests.soak.walkers import latencies_s, walked, walkers

PHONES, POSTS, EVERY_S = 40, 25, 1.0
LOADS = (0, 1_000)  # pings a second of others meanwhile
_SETTLE_S, _DUE_S, _LOOK_S = 3.0, 60.0, 0.05


def figures() -> Iterator[Figure]:
    """Without load, and with some."""
    for load in LOADS:
        with tempfile.TemporaryDirectory(prefix="geofence-bench-") as folder:
            times_ms = uvloop.run(measured(Path(folder), load))
        beside = f"{load:,} pings/s beside" if load else "nothing beside"
        for part in (50, 99):
            case = f"OwnTracks post to webhook, {PHONES / EVERY_S:.0f} events/s, {beside}: p{part}"
            yield Figure("end_to_end", case, float(np.percentile(times_ms, part)), "ms")


async def measured(folder: Path, rate: float) -> list[float]:
    """Of every event, in milliseconds."""
    with served(folder / "home", {}) as one:
        await one.start()
        async with hooked() as hook:
            with one.server() as server:
                for one_layer in layers(folder, DISTRICTS, COUNTIES):
                    await publish(server, one_layer)
            if not rate:
                return await crossed(one, hook)
            return await _beside(one, hook, phones_at(rate))


async def _beside(one: Served, hook: Hook, phones: Phones) -> list[float]:
    """The same while others send; all of them have sent before."""
    load, stop = Load(phones, "127.0.0.1", one.port, one.keys(phones.lanes)), asyncio.Event()
    await asyncio.sleep(_SETTLE_S)
    sending = asyncio.create_task(load.run(stop))
    while load.acknowledged < 2 * phones.count:
        await asyncio.sleep(_LOOK_S)
    found = await crossed(one, hook)
    stop.set()
    await sending
    return found


async def crossed(one: Served, hook: Hook) -> list[float]:
    """Have the phones cross, and all of it be told."""
    phones = walkers(one, PHONES)
    with one.server() as server:
        await hook.subscribe(server, DISTRICTS)  # not before: it would be told of all that others send first
    await asyncio.sleep(_SETTLE_S)
    await walked(phones, POSTS, EVERY_S)
    async with asyncio.timeout(_DUE_S):
        while len(found := latencies_s(phones, hook)) < PHONES * POSTS:
            await asyncio.sleep(_LOOK_S)
    return [1000 * one_s for one_s in found]
