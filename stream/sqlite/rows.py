"""The bytes of a row: some records of one partition, column by column.

Between `shelf`, which keeps rows, and records. All numbers little-endian:

    u8 flags, 3 bytes of zero, u32 n
    i64 times        n of them, or one if all are the same (ONE_TIME)
    u32 steps        n, each the offset less that of the first (GAPS); without, offsets follow each other
    u32 key sizes    n
    u32 value sizes  n; 0xFFFFFFFF: a tombstone
    u32 header sizes n (HEADERS)
    keys, values, headers; a record's headers: u16 size, name, u32 size, value, for each

Invariant: `unpack` gives what `pack` was given. A change of these bytes is a new format of the file
(`layout.FORMAT`).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise
from operator import attrgetter

from stream.port import Headers, Record

_ONE_TIME, _GAPS, _HEADERS = 1, 2, 4
_TOMBSTONE = 0xFFFFFFFF
_START = struct.Struct("<B3xI")
_NAME, _SIZE = struct.Struct("<H"), struct.Struct("<I")
_times_of, _keys_of, _values_of = attrgetter("time_ms"), attrgetter("key"), attrgetter("value")
_headers_of = attrgetter("headers")


@dataclass(frozen=True, slots=True)
class Columns:
    """Records in columns of equal length, in order."""

    offsets: Sequence[int]
    times_ms: Sequence[int]
    keys: Sequence[bytes]
    values: Sequence[bytes | None]
    headers: Sequence[Headers]

    def __len__(self) -> int:
        return len(self.offsets)

    def cut(self, first: int, last: int) -> Columns:
        """The records from number `first` up to, not including, `last`."""
        at = slice(first, last)
        return Columns(self.offsets[at], self.times_ms[at], self.keys[at], self.values[at], self.headers[at])

    def pick(self, places: Sequence[int]) -> Columns:
        """The records with these numbers."""
        return Columns(
            [self.offsets[i] for i in places],
            [self.times_ms[i] for i in places],
            [self.keys[i] for i in places],
            [self.values[i] for i in places],
            [self.headers[i] for i in places],
        )


def joined(parts: Sequence[Columns]) -> Columns:
    """Some columns after each other."""
    if len(parts) == 1:
        return parts[0]
    first, last = parts[0].offsets[0], parts[-1].offsets[-1]
    whole = last - first + 1 == sum(len(part) for part in parts)
    return Columns(
        range(first, last + 1) if whole else list(chain.from_iterable(part.offsets for part in parts)),
        list(chain.from_iterable(part.times_ms for part in parts)),
        list(chain.from_iterable(part.keys for part in parts)),
        list(chain.from_iterable(part.values for part in parts)),
        list(chain.from_iterable(part.headers for part in parts)),
    )


def columns(records: Sequence[Record], base: int, now_ms: int) -> Columns:
    """Records that get the offsets from `base` on."""
    times = [now_ms if time is None else time for time in map(_times_of, records)]
    return Columns(
        range(base, base + len(records)),
        times,
        list(map(_keys_of, records)),
        list(map(_values_of, records)),
        list(map(_headers_of, records)),
    )


def pack(records: Columns) -> bytes:
    """The row of some records, at least one."""
    n, base = len(records), records.offsets[0]
    gaps = records.offsets[-1] - base != n - 1
    times = records.times_ms
    one_time = times.count(times[0]) == n if isinstance(times, list) else len(set(times)) == 1
    some_headers = any(records.headers)
    flags = (_ONE_TIME if one_time else 0) | (_GAPS if gaps else 0) | (_HEADERS if some_headers else 0)
    parts = [_START.pack(flags, n)]
    parts.append(struct.pack("<q", times[0]) if one_time else struct.pack(f"<{n}q", *times))
    if gaps:
        parts.append(struct.pack(f"<{n}I", *(offset - base for offset in records.offsets)))
    parts.append(_sizes(records.keys))
    values: Iterable[bytes]
    if None in records.values:
        parts.append(struct.pack(f"<{n}I", *(_TOMBSTONE if v is None else len(v) for v in records.values)))
        values = [v for v in records.values if v is not None]
    else:
        parts.append(struct.pack(f"<{n}I", *map(len, records.values)))  # type: ignore[arg-type]
        values = records.values  # type: ignore[assignment]
    headers: Sequence[bytes] = ()
    if some_headers:
        headers = _packed_headers(records.headers)
        parts.append(_sizes(headers))
    return b"".join((*parts, *records.keys, *values, *headers))


def unpack(body: bytes, base: int) -> Columns:
    """The records of a row. Raises ValueError or struct.error if it is none."""
    flags, n = _START.unpack_from(body)
    at = _START.size
    if flags & _ONE_TIME:
        times = list(struct.unpack_from("<q", body, at)) * n
        at += 8
    else:
        times = list(struct.unpack_from(f"<{n}q", body, at))
        at += 8 * n
    sizes = struct.Struct(f"<{n}I")
    offsets: Sequence[int] = range(base, base + n)
    if flags & _GAPS:
        offsets = [base + step for step in sizes.unpack_from(body, at)]
        at += sizes.size
    key_sizes, value_sizes = sizes.unpack_from(body, at), sizes.unpack_from(body, at + sizes.size)
    at += 2 * sizes.size
    header_sizes: Sequence[int] = ()
    if flags & _HEADERS:
        header_sizes = sizes.unpack_from(body, at)
        at += sizes.size
    keys, at = _slices(body, at, key_sizes)
    values: list[bytes | None]
    if max(value_sizes) == _TOMBSTONE:
        some, at = _slices(body, at, [0 if size == _TOMBSTONE else size for size in value_sizes])
        values = [None if size == _TOMBSTONE else v for v, size in zip(some, value_sizes, strict=True)]
    else:
        values, at = _slices(body, at, value_sizes)  # type: ignore[assignment]
    headers: list[Headers] = [()] * n
    if header_sizes:
        packed, at = _slices(body, at, header_sizes)
        known = {one: _unpacked_headers(one) for one in set(packed)}
        headers = [known[one] for one in packed]
    if at != len(body):
        raise ValueError(f"a row of {len(body)} bytes where {at} were expected")
    return Columns(offsets, times, keys, values, headers)


def _sizes(items: Sequence[bytes]) -> bytes:
    return struct.pack(f"<{len(items)}I", *map(len, items))


def _slices(body: bytes, at: int, sizes: Sequence[int]) -> tuple[list[bytes], int]:
    ends = list(accumulate(sizes, initial=at))
    return [body[a:b] for a, b in pairwise(ends)], ends[-1]


def _packed_headers(headers: Sequence[Headers]) -> list[bytes]:
    known = {one: _pack_headers(one) for one in set(headers)}
    return [known[one] for one in headers]


def _pack_headers(headers: Headers) -> bytes:
    parts = []
    for name, value in headers:
        raw = name.encode()
        parts += [_NAME.pack(len(raw)), raw, _SIZE.pack(len(value)), value]
    return b"".join(parts)


def _unpacked_headers(packed: bytes) -> Headers:
    headers, at = [], 0
    while at < len(packed):
        (size,) = _NAME.unpack_from(packed, at)
        name = packed[at + 2 : at + 2 + size].decode()
        at += 2 + size
        (size,) = _SIZE.unpack_from(packed, at)
        headers.append((name, packed[at + 4 : at + 4 + size]))
        at += 4 + size
    return tuple(headers)
