"""Who is in which region of a layer now, from `presence` alone: a view that is rebuilt at each start.

For who wants what holds and not what has changed. It is a little behind and then catches up; it is never of two moments
for one device.
"""

import asyncio
import json
import os
from collections import defaultdict

from aiokafka import AIOKafkaConsumer

LAYER = os.environ.get("LAYER", "town")


def inside(presences):
    """Region to devices."""
    found = defaultdict(list)
    for device, presence in presences.items():
        for stay in presence["layers"].get(LAYER, {"stays": []})["stays"]:
            found[stay.get("id")].append(device)  # no id: outside every region
    return {str(region): sorted(devices) for region, devices in found.items()}


async def main():
    """Print the view whenever it has caught up."""
    consumer = AIOKafkaConsumer(
        "presence",
        bootstrap_servers=os.environ.get("KAFKA", "127.0.0.1:9092"),
        isolation_level="read_committed",
        auto_offset_reset="earliest",
    )
    await consumer.start()
    presences = {}
    try:
        while True:
            batches = await consumer.getmany(timeout_ms=1000)
            for record in (record for batch in batches.values() for record in batch):
                device = record.key.decode()
                if record.value is None:  # a tombstone: erased, or forgotten
                    presences.pop(device, None)
                else:
                    presences[device] = json.loads(record.value)
            if not batches:  # caught up, for now
                print(json.dumps(inside(presences)), flush=True)
    finally:
        await consumer.stop()


if __name__ == "__main__":
    asyncio.run(main())
