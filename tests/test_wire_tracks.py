"""The bytes of tracks: what rests comes back, in any version of the regions, and decides as if it had never left."""

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geofence import wire_tracks
from geofence.fence import Fence
from geofence.hysteresis import EVIDENCE, MOTION, TRAIL
from geofence.malformed import Malformed
from geofence.ping import Pings
from geofence.region import Kind, Region, Version
from geofence.text import Texts
from geofence.wire import NewerVersion
from geofence.wire_tracks import (
    BeliefRow,
    LayerInForce,
    LayerRow,
    PartitionRow,
    TrackRow,
    decode_partition,
    decode_track,
    encode_partition,
    encode_track,
    pack,
    unpack,
)

NUMBERS = st.integers(-(2**62), 2**62)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
beliefs = st.builds(BeliefRow, NUMBERS, NUMBERS, st.booleans(), NUMBERS, st.binary(max_size=9), st.binary(max_size=9))
layers = st.builds(
    LayerRow, texts, NUMBERS, NUMBERS, NUMBERS, NUMBERS, st.binary(max_size=9), st.binary(max_size=9),
    st.lists(beliefs, max_size=3).map(tuple),
)  # fmt: skip
tracks = st.builds(
    TrackRow, texts, st.none() | texts, NUMBERS, NUMBERS, NUMBERS, NUMBERS, st.lists(layers, max_size=3).map(tuple)
)
partitions = st.builds(
    PartitionRow,
    NUMBERS,
    st.lists(st.builds(LayerInForce, texts, texts, NUMBERS, st.none() | texts, NUMBERS, NUMBERS), max_size=3).map(
        tuple
    ),
)


def plus_hundred(regions: Any) -> Any:
    return regions + 100


def minus_hundred(codes: Any) -> Any:
    return codes - 100


@given(tracks)
def test_a_track_row_comes_back(row: TrackRow) -> None:
    assert decode_track(encode_track(row)) == (row, wire_tracks.TRACK_VERSION)


@given(partitions)
def test_a_partition_row_comes_back(row: PartitionRow) -> None:
    assert decode_partition(encode_partition(row)) == row


@pytest.mark.parametrize("kind", wire_tracks.LAYOUT)
@given(data=st.data())
def test_records_come_back_with_their_regions_as_codes(kind: str, data: st.DataObject) -> None:
    dtype = wire_tracks.LAYOUT[kind]
    count = data.draw(st.integers(0, 3))
    records = np.frombuffer(
        data.draw(st.binary(min_size=count * dtype.itemsize, max_size=count * dtype.itemsize)), dtype
    )
    records = records.copy()
    if "region" in (dtype.names or ()):
        records["region"] = data.draw(st.lists(st.integers(-2, 900), min_size=count, max_size=count))
        codes = np.frombuffer(pack(kind, records, plus_hundred), wire_tracks._packed(dtype))["region"]
        assert codes.tolist() == [region + 100 if region >= 0 else region for region in records["region"].tolist()]
    assert unpack(kind, pack(kind, records, plus_hundred), minus_hundred).tobytes() == records.tobytes()


def test_records_have_no_gaps_and_are_little_endian() -> None:
    for dtype in (MOTION, EVIDENCE, TRAIL):
        fields = wire_tracks._packed(dtype).fields or {}
        assert sum(field[0].itemsize for field in fields.values()) == wire_tracks._packed(dtype).itemsize
        assert all(field[0].str.startswith(("<", "|")) for field in fields.values())


