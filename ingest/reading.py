"""Records of the log become pings in columns and control records, in their order; the rest are refused, with a reason.

The worker's first step, and a dump's. Invariant: what is refused here has no effect at all, not even on the clock, so
that a dump can leave it out; the time of a record is the log's, whatever its sender says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from geofence.control import Consent, Control, Erase, InvalidControl, check
from geofence.malformed import Malformed, shown
from geofence.ping import Pings
from geofence.text import Texts
from geofence.wire import NewerVersion, decode_control, decode_pings
from ingest.placing import KEY_DIFFERS, PLACED, places
from ingest.topics import KIND
from stream.partitioner import partition_of
from stream.port import Batch, Headers


@dataclass(frozen=True, slots=True)
class Run:
    """Pings that follow each other. `rows`: the place of each in the batch."""

    pings: Pings
    rows: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Order:
    """A control record, at its append time."""

    control: Control
    row: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that can't be used: its place in the batch, why, and what to do."""

    row: int
    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the records of one partition."""

    partition: int
    partitions: int
    value_bytes: int

    def read(self, batch: Batch) -> tuple[list[Run | Order], list[Refused]]:
        """What is in a batch, in order; and what is refused."""
        items: list[Run | Order] = []
        refused: list[Refused] = []
        begin = 0
        for row in [*control_rows(batch), len(batch.offsets)]:
            if row > begin:
                items.append(self._run(batch, begin, row, refused))
            if row < len(batch.offsets):
                try:
                    items.append(Order(self._order(batch, row), row))
                except (Malformed, InvalidControl) as fault:
                    refused.append(Refused(row, _reason(fault), str(fault)))
            begin = row + 1
        return items, refused

    def _run(self, batch: Batch, begin: int, end: int, refused: list[Refused]) -> Run:
        """The pings of these rows."""
        values, rows = batch.values[begin:end], np.arange(begin, end)
        if None in values or max(map(len, values)) > self.value_bytes:  # type: ignore[arg-type]
            rows = self._readable(batch, begin, end, refused)
            values = [batch.values[row] for row in rows.tolist()]
        pings, kept, unread = decode_pings(values)  # type: ignore[arg-type]
        refused.extend(Refused(int(rows[one.row]), one.reason, one.message) for one in unread)
        rows = rows[kept]
        keys = batch.keys if len(rows) == len(batch.keys) else [batch.keys[row] for row in rows.tolist()]
        found = places(pings.device, Texts.of_bytes([key or b"" for key in keys]), self.partition, self.partitions)
        if found.any():
            for row in np.flatnonzero(found).tolist():
                refused.append(self._misplaced(int(rows[row]), batch, pings.device[row], int(found[row])))
            rows, pings = rows[found == PLACED], pings.take(np.flatnonzero(found == PLACED))
        times = np.array(batch.times_ms, np.int64)[rows]
        return Run(replace(pings, received_ms=np.where(times == -1, -2, times)), rows)

    def _readable(self, batch: Batch, begin: int, end: int, refused: list[Refused]) -> NDArray[np.int64]:
        """The rows that are worth decoding."""
        rows = []
        for row in range(begin, end):
            value = batch.values[row]
            if value is None:
                refused.append(
                    Refused(row, "tombstone", "the record has no value; allowed: a ping. Send an erase record.")
                )
            elif len(value) > self.value_bytes:
                hint = f"the record has {len(value)} bytes; allowed: up to {self.value_bytes}. Send single pings."
                refused.append(Refused(row, "too_large", hint))
            else:
                rows.append(row)
        return np.array(rows, np.int64)

    def _order(self, batch: Batch, row: int) -> Control:
        """A control record, checked. Raises Malformed and InvalidControl."""
        value, kind = batch.values[row], kind_of(batch.headers[row]) or ""
        if value is None or len(value) > self.value_bytes:
            raise Malformed(f"the control record has no value, or more than {self.value_bytes} bytes. Send it again.")
        control: Control = msgspec.structs.replace(decode_control(value), at_ms=batch.times_ms[row])
        check(control)
        tag = control.__struct_config__.tag
        if tag != kind:
            raise Malformed(f"the header `{KIND}` is {shown(kind)}, the record is a {tag}. Make them the same.")
        if isinstance(control, Consent | Erase):
            self._check_place(batch.keys[row], control.device)
        return control

    def _check_place(self, key: bytes | None, device: str) -> None:
        if key != device.encode("utf-8", "surrogatepass"):
            raise Malformed(
                f"the record's key is {shown(key)}, its device {shown(device)}. Send it under the device's key."
            )
        if partition_of(key, self.partitions) != self.partition:
            raise Malformed(f"device {shown(device)} does not belong to this partition. Use Kafka's own partitioner.")

    def _misplaced(self, row: int, batch: Batch, device: str, found: int) -> Refused:
        if found == KEY_DIFFERS:
            key = shown(batch.keys[row])
            return Refused(
                row, "key_differs", f"device is {shown(device)}, the record's key {key}. Make them the same."
            )
        right = partition_of(device.encode("utf-8", "surrogatepass"), self.partitions)
        hint = (
            f"device {shown(device)} belongs to partition {right} of {self.partitions}, not {self.partition}. Use "
            "Kafka's own partitioner (murmur2 of the key)."
        )
        return Refused(row, "wrong_partition", hint)


def control_rows(batch: Batch) -> list[int]:
    """The rows that say that they are control records."""
    if not any(batch.headers):
        return []
    return [row for row, headers in enumerate(batch.headers) if headers and kind_of(headers) is not None]


def kind_of(headers: Headers) -> str | None:
    """What kind of control record the headers tell of; None: a ping. Foreign headers say nothing."""
    return next((value.decode("utf-8", "backslashreplace") for name, value in headers if name == KIND), None)


def _reason(fault: Exception) -> str:
    return "version_newer" if isinstance(fault, NewerVersion) else "malformed"
