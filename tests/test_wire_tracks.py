"""The bytes of tracks: records come back, an older layout is read, a newer one refused."""

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geofence import wire_tracks
from geofence.hysteresis import EVIDENCE
from geofence.malformed import Malformed
from geofence.wire import NewerVersion
from geofence.wire_tracks import (
    LAYOUT,
    LayerInForce,
    PartitionRow,
    TrackRows,
    bytes_of,
    decode_partition,
    encode_partition,
    layout_of,
    packed,
    records_of,
)

NUMBERS = st.integers(-(2**62), 2**62)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
layers = st.lists(st.builds(LayerInForce, texts, texts, NUMBERS, st.none() | texts, NUMBERS), max_size=3)


@given(st.builds(PartitionRow, NUMBERS, layers.map(tuple)))
def test_a_partition_row_comes_back(row: PartitionRow) -> None:
    assert decode_partition(encode_partition(row)) == row


@given(st.lists(st.tuples(texts, st.none() | st.binary(min_size=1, max_size=9)), max_size=6))
def test_rows_stand_as_they_were_given_and_an_empty_one_is_a_tombstone(pairs: list[tuple[str, bytes | None]]) -> None:
    rows = TrackRows.of(pairs)
    assert [(rows.device[index], rows[index]) for index in range(len(rows))] == pairs


@pytest.mark.parametrize("kind", LAYOUT)
@given(data=st.data())
def test_records_come_back(kind: str, data: st.DataObject) -> None:
    dtype, count = LAYOUT[kind], data.draw(st.integers(0, 3))
    size = count * dtype.itemsize
    records: Any = np.frombuffer(data.draw(st.binary(min_size=size, max_size=size)), dtype)
    lines = bytes_of(kind, records)
    assert lines.shape == (count, packed(dtype).itemsize)
    assert records_of(kind, lines.reshape(-1), wire_tracks.TRACK_VERSION).tobytes() == records.tobytes()


def test_records_have_no_gaps_and_are_little_endian() -> None:
    for dtype in LAYOUT.values():
        fields = packed(dtype).fields or {}
        assert sum(field[0].itemsize for field in fields.values()) == packed(dtype).itemsize
        assert all(field[0].str.startswith(("<", "|")) for field in fields.values())


def test_an_older_layout_is_still_read(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [name for name in EVIDENCE.names or () if name not in ("score", "anchor_lon")]
    old = np.dtype([(name, (EVIDENCE.fields or {})[name][0]) for name in names] + [("gone", "i2")])
    record = np.zeros(1, old)
    record["region"], record["entries"] = 7, 3
    monkeypatch.setattr(wire_tracks, "OLDER", {1: dict(wire_tracks.LAYOUT) | {"evidence": old}})
    monkeypatch.setattr(wire_tracks, "TRACK_VERSION", 2)
    raw = np.frombuffer(record.astype(packed(old)).tobytes(), np.uint8)
    (found,) = records_of("evidence", raw, 1)
    assert (found["region"], found["entries"], found["score"]) == (7, 3, 0.0)
    assert np.isnan(found["anchor_lon"])


def test_newer_rows_are_refused_naming_both_versions() -> None:
    with pytest.raises(NewerVersion, match="version 9; this program reads versions up to 1"):
        layout_of(9)
    with pytest.raises(NewerVersion, match="version 8; this program reads versions up to 1"):
        decode_partition(b"\x08")
    with pytest.raises(Malformed, match="begins with the number 0; allowed: 1 to 1"):
        layout_of(0)


@given(st.binary())
def test_whatever_the_bytes_a_partition_row_is_read_or_refused(raw: bytes) -> None:
    with suppress(Malformed):
        decode_partition(b"\x01" + raw)
