"""Telling partitions what is not a ping: consents, erasures, ticks and switches, appended to where they take effect.

For gateways, for the command line, for who publishes versions. Invariant: a control record may be sent again, whole or
in part, and changes nothing the second time.
"""

from __future__ import annotations

from geofence.control import Consent, Control, Erase, check
from geofence.wire import encode_control
from ingest.topics import KIND, PARTITION_KEY, PINGS
from stream.port import Log, Record


def record_of(control: Control) -> Record:
    """The record of a control, at its time. Raises InvalidControl."""
    check(control)
    key = control.device.encode() if isinstance(control, Consent | Erase) else PARTITION_KEY
    kind = str(control.__struct_config__.tag)
    return Record(key, encode_control(control), ((KIND, kind.encode()),), control.at_ms)


async def order(log: Log, control: Control, partition: int | None = None) -> None:
    """Append a control: of a device to its partition, of all devices to every partition, or to one.

    Raises InvalidControl; and Unavailable: some partitions may have it, so send it again.
    """
    record = record_of(control)
    if isinstance(control, Consent | Erase):
        await log.append(PINGS, [record])
        return
    for one in range(await log.partitions(PINGS)) if partition is None else [partition]:
        await log.append(PINGS, [record], partition=one)
