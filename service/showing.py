"""The pretend phones of `geofence run`: they send their pings to the gateway, and what comes of them is printed.

Between `demo`, which knows nothing of servers, and a gateway that answers. Invariant: the phones' beginning is
remembered in the home, so that after a restart they go on as if they had never stopped.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import msgspec

from boundaries.loading import Loader
from catalog import Catalog
from geofence.instant import ms_of
from geofence.malformed import Malformed
from geofence.ping import Ping
from geofence.wire import encode_ping
from geofence.wire_events import decode_binary
from ingest.status import Status
from ingest.topics import CHANGES
from service.boundary_server import Refused, accepted
from service.catalogs import now_ms
from service.complaints import note
from service.demo.beside import Beside
from service.demo.crowd import SEED, Crowd
from service.demo.driving import drive
from service.demo.telling import Flow, beside_line, event_line, status_line
from service.home import Home
from stream.port import Batch, Log
from web.calling import called

_AGAIN_S = 1.0
_FLOW_S = 30.0
_Kind = tuple[int, str, str]  # partition, layer, outcome
_write = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Showing:
    """What is printed: crossings as they come, and what raw switching would have told."""

    say: Callable[[str], None]
    colour: bool
    beside: Beside = field(default_factory=lambda: Beside((), {}))
    waited_ms: list[int] = field(default_factory=list)  # from a ping's receipt to its event here, since last told

    def heard(self, batch: Batch) -> None:
        """Print region changes."""
        for headers, value in zip(batch.headers, batch.values, strict=True):
            try:
                event = decode_binary({name: text.decode() for name, text in headers}, value or b"")
            except (Malformed, UnicodeDecodeError):
                continue  # of another program; `geofence tail` tells
            self.beside.hear(event)
            if event.data.received_at is not None:
                self.waited_ms.append(max(0, now_ms() - ms_of(event.data.received_at)))
            line = event_line(event, colour=self.colour)
            if line is not None:
                self.say(f"  {line}")

    async def flows(self, status: Status) -> None:
        """Print what has become of the pings, now and then, for ever."""
        before = Counter[_Kind]()
        while True:
            await asyncio.sleep(_FLOW_S)
            now, slowest_ms = _outcomes(status), _p99(self.waited_ms)
            self.say(f"\n  {status_line(Flow(_FLOW_S, outcomes_once(now - before), slowest_ms))}\n")
            before = now
            self.waited_ms.clear()

    def sent(self, pings: list[Ping]) -> None:
        """Count what raw switching would have told, and print where that is worth it."""
        self.beside.see(pings)
        for tally in self.beside.news():
            self.say(f"  {beside_line(tally, at_ms=now_ms(), colour=self.colour)}")


def _p99(times_ms: list[int]) -> float | None:
    """What all but one in a hundred stay within; None: there are none."""
    return sorted(times_ms)[-1 - len(times_ms) // 100] if times_ms else None


def _outcomes(status: Status) -> Counter[_Kind]:
    """How many pings had which outcome in which layer so far."""
    found = Counter[_Kind]()
    for one in list(status.partitions.values()):
        found.update({(one.partition, *its): many for its, many in one.outcomes.items()})
    return found


def outcomes_once(outcomes: Counter[_Kind]) -> Counter[str]:
    """The same with every ping once: in each partition those of one layer that all of its pings came to."""
    layers: dict[int, Counter[str]] = defaultdict(Counter)
    for (partition, layer, _), many in outcomes.items():
        layers[partition][layer] += many
    fullest = {partition: max(sorted(its), key=its.__getitem__) for partition, its in layers.items()}
    once = Counter[str]()
    for (partition, layer, outcome), many in outcomes.items():
        if layer == fullest[partition]:
            once[outcome] += many
    return once


def crowd_of(home: Home) -> Crowd:
    """The pretend phones of a home, which go on from when they first set out."""
    file = home.folder / "demo.json"
    try:
        begin_ms = int(msgspec.json.decode(file.read_bytes())["begin_ms"])
    except (OSError, msgspec.DecodeError, LookupError, TypeError, ValueError):
        begin_ms = now_ms()
        file.write_bytes(_write({"begin_ms": begin_ms}))
    return Crowd(SEED, min(begin_ms, now_ms()), since_ms=now_ms())


async def follow(log: Log, heard: Callable[[Batch], None]) -> None:
    """Hand on region changes as they come, for ever."""
    standing = await log.standing(CHANGES, group="geofence-tail")

    async def one(partition: int) -> None:
        async for batch in log.read(CHANGES, partition, start=standing[partition].end):
            heard(batch)

    await asyncio.gather(*map(one, standing))


async def beside_of(crowd: Crowd, catalog: Catalog, home: Home) -> Beside:
    """Counts for the phones beside borders of the layers that are published now."""
    loader, published = Loader(catalog, home.shelf), await called(catalog.publications.newest_sent)
    layers = {one.layer for one in crowd.neighbours()} & published.keys()
    return Beside(crowd.neighbours(), {layer: await loader.load(published[layer].hash) for layer in layers})


@asynccontextmanager
async def moving(crowd: Crowd, url: str, key: str, sent: Callable[[list[Ping]], None]) -> AsyncIterator[None]:
    """Have the phones send their pings meanwhile."""
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=10.0) as client:

        async def send(pings: list[Ping]) -> None:
            body = _write([msgspec.Raw(encode_ping(ping)) for ping in pings])
            said: str | None = None
            while (why := await _refusal(client, body)) is not None:
                if why != said:
                    note(f"the pretend phones' pings are not taken, and sent again until they are: {why}")
                said = why
                await asyncio.sleep(_AGAIN_S)
            sent(pings)

        driving = asyncio.create_task(drive(crowd, send, now_ms))
        try:
            yield
        finally:
            driving.cancel()
            await asyncio.gather(driving, return_exceptions=True)


async def _refusal(client: httpx.AsyncClient, body: bytes) -> str | None:
    """Why pings were not taken; None: they were."""
    try:
        answer = await client.post("/v1/pings", content=body)
    except httpx.TransportError as error:
        return str(error) or type(error).__name__
    try:
        accepted(answer)
    except Refused as error:
        return str(error)
    return None