def test_an_older_layout_is_still_read(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [name for name in EVIDENCE.names or () if name not in ("score", "anchor_lon")]
    old = np.dtype([(name, (EVIDENCE.fields or {})[name][0]) for name in names] + [("gone", "i2")])
    record = np.zeros(1, old)
    record["region"], record["entries"] = 107, 3
    monkeypatch.setattr(wire_tracks, "OLDER", {1: dict(wire_tracks.LAYOUT) | {"evidence": old}})
    monkeypatch.setattr(wire_tracks, "TRACK_VERSION", 2)
    row = TrackRow("a", None, 0, 0, 0, 0, ())
    raw = b"\x01" + encode_track(row)[1:]
    assert decode_track(raw) == (row, 1)
    packed = record.astype(wire_tracks._packed(old)).tobytes()
    (found,) = unpack("evidence", packed, minus_hundred, number=1)
    assert (found["region"], found["entries"], found["score"]) == (7, 3, 0.0)
    assert np.isnan(found["anchor_lon"])


def test_newer_rows_are_refused_naming_both_versions() -> None:
    with pytest.raises(NewerVersion, match="version 9; this program reads versions up to 1"):
        decode_track(b"\x09")
    with pytest.raises(NewerVersion, match="version 8; this program reads versions up to 1"):
        decode_partition(b"\x08")


@given(st.binary())
def test_whatever_the_bytes_a_row_is_read_or_refused(raw: bytes) -> None:
    for read in (decode_track, decode_partition):
        with suppress(Malformed):
            read(b"\x01" + raw)


def test_half_a_record_is_refused() -> None:
    with pytest.raises(Malformed, match="bytes of motion; allowed: multiples of"):
        unpack("motion", b"abc", minus_hundred)


def square(ident: str, west: float, size: float = 0.01) -> Region:
    return Region(ident, shapely.box(west, 0, west + size, 0.01))


def wanderers(count: int, seed: int) -> Pings:
    """Phones that walk to and fro over all the borders, one ping a minute."""
    rng = np.random.default_rng(seed)
    device = np.tile(np.arange(6), count // 6)
    minute = np.repeat(np.arange(count // 6), 6)
    lon = 0.015 + 0.014 * np.sin(minute / 17 + device) + rng.normal(0, 0.0004, count)
    return Pings.columns(
        device=[f"phone {number}" for number in device],
        lon=lon,
        lat=np.full(count, 0.005),
        time_ms=minute * 60_000 + device,
        accuracy_m=rng.choice([10.0, 40.0, 300.0], count),
    )


def rested(fence: Fence) -> list[bytes]:
    """Every device's row, as a changelog would have it."""
    rows = []
    for device, slot in fence.devices():
        layers = [
            wire_tracks.layer_row(layer.tracks, slot, name, np.array(layer.version.codes).__getitem__)
            for name, layer in fence._layers.items()
        ]
        its = fence._devices[slot]
        state = [int(its[name]) for name in ("consent", "heard_ms", "barred_ms", "barred_until_ms")]
        rows.append(encode_track(TrackRow(device, None, *state, tuple(layers))))
    return rows


def woken(rows: list[bytes], versions: list[Version], clock_ms: int) -> Fence:
    """A fence that knows what the rows tell."""
    fence = Fence(versions)
    fence.clock_ms = clock_ms
    for raw in rows:
        row, number = decode_track(raw)
        slot = int(fence._roster.slots_of(Texts.of([row.device]))[0])
        fence._reserve(8)
        fence._devices[slot] = (row.consent, -1, row.heard_ms, row.barred_ms, row.barred_until_ms)
        for layer in row.layers:
            state = fence._layers[layer.layer]
            index = np.zeros(999, np.int64)
            index[list(state.version.codes)] = np.arange(len(state.version.codes))
            wire_tracks.put_layer_row(state.tracks, slot, layer, index.__getitem__, number)
    return fence


def test_a_fence_that_was_put_to_rest_decides_as_one_that_was_not() -> None:
    regions = [square("a", 0), square("b", 0.01), square("c", 0.02)]
    zones = [square("wide", 0.004, 0.02), square("narrow", 0.012, 0.004)]
    codes = {"a": 17, "b": 3, "c": 900, "wide": 5, "narrow": 250}
    versions = [
        Version.of("town", regions, codes=codes),
        Version.of("zones", zones, kind=Kind.OVERLAY, dwell_s=300, codes=codes),
    ]
    pings = wanderers(1200, seed=3)
    for cut in (6, 301, 600, 907):
        awake, before = Fence(versions), pings.slice(0, cut)
        awake.observe(before)
        asleep = woken(rested(awake), versions, awake.clock_ms)
        after = pings.slice(cut, len(pings))
        assert list(asleep.tracks()) == list(awake.tracks())
        told = asleep.observe(after).crossings
        assert told == awake.observe(after).crossings
        assert len(told) > 3
        assert rested(asleep) == rested(awake)
