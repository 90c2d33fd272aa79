"""Telling partitions what is not a ping: consents, erasures, ticks and switches, appended to where they take effect.

For gateways, for the command line, for who publishes versions. Invariant: a control record may be sent again, whole or
in part, and changes nothing the second time.
"""

from __future__ import annotations

from geofence.control import Consent, Control, Erase, InvalidControl, check
from geofence.wire import encode_control
from ingest.topics import KIND, PARTITION_KEY, PINGS
from stream.port import Log, Record


def record_of(control: Control) -> Record:
    """The record of a control, at its time. Raises InvalidControl."""
    check(control)
    device = _key_of(control.device) if isinstance(control, Consent | Erase) else None
    kind = str(control.__struct_config__.tag)
    return Record(device or PARTITION_KEY, encode_control(control), ((KIND, kind.encode()),), control.at_ms)


def _key_of(device: str) -> bytes:
    """The key of a device's records; never one of our own, which begin with a control character."""
    if any(char < " " or "\x7f" <= char <= "\x9f" for char in device):
        raise InvalidControl(f"device is {device[:40]!r}; allowed: text without control characters, as in a ping.")
    return device.encode()


async def order(log: Log, control: Control) -> None:
    """Append a control: of a device to its partition, of all devices to every partition.

    Raises InvalidControl; and Unavailable: some partitions may have it, so send it again.
    """
    record = record_of(control)
    if isinstance(control, Consent | Erase):
        await log.append(PINGS, [record])
        return
    for partition in range(await log.partitions(PINGS)):
        await log.append(PINGS, [record], partition=partition)
