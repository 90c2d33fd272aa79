"""The smallest worker: copies every record of a topic to the same partition of another one, exactly once.

Also a program, `python copier.py BOOTSTRAP GROUP SOURCE TO`, that says `ready N` when it takes partition N.
"""

import asyncio
import logging
import sys
from collections.abc import Callable
from contextlib import aclosing

from stream.kafka import KafkaSettings, open_kafka
from stream.port import Claim, Log, Outgoing, Record, Unavailable

QUICK = {"replication": 1, "min_in_sync": 1, "session_s": 2.0, "commit_s": 4.0, "close_s": 1.0, "record_bytes": 10**6}


def settings(bootstrap: str, **more: object) -> KafkaSettings:
    """Short deadlines, for one broker."""
    return KafkaSettings(bootstrap=bootstrap, **(QUICK | more))  # type: ignore[arg-type]


async def copy(log: Log, group: str, source: str, to: str, say: Callable[[int], None] = lambda partition: None) -> None:
    """Copy until cancelled."""
    while True:
        try:
            async with asyncio.TaskGroup() as tasks, log.claims(source, group=group) as claims:
                async for claim in claims:
                    tasks.create_task(_copy_one(claim, to, say))
        except* Unavailable:
            await asyncio.sleep(0.1)


async def _copy_one(claim: Claim, to: str, say: Callable[[int], None]) -> None:
    while not claim.revoked.is_set():
        try:
            async with claim.take() as grip, aclosing(grip.batches(most=100)) as batches:  # type: ignore[type-var]
                say(claim.partition)
                async for batch in batches:
                    records = [Record(key or b"", value) for key, value in zip(batch.keys, batch.values, strict=True)]
                    await grip.commit([Outgoing(to, claim.partition, records)], batch.end)
        except Unavailable:
            await asyncio.sleep(0.05)


async def _main(bootstrap: str, group: str, source: str, to: str) -> None:
    async with open_kafka(settings(bootstrap)) as log:
        await copy(log, group, source, to, lambda partition: print("ready", partition, flush=True))


if __name__ == "__main__":
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    asyncio.run(_main(*sys.argv[1:]))
