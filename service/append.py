"""`geofence append`: a file of pings and control records into a log.

Invariant: what is counted as appended is on disk; rows that can't be read are told and left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from geofence.fault import TIME_END_MS
from geofence.ping import Pings
from geofence.wire import encode_ping
from ingest.control import order
from ingest.topics import PINGS
from service.complaints import Complaints, note
from service.logs import ensure_topics, open_log
from service.readers import PingFile
from service.rows import Misread, Order
from service.source import Source
from stream.port import Record

_RECORDS = 8192


async def append_file(url: str, path: str, *, keep_times: bool) -> None:
    """Append the file's pings, received now; with `keep_times`, when the file says. Control records keep their time."""
    complaints, appended, rows = Complaints(path), 0, 0
    with Source(path) as source:
        file = PingFile(source)
        async with open_log(url) as log:
            await ensure_topics(log, url)
            for part in file.batches():
                if isinstance(part, Misread):
                    rows += 1
                    complaints.add(part.rejected)
                elif isinstance(part, Order):
                    rows += 1
                    await order(log, part.control)
                    appended += 1
                else:
                    rows += len(part.pings) + len(part.rejected)
                    for rejected in part.rejected:
                        complaints.add(rejected)
                    for records in _records(part.pings, keep_times):
                        await log.append(PINGS, records)
                        appended += len(records)
    complaints.summary(rows)
    note(f"{path}: {appended} records appended to {url}")


def _records(pings: Pings, keep_times: bool) -> Iterator[list[Record]]:
    for begin in range(0, len(pings), _RECORDS):
        every = (pings.ping(row) for row in range(begin, min(len(pings), begin + _RECORDS)))
        yield [
            Record(
                ping.device.encode("utf-8", "surrogatepass"),
                encode_ping(ping),
                time_ms=_time_ms(ping.time_ms if ping.received_ms is None else ping.received_ms)
                if keep_times
                else None,
            )
            for ping in every
        ]


def _time_ms(time_ms: int) -> int | None:
    """A time that a record can have."""
    return time_ms if 0 <= time_ms < TIME_END_MS else None
