"""A key's partition is the one that Kafka's own clients would choose."""

import pytest

from stream.partitioner import murmur2, partition_of

KNOWN = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize("key", KNOWN)
def test_the_hash_is_the_one_that_kafkas_own_tests_expect(key: bytes) -> None:
    assert murmur2(key) == KNOWN[key] & 0xFFFFFFFF


def test_a_partition_is_the_positive_hash_modulo_their_number() -> None:
    assert [partition_of(b"foobar", n) for n in (1, 4, 16)] == [(-790332482 & 0x7FFFFFFF) % n for n in (1, 4, 16)]
    assert partition_of(b"", 7) == (murmur2(b"") & 0x7FFFFFFF) % 7
