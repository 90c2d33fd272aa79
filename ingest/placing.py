"""Whether records stand where they belong: under their device's key, in its key's partition; judged as columns.

Between decoding and the fence. Invariant: agrees with `stream.partitioner` on every key.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geofence.kernel import kernel
from geofence.text import Texts

PLACED, KEY_DIFFERS, ELSEWHERE = 0, 1, 2


def places(devices: Texts, keys: Texts, partition: int, partitions: int) -> NDArray[np.uint8]:
    """For each row PLACED, KEY_DIFFERS (the key is not the device's name) or ELSEWHERE (not the key's partition)."""
    out = np.zeros(len(devices), np.uint8)
    _judge(devices.arena, devices.offsets, keys.arena, keys.offsets, partition, partitions, out)
    return out


@kernel
def _judge(
    devices: NDArray[np.uint8],
    device_at: NDArray[np.int64],
    keys: NDArray[np.uint8],
    key_at: NDArray[np.int64],
    partition: int,
    partitions: int,
    out: NDArray[np.uint8],
) -> None:
    for row in range(len(out)):
        start, size = key_at[row], key_at[row + 1] - key_at[row]
        same = size == device_at[row + 1] - device_at[row]
        for k in range(size if same else 0):
            same &= keys[start + k] == devices[device_at[row] + k]
        if not same:
            out[row] = 1
        elif (_murmur2(keys, start, size) & 0x7FFFFFFF) % partitions != partition:
            out[row] = 2


@kernel
def _murmur2(raw: NDArray[np.uint8], start: int, size: int) -> int:
    """As `stream.partitioner.murmur2`, of a part of an arena."""
    mask = 0xFFFFFFFF
    h: Any = 0x9747B28C ^ size
    whole = size & ~3
    for at in range(start, start + whole, 4):
        k = raw[at] | np.int64(raw[at + 1]) << 8 | np.int64(raw[at + 2]) << 16 | np.int64(raw[at + 3]) << 24
        k = k * 0x5BD1E995 & mask
        k = (k ^ k >> 24) * 0x5BD1E995 & mask
        h = (h * 0x5BD1E995 & mask) ^ k
    if size > whole:
        for at in range(size - whole):
            h ^= np.int64(raw[start + whole + at]) << 8 * at
        h = h * 0x5BD1E995 & mask
    h = (h ^ h >> 13) * 0x5BD1E995 & mask
    return int(h ^ h >> 15)
