"""A process to be killed: appends numbers to `in`, moves them to `out` in commits, and says what was acknowledged.

Run with the path of a log. Lines on standard output: `ready`, `a N` (all up to N are appended), `c N` (committed up to
N).
"""

import asyncio
import os
import sys
from itertools import count

from stream.port import Cleanup, Log, Outgoing, Record, Topic
from stream.sqlite import open_log


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


async def append(log: Log, first: int) -> None:
    for size in count(1):
        last = first + size % 50 + 1
        await log.append("in", [Record(b"k", b"%d" % i) for i in range(first, last)])
        say(f"a {last}")
        first = last


async def move(log: Log) -> None:
    async with log.claims("in", group="mover") as claims:
        async for claim in claims:
            async with claim.take() as grip:
                async for batch in grip.batches(most=40):
                    records = [Record(b"k", value) for value in batch.values]
                    state = [Record(b"at", b"%d" % batch.end)]
                    await grip.commit([Outgoing("out", 0, records), Outgoing("state", 0, state)], batch.end)
                    say(f"c {batch.end}")


async def main(path: str) -> None:
    async with open_log(path) as log:
        await log.create([Topic("in", 1), Topic("out", 1), Topic("state", 1, Cleanup.COMPACT)])
        first = (await log.standing("in", group="mover"))[0].end
        say("ready")
        async with asyncio.TaskGroup() as group:
            group.create_task(append(log, first))
            group.create_task(move(log))
            group.create_task(tidy(log))


async def tidy(log: object) -> None:
    while True:
        await log.upkeep()  # type: ignore[attr-defined]
        await asyncio.sleep(0.02)


asyncio.run(main(sys.argv[1]))
