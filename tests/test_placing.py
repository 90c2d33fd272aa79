"""Keys and partitions as columns: the judge is the partitioner that everyone else uses."""

from hypothesis import given
from hypothesis import strategies as st

from geofence.text import Texts
from ingest.placing import ELSEWHERE, KEY_DIFFERS, PLACED, places
from stream.partitioner import partition_of

KEYS = st.lists(st.one_of(st.binary(max_size=20), st.text(max_size=12).map(str.encode)), max_size=30)


@given(KEYS, st.integers(1, 40), st.data())
def test_columns_agree_with_the_partitioner(keys: list[bytes], partitions: int, data: st.DataObject) -> None:
    partition = data.draw(st.integers(0, partitions - 1))
    column = Texts.of_bytes(keys)
    found = places(column, column, partition, partitions).tolist()
    assert found == [PLACED if partition_of(key, partitions) == partition else ELSEWHERE for key in keys]


@given(KEYS, KEYS)
def test_a_key_is_the_device_byte_for_byte(devices: list[bytes], keys: list[bytes]) -> None:
    pairs = list(zip(devices, keys, strict=False))
    found = places(Texts.of_bytes([a for a, _ in pairs]), Texts.of_bytes([b for _, b in pairs]), 0, 1).tolist()
    assert found == [PLACED if a == b else KEY_DIFFERS for a, b in pairs]
