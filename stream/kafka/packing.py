"""Batches of packed records, laid out by compiled code as Kafka stores them (record batches of version 2).

Beside `writing`, for topics that get a record for nearly every ping: no object is made of any record, which takes a
fifth of the time. Each batch goes to aiokafka's producer in the place of its own builder, which numbers it, sends
it and tries again. Invariant: readers get what the same records one by one would have given them.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator

import cramjam
import numpy as np
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.util import calc_crc32c
from numba import njit
from numpy.typing import NDArray

from stream.port import Packed

RECORD_OVERHEAD = 24  # bytes at most: of length, attributes, time, number, two lengths and the count of headers
_HEAD = struct.Struct(">qiibIhiqqqhii")
_CHECKED = struct.Struct(">hiqqqhii")  # what the checksum is of, and the body
_CHECKED_AT, _LENGTH_FROM = _HEAD.size - _CHECKED.size, 12
_MAGIC, _ZSTD, _TRANSACTIONAL = 2, 4, 16
_LEVEL = 1  # of zstd: rows of numbers get hardly smaller with more

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]


class PackedBatch(BatchBuilder):  # type: ignore[misc]
    """A closed batch. Its body is compressed when it is asked for, which is when it is sent."""

    def __init__(self, body: Bytes, count: int, *, transactional: bool) -> None:
        self._body, self._relative_offset, self._closed = body, count, True
        self._buffer: bytearray | None = None
        self._attributes = _ZSTD | (_TRANSACTIONAL if transactional else 0)
        self._time_ms, self._state = time.time_ns() // 1_000_000, (-1, -1, 0)

    def _set_producer_state(self, producer_id: int, producer_epoch: int, base_sequence: int) -> None:
        self._state = (producer_id, producer_epoch, base_sequence)

    def _build(self) -> bytearray:
        if self._buffer is None:
            body, count = cramjam.zstd.compress(self._body.data, level=_LEVEL), self._relative_offset
            times = (self._time_ms, self._time_ms)
            checked = _CHECKED.pack(self._attributes, count - 1, *times, *self._state, count) + memoryview(body)
            size, checksum = _CHECKED_AT + len(checked) - _LENGTH_FROM, calc_crc32c(checked)
            self._buffer = bytearray(struct.pack(">qiibI", 0, size, -1, _MAGIC, checksum) + checked)
        return self._buffer

    def size(self) -> int:
        """Bytes, uncompressed until it is sent."""
        return len(self._body) if self._buffer is None else len(self._buffer)


def packed_batches(records: Packed, most_bytes: int, *, transactional: bool) -> Iterator[PackedBatch]:
    """All records in as few batches as they fit in, each with at least one."""
    keys, values = np.frombuffer(records.keys, np.uint8), np.frombuffer(records.values, np.uint8)
    key_at, value_at = np.frombuffer(records.key_at, np.int64), np.frombuffer(records.value_at, np.int64)
    row = 0
    while row < len(records):
        ends = (key_at - key_at[row]) + (value_at - value_at[row]) + RECORD_OVERHEAD * (np.arange(len(key_at)) - row)
        end = max(row + 1, int(np.searchsorted(ends, most_bytes, "right")) - 1)
        out = np.empty(int(ends[end]), np.uint8)
        used = lay_out(keys, key_at, values, value_at, row, end, out)
        yield PackedBatch(out[:used], end - row, transactional=transactional)
        row = end


@njit(cache=True)
def lay_out(keys, key_at, values, value_at, begin, end, out):  # type: ignore[no-untyped-def]
    """Write the records, numbered from 0, without headers, an empty value as none; how many bytes they take."""
    at = 0
    for row in range(begin, end):
        key_size, value_size = key_at[row + 1] - key_at[row], value_at[row + 1] - value_at[row]
        number = row - begin
        size = 3 + _bytes_of(2 * number) + _bytes_of(2 * key_size) + key_size
        size += _bytes_of(2 * value_size) + value_size if value_size else 1
        at = _put_number(out, at, 2 * size)
        out[at], out[at + 1] = 0, 0  # attributes; no time after the batch's
        at = _put_number(out, at + 2, 2 * number)
        at = _put_number(out, at, 2 * key_size)
        at = _copy(out, at, keys, key_at[row], key_size)
        at = _put_number(out, at, 2 * value_size if value_size else 1)
        at = _copy(out, at, values, value_at[row], value_size)
        out[at] = 0  # no headers
        at += 1
    return at


@njit(cache=True, inline="always")
def _copy(out, at, arena, begin, size):  # type: ignore[no-untyped-def]
    """Unsigned places can't count from the end, which lets many bytes be copied at once: 15 times as fast."""
    to, source = np.uint64(at), np.uint64(begin)
    for k in range(np.uint64(size)):
        out[to + k] = arena[source + k]
    return at + size


@njit(cache=True, inline="always")
def _bytes_of(number):  # type: ignore[no-untyped-def]
    size = 1
    while number >= 128:
        number >>= 7
        size += 1
    return size


@njit(cache=True, inline="always")
def _put_number(out, at, number):  # type: ignore[no-untyped-def]
    """A number as Kafka writes it, seven bits a byte; the sign is in its lowest bit already."""
    while number >= 128:
        out[at] = number & 127 | 128
        number >>= 7
        at += 1
    out[at] = number
    return at + 1
