"""Which partition a key belongs to: Kafka's own choice (murmur2), so that all its clients agree.

Invariant: the same key is in the same partition for as long as a topic keeps its number of partitions.
"""

from __future__ import annotations

import struct

_M, _R, _MASK = 0x5BD1E995, 24, 0xFFFFFFFF


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def murmur2(key: bytes) -> int:
    """The 32 bits of MurmurHash2 with the seed that Kafka uses."""
    size = len(key)
    h = 0x9747B28C ^ size
    whole = size & ~3
    for k in struct.unpack_from(f"<{whole >> 2}I", key):
        k = k * _M & _MASK
        h = (h * _M & _MASK) ^ ((k ^ k >> _R) * _M & _MASK)
    rest = key[whole:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15
