"""A home under load with everything around it: layers, keys, a webhook, a copy of its log, and in the end the judge.

What `lasting` and `restarts` have in common. Invariant: a story is judged when its last process has ended in order, all
that was acknowledged has been worked on, and the webhook has been told all there was to tell.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from ingest.topics import CHANGES, PINGS, topics
from service.logs import open_log
from service.samples import publish
from stream.port import Topic
from tests.soak.copying import Copy
from tests.soak.hook import Hook, hooked
from tests.soak.judging import SETTINGS, judge, undelivered
from tests.soak.phones import Phones
from tests.soak.senders import Load
from tests.soak.served import PARTITIONS, Served, served
from tests.soak.town import layers
from tests.torture.oracle import Verdict

_DRAIN_S, _LOOK_S = 300.0, 0.2


@dataclass(frozen=True, slots=True)
class Setting:
    """What a story begins with."""

    folder: Path
    phones: Phones
    layers: Sequence[str]
    told: str  # the one of them that the webhook is told of
    keep_ms: int | None = None  # for how long pings and events are kept; None: as the product has it
    variables: Mapping[str, str] | None = None
    at_once: bool = False
    pace: float = 1.0


@dataclass(slots=True)
class Story:
    """What goes on."""

    served: Served
    load: Load
    hook: Hook
    copy: Copy
    told: str

    async def copied(self) -> None:
        """Copy what is new in the log."""
        async with open_log(self.served.home.log_url, read_only=True) as log:
            await self.copy.go_on(log)

    async def drained(self) -> None:
        """Wait until all that was acknowledged has been worked on, and told. Raises RuntimeError."""
        end_s = time.monotonic() + _DRAIN_S
        while not (await self._worked() and self.hook.events >= self.copy.events_of[self.told]):
            if time.monotonic() > end_s:
                raise RuntimeError(
                    f"not all was worked on in {_DRAIN_S:.0f} s; the webhook got {self.hook.events} of "
                    f"{self.copy.events_of[self.told]} events"
                )
            await asyncio.sleep(_LOOK_S)

    async def _worked(self) -> bool:
        async with open_log(self.served.home.log_url, read_only=True) as log:
            standing = await log.standing(PINGS, group=SETTINGS.group)
            if any((one.committed or 0) < one.end for one in standing.values()):
                return False
            await self.copy.go_on(log)
        return True

    async def judged(self) -> tuple[Verdict, int, int]:
        """End the service and judge; events that the webhook missed, devices of which it got them out of order."""
        await self.served.ended()
        await self.copied()
        verdict = await asyncio.to_thread(judge, self.served.home, self.copy, self.load.done)
        return verdict, *undelivered(self.copy, self.told, self.hook.got)


@asynccontextmanager
async def begun(its: Setting) -> AsyncIterator[Story]:
    """One whose service runs, its layers in force, its webhook known; nothing is sent yet."""
    with served(its.folder / "home", its.variables or {}) as one, Copy(
        its.folder / "copy", its.phones, PARTITIONS
    ) as copy:  # fmt: skip
        await one.make_topics(_topics(its.keep_ms))
        await one.start()
        keys = one.keys(its.phones.lanes)
        async with hooked() as hook:
            with one.server() as server:
                for one_layer in layers(its.folder, *its.layers):
                    await publish(server, one_layer)
                await hook.subscribe(server, its.told)
            await asyncio.sleep(2.0)  # keys and webhooks are looked at once a second
            load = Load(its.phones, "127.0.0.1", one.port, keys, its.at_once, its.pace)
            yield Story(one, load, hook, copy, its.told)


def _topics(keep_ms: int | None) -> list[Topic]:
    made = topics(PARTITIONS)
    if keep_ms is None:
        return made
    return [Topic(one.name, one.partitions, keep_ms=keep_ms) if one.name in (PINGS, CHANGES) else one for one in made]
