"""Region changes from Kafka into a table, each exactly once; at the first start `presence` says who is where.

Kafka's group only shares out the partitions; positions are in the database, in the transaction of what was made of the
records. So it does not matter when this program dies, nor whether another instance still holds the same partition.
"""

import asyncio
import json
import os
import signal
import time

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from table import bury, open_table, position, store_position, take, writing

CHANGES, PRESENCE = "region-changes", "presence"
OVERLAP_MS = 300_000
READS = {
    "bootstrap_servers": os.environ.get("KAFKA", "127.0.0.1:9092"),
    "isolation_level": "read_committed",  # what a worker wrote and did not commit never happened
    "enable_auto_commit": False,
    "auto_offset_reset": "none",  # a position that has expired is an error, not a leap
}


def place(partition):
    """A partition's name in the table of positions."""
    return f"{partition.topic}-{partition.partition}"


async def begin(database):
    """Have a position for every partition: those that are stored, or else begin from `presence`."""
    consumer = AIOKafkaConsumer(CHANGES, PRESENCE, **READS | {"auto_offset_reset": "earliest"})
    await consumer.start()
    try:
        every = consumer.assignment()  # without a group: all partitions
        changes, presence = ([one for one in every if one.topic == topic] for topic in (CHANGES, PRESENCE))
        if not changes or not presence:
            raise SystemExit(f"there are no topics {CHANGES} and {PRESENCE}; `geofence topics create` makes them")
        known = {one: position(database, place(one)) for one in every}
        oldest, newest = await consumer.beginning_offsets(every), await consumer.end_offsets(every)
        if all(known[one] is not None and oldest[one] <= int(known[one]) <= newest[one] for one in every):
            return  # none has expired, and none is of topics that were there before these
        # First where to go on, then who is where: nothing can be missed between the two. Five minutes are told again,
        # as a commit of both topics becomes visible in one a moment before the other.
        consumer.pause(*changes)
        since = await consumer.offsets_for_times(dict.fromkeys(every, time.time_ns() // 1_000_000 - OVERLAP_MS))
        starts = newest | {one: found.offset for one, found in since.items() if found}
        present = await everyone(consumer, await consumer.end_offsets(presence))
    finally:
        await consumer.stop()
    with writing(database):
        if {one: position(database, place(one)) for one in every} == known:  # no other instance was faster
            store_presence(database, present)
            for one, start in starts.items():
                store_position(database, place(one), start)


async def everyone(consumer, ends):
    """The newest presence of each device that has one, read up to `ends`."""
    present = {}
    while any([await consumer.position(one) < end for one, end in ends.items()]):
        for records in (await consumer.getmany(timeout_ms=1000)).values():
            for record in records:
                device = record.key.decode()
                if record.value is None:  # a tombstone: erased, or forgotten
                    present.pop(device, None)
                else:
                    present[device] = json.loads(record.value)
    return present


def store_presence(database, present):
    """Who is where, instead of what was believed until now."""
    rows = [
        (device, layer, stay["id"])
        for device, presence in present.items()
        for layer, its in presence["layers"].items()
        for stay in its["stays"]
        if stay.get("id")  # none: outside every region
    ]
    database.execute("DELETE FROM inside")
    database.executemany("INSERT INTO inside VALUES (?, ?, ?)", rows)
    print(f"begun from presence: {len(present)} devices", flush=True)


class FromTheTable(ConsumerRebalanceListener):
    """Whoever is given a partition goes on where the table says, whoever had it before."""

    def __init__(self, consumer, database):
        self.consumer, self.database = consumer, database

    async def on_partitions_revoked(self, revoked):
        """Nothing: what was taken is committed."""

    async def on_partitions_assigned(self, assigned):
        for one in assigned:
            self.consumer.seek(one, int(position(self.database, place(one))))


def take_batch(database, partition, records):
    """What one partition has brought, in one transaction. Records behind the stored position were taken by another."""
    lines = []
    with writing(database):
        stored = int(position(database, place(partition)))
        for record in records:
            if record.offset < stored:
                continue
            if partition.topic == CHANGES:
                names = {name: value.decode() for name, value in record.headers}
                event = names["ce_type"], names["ce_id"], names["ce_dataschema"], json.loads(record.value)
                lines.append(take(database, *event, record.timestamp))
            elif record.value is None:  # nothing is known of the device any more: nor by us
                bury(database, record.key.decode(), record.timestamp)
        store_position(database, place(partition), max(stored, records[-1].offset + 1))
    for line in filter(None, lines):
        print(line, flush=True)


async def follow(database):
    """Take what comes until SIGTERM or SIGINT."""
    stopping = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopping.set)
    await begin(database)
    # An instance that has died is missed after six seconds: its partitions are then given to others.
    consumer = AIOKafkaConsumer(group_id=os.environ.get("GROUP", "whereabouts"), session_timeout_ms=6000, **READS)
    consumer.subscribe([CHANGES, PRESENCE], listener=FromTheTable(consumer, database))
    await consumer.start()
    try:
        while not stopping.is_set():
            for partition, records in (await consumer.getmany(timeout_ms=200)).items():
                take_batch(database, partition, records)
    finally:
        await consumer.stop()


if __name__ == "__main__":
    asyncio.run(follow(open_table()))
